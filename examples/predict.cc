// Asks flats-price what a flat costs.
#include <chrono>
#include <cstring>
#include <iostream>
#include <string>

#include "grpcpp/grpcpp.h"
#include "weir/v1/predictor.grpc.pb.h"

int main(int argc, char** argv) {
  weir::v1::PredictRequest request;
  request.mutable_model()->set_name("flats-price");
  weir::v1::Tensor& features = *request.add_inputs();
  features.set_name("features");
  features.add_shape(1);
  features.add_shape(14);
  for (const double value :
       {1.0, 55.75, 37.62, 2.7, 120.0, 16.0, 1.0, 7.0, 10.0, 30.0, 2.0, 0.0, 55.0, 2005.0}) {
    features.add_values(value);
  }

  const std::string address = argc > 1 ? argv[1] : "127.0.0.1:8001";
  const auto stub = weir::v1::Predictor::NewStub(
      grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(1));
  weir::v1::PredictResponse response;
  const grpc::Status status = stub->Predict(&context, request, &response);
  if (!status.ok()) {
    std::cerr << status.error_message() << "\n";
    return 1;
  }
  float price;
  std::memcpy(&price, response.outputs(0).data().data(), sizeof(price));
  std::cout << static_cast<int64_t>(price) << " roubles\n";
}
