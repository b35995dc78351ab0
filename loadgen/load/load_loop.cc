#include "loadgen/load/load_loop.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/clock.h"

namespace weir {
namespace {

// How long a request of a closed loop rests before it is sent again where no server is.
constexpr absl::Duration kRest = absl::Milliseconds(10);

// Answers are looked for at least after so many requests, however late these are.
constexpr int kMostSentAtOnce = 32;

// How long after the end of an open loop what was due before is still sent.
constexpr absl::Duration kOverrun = absl::Seconds(1);

// How long servers may take to end streams on which nothing is left to answer.
constexpr absl::Duration kFinishTimeout = absl::Seconds(1);

absl::Time EndOf(const SentRequest& request) { return request.due + request.shot.timeout; }

}  // namespace

struct LoadLoop::UnaryCall : public Call {
  explicit UnaryCall(LoadLoop& loop) : loop(loop) {}

  void OnMessage(absl::string_view message) override {
    response.assign(message.data(), message.size());
  }

  void OnEnd(const absl::Status& status) override {
    open = false;
    --loop.open_calls_;
    loop.End(request, status, status.ok() ? response : absl::string_view());
    loop.idle_calls_.push_back(this);
  }

  LoadLoop& loop;
  SentRequest request;
  bool open = false;
  std::string response;  // Keeps its memory.
};

LoadLoop::LoadLoop(CallClient& client, const Options& options)
    : client_(client),
      options_(options),
      streams_(client, [this](const SentRequest& request, const absl::Status& status,
                              absl::string_view response) { End(request, status, response); }) {}

LoadLoop::~LoadLoop() { Drain(absl::InfinitePast()); }

void LoadLoop::RunClosed(int in_flight, absl::Time end, Traffic& traffic) {
  rests_ = true;
  for (absl::Time now; !stopped() && (now = MonotonicNow()) < end;) {
    while (!resting_until_.empty() && resting_until_.front() <= now) resting_until_.pop_front();
    const int resting = static_cast<int>(resting_until_.size());
    while (this->in_flight() + resting < in_flight && !stopped()) Send(traffic, now, now);
    Poll(resting_until_.empty() ? end : std::min(end, resting_until_.front()));
  }
  rests_ = false;
  resting_until_.clear();
}

int64_t LoadLoop::RunOpen(Pacer& pacer, absl::Time start, absl::Time end, Traffic& traffic) {
  if (stopped()) return 0;
  const auto next_due = [&] {
    const absl::Time due = start + pacer.Next();
    return due < end ? due : absl::InfiniteFuture();
  };
  absl::Time due = next_due();
  absl::Time now = MonotonicNow();
  const auto over = [&] {
    if (due == absl::InfiniteFuture()) return end == absl::InfiniteFuture() || now >= end;
    return now >= end + kOverrun;
  };
  while (!stopped() && !over()) {
    for (int sent = 0; due <= now && sent < kMostSentAtOnce && !stopped(); ++sent) {
      Send(traffic, due, now);
      due = next_due();
    }
    if (stopped() || over()) break;
    Poll(std::min(due, end));
    now = MonotonicNow();
  }
  // Stop wakes the loop, so that the time of it is now.
  if (stopped()) now = MonotonicNow();
  int64_t unsent = 0;
  for (; due <= now; due = next_due()) ++unsent;
  return unsent;
}

void LoadLoop::Drain(absl::Time deadline) {
  while (in_flight() > 0 && MonotonicNow() < deadline) Poll(deadline);
  if (in_flight() > 0) {
    for (const auto& call : calls_) {
      if (call->open) client_.Cancel(*call);
    }
    streams_.Cancel();
    for (const SentRequest& request : std::exchange(waiting_, {})) {
      EndUnsent(request, absl::StatusCode::kCancelled);
    }
    while (in_flight() > 0) Poll(absl::InfiniteFuture());
  }
  const absl::Time finished = std::min(deadline, MonotonicNow() + kFinishTimeout);
  streams_.Finish();
  while (streams_.open_calls() > 0 && MonotonicNow() < finished) Poll(finished);
  streams_.Cancel();
  while (streams_.open_calls() > 0) Poll(absl::InfiniteFuture());
}

void LoadLoop::Stop() {
  stopped_.store(true, std::memory_order_release);
  client_.Wake();
}

void LoadLoop::Send(Traffic& traffic, absl::Time due, absl::Time now) {
  const Shot shot = traffic.Next(due);
  const SentRequest request = {shot, due, &traffic};
  if (options_.wait_for_servers && !client_.connected(shot.target)) {
    waiting_.push_back(request);
  } else {
    Start(request, now);
  }
}

void LoadLoop::Start(const SentRequest& request, absl::Time now) {
  const Shot& shot = request.shot;
  if (shot.stream) {
    streams_.Send(request, now);
  } else {
    if (idle_calls_.empty()) {
      calls_.push_back(std::make_unique<UnaryCall>(*this));
      idle_calls_.push_back(calls_.back().get());
    }
    UnaryCall& call = *idle_calls_.back();
    idle_calls_.pop_back();
    call.request = request;
    call.response.clear();
    call.open = true;
    ++open_calls_;
    client_.Start(shot.target, *shot.method, shot.message, EndOf(request), call);
  }
  request.traffic->OnSent(shot, request.due, now);
}

void LoadLoop::End(const SentRequest& request, const absl::Status& status,
                   absl::string_view response) {
  const absl::Time now = MonotonicNow();
  if (status.ok() && now > EndOf(request)) {
    // It was on its way when the client looked for what is late.
    const absl::Status late =
        ClientError(absl::StatusCode::kDeadlineExceeded, "the answer came after its time");
    request.traffic->OnEnd(request.shot, request.due, now, late, "");
    return;
  }
  request.traffic->OnEnd(request.shot, request.due, now, status, response);
  if (rests_ && absl::IsUnavailable(status)) resting_until_.push_back(now + kRest);
}

void LoadLoop::EndUnsent(const SentRequest& request, absl::StatusCode code) {
  request.traffic->OnSent(request.shot, request.due, MonotonicNow());
  End(request, ClientError(code, "there was no connection to the server"), "");
}

void LoadLoop::Poll(absl::Time until) {
  absl::Time deadline = streams_.next_deadline();
  if (!waiting_.empty()) deadline = std::min(deadline, EndOf(waiting_.front()));
  client_.Poll(std::min(until, deadline));
  if (deadline == absl::InfiniteFuture() && waiting_.empty()) return;
  const absl::Time now = MonotonicNow();
  streams_.Expire(now);
  while (!waiting_.empty()) {
    const SentRequest request = waiting_.front();
    const bool connected = client_.connected(request.shot.target);
    if (!connected && EndOf(request) > now) break;
    waiting_.pop_front();
    if (connected) {
      Start(request, now);
    } else {
      EndUnsent(request, absl::StatusCode::kDeadlineExceeded);
    }
  }
}

}  // namespace weir
