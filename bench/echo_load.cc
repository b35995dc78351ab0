#include "bench/echo_load.h"

#include <time.h>

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "bench/requests.h"
#include "loadgen/client/call_client.h"
#include "loadgen/client/call_once.h"
#include "loadgen/inputs/model_info.h"
#include "loadgen/load/load_loop.h"
#include "loadgen/report/tally.h"
#include "loadgen/scenario_traffic.h"
#include "weir/v1/diagnostics.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);
// The tally's phases.
constexpr int kWarmUp = 0;
constexpr int kMeasured = 1;

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

// How large the answer to an EchoRequest is.
size_t AnswerBytes(const std::string& request) {
  v1::EchoRequest echo;
  echo.ParseFromString(request);
  v1::EchoResponse answer;
  answer.mutable_payload()->resize(echo.answer_bytes());
  return answer.ByteSizeLong();
}

// Another traffic's requests, with a message of its own, and `answer` in place of answers.
class EchoTraffic : public Traffic {
 public:
  // All of them must outlive this object.
  EchoTraffic(Traffic& requests, absl::string_view message, size_t answer_bytes,
              absl::string_view answer)
      : requests_(requests), message_(message), answer_bytes_(answer_bytes), answer_(answer) {}

  int64_t failed() const { return failed_; }

  Shot Next(absl::Time due) override {
    Shot shot = requests_.Next(due);
    shot.message = message_;
    return shot;
  }

  void OnSent(const Shot& shot, absl::Time due, absl::Time sent) override {
    requests_.OnSent(shot, due, sent);
  }

  void OnEnd(const Shot& shot, absl::Time due, absl::Time now, const absl::Status& status,
             absl::string_view response) override {
    if (!status.ok() || response.size() != answer_bytes_) ++failed_;
    requests_.OnEnd(shot, due, now, status, answer_);
  }

 private:
  Traffic& requests_;
  const absl::string_view message_;
  const size_t answer_bytes_;
  const absl::string_view answer_;
  int64_t failed_ = 0;
};

}  // namespace

absl::StatusOr<EchoLoad> EchoLoad::Create(const ServerUnderTest& server, const std::string& model) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<ModelInfo> models,
                        FindModels({server.address()}, kTimeout));
  for (const ModelInfo& info : models) {
    if (info.description.name() != model) continue;
    v1::LoadTraffic traffic;
    traffic.set_model(model);
    WEIR_ASSIGN_OR_RETURN(RequestSet requests, RequestSet::Create(traffic, info.description, {}));
    EchoLoad load(server.address(), model, std::move(requests));
    const std::string first(load.requests_.message(0));
    WEIR_ASSIGN_OR_RETURN(load.message_, EchoRequestLike(first, server.channel()));
    load.answer_bytes_ = AnswerBytes(load.message_);
    WEIR_ASSIGN_OR_RETURN(load.answer_,
                          CallOnce(server.address(), kPredictMethod, first, kTimeout));
    return load;
  }
  return absl::NotFoundError(absl::StrCat("the server does not have the model ", model));
}

absl::StatusOr<EchoLoadReport> EchoLoad::Run(int in_flight, int connections, absl::Duration warm_up,
                                             absl::Duration duration) const {
  CallClient client;
  WEIR_ASSIGN_OR_RETURN(const int target, client.AddTarget(address_, connections, kTimeout));
  Tally tally({{.name = "warm-up", .warm_up = true}, {.name = "measured"}}, {{.model = model_}});
  ScenarioTraffic requests({{.targets = {target},
                             .requests = &requests_,
                             .method = {.path = kEchoMethod},
                             .timeout = kTimeout}},
                           {{0}, {0}}, /*seed=*/1, tally, [](int /*phase*/) {});
  EchoTraffic traffic(requests, message_, answer_bytes_, answer_);
  LoadLoop loop(client);
  const auto run = [&](int phase, absl::Duration length) {
    const absl::Time start = MonotonicNow();
    tally.BeginPhase(phase, start);
    requests.BeginPhase(phase);
    loop.RunClosed(in_flight, start + length, traffic);
    tally.EndPhase(phase, MonotonicNow());
  };
  run(kWarmUp, warm_up);
  const absl::Duration cpu_before = ThreadCpu();
  run(kMeasured, duration);
  const absl::Duration cpu = ThreadCpu() - cpu_before;
  loop.Drain(absl::InfiniteFuture());
  const double per_second = tally.AnsweredPerSecond(kMeasured);
  if (traffic.failed() > 0 || per_second == 0) {
    return absl::InternalError(
        absl::StrCat("not all calls were answered as they should: ", traffic.failed(),
                     " were not, ", per_second, " a second were"));
  }
  return EchoLoadReport{.per_second = per_second,
                        .cpu_per_call = cpu / (per_second * absl::ToDoubleSeconds(duration))};
}

}  // namespace weir
