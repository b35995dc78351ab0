# Asks fashion-fast what is on an image of the Fashion-MNIST test set.
import gzip
import sys

import grpc
from weir.v1 import predictor_pb2

with gzip.open("/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz") as file:
    image = file.read()[16 : 16 + 28 * 28]  # The first one, behind the file's header.

request = predictor_pb2.PredictRequest()
request.model.name = "fashion-fast"
request.inputs.add(name="image", shape=[1, 28, 28], data=image)
request.outputs.add(name="probabilities", top_k=3)

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:8001"
with grpc.insecure_channel(address) as channel:
    predict = channel.unary_unary(
        "/weir.v1.Predictor/Predict",
        request_serializer=predictor_pb2.PredictRequest.SerializeToString,
        response_deserializer=predictor_pb2.PredictResponse.FromString,
    )
    response = predict(request, timeout=1)

for best in response.classifications[0].rows[0].classes:
    print(f"{best.score:6.1%}  {best.label}")
