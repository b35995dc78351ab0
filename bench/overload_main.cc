// weir-bench-overload: what becomes of a server that is sent three times what it can answer.
//
// Client and server share the machine, and a request that is refused costs both of them time too.
// So requests are of a heavy model and have several rows: then that time is small beside the
// model's, and what is measured is what the server makes of the model's time.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/outcomes.h"
#include "bench/repeats.h"
#include "bench/requests.h"
#include "bench/server_under_test.h"
#include "grpcpp/client_context.h"
#include "loadgen/load/load_client.h"
#include "loadgen/load/pacer.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/held_out.h"
#include "server/model/model_settings.h"
#include "weir/v1/admin.grpc.pb.h"

ABSL_FLAG(std::string, server, "bazel-bin/server/weir-server", "The server to measure.");
ABSL_FLAG(std::string, model_repository, "models/repository", "Where the models are.");
ABSL_FLAG(std::string, model, "fashion-accurate", "The model to measure.");
ABSL_FLAG(std::vector<std::string>, server_flags, {}, "More flags for the server.");
ABSL_FLAG(int, rows, 16, "Of each request.");
ABSL_FLAG(absl::Duration, deadline, absl::Milliseconds(100), "Of each request.");
ABSL_FLAG(double, seconds, 3, "How long each load is measured in each repeat.");
ABSL_FLAG(int, repeats, 5, "How often all is measured.");

namespace weir {
namespace {

// What comes before it, at the beginning of a load, is not measured.
constexpr absl::Duration kSettle = absl::Milliseconds(500);

// Of the load before and after the overload.
constexpr double kNormalLoad = 0.5;
constexpr double kOverload = 3;

// A closed loop waits for its client now and then, so an open one may carry more. The most that
// comes back of these is the goodput at capacity.
constexpr double kAroundCapacity[] = {0.9, 1.0, 1.15, 1.3, 1.5};
constexpr absl::Duration kNormalTime = absl::Seconds(2);

// A client that sends calls later than this share of the deadline does not put on the load it
// should.
constexpr double kMaxSendLag = 0.2;

class OverloadBenchmark {
 public:
  OverloadBenchmark(std::unique_ptr<ServerUnderTest> server, std::string request)
      : server_(std::move(server)),
        request_(std::move(request)),
        deadline_(absl::GetFlag(FLAGS_deadline)),
        measured_(absl::Seconds(absl::GetFlag(FLAGS_seconds))) {}

  absl::StatusOr<std::string> Run();

 private:
  // Requests a second that the server answers when it always has enough to do.
  absl::StatusOr<double> FindCapacity();

  // Answers in time a second, of an open loop of `per_second`.
  absl::StatusOr<double> Goodput(LoadClient& client, double per_second);

  // A normal load, an overload, and a normal load again.
  absl::Status MeasureOverload(LoadClient& client, double capacity, double goodput_at_capacity);

  // At the times of a Poisson process.
  absl::StatusOr<LoadResult> RunOpenLoop(LoadClient& client, std::vector<RatePiece> curve);

  absl::StatusOr<int64_t> ExpiredExecutedRows() const;

  absl::StatusOr<std::unique_ptr<LoadClient>> Connect(absl::Duration timeout) const {
    return LoadClient::Create({.address = server_->address(),
                               .method = kPredictMethod,
                               .requests = {request_},
                               .timeout = timeout,
                               .keep_outcomes = true});
  }

