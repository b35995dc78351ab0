#include "server/rpc/health_service.h"

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"

namespace weir {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthCheckCall : public UnaryCall {
 public:
  static void AwaitOne(HealthService& service, CallQueue& queue) {
    (new HealthCheckCall(service, queue))->Await();
  }

 private:
  HealthCheckCall(HealthService& service, CallQueue& queue)
      : UnaryCall(queue, service.gate_), service_(service) {}

  void Request(void* tag) override {
    service_.raw_.RequestCheck(&context_, &request_, &writer_, &queue_.queue(), &queue_.queue(),
                               tag);
  }

  void AwaitAnother() override { AwaitOne(service_, queue_); }

  bool Begin() override {
    HealthCheckRequest request;
    HealthCheckResponse response;
    absl::Status status = Parse(request_, request);
    if (status.ok()) {
      response.set_status(service_.states_.Find(request.service()));
      if (response.status() == HealthCheckResponse::SERVICE_UNKNOWN) {
        status = absl::NotFoundError(
            absl::StrCat("service \"", request.service(), "\" is not known here"));
      }
    }
    Answer(ToGrpc(status), Serialize(response));
    return false;
  }

  HealthService& service_;
};

// Lives on the heap and ends itself. What changes while a write is under way is not queued: the
// next write tells the state of then. Every method of gRPC is called under the lock, so that none
// follows Finish.
class HealthWatchCall : public HealthStates::Watcher {
 public:
  static void AwaitOne(HealthService& service, CallQueue& queue) {
    (new HealthWatchCall(service, queue))->Await();
  }

 private:
  HealthWatchCall(HealthService& service, CallQueue& queue)
      : ticket_(queue), queue_(queue), service_(service) {}

  ~HealthWatchCall() override { service_.states_.Unwatch(request_.service(), *this); }

  void Await() {
    context_.AsyncNotifyWhenDone(&on_done_);
    service_.raw_.RequestWatch(&context_, &bytes_, &stream_, &queue_.queue(), &queue_.queue(),
                               &on_request_);
  }

  bool OnRequest(bool ok) {
    if (!ok) {
      delete this;  // The server shuts down; gRPC tells nothing more about this call.
      return false;
    }
    AwaitOne(service_, queue_);
    if (const absl::Status status = Parse(bytes_, request_); status.ok()) {
      service_.states_.Watch(request_.service(), *this);
    } else {
      absl::MutexLock lock(&mu_);
      EndWith(status);
    }
    EndEvent();
    return false;
  }

  void Changed(HealthStates::State state) override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    state_ = state;
    GoOn();
  }

  void Ended() override ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    EndWith(absl::UnavailableError("the server is draining"));
  }

  bool OnWritten(bool ok) {
    {
      absl::MutexLock lock(&mu_);
      writing_ = false;
      if (!ok) gone_ = true;
      GoOn();
    }
    EndEvent();
    return false;
  }

  // The caller is gone, or has got the final status.
  bool OnDone(bool) {
    {
      absl::MutexLock lock(&mu_);
      gone_ = true;
      GoOn();
    }
    EndEvent();
    return false;
  }

  bool OnFinished(bool) {
    EndEvent();
    return false;
  }

  void EndWith(const absl::Status& status) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!final_status_) final_status_ = status;
    GoOn();
  }

  // Does what is to be done next, if gRPC is ready for it.
  void GoOn() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (writing_ || finishing_) return;
    if (state_ != written_ && !gone_) {
      HealthCheckResponse response;
      response.set_status(*state_);
      written_ = state_;
      writing_ = true;
      ++awaited_;
      stream_.Write(Serialize(response), &on_written_);
    } else if (final_status_ || gone_) {
      finishing_ = true;
      ++awaited_;
      stream_.Finish(ToGrpc(final_status_.value_or(absl::CancelledError())), &on_finished_);
    }
  }

  // Ends the call with its last event: after the call is done and Finish was called, nothing new is
  // begun.
  void EndEvent() ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      if (--awaited_ > 0) return;
    }
    delete this;
  }

  const CallQueue::Ticket ticket_;  // Given back last.
  CallQueue& queue_;
  HealthService& service_;
  grpc::ServerContext context_;
  grpc::ByteBuffer bytes_;
  HealthCheckRequest request_;
  grpc::ServerAsyncWriter<grpc::ByteBuffer> stream_{&context_};
  MethodEvent<HealthWatchCall, &HealthWatchCall::OnRequest> on_request_{*this};
  MethodEvent<HealthWatchCall, &HealthWatchCall::OnWritten> on_written_{*this};
  MethodEvent<HealthWatchCall, &HealthWatchCall::OnFinished> on_finished_{*this};
  MethodEvent<HealthWatchCall, &HealthWatchCall::OnDone> on_done_{*this};
  absl::Mutex mu_;                        // After that of the states.
  int awaited_ ABSL_GUARDED_BY(mu_) = 2;  // Events still to come: the request, the end, and more.
  std::optional<HealthStates::State> state_ ABSL_GUARDED_BY(mu_);
  std::optional<HealthStates::State> written_ ABSL_GUARDED_BY(mu_);  // Or being written.
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool gone_ ABSL_GUARDED_BY(mu_) = false;  // Nobody reads any more.
  std::optional<absl::Status> final_status_ ABSL_GUARDED_BY(mu_);
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
};

void HealthService::Await(CallQueue& queue, int count) {
  for (int i = 0; i < count; ++i) {
    HealthCheckCall::AwaitOne(*this, queue);
    HealthWatchCall::AwaitOne(*this, queue);
  }
}

}  // namespace weir
