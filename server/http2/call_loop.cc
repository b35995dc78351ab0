#include "server/http2/call_loop.h"

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/processors.h"

namespace weir {
namespace {

constexpr int kMaxReady = 64;  // Connections that are seen to in a round.

// So much is read of a connection in a round, piece by piece, and so many requests of all of them.
// With more, clients would wait for their first answers while the last ones are made; with less,
// what is too much would be refused too late.
constexpr size_t kPieceBytes = 16 << 10;
constexpr int kMaxPieces = 32;
constexpr size_t kMaxRequests = 144;

// Where another thread has nothing to do, this one reads no more than that, and leaves the rest to
// it.
constexpr size_t kShareOfRequests = 32;

// So many requests take longer to begin than another thread takes to wake up.
constexpr size_t kManyDeferred = 16;

constexpr absl::Duration kLinger = absl::Seconds(1);
constexpr absl::Duration kWaitForRoom = absl::Milliseconds(100);

// A call is over so long after its deadline at the latest, whatever its client does.
constexpr absl::Duration kSweep = absl::Seconds(1);

// The loop that this thread is one of, and whether it has the turn there.
thread_local const CallLoop* loop_of_thread = nullptr;
thread_local bool has_turn = false;

// What it has posted without the turn, until it hands it over.
thread_local std::vector<Event*> posted_by_thread;

int MillisecondsUntil(absl::Time time) {
  if (time == absl::InfiniteFuture()) return -1;
  // Rounded up: a timer that is not due yet would have the loop spin.
  const absl::Duration left = absl::Ceil(time - MonotonicNow(), absl::Milliseconds(1));
  return static_cast<int>(std::clamp(left, absl::ZeroDuration(), absl::Hours(1)) /
                          absl::Milliseconds(1));
}

}  // namespace

CallLoop::Timer::Timer(CallLoop& loop, absl::Time time, Event& event)
    : loop_(loop), event_(event), position_(loop.timers_.emplace(time, this)) {}

CallLoop::Timer::~Timer() {
  if (!over_) loop_.timers_.erase(position_);
}

CallLoop::Apart::Apart(CallLoop& loop) : loop_(loop) {
  absl::MutexLock lock(&loop_.threads_mu_);
  std::vector<std::thread>& threads = loop_.threads_;
  if (threads.empty()) return;
  const std::vector<int> processors = ProcessorsOf(threads[0].native_handle());
  if (processors.size() < threads.size()) return;
  for (std::thread& thread : threads) {
    if (ProcessorsOf(thread.native_handle()) != processors) return;
  }
  processors_ = processors;
  for (size_t i = 0; i < threads.size(); ++i) {
    std::vector<int> own;
    for (size_t j = i; j < processors.size(); j += threads.size()) own.push_back(processors[j]);
    // Where the system does not allow it, it goes on as it was.
    KeepOn(threads[i].native_handle(), own).IgnoreError();
  }
}

CallLoop::Apart::~Apart() {
  if (processors_.empty()) return;
  absl::MutexLock lock(&loop_.threads_mu_);
  for (std::thread& thread : loop_.threads_) {
    KeepOn(thread.native_handle(), processors_).IgnoreError();
  }
}

absl::StatusOr<std::unique_ptr<CallLoop>> CallLoop::Listen(const Options& options) {
  absl::StatusOr<std::unique_ptr<Listener>> listener = Listener::Create(options.host, options.port);
  if (!listener.ok()) return listener.status();
  auto loop = absl::WrapUnique(new CallLoop(options, *std::move(listener)));
  if (loop->epoll_fd_ < 0 || loop->inbox_.fd() < 0) {
    return absl::UnavailableError("the process has too many files open");
  }
  return loop;
}

CallLoop::CallLoop(const Options& options, std::unique_ptr<Listener> listener)
    : session_options_{.max_message_bytes = options.max_message_bytes,
                       .max_partial_bytes = options.max_partial_bytes},
      listener_(std::move(listener)),
      epoll_fd_(epoll_create1(EPOLL_CLOEXEC)),
      buffer_(kPieceBytes) {}

CallLoop::~CallLoop() {
  Shutdown();
  close(epoll_fd_);
}

void CallLoop::Start(int threads, MakeCall make_call, const RunSubmitted& run_submitted) {
  session_options_.make_call = std::move(make_call);
  Watch(EPOLL_CTL_ADD, inbox_.fd(), &inbox_, EPOLLIN);
  WatchListener(true);
  OnSweep();
  absl::MutexLock lock(&threads_mu_);
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
  if (loop_of_thread != this) {
    inbox_.Post(event);
  } else if (has_turn) {
    posted_here_.push_back(&event);
  } else {
    posted_by_thread.push_back(&event);
  }
}

void CallLoop::Shutdown() {
  std::vector<std::thread> threads;
  {
    absl::MutexLock lock(&threads_mu_);
    threads.swap(threads_);
  }
  if (threads.empty()) return;
  Post(on_shutdown_);
  for (std::thread& thread : threads) thread.join();
}

// ---- Rounds

void CallLoop::Run(const RunSubmitted& run_submitted) {
  loop_of_thread = this;
  if (!TakeTurn()) return;
  const auto before_long_work = [this] {
    if (!has_turn) return HandOver();
    TakePosted();
    WriteAll();
    GiveTurn();
  };
  while (true) {
    TakePosted();
    WriteAll();
    if (IsOver()) break;
    if (!Poll()) return;
    RunTimers();
    TakePosted();
    bool more = std::exchange(submitted_, false) || !deferred_.empty();
    RunDeferred(before_long_work);
    while (more) {
      more = run_submitted(before_long_work);
      if (has_turn || TryTakeTurn()) break;
      HandOver();
    }
    if (!has_turn && !TakeTurn()) return;
    std::move(posted_by_thread.begin(), posted_by_thread.end(), std::back_inserter(posted_here_));
    posted_by_thread.clear();
    submitted_ |= more;
  }
  turn_.End();
  inbox_.Wake();
}

void CallLoop::RunDeferred(absl::FunctionRef<void()> before_long_work) {
  thread_local std::vector<Event*> deferred;
  deferred.swap(deferred_);
  // It costs nothing where the thread that takes the turn then is woken by what comes.
  if (deferred.size() >= kManyDeferred || (!deferred.empty() && turn_.watched())) {
    before_long_work();
  }
  for (Event* const event : deferred) event->Happened();
  deferred.clear();
  HandOver();  // The work that follows may take long.
}

bool CallLoop::TakeTurn() { return has_turn = turn_.Take(); }

bool CallLoop::TryTakeTurn() { return has_turn = turn_.TryTake(); }

void CallLoop::GiveTurn() {
  // The one that sleeps until something comes does not know of these.
  const bool sooner = !timers_.empty() && timers_.begin()->first < sleeps_until_;
  if (turn_.watched() && (sooner || !posted_here_.empty() || !deferred_.empty())) {
    inbox_.Wake();
  }
  has_turn = false;
  turn_.Give();
}

bool CallLoop::IsOver() const {
  return shutting_down_ && tickets_ == 0 && connections_.empty() && posted_here_.empty();
}

bool CallLoop::Poll() {
  std::array<epoll_event, kMaxReady> ready;
  int count = 0;
  if (!HasNothingToDo()) {
    count = epoll_wait(epoll_fd_, ready.data(), kMaxReady, 0);
  } else if (turn_.watched()) {
    GiveTurn();
    return TakeTurn();
  } else if (!Sleep(absl::MakeSpan(ready), count)) {
    return false;
  }
  calls_of_round_ = 0;
  // Any of them first: if it were the same one each time, others might wait for ever.
  const auto first = static_cast<size_t>(random_());
  for (int i = 0; i < count; ++i) OnReady(ready[(first + i) % count].data.ptr);
  return true;
}

// If it is so, whoever posts something wakes the thread that sleeps.
bool CallLoop::HasNothingToDo() {
  return !submitted_ && posted_here_.empty() && deferred_.empty() && inbox_.PrepareToSleep();
}

bool CallLoop::Sleep(absl::Span<epoll_event> ready, int& count) {
  sleeps_until_ = timers_.empty() ? absl::InfiniteFuture() : timers_.begin()->first;
  const int at_most = MillisecondsUntil(sleeps_until_);
  has_turn = false;
  turn_.GiveAndWatch();
  count = epoll_wait(epoll_fd_, ready.data(), static_cast<int>(ready.size()), at_most);
  inbox_.Awake();
  if (!(has_turn = turn_.TakeBack())) return false;
  // Others may have read what came, or removed the connection.
  if (!turn_.was_undisturbed()) {
    count = epoll_wait(epoll_fd_, ready.data(), static_cast<int>(ready.size()), 0);
  }
  return true;
}

void CallLoop::OnReady(void* ready) {
  if (ready == &inbox_) return inbox_.OnReadable();
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
    inbox_.Take(happening);
    if (happening.empty()) return;
    for (Event* const event : happening) submitted_ |= event->Happened();
    happening.clear();
  }
}

// To whoever has the turn, or takes it next.
void CallLoop::HandOver() {
  if (!posted_by_thread.empty()) inbox_.PostAll(posted_by_thread);
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

// Whatever is not read now is there in the next round.
bool CallLoop::ReadsOn() const {
  const size_t requests = std::max(calls_of_round_, deferred_.size());
  return requests < kMaxRequests && (deferred_.size() < kShareOfRequests || !turn_.wanted());
}

void CallLoop::Read(ServerConnection& connection) {
  bool more = true;
  for (int piece = 0; more && piece < kMaxPieces && ReadsOn(); ++piece) {
    const absl::StatusOr<bool> submitted = connection.Read(absl::MakeSpan(buffer_));
    if (!submitted.ok()) {
      submitted_ = true;  // By what came before the error, perhaps.
      return Remove(connection);
    }
    submitted_ |= *submitted;
    more = connection.has_more();
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
