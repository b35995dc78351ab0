#include "tests/serving_fixture.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

namespace weir {
namespace {

std::vector<std::string> Command(const std::vector<std::string>& flags) {
  std::vector<std::string> command = {"server/weir-server", "--host=127.0.0.1", "--port=0"};
  command.insert(command.end(), flags.begin(), flags.end());
  return command;
}

}  // namespace

RunningServer::RunningServer(const std::vector<std::string>& flags) : process_(Command(flags)) {
  const auto line = process_.WaitForLine("listening on ");
  if (!line) {
    ADD_FAILURE() << "the server does not listen:\n" << process_.output();
    return;
  }
  address_ = line->substr(line->find("listening on ") + sizeof("listening on ") - 1);
  channel_ = grpc::CreateChannel(address_, grpc::InsecureChannelCredentials());
}

bool RunningServer::WaitUntilReady(const std::string& model) {
  return process_.WaitForLine(absl::StrCat("model ", model, " ready")).has_value();
}

grpc::Status RunningServer::Predict(const v1::PredictRequest& request,
                                    v1::PredictResponse* response, absl::Duration timeout) const {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + timeout));
  return v1::Predictor::NewStub(channel_)->Predict(&context, request, response);
}

v1::PredictRequest BlankImage(const std::string& model) {
  v1::PredictRequest request;
  request.mutable_model()->set_name(model);
  v1::Tensor& image = *request.add_inputs();
  image.set_name("image");
  for (const int size : {1, 28, 28}) image.add_shape(size);
  image.set_data(std::string(28 * 28, '\0'));
  return request;
}

}  // namespace weir
