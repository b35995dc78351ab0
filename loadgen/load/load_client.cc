#include "loadgen/load/load_client.h"

#include <time.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/clock.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

}  // namespace

int64_t LoadResult::calls() const {
  return std::accumulate(calls_by_code.begin(), calls_by_code.end(), int64_t{0});
}

double LoadResult::OkPerSecond() const {
  const double seconds = absl::ToDoubleSeconds(duration);
  return seconds > 0 ? static_cast<double>(ok()) / seconds : 0;
}

std::string LoadResult::Codes() const {
  std::vector<std::string> parts;
  for (int code = 0; code < static_cast<int>(calls_by_code.size()); ++code) {
    if (calls_by_code[code] == 0) continue;
    parts.push_back(absl::StrCat(calls_by_code[code], " ",
                                 absl::StatusCodeToString(static_cast<absl::StatusCode>(code))));
  }
  return absl::StrJoin(parts, ", ");
}

void LoadResult::Merge(const LoadResult& other) {
  for (size_t i = 0; i < calls_by_code.size(); ++i) {
    calls_by_code[i] += other.calls_by_code[i];
    unanswered_by_code[i] += other.unanswered_by_code[i];
  }
  latency_ns.Merge(other.latency_ns);
  send_lag_ns.Merge(other.send_lag_ns);
  duration = std::max(duration, other.duration);
  client_cpu += other.client_cpu;
  all_calls += other.all_calls;
  outcomes.insert(outcomes.end(), other.outcomes.begin(), other.outcomes.end());
}

// The requests of a run, in turn, and what became of those that ended in the time that is measured.
class LoadClient::Repeated : public Traffic {
 public:
  // Both must outlive this object.
  Repeated(LoadClient& client, LoadResult& result)
      : client_(client), options_(client.options_), result_(result) {}

  absl::Time start, measured_from, measured_to = absl::InfiniteFuture();
  absl::Duration last_due;  // Since the start.

  Shot Next(absl::Time due) override {
    last_due = due - start;
    const std::string& request = options_.requests[client_.next_request_];
    if (++client_.next_request_ == options_.requests.size()) client_.next_request_ = 0;
    return {.method = &client_.method_, .message = request, .timeout = options_.timeout};
  }

  void OnSent(const Shot& /*shot*/, absl::Time due, absl::Time sent) override {
    ++result_.all_calls;
    result_.send_lag_ns.Record(std::max<int64_t>(0, absl::ToInt64Nanoseconds(sent - due)));
  }

  void OnEnd(const Shot& /*shot*/, absl::Time due, absl::Time now, const absl::Status& status,
             absl::string_view /*response*/) override {
    if (now < measured_from || now >= measured_to) return;
    const auto code = static_cast<size_t>(status.code());
    ++result_.calls_by_code[code];
    if (!options_.is_answer(status)) ++result_.unanswered_by_code[code];
    const absl::Duration latency = now - due;
    if (status.ok()) result_.latency_ns.Record(absl::ToInt64Nanoseconds(latency));
    if (options_.keep_outcomes) result_.outcomes.push_back({due - start, latency, status.code()});
  }

 private:
  LoadClient& client_;
  const Options& options_;
  LoadResult& result_;
};

absl::StatusOr<std::unique_ptr<LoadClient>> LoadClient::Create(Options options) {
  if (options.requests.empty()) return absl::InvalidArgumentError("there is no request to send");
  auto client = absl::WrapUnique(new LoadClient(std::move(options)));
  WEIR_RETURN_IF_ERROR(
      client->client_
          .AddTarget(client->options_.address, client->options_.connections, kConnectTimeout)
          .status());
  return client;
}

LoadClient::LoadClient(Options options)
    : options_(std::move(options)),
      method_{.path = options_.method, .metadata = {}},
      loop_(client_, {.wait_for_servers = options_.wait_for_server}) {}

LoadResult LoadClient::RunClosedLoop(int in_flight, absl::Duration warm_up,
                                     absl::Duration duration) {
  LoadResult result;
  result.duration = duration;
  Repeated traffic(*this, result);
  traffic.start = MonotonicNow();
  traffic.measured_from = traffic.start + warm_up;
  traffic.measured_to = traffic.measured_from + duration;
  loop_.RunClosed(in_flight, traffic.measured_from, traffic);
  const absl::Duration cpu_before = ThreadCpu();
  loop_.RunClosed(in_flight, traffic.measured_to, traffic);
  result.client_cpu = ThreadCpu() - cpu_before;
  loop_.Drain(absl::InfiniteFuture());
  return result;
}

LoadResult LoadClient::RunOpenLoop(std::unique_ptr<Pacer> pacer) {
  LoadResult result;
  Repeated traffic(*this, result);
  const absl::Duration cpu_before = ThreadCpu();
  traffic.start = MonotonicNow();
  traffic.measured_from = traffic.start;
  loop_.RunOpen(*pacer, traffic.start, absl::InfiniteFuture(), traffic);
  loop_.Drain(absl::InfiniteFuture());
  result.client_cpu = ThreadCpu() - cpu_before;
  result.duration = traffic.last_due;
  return result;
}

}  // namespace weir
