#!/usr/bin/python3
"""One worker of a service as such services are usually built: FastAPI, torch, prometheus-client.

weir is measured beside it, so it is written to be fast: uvicorn with uvloop and httptools, no
access log, the model optimized once and run on the thread that reads requests, one thread within
operations, labels of metrics resolved once. /predict also goes around what FastAPI does for its
users: it reads the body with ujson and checks the image by itself. /predict_declared declares its
body, as most services do.

    server.py MODEL_FILE PORT     with PROMETHEUS_MULTIPROC_DIR, which all workers share

prints `listening on 127.0.0.1:PORT` and answers
    POST /predict {"image": [[[0, 12, ...], ...], ...]}    -> {"probabilities": [[0.01, ...], ...]}
    POST /predict_declared                                 the same
    GET /metrics                                           of all workers
"""

import socket
import sys
import time
from typing import List

import torch
import ujson
import uvicorn
from fastapi import FastAPI, HTTPException, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)
from pydantic import BaseModel

MODEL = {"model": "fashion-fast", "version": "1"}
ROWS, COLUMNS = 28, 28

requests_total = Counter(
    "requests_total", "Requests, by how they ended.", ["model", "version", "code"]
)
answered = requests_total.labels(**MODEL, code="200")
refused = requests_total.labels(**MODEL, code="422")
durations = Histogram("request_duration_seconds", "From body to answer.", ["model", "version"])
duration = durations.labels(**MODEL)


class Images(BaseModel):
    image: List[List[List[int]]]


def load_model(path):
    torch.set_num_threads(1)
    model = torch.jit.optimize_for_inference(torch.jit.freeze(torch.jit.load(path).eval()))
    image = torch.zeros((1, ROWS, COLUMNS), dtype=torch.uint8)
    with torch.inference_mode():
        for _ in range(20):  # The first calls are slow: TorchScript makes its plan.
            model(image)
    return model


def make_app(model):
    app = FastAPI(openapi_url=None)

    def infer(pixels):
        try:
            image = torch.tensor(pixels, dtype=torch.uint8)
        except (TypeError, RuntimeError) as error:
            raise ValueError(str(error)) from error
        if image.dim() != 3 or image.shape[1:] != (ROWS, COLUMNS):
            raise ValueError(f"image is {list(image.shape)}, not [n, {ROWS}, {COLUMNS}]")
        with torch.inference_mode():
            return model(image).tolist()

    @app.post("/predict")
    async def predict(request: Request):
        body = await request.body()
        began = time.perf_counter()
        try:
            probabilities = infer(ujson.loads(body)["image"])
        except (ValueError, TypeError, KeyError) as error:
            refused.inc()
            return Response(ujson.dumps({"detail": str(error)}), 422, media_type="application/json")
        text = ujson.dumps({"probabilities": probabilities})
        answer = Response(text, media_type="application/json")
        duration.observe(time.perf_counter() - began)
        answered.inc()
        return answer

    @app.post("/predict_declared")
    async def predict_declared(images: Images):
        began = time.perf_counter()
        try:
            probabilities = infer(images.image)
        except ValueError as error:
            refused.inc()
            raise HTTPException(422, str(error)) from error
        duration.observe(time.perf_counter() - began)
        answered.inc()
        return {"probabilities": probabilities}

    @app.get("/metrics")
    def metrics():
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def main():
    app = make_app(load_model(sys.argv[1]))
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])), backlog=2048)
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    config = uvicorn.Config(
        app, loop="uvloop", http="httptools", access_log=False, log_level="warning", lifespan="off"
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
