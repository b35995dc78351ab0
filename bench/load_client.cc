#include "bench/load_client.h"

#include <sys/prctl.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "grpc/support/time.h"
#include "grpcpp/channel.h"
#include "grpcpp/client_context.h"
#include "grpcpp/completion_queue.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/channel_arguments.h"
#include "grpcpp/support/slice.h"

namespace weir {
namespace {

constexpr absl::Duration kConnectTimeout = absl::Seconds(10);

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

void SleepUntil(absl::Time time) {
  using SteadyClock = std::chrono::steady_clock;
  std::this_thread::sleep_until(
      SteadyClock::time_point(absl::ToChronoNanoseconds(time - absl::UnixEpoch())));
}

// MonotonicNow() and gRPC's monotonic clock are both the system's.
gpr_timespec GrpcTime(absl::Time time) {
  return gpr_time_from_nanos(absl::ToUnixNanos(time), GPR_CLOCK_MONOTONIC);
}

grpc::ByteBuffer Bytes(const std::string& text) {
  const grpc::Slice slice(text);
  return grpc::ByteBuffer(&slice, 1);
}

// With a socket of its own.
std::shared_ptr<grpc::Channel> CreateChannel(const LoadClient::Options& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A retry would hide what is measured; and even a call without one is 1 us cheaper.
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  if (options.wait_for_server) {
    arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 100);
    arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  }
  return grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments);
}

absl::Status Connect(grpc::Channel& channel) {
  const gpr_timespec deadline = GrpcTime(MonotonicNow() + kConnectTimeout);
  grpc_connectivity_state state;
  while ((state = channel.GetState(/*try_to_connect=*/true)) != GRPC_CHANNEL_READY) {
    if (state == GRPC_CHANNEL_TRANSIENT_FAILURE || !channel.WaitForStateChange(state, deadline)) {
      return absl::UnavailableError("no connection to the server");
    }
  }
  return absl::OkStatus();
}

// One call at a time. The completion queue gives out its address when it has ended.
struct Call {
  absl::Time due;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
};

}  // namespace

int64_t LoadReport::calls() const {
  return std::accumulate(calls_by_code.begin(), calls_by_code.end(), int64_t{0});
}

std::string LoadReport::Codes() const {
  std::vector<std::string> parts;
  for (int code = 0; code < static_cast<int>(calls_by_code.size()); ++code) {
    if (calls_by_code[code] == 0) continue;
    // absl and gRPC number their codes alike.
    parts.push_back(absl::StrCat(calls_by_code[code], " ",
                                 absl::StatusCodeToString(static_cast<absl::StatusCode>(code))));
  }
  return absl::StrJoin(parts, ", ");
}

