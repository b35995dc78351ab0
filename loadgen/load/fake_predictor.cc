#include "loadgen/load/fake_predictor.h"

#include <chrono>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace weir {
namespace {

v1::PredictStreamResponse Answer(const v1::PredictRequest& request) {
  v1::PredictStreamResponse answer;
  if (request.model().name() == "refuse") {
    answer.mutable_error()->set_request_id(request.request_id());
    answer.mutable_error()->set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
    answer.mutable_error()->set_message("the queue is full");
  } else {
    const bool forge = request.model().name() == "forge";
    answer.mutable_response()->set_request_id(forge ? "nobody" : request.request_id());
    *answer.mutable_response()->mutable_model() = request.model();
  }
  return answer;
}

}  // namespace

FakePredictor::FakePredictor() {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterService(this);
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
}

FakePredictor::~FakePredictor() {
  if (!resumed_.HasBeenNotified()) Resume();
  server_->Shutdown(std::chrono::system_clock::now());
}

grpc::Status FakePredictor::Predict(grpc::ServerContext* /*context*/,
                                    const v1::PredictRequest* request,
                                    v1::PredictResponse* response) {
  const v1::PredictStreamResponse answer = Answer(*request);
  *response = answer.response();
  return {static_cast<grpc::StatusCode>(answer.error().code()), answer.error().message()};
}

grpc::Status FakePredictor::PredictStream(grpc::ServerContext* /*context*/, Stream* stream) {
  ++streams_;
  std::vector<v1::PredictRequest> held;
  v1::PredictRequest request;
  while (stream->Read(&request)) {
    ++requests_;
    last_timeout_us_ = request.timeout_us();
    const std::string& model = request.model().name();
    if (model == "end") return {grpc::StatusCode::INTERNAL, "the model failed"};
    if (model == "finish") return grpc::Status::OK;
    if (model == "stall") resumed_.WaitForNotification();
    if (model == "hold") {
      held.push_back(request);
      continue;
    }
    stream->Write(Answer(request));
    for (const v1::PredictRequest& late : std::exchange(held, {})) stream->Write(Answer(late));
  }
  ++finished_;
  return grpc::Status::OK;
}

}  // namespace weir
