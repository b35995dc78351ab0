#include "tests/faults/push_proxy.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"
#include "grpcpp/support/channel_arguments.h"

namespace weir {
namespace {

constexpr char kPushMethod[] = "/weir.v1.StatsGateway/Push";
constexpr std::chrono::seconds kDeliveryTimeout(5);

std::shared_ptr<grpc::Channel> ChannelTo(const std::string& gateway) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 50);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 100);
  return grpc::CreateCustomChannel(gateway, grpc::InsecureChannelCredentials(), arguments);
}

// The same counts, as another boot would push them that is new to the gateway.
grpc::ByteBuffer OfAnotherBoot(grpc::ByteBuffer push) {  // A copy, because reading it takes it.
  v1::PushRequest request;
  grpc::SerializationTraits<v1::PushRequest>::Deserialize(&push, &request);
  for (char& byte : *request.mutable_boot_id()) byte = static_cast<char>(~byte);
  request.set_boot_unix_ns(request.boot_unix_ns() - 1);  // The true one began last.
  request.set_acknowledged_seq(0);
  grpc::ByteBuffer forged;
  bool own_buffer = false;
  grpc::SerializationTraits<v1::PushRequest>::Serialize(request, &forged, &own_buffer);
  return forged;
}

}  // namespace

// Who waits for an answer. Shared by the call and the delivery, of which either may end first.
class PushProxy::Sender {
 public:
  Sender(grpc::ServerUnaryReactor* reactor, grpc::ByteBuffer* response)
      : reactor_(reactor), response_(response) {}

  // The first one counts.
  void Finish(const grpc::Status& status, const grpc::ByteBuffer& response)
      ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (reactor_ == nullptr) return;
    *response_ = response;
    std::exchange(reactor_, nullptr)->Finish(status);
  }

 private:
  absl::Mutex mu_;
  grpc::ServerUnaryReactor* reactor_ ABSL_GUARDED_BY(mu_);
  grpc::ByteBuffer* const response_;
};

struct PushProxy::Delivery {
  grpc::ByteBuffer request;
  std::shared_ptr<Sender> sender;  // Null if nobody hears the answer.
  grpc::ClientContext context;
  grpc::ByteBuffer response;
};

class PushProxy::Service final
    : public v1::StatsGateway::WithRawCallbackMethod_Push<v1::StatsGateway::Service> {
 public:
  explicit Service(PushProxy& proxy) : proxy_(proxy) {}

  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext*, const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override {
    class Call final : public grpc::ServerUnaryReactor {
     public:
      explicit Call(grpc::ByteBuffer* response)
          : sender(std::make_shared<Sender>(this, response)) {}
      void OnCancel() override { sender->Finish(grpc::Status::CANCELLED, {}); }
      void OnDone() override { delete this; }
      const std::shared_ptr<Sender> sender;
    };
    auto* const call = new Call(response);  // Deletes itself.
    proxy_.Take(call->sender, *request);
    return call;
  }

 private:
  PushProxy& proxy_;
};

std::string PushProxy::Counts::Text() const {
  return absl::StrCat(pushes, " pushes, of which ", lost_requests, " lost and ", delayed,
                      " delayed; ", lost_answers, " answers lost; ", copies, " copies");
}

PushProxy::PushProxy(const std::string& gateway)
    : gateway_(ChannelTo(gateway)), service_(std::make_unique<Service>(*this)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.SetMaxReceiveMessageSize(-1);
  builder.RegisterService(service_.get());
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
  timer_ = std::thread([this] { RunTimer(); });
}

PushProxy::~PushProxy() {
  server_->Shutdown(std::chrono::system_clock::now());
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  timer_.join();
  const auto none_on_the_way = [this]()
                                   ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return on_the_way_ == 0; };
  absl::MutexLock lock(&mu_, absl::Condition(&none_on_the_way));
}

