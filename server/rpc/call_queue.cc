#include "server/rpc/call_queue.h"

#include <pthread.h>

#include <utility>

#include "grpc/support/time.h"

namespace weir {
namespace {

// So many events at most before what they submitted is run, so that a steady stream of them cannot
// put it off.
constexpr int kMaxDrained = 256;

bool Happened(void* tag, bool ok) { return static_cast<Event*>(tag)->Happened(ok); }

}  // namespace

CallQueue::~CallQueue() { Shutdown(); }

void CallQueue::Start(int threads, const RunSubmitted& run_submitted) {
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, run_submitted] { Poll(run_submitted); });
    pthread_setname_np(threads_.back().native_handle(), "weir-poller");
  }
}

void CallQueue::GiveBackTicket() {
  if (tickets_.fetch_sub(1, std::memory_order_acq_rel) == 1) all_calls_ended_.Notify();
}

void CallQueue::AwaitCalls() {
  if (!std::exchange(awaited_, true)) GiveBackTicket();
  all_calls_ended_.WaitForNotification();
}

void CallQueue::Shutdown() {
  if (std::exchange(shut_down_, true)) return;
  AwaitCalls();
  queue_->Shutdown();
  for (std::thread& thread : threads_) thread.join();
  // Without threads, what is left is taken out here, as gRPC demands.
  Poll([](absl::FunctionRef<void()>) {});
}

void CallQueue::TakeTurn() {
  absl::MutexLock lock(&turn_mu_);
  const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(turn_mu_) { return !polled_; };
  turn_mu_.Await(absl::Condition(&free));
  polled_ = true;
}

void CallQueue::GiveTurn() {
  absl::MutexLock lock(&turn_mu_);
  polled_ = false;
}

void CallQueue::Poll(const RunSubmitted& run_submitted) {
  void* tag = nullptr;
  bool ok = false;
  TakeTurn();
  while (queue_->Next(&tag, &ok)) {
    bool submitted = Happened(tag, ok);
    // What has come meanwhile joins the batch; nothing is waited for.
    for (int i = 0; submitted && i < kMaxDrained; ++i) {
      if (queue_->AsyncNext(&tag, &ok, gpr_time_0(GPR_CLOCK_MONOTONIC)) !=
          grpc::CompletionQueue::GOT_EVENT) {
        break;
      }
      Happened(tag, ok);
    }
    if (!submitted) continue;
    bool has_turn = true;
    run_submitted([&] {
      if (std::exchange(has_turn, false)) GiveTurn();
    });
    if (!has_turn) TakeTurn();
  }
  GiveTurn();
}

}  // namespace weir
