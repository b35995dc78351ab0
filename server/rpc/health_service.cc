#include "server/rpc/health_service.h"

#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/messages.h"
#include "server/rpc/stream_call.h"
#include "server/rpc/unary_call.h"

namespace weir {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

class HealthCheckCall : public UnaryCall {
 public:
  HealthCheckCall(HealthService& service, CallLoop& loop)
      : UnaryCall(loop, service.gate_), service_(service) {}

 private:
  void OnOpen() override { LimitMessages(kMaxNameRequestBytes); }

  bool Read(absl::string_view bytes) override {
    const absl::Status status = Parse(bytes, request_);
    if (!status.ok()) Answer(status, {});
    return status.ok();
  }

  bool Begin() override {
    HealthCheckResponse response;
    response.set_status(service_.states_.Find(request_.service()));
    const bool known = response.status() != HealthCheckResponse::SERVICE_UNKNOWN;
    Answer(known ? absl::OkStatus()
                 : absl::NotFoundError(
                       absl::StrCat("service \"", request_.service(), "\" is not known here")),
           Serialize(response));
    return false;
  }

  HealthService& service_;
  HealthCheckRequest request_;
};

// What changes while an answer is under way is not queued: the next one tells the state of then.
class HealthWatchCall : public StreamCall, public HealthStates::Watcher {
 public:
  HealthWatchCall(HealthService& service, CallLoop& loop) : StreamCall(loop), service_(service) {}

 private:
  void OnOpen() override { LimitMessages(kMaxNameRequestBytes); }

  bool OnMessage(absl::string_view message) override {
    if (watches_) {
      Finish(absl::UnimplementedError("the method takes one message, and several came"));
    } else if (const absl::Status status = Parse(message, request_); status.ok()) {
      watches_ = true;
      service_.states_.Watch(request_.service(), *this);
    } else {
      Finish(status);
    }
    return false;
  }

  bool OnHalfClose() override {
    if (!watches_) {
      Finish(absl::UnimplementedError("the method takes one message, and none came"));
    }
    return false;
  }

  void Changed(HealthStates::State state) override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      state_ = state;
    }
    PostStep();
  }

  void Ended() override ABSL_LOCKS_EXCLUDED(mu_) {
    {
      absl::MutexLock lock(&mu_);
      ended_ = true;
    }
    PostStep();
  }

  void OnSent() override {
    sending_ = false;
    PostStep();
  }

  void OnOver() override {
    if (watches_) service_.states_.Unwatch(request_.service(), *this);
  }

  bool Step() override ABSL_LOCKS_EXCLUDED(mu_) {
    std::optional<HealthStates::State> state;
    bool ended = false;
    {
      absl::MutexLock lock(&mu_);
      state = state_;
      ended = ended_;
    }
    if (!sending_ && state != sent_) {
      HealthCheckResponse response;
      response.set_status(*state);
      sent_ = state;
      sending_ = true;
      Send(Serialize(response));
    }
    if (ended && state == sent_) Finish(absl::UnavailableError("the server is draining"));
    return false;
  }

  HealthService& service_;
  HealthCheckRequest request_;
  bool watches_ = false;
  bool sending_ = false;
  std::optional<HealthStates::State> sent_;
  absl::Mutex mu_;  // After that of the states.
  std::optional<HealthStates::State> state_ ABSL_GUARDED_BY(mu_);
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
};

void HealthService::AddTo(CallLoop& loop, Methods& methods) {
  methods.Add("/grpc.health.v1.Health/Check",
              [this, &loop] { return new HealthCheckCall(*this, loop); });
  methods.Add("/grpc.health.v1.Health/Watch",
              [this, &loop] { return new HealthWatchCall(*this, loop); });
}

}  // namespace weir
