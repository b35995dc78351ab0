// weir-health: waits until a server, or one model of it, is serving.
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "grpc/health/v1/health.grpc.pb.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"

ABSL_FLAG(std::string, address, "127.0.0.1:8001", "The server's host:port.");
ABSL_FLAG(std::string, model, "", "The model to ask for; the whole server if empty.");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(10), "How long to wait.");

namespace {

using grpc::health::v1::Health;
using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Follows the server's state until it serves; else what ended the watch, with the last state seen.
grpc::Status WaitUntilServing(const std::shared_ptr<grpc::Channel>& channel,
                              const HealthCheckRequest& request, absl::Time until,
                              HealthCheckResponse& last) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(until));
  context.set_wait_for_ready(true);
  const auto updates = Health::NewStub(channel)->Watch(&context, request);
  while (updates->Read(&last)) {
    if (last.status() == HealthCheckResponse::SERVING) {
      context.TryCancel();
      return grpc::Status::OK;
    }
  }
  return updates->Finish();
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments =
      weir::ParseFlags(argc, argv, "waits until a weir server, or one model of it, is serving");
  if (!arguments.empty()) {
    std::cerr << "unexpected argument: " << arguments[0] << "\n";
    return 2;
  }
  const std::string address = absl::GetFlag(FLAGS_address);
  const auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  HealthCheckRequest request;
  request.set_service(absl::GetFlag(FLAGS_model));
  const absl::Time until = absl::Now() + absl::GetFlag(FLAGS_timeout);
  HealthCheckResponse last;
  grpc::Status status;
  do {  // A connection that breaks while the server starts is tried again, once there is another.
    status = WaitUntilServing(channel, request, until, last);
    if (status.ok()) return 0;
  } while (status.error_code() == grpc::StatusCode::UNAVAILABLE && absl::Now() < until);
  std::string why = status.error_message();
  if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) {
    why = absl::StrCat(last.status() == HealthCheckResponse::UNKNOWN
                           ? "nothing answered"
                           : HealthCheckResponse::ServingStatus_Name(last.status()),
                       " after ", absl::FormatDuration(absl::GetFlag(FLAGS_timeout)));
  }
  std::cerr << address << (request.service().empty() ? "" : " model " + request.service())
            << " is not serving: " << why << "\n";
  return 1;
}
