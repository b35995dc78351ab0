#include "bench/push_client.h"

#include <time.h>

#include <algorithm>
#include <deque>
#include <optional>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
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
#include "grpcpp/support/proto_buffer_reader.h"
#include "grpcpp/support/slice.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

constexpr absl::Duration kTimeout = absl::Seconds(30);

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

gpr_timespec GrpcTime(absl::Time time) {
  return gpr_time_from_nanos(absl::ToUnixNanos(time), GPR_CLOCK_MONOTONIC);
}

// Nothing is copied; `source` must outlive it.
grpc::ByteBuffer NextPush(PushSource& source) {
  auto* const changing = new std::string(source.TakeSnapshot());
  const std::string& fixed = source.FixedPart();
  const grpc::Slice slices[] = {
      grpc::Slice(fixed.data(), fixed.size(), grpc::Slice::STATIC_SLICE),
      grpc::Slice(
          changing->data(), changing->size(),
          [](void* text) { delete static_cast<std::string*>(text); }, changing)};
  return grpc::ByteBuffer(slices, 2);
}

}  // namespace

// One push at a time. The completion queue gives out its address when it has ended.
struct PushClient::Call {
  PushSource* source = nullptr;
  absl::Time sent;
  int64_t bytes = 0;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader;
  grpc::ByteBuffer response;
  grpc::Status status;
};

class PushClient::Connections {
 public:
  Connections(const std::string& address, int count) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    for (int i = 0; i < count; ++i) {
      channels_.push_back(
          grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments));
      stubs_.push_back(std::make_unique<grpc::GenericStub>(channels_.back()));
    }
  }

  ~Connections() {
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
    }
  }

  absl::Status Connect() {
    const gpr_timespec deadline = GrpcTime(MonotonicNow() + kTimeout);
    for (const auto& channel : channels_) {
      grpc_connectivity_state state;
      while ((state = channel->GetState(/*try_to_connect=*/true)) != GRPC_CHANNEL_READY) {
        if (state == GRPC_CHANNEL_TRANSIENT_FAILURE ||
            !channel->WaitForStateChange(state, deadline)) {
          return absl::UnavailableError("no connection to the gateway");
        }
      }
    }
    return absl::OkStatus();
  }

  void Start(Call& call) {
    grpc::ByteBuffer request = NextPush(*call.source);
    call.sent = MonotonicNow();
    call.bytes = static_cast<int64_t>(request.Length());
    call.context = std::make_unique<grpc::ClientContext>();
    call.context->set_deadline(GrpcTime(call.sent + kTimeout));
    grpc::GenericStub& stub = *stubs_[next_stub_];
    if (++next_stub_ == stubs_.size()) next_stub_ = 0;
    call.reader = stub.PrepareUnaryCall(call.context.get(), kMethod, request, &queue_);
    call.reader->StartCall();
    call.reader->Finish(&call.response, &call.status, &call);
  }

  Call& NextEnd() {
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    return *static_cast<Call*>(tag);
  }

 private:
  const std::string kMethod = "/weir.v1.StatsGateway/Push";
  grpc::CompletionQueue queue_;
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  size_t next_stub_ = 0;
};

absl::StatusOr<std::unique_ptr<PushClient>> PushClient::Create(Options options) {
  auto client = absl::WrapUnique(new PushClient(std::move(options)));
  WEIR_RETURN_IF_ERROR(client->connections_->Connect());
  return client;
}

PushClient::PushClient(Options options) : options_(std::move(options)) {
  // Debian's abseil, which gRPC locks with, looks for deadlocks at every lock unless told not to.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  connections_ = std::make_unique<Connections>(options_.address, options_.connections);
}

PushClient::~PushClient() = default;

absl::StatusOr<PushReport> PushClient::Run(absl::Span<const std::unique_ptr<PushSource>> sources,
                                           absl::Duration warm_up, absl::Duration duration) {
  const absl::Time begin = MonotonicNow() + warm_up;
  return Push(sources, Pushes{.serve = true, .begin = begin, .end = begin + duration});
}

absl::Status PushClient::PushAll(absl::Span<const std::unique_ptr<PushSource>> sources) {
  return Push(sources, Pushes{.most = static_cast<int64_t>(sources.size())}).status();
}

absl::StatusOr<PushReport> PushClient::Push(absl::Span<const std::unique_ptr<PushSource>> sources,
                                            const Pushes& pushes) {
  PushReport report;
  report.duration = pushes.end - pushes.begin;
  absl::Status status;
  std::optional<absl::Duration> cpu_at_begin;
  int64_t started = 0;
  // In the order of their turns. A source's next push waits for the answer to the one before.
  std::deque<PushSource*> waiting;
  for (const auto& source : sources) waiting.push_back(source.get());
  const auto start = [&](Call& call) {
    call.source = waiting.front();
    waiting.pop_front();
    if (pushes.serve) call.source->Serve();
    connections_->Start(call);
    ++started;
  };
  std::vector<Call> calls(std::min<size_t>(options_.in_flight, sources.size()));
  for (Call& call : calls) start(call);
  const int all = static_cast<int>(calls.size());
  for (int running = all; running > 0;) {
    Call& call = connections_->NextEnd();
    const absl::Time now = MonotonicNow();
    if (!cpu_at_begin && now >= pushes.begin) cpu_at_begin = ThreadCpu();
    if (status.ok()) status = TakeAnswer(call);
    waiting.push_back(call.source);
    ++report.all_pushes;
    if (now >= pushes.begin && now < pushes.end) {
      ++report.pushes;
      report.request_bytes += call.bytes;
      report.latency_ns.Record(absl::ToInt64Nanoseconds(now - call.sent));
    }
    if (status.ok() && now < pushes.end && started < pushes.most) {
      start(call);
      continue;
    }
    if (running == all && cpu_at_begin) report.client_cpu = ThreadCpu() - *cpu_at_begin;
    --running;
  }
  if (!status.ok()) return status;
  return report;
}

absl::Status PushClient::TakeAnswer(Call& call) {
  call.reader.reset();
  call.context.reset();
  if (!call.status.ok()) {
    return absl::Status(static_cast<absl::StatusCode>(call.status.error_code()),
                        absl::StrCat("a push was not taken: ", call.status.error_message()));
  }
  v1::PushResponse response;
  grpc::ProtoBufferReader reader(&call.response);
  if (!response.ParseFromZeroCopyStream(&reader)) {
    return absl::InternalError("the answer to a push cannot be read");
  }
  call.response.Clear();
  call.source->Acknowledge(response.acknowledged_seq());
  return absl::OkStatus();
}

}  // namespace weir
