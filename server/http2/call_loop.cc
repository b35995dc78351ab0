#include "server/http2/call_loop.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/log.h"

namespace weir {
namespace {

constexpr size_t kReadBytes = 256 << 10;
constexpr int kMaxReady = 64;  // Connections that are seen to before what they submitted is run.

constexpr absl::Duration kLinger = absl::Seconds(1);
constexpr absl::Duration kWaitForRoom = absl::Milliseconds(100);

// A call is over so long after its deadline at the latest, whatever its client does.
constexpr absl::Duration kSweep = absl::Seconds(1);

// The loop whose turn this thread has.
thread_local const CallLoop* loop_of_thread = nullptr;

}  // namespace

CallLoop::Timer::Timer(CallLoop& loop, absl::Time time, Event& event)
    : loop_(loop), event_(event), position_(loop.timers_.emplace(time, this)) {}

CallLoop::Timer::~Timer() {
  if (!over_) loop_.timers_.erase(position_);
}

absl::StatusOr<std::unique_ptr<CallLoop>> CallLoop::Listen(const Options& options) {
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Create(options.host, options.port);
  if (!listener.ok()) return listener.status();
  auto loop = absl::WrapUnique(new CallLoop(options, *std::move(listener)));
  if (loop->epoll_fd_ < 0 || loop->wake_fd_ < 0) {
    return absl::UnavailableError("the process has too many files open");
  }
  return loop;
}

CallLoop::CallLoop(const Options& options, std::unique_ptr<Listener> listener)
    : session_options_{.max_message_bytes = options.max_message_bytes,
                       .max_partial_bytes = options.max_partial_bytes},
      listener_(std::move(listener)),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      buffer_(kReadBytes) {}

CallLoop::~CallLoop() {
  Shutdown();
  close(wake_fd_);
  close(epoll_fd_);
}

void CallLoop::Start(int threads, MakeCall make_call, const RunSubmitted& run_submitted) {
  session_options_.make_call = std::move(make_call);
  Watch(EPOLL_CTL_ADD, wake_fd_, &wake_fd_, EPOLLIN);
  WatchListener(true);
  OnSweep();
  for (int i = 0; i < threads; ++i) {
    threads_.emplace_back([this, run_submitted] { Run(run_submitted); });
    pthread_setname_np(threads_.back().native_handle(), "weir-poller");
  }
}

void CallLoop::WatchListener(bool watch) {
  for (const int& fd : listener_->fds()) {
    Watch(watch ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, fd, &fd, EPOLLIN);
  }
}

// What is ready is told by the address of what stands for it here: a connection, or where the
// number of another socket is kept.
void CallLoop::Watch(int operation, int fd, const void* ready, uint32_t events) const {
  epoll_event event{};
  event.events = events;
  event.data.ptr = const_cast<void*>(ready);
  epoll_ctl(epoll_fd_, operation, fd, &event);
}

void CallLoop::Post(Event& event) {
  if (loop_of_thread == this) {
    posted_here_.push_back(&event);
    return;
  }
  absl::MutexLock lock(&mu_);
  posted_.push_back(&event);
  // Nobody needs to be woken who looks before he sleeps. Under the lock: once the event can happen,
  // the loop may end.
  if (waiting_ && !std::exchange(woken_, true)) eventfd_write(wake_fd_, 1);
}

void CallLoop::Shutdown() {
  if (threads_.empty()) return;
  Post(on_shutdown_);
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// ---- The turn

bool CallLoop::TakeTurn() {
  absl::MutexLock lock(&turn_mu_);
  const auto free = [this]()
                        ABSL_EXCLUSIVE_LOCKS_REQUIRED(turn_mu_) { return !has_turn_ || over_; };
  turn_mu_.Await(absl::Condition(&free));
  if (over_) return false;
  has_turn_ = true;
  loop_of_thread = this;
  return true;
}

void CallLoop::GiveTurn(bool over) {
  loop_of_thread = nullptr;
  absl::MutexLock lock(&turn_mu_);
  has_turn_ = false;
  over_ = over;
}

void CallLoop::Run(const RunSubmitted& run_submitted) {
  if (!TakeTurn()) return;
  while (!IsOver()) {
    Wait();
    RunTimers();
    TakePosted();
    if (std::exchange(submitted_, false)) {
      bool has_turn = true;
      run_submitted([&] {
        if (!std::exchange(has_turn, false)) return;
        TakePosted();
        WriteAll();
        GiveTurn();
      });
      if (!has_turn && !TakeTurn()) return;
      TakePosted();
    }
    WriteAll();
  }
  GiveTurn(/*over=*/true);
}

bool CallLoop::IsOver() const {
  return shutting_down_ && tickets_ == 0 && connections_.empty() && posted_here_.empty();
}

void CallLoop::Wait() {
  bool block = !submitted_ && posted_here_.empty();
  if (block) {
    absl::MutexLock lock(&mu_);
    block = waiting_ = posted_.empty();
  }
  std::array<epoll_event, kMaxReady> ready;
  const int count = epoll_wait(epoll_fd_, ready.data(), kMaxReady, block ? WaitMilliseconds() : 0);
  if (block) {
    absl::MutexLock lock(&mu_);
    waiting_ = false;
  }
  for (int i = 0; i < count; ++i) OnReady(ready[i].data.ptr);
}

int CallLoop::WaitMilliseconds() const {
  if (timers_.empty()) return -1;
  // Rounded up: a timer that is not due yet would have the loop spin.
  const absl::Duration left =
      absl::Ceil(timers_.begin()->first - MonotonicNow(), absl::Milliseconds(1));
  return static_cast<int>(std::clamp(left, absl::ZeroDuration(), absl::Hours(1)) /
                          absl::Milliseconds(1));
}

void CallLoop::OnReady(void* ready) {
  if (ready == &wake_fd_) {
    eventfd_t ignored = 0;
    eventfd_read(wake_fd_, &ignored);
    absl::MutexLock lock(&mu_);
    woken_ = false;
    return;
  }
  for (const int& fd : listener_->fds()) {
    if (ready == &fd) return Accept(fd);
  }
  // Errors are found by reading and writing.
  auto& connection = *static_cast<ServerConnection*>(ready);
  if (connection.blocked()) {
    Write(connection);
  } else {
    Read(connection);
  }
}

void CallLoop::RunTimers() {
  while (!timers_.empty() && timers_.begin()->first <= MonotonicNow()) {
    Timer& timer = *timers_.begin()->second;
    timer.over_ = true;
    timers_.erase(timers_.begin());
    submitted_ |= timer.event_.Happened();
  }
}

void CallLoop::TakePosted() {
  std::vector<Event*> happening;
  while (true) {
    happening.swap(posted_here_);
    {
      absl::MutexLock lock(&mu_);
      happening.insert(happening.end(), posted_.begin(), posted_.end());
      posted_.clear();
    }
    if (happening.empty()) return;
    for (Event* const event : happening) submitted_ |= event->Happened();
    happening.clear();
  }
}

// ---- Connections

void CallLoop::Accept(int listening_fd) {
  while (true) {
    const absl::StatusOr<int> fd = Listener::Accept(listening_fd);
    if (absl::IsResourceExhausted(fd.status())) {
      WEIR_LOG_EVERY(kWarning, absl::Seconds(10),
                     "no more connections are taken for now: ", fd.status().message());
      WatchListener(false);
      wait_for_room_ = std::make_unique<Timer>(*this, MonotonicNow() + kWaitForRoom, on_room_);
    }
    if (!fd.ok()) return;
    auto connection = std::make_unique<ServerConnection>(*fd, session_options_, partial_bytes_,
                                                         [this](ServerConnection& dirty) {
                                                           if (!std::exchange(dirty.is_dirty, true))
                                                             dirty_.push_back(&dirty);
                                                         });
    Watch(EPOLL_CTL_ADD, *fd, connection.get(), EPOLLIN);
    connections_.emplace(connection.get(), std::move(connection));
  }
}

bool CallLoop::OnRoom() {
  wait_for_room_ = nullptr;
  if (!shutting_down_) WatchListener(true);
  return false;
}

void CallLoop::Read(ServerConnection& connection) {
  const absl::StatusOr<bool> submitted = connection.Read(absl::MakeSpan(buffer_));
  if (submitted.ok()) {
    submitted_ |= *submitted;
  } else {
    submitted_ = true;  // By what came before the error, perhaps.
    Remove(connection);
  }
}

void CallLoop::WriteAll() {
  while (!dirty_.empty()) {
    ServerConnection& connection = *dirty_.back();
    dirty_.pop_back();
    connection.is_dirty = false;
    if (!connection.blocked()) Write(connection);
  }
}

void CallLoop::Write(ServerConnection& connection) {
  const bool was_blocked = connection.blocked();
  if (!connection.Write().ok()) return Remove(connection);
  if (connection.blocked() != was_blocked) {
    Watch(EPOLL_CTL_MOD, connection.fd(), &connection, connection.blocked() ? EPOLLOUT : EPOLLIN);
  }
}

void CallLoop::Remove(ServerConnection& connection) {
  // It stays dirty: what its calls, which end with it, send to each other is not to be written.
  if (std::exchange(connection.is_dirty, true)) {
    dirty_.erase(std::find(dirty_.begin(), dirty_.end(), &connection));
  }
  connections_.erase(&connection);
}

bool CallLoop::OnSweep() {
  const absl::Time now = MonotonicNow();
  for (const auto& [connection, owned] : connections_) {
    connection->ResetCallsDueBefore(now - kSweep);
  }
  sweep_ = std::make_unique<Timer>(*this, now + kSweep, on_sweep_);
  return false;
}

// ---- The end

bool CallLoop::OnShutdown() {
  shutting_down_ = true;
  wait_for_room_ = nullptr;
  sweep_ = nullptr;
  listener_->Close();
  for (const auto& [connection, owned] : connections_) {
    connection->GoAway(absl::UnavailableError("the server shuts down"));
  }
  linger_ = std::make_unique<Timer>(*this, MonotonicNow() + kLinger, on_lingered_);
  return false;
}

bool CallLoop::OnLingered() {
  while (!connections_.empty()) Remove(*connections_.begin()->first);
  return false;
}

}  // namespace weir