  const std::unique_ptr<ServerUnderTest> server_;
  const std::string request_;
  const absl::Duration deadline_;
  const absl::Duration measured_;
  uint64_t seed_ = 0;
  Repeats repeats_;
};

absl::StatusOr<double> OverloadBenchmark::FindCapacity() {
  WEIR_ASSIGN_OR_RETURN(const auto client, Connect(absl::Seconds(30)));
  double most = 0;
  for (const int in_flight : {8, 16, 32, 64}) {
    const LoadResult result = client->RunClosedLoop(in_flight, kSettle, absl::Seconds(1));
    if (result.ok() != result.calls()) {
      return absl::InternalError(absl::StrCat("not all calls were answered: ", result.Codes()));
    }
    most = std::max(most, result.OkPerSecond());
  }
  return most;
}

absl::StatusOr<LoadResult> OverloadBenchmark::RunOpenLoop(LoadClient& client,
                                                          std::vector<RatePiece> curve) {
  LoadResult result = client.RunOpenLoop(PacePoisson(std::move(curve), ++seed_));
  const absl::Duration lag = absl::Nanoseconds(result.send_lag_ns.Quantile(0.99));
  if (lag > kMaxSendLag * deadline_) {
    return absl::InternalError(absl::StrCat("the client could not keep up: 1 % of its calls were ",
                                            absl::FormatDuration(lag), " late"));
  }
  repeats_.Add("client's lag, p99 ms", absl::ToDoubleMilliseconds(lag));
  return result;
}

absl::StatusOr<double> OverloadBenchmark::Goodput(LoadClient& client, double per_second) {
  const absl::Duration end = kSettle + measured_;
  WEIR_ASSIGN_OR_RETURN(const LoadResult result,
                        RunOpenLoop(client, {{per_second, per_second, end}}));
  const auto measured = DueBetween(result.outcomes, kSettle, end);
  return static_cast<double>(AnsweredWithin(measured, deadline_)) /
         absl::ToDoubleSeconds(measured_);
}

absl::Status OverloadBenchmark::MeasureOverload(LoadClient& client, double capacity,
                                                double goodput_at_capacity) {
  const absl::Duration rise = kSettle + kNormalTime;
  const absl::Duration fall = rise + kSettle + measured_;
  const absl::Duration end = fall + kNormalTime;
  const double normal_rate = kNormalLoad * capacity;
  const double overload_rate = kOverload * capacity;
  WEIR_ASSIGN_OR_RETURN(const LoadResult result,
                        RunOpenLoop(client, {{normal_rate, normal_rate, rise},
                                             {overload_rate, overload_rate, fall - rise},
                                             {normal_rate, normal_rate, end - fall}}));

  const auto before = DueBetween(result.outcomes, kSettle, rise);
  const absl::Duration normal = AnsweredLatency(before, 0.99);
  const auto overload = DueBetween(result.outcomes, rise + kSettle, fall);
  const double goodput =
      static_cast<double>(AnsweredWithin(overload, deadline_)) / absl::ToDoubleSeconds(measured_);
  const auto sent = static_cast<double>(overload.size());
  const auto share = [&](absl::StatusCode code) {
    return static_cast<double>(CountOf(overload, code)) / sent;
  };
  repeats_.Add("goodput at 3x, requests/s", goodput);
  repeats_.Add("goodput at 3x / at capacity", goodput / goodput_at_capacity);
  repeats_.Add("sent at 3x, requests/s", sent / absl::ToDoubleSeconds(measured_));
  repeats_.Add("answered at 3x, share", share(absl::StatusCode::kOk));
  repeats_.Add("refused at 3x, share", share(absl::StatusCode::kResourceExhausted));
  repeats_.Add("too late at 3x, share", share(absl::StatusCode::kDeadlineExceeded));
  repeats_.Add("answered at 3x, p50 ms",
               absl::ToDoubleMilliseconds(AnsweredLatency(overload, 0.5)));
  repeats_.Add("answered at 3x, p99 ms",
               absl::ToDoubleMilliseconds(AnsweredLatency(overload, 0.99)));
  repeats_.Add("normal load, p99 ms", absl::ToDoubleMilliseconds(normal));
  repeats_.Add(
      "recovery, ms",
      absl::ToDoubleMilliseconds(
          RecoveryTime(result.outcomes, fall, end, normal).value_or(absl::InfiniteDuration())));
  repeats_.Add("server's memory afterwards, MB",
               static_cast<double>(server_->ResidentBytes()) / 1e6);
  return absl::OkStatus();
}

absl::StatusOr<int64_t> OverloadBenchmark::ExpiredExecutedRows() const {
  grpc::ClientContext context;
  v1::ListModelsResponse response;
  const grpc::Status status =
      v1::Admin::NewStub(server_->channel())->ListModels(&context, {}, &response);
  if (!status.ok()) return absl::InternalError(status.error_message());
  int64_t rows = 0;
  for (const v1::ModelState& model : response.models()) {
    for (const v1::VersionState& version : model.versions()) {
      rows += version.counts().expired_executed_rows();
    }
  }
  return rows;
}

absl::StatusOr<std::string> OverloadBenchmark::Run() {
  WEIR_ASSIGN_OR_RETURN(const double capacity, FindCapacity());
  repeats_.Add("capacity, requests/s", capacity);
  repeats_.Add("server's memory before, MB", static_cast<double>(server_->ResidentBytes()) / 1e6);
  WEIR_ASSIGN_OR_RETURN(const auto client, Connect(deadline_));
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    double at_capacity = 0;
    for (const double share : kAroundCapacity) {
      WEIR_ASSIGN_OR_RETURN(const double goodput, Goodput(*client, share * capacity));
      repeats_.Add(absl::StrFormat("goodput at %.2fx, requests/s", share), goodput);
      at_capacity = std::max(at_capacity, goodput);
    }
    WEIR_RETURN_IF_ERROR(MeasureOverload(*client, capacity, at_capacity));
  }
  WEIR_ASSIGN_OR_RETURN(const int64_t expired_executed, ExpiredExecutedRows());
  WEIR_RETURN_IF_ERROR(server_->Stop());
  std::cout << repeats_.Table(absl::GetFlag(FLAGS_model))
            << absl::StreamFormat("  (%d rows a request; capacity is that of a closed loop)\n\n",
                                  absl::GetFlag(FLAGS_rows));
  return absl::StrFormat(
      "BENCH overload goodput_ratio=%.3f expired_executed=%d p99_ms=%.1f deadline_ms=%.0f "
      "recovery_ms=%.0f",
      repeats_.MedianOf("goodput at 3x / at capacity"), expired_executed,
      repeats_.MedianOf("answered at 3x, p99 ms"), absl::ToDoubleMilliseconds(deadline_),
      repeats_.MedianOf("recovery, ms"));
}

absl::StatusOr<std::string> Measure() {
  const std::string model = absl::GetFlag(FLAGS_model);
  const std::string repository = absl::GetFlag(FLAGS_model_repository);
  WEIR_ASSIGN_OR_RETURN(const ModelSettings settings,
                        LoadModelSettings(absl::StrCat(repository, "/", model)));
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(settings.family, kFashionMnistDirectory));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<ServerUnderTest> server,
                        ServerUnderTest::Start({.program = absl::GetFlag(FLAGS_server),
                                                .model_repository = repository,
                                                .models = {model},
                                                .more_flags = absl::GetFlag(FLAGS_server_flags)}));
  return OverloadBenchmark(std::move(server),
                           PredictRequestBytes(settings, held_out, absl::GetFlag(FLAGS_rows)))
      .Run();
}

int Main() {
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-overload: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures what becomes of a server that is sent too much");
  return weir::Main();
}
