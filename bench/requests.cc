#include "bench/requests.h"

#include <chrono>

#include "absl/status/status.h"
#include "base/status_macros.h"
#include "grpcpp/client_context.h"
#include "weir/v1/diagnostics.grpc.pb.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {
namespace {

constexpr std::chrono::seconds kTimeout(30);

// absl and gRPC number their codes alike.
absl::Status FromGrpc(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace

std::string PredictRequestBytes(const ModelSettings& settings, const HeldOut& held_out, int rows,
                                int first) {
  v1::PredictRequest request;
  request.mutable_model()->set_name(settings.name);
  v1::Tensor& input = *request.add_inputs();
  input.set_name(settings.inputs[0].name);
  input.add_shape(rows);
  for (const int64_t size : settings.inputs[0].dims) input.add_shape(size);
  input.set_data(std::string(held_out.Rows(first, rows)));
  return request.SerializeAsString();
}

absl::StatusOr<std::string> EchoRequestLike(const std::string& predict_request,
                                            const std::shared_ptr<grpc::Channel>& channel) {
  v1::PredictRequest request;
  request.ParseFromString(predict_request);
  v1::PredictResponse response;
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kTimeout);
  WEIR_RETURN_IF_ERROR(
      FromGrpc(v1::Predictor::NewStub(channel)->Predict(&context, request, &response)));
  v1::EchoRequest echo;
  v1::EchoResponse answer;
  // Beside its payload a message takes some bytes for the payload's size and for other fields.
  const size_t answer_bytes = response.ByteSizeLong();
  answer.mutable_payload()->resize(answer_bytes);
  echo.set_answer_bytes(2 * answer_bytes - answer.ByteSizeLong());
  echo.mutable_payload()->resize(predict_request.size());
  echo.mutable_payload()->resize(2 * predict_request.size() - echo.ByteSizeLong());
  return echo.SerializeAsString();
}

std::function<absl::Status()> EchoCaller(const std::string& echo_request,
                                         const std::shared_ptr<grpc::Channel>& channel) {
  v1::EchoRequest request;
  request.ParseFromString(echo_request);
  return [request, stub = std::shared_ptr(v1::Diagnostics::NewStub(channel))] {
    v1::EchoResponse response;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kTimeout);
    return FromGrpc(stub->Echo(&context, request, &response));
  };
}

}  // namespace weir
