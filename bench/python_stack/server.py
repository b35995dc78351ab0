#!/usr/bin/python3
"""One worker of a service as such services are usually built: FastAPI, torch, prometheus-client.

weir is measured beside it, so it is written to be fast: uvicorn with uvloop and httptools, no
access log, ujson, the model optimized once and run on the thread that reads requests, one thread
within operations, labels of metrics resolved once, and no pydantic for the image: Debian's is not
compiled and takes thirty times as long for its numbers as the model.

    server.py MODEL_FILE PORT     with PROMETHEUS_MULTIPROC_DIR, which all workers share

prints `listening on 127.0.0.1:PORT` and answers
    POST /predict {"image": [[[0, 12, ...], ...], ...]}    -> {"probabilities": [[0.01, ...], ...]}
    GET /metrics                                           of all workers
"""

import socket
import sys
import time

import torch
import ujson
import uvicorn
from fastapi import FastAPI, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

MODEL = {"model": "fashion-fast", "version": "1"}
ROWS, COLUMNS = 28, 28

requests_total = Counter(
    "requests_total", "Requests, by how they ended.", ["model", "version", "code"]
)
answered = requests_total.labels(**MODEL, code="200")
refused = requests_total.labels(**MODEL, code="422")
durations = Histogram("request_duration_seconds", "From body to answer.", ["model", "version"])
duration = durations.labels(**MODEL)


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

    @app.post("/predict")
    async def predict(request: Request):
        body = await request.body()
        began = time.perf_counter()
        try:
            image = torch.tensor(ujson.loads(body)["image"], dtype=torch.uint8)
            if image.dim() != 3 or image.shape[1:] != (ROWS, COLUMNS):
                raise ValueError(f"image is {list(image.shape)}, not [n, {ROWS}, {COLUMNS}]")
        except (ValueError, TypeError, KeyError, RuntimeError) as error:
            refused.inc()
            return Response(ujson.dumps({"detail": str(error)}), 422, media_type="application/json")
        with torch.inference_mode():
            probabilities = model(image).tolist()
        text = ujson.dumps({"probabilities": probabilities})
        answer = Response(text, media_type="application/json")
        duration.observe(time.perf_counter() - began)
        answered.inc()
        return answer

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