void LoadReport::Merge(const LoadReport& other) {
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

// What one thread does.
class LoadClient::Worker {
 public:
  Worker(const Options& options, int connections)
      : options_(options), request_(Bytes(options.request)) {
    for (int i = 0; i < connections; ++i) {
      channels_.push_back(CreateChannel(options));
      stubs_.push_back(std::make_unique<grpc::GenericStub>(channels_.back()));
    }
  }

  ~Worker() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::Status Connect() {
    for (const auto& channel : channels_) WEIR_RETURN_IF_ERROR(weir::Connect(*channel));
    return absl::OkStatus();
  }

  LoadReport RunClosedLoop(int in_flight, absl::Time start, absl::Duration warm_up,
                           absl::Duration duration) {
    const absl::Time begin = start + warm_up;
    const absl::Time end = begin + duration;
    LoadReport report;
    report.duration = duration;
    std::optional<absl::Duration> cpu_at_begin;
    std::vector<Call> calls(in_flight);
    for (Call& call : calls) Start(call, MonotonicNow());
    for (int running = in_flight; running > 0;) {
      Call& call = NextEnd();
      const absl::Time now = MonotonicNow();
      if (!cpu_at_begin && now >= begin) cpu_at_begin = ThreadCpu();
      Count(call, start, now, /*measured=*/now >= begin && now < end, report);
      if (now < end) {
        Start(call, now);
      } else {
        if (running == in_flight) report.client_cpu = ThreadCpu() - *cpu_at_begin;
        --running;
      }
    }
    return report;
  }

  // `arrivals` are those of all workers, of which this one has every `stride`th from `first` on.
  LoadReport RunOpenLoop(absl::Span<const absl::Duration> arrivals, size_t first, size_t stride,
                         absl::Time start) {
    LoadReport report;
    const absl::Duration cpu_at_begin = ThreadCpu();
    absl::Duration sender_cpu;
    std::vector<Call> calls;
    calls.resize(arrivals.size() > first ? (arrivals.size() - first - 1) / stride + 1 : 0);
    std::thread sender([&] {
      prctl(PR_SET_TIMERSLACK, 1);  // Nanoseconds by which the kernel may be late; usually 50,000.
      for (size_t i = 0; i < calls.size(); ++i) {
        const absl::Time due = start + arrivals[first + i * stride];
        SleepUntil(due);
        const absl::Duration lag = MonotonicNow() - due;
        report.send_lag_ns.Record(std::max<int64_t>(0, absl::ToInt64Nanoseconds(lag)));
        Start(calls[i], due);
      }
      sender_cpu = ThreadCpu();
    });
    for (size_t ended = 0; ended < calls.size(); ++ended) {
      Call& call = NextEnd();
      Count(call, start, MonotonicNow(), /*measured=*/true, report);
    }
    sender.join();
    report.client_cpu = ThreadCpu() - cpu_at_begin + sender_cpu;
    report.duration = arrivals.empty() ? absl::ZeroDuration() : arrivals.back();
    return report;
  }

 private:
  void Start(Call& call, absl::Time due) {
    call.due = due;
    call.context = std::make_unique<grpc::ClientContext>();
    call.context->set_deadline(GrpcTime(due + options_.timeout));
    call.context->set_wait_for_ready(options_.wait_for_server);
    grpc::GenericStub& stub = *stubs_[next_stub_];
    if (++next_stub_ == stubs_.size()) next_stub_ = 0;
    call.reader = stub.PrepareUnaryCall(call.context.get(), options_.method, request_, &queue_);
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }

  Call& NextEnd() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    return *static_cast<Call*>(tag);
  }

  void Count(Call& call, absl::Time start, absl::Time now, bool measured,
             LoadReport& report) const {
    call.reader.reset();
    call.context.reset();
    call.response.Clear();
    ++report.all_calls;
    if (!measured) return;
    const grpc::StatusCode code = call.status.error_code();
    const bool known = code >= 0 && code < static_cast<int>(report.calls_by_code.size());
    const grpc::StatusCode counted_as = known ? code : grpc::StatusCode::UNKNOWN;
    ++report.calls_by_code[counted_as];
    if (!call.status.ok() && options_.is_answer && !options_.is_answer(call.status)) {
      ++report.unanswered_by_code[counted_as];
    }
    const absl::Duration latency = now - call.due;
    if (call.status.ok()) report.latency_ns.Record(absl::ToInt64Nanoseconds(latency));
    if (options_.keep_outcomes) report.outcomes.push_back({call.due - start, latency, code});
  }

  const Options& options_;
  const grpc::ByteBuffer request_;
  grpc::CompletionQueue queue_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  size_t next_stub_ = 0;  // Of the thread that starts calls.
};

absl::StatusOr<std::unique_ptr<LoadClient>> LoadClient::Create(Options options) {
  if (options.threads < 1 || options.connections < options.threads) {
    return absl::InvalidArgumentError("expected 1 <= threads <= connections");
  }
  auto client = absl::WrapUnique(new LoadClient(std::move(options)));
  for (const auto& worker : client->workers_) WEIR_RETURN_IF_ERROR(worker->Connect());
  return client;
}

LoadClient::LoadClient(Options options) : options_(std::move(options)) {
  // Debian's abseil, which gRPC locks with, looks for deadlocks at every lock unless told not to.
  // Without, a call is 4 % cheaper.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  const int threads = options_.threads;
  for (int i = 0; i < threads; ++i) {
    const int connections =
        options_.connections / threads + (i < options_.connections % threads ? 1 : 0);
    workers_.push_back(std::make_unique<Worker>(options_, connections));
  }
}

LoadClient::~LoadClient() = default;

LoadReport LoadClient::RunClosedLoop(int in_flight, absl::Duration warm_up,
                                     absl::Duration duration) {
  const absl::Time start = MonotonicNow();
  return RunWorkers([&](Worker& worker, int index) {
    const int share = in_flight / options_.threads + (index < in_flight % options_.threads ? 1 : 0);
    return worker.RunClosedLoop(share, start, warm_up, duration);
  });
}

LoadReport LoadClient::RunOpenLoop(absl::Span<const absl::Duration> arrivals) {
  const absl::Time start = MonotonicNow();
  return RunWorkers([&](Worker& worker, int index) {
    return worker.RunOpenLoop(arrivals, index, options_.threads, start);
  });
}

LoadReport LoadClient::RunWorkers(const std::function<LoadReport(Worker&, int index)>& run) {
  std::vector<LoadReport> reports(workers_.size());
  std::vector<std::thread> threads;
  for (size_t i = 0; i < workers_.size(); ++i) {
    threads.emplace_back([&, i] { reports[i] = run(*workers_[i], static_cast<int>(i)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t i = 1; i < reports.size(); ++i) reports[0].Merge(reports[i]);
  return std::move(reports[0]);
}

}  // namespace weir