void PushProxy::Disturb(const FaultOdds& odds, uint64_t seed) {
  absl::MutexLock lock(&mu_);
  schedule_.emplace(odds, seed);
}

void PushProxy::ForgeBoots() {
  absl::MutexLock lock(&mu_);
  forging_ = true;
}

bool PushProxy::Settle(absl::Duration timeout) {
  absl::MutexLock lock(&mu_);
  schedule_.reset();
  forging_ = false;
  std::multimap<absl::Time, std::unique_ptr<Delivery>> due_now;
  for (auto& [due, delivery] : held_) due_now.emplace(absl::InfinitePast(), std::move(delivery));
  held_ = std::move(due_now);
  // Those that came before, not all that come: the servers go on.
  const auto all_came = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return held_.empty() && on_the_way_ == 0;
  };
  return mu_.AwaitWithTimeout(absl::Condition(&all_came), timeout);
}

PushProxy::Counts PushProxy::counts() const {
  absl::MutexLock lock(&mu_);
  return counts_;
}

void PushProxy::Take(const std::shared_ptr<Sender>& sender, const grpc::ByteBuffer& request) {
  PushFate fate;
  {
    absl::MutexLock lock(&mu_);
    if (schedule_) fate = schedule_->Next();
    ++counts_.pushes;
    counts_.lost_requests += fate.delivered ? 0 : 1;
    counts_.lost_answers += fate.answer == PushFate::Answer::kPassedOn ? 0 : 1;
    counts_.delayed += fate.delay > absl::ZeroDuration() ? 1 : 0;
    counts_.copies += static_cast<int64_t>(fate.copies.size());
    const absl::Time now = MonotonicNow();
    const auto hold =
        [&](const grpc::ByteBuffer& push, absl::Time due, std::shared_ptr<Sender> hears_the_answer)
            ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
              auto delivery = std::make_unique<Delivery>();
              delivery->request = push;
              delivery->sender = std::move(hears_the_answer);
              held_.emplace(due, std::move(delivery));
            };
    if (fate.delivered) {
      hold(request, now + fate.delay,
           fate.answer == PushFate::Answer::kPassedOn ? sender : nullptr);
    }
    for (const absl::Duration delay : fate.copies) hold(request, now + fate.delay + delay, nullptr);
    if (forging_) hold(OfAnotherBoot(request), now, nullptr);
  }
  if (fate.answer == PushFate::Answer::kUnavailable) {
    sender->Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "the connection broke"), {});
  }
}

void PushProxy::RunTimer() {
  while (true) {
    std::unique_ptr<Delivery> due;
    {
      absl::MutexLock lock(&mu_);
      const auto something_is_due = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return stopping_ || (!held_.empty() && held_.begin()->first <= MonotonicNow());
      };
      const size_t held = held_.size();
      // Something new may be due earlier than what is there.
      const auto changed = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
        return something_is_due() || held_.size() != held;
      };
      const absl::Duration left =
          held_.empty() ? absl::InfiniteDuration() : held_.begin()->first - MonotonicNow();
      mu_.AwaitWithTimeout(absl::Condition(&changed), std::max(left, absl::ZeroDuration()));
      if (stopping_) return;
      if (!something_is_due()) continue;
      due = std::move(held_.begin()->second);
      held_.erase(held_.begin());
      ++on_the_way_;
    }
    Deliver(std::move(due));
  }
}

void PushProxy::Deliver(std::unique_ptr<Delivery> delivery) {
  Delivery& sent = *delivery.release();  // Comes back with its answer.
  sent.context.set_deadline(std::chrono::system_clock::now() + kDeliveryTimeout);
  gateway_.UnaryCall(&sent.context, kPushMethod, grpc::StubOptions(), &sent.request, &sent.response,
                     [this, &sent](const grpc::Status& status) {
                       if (sent.sender != nullptr) sent.sender->Finish(status, sent.response);
                       delete &sent;
                       absl::MutexLock lock(&mu_);
                       --on_the_way_;
                     });
}

}  // namespace weir
