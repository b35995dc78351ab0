#include "loadgen/client/call_client.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "loadgen/client/call_connection.h"
#include "loadgen/client/open_calls.h"

namespace weir {
namespace {

constexpr int64_t kRedialNs = 100'000'000;

// A connection that is not made within this is tried anew.
constexpr int64_t kDialTimeoutNs = 5'000'000'000;

constexpr size_t kInputBytes = 64 << 10;

// The number of a message that is not sent, because its call has ended.
constexpr int64_t kNoMessage = -1;

int64_t Nanos(absl::Time time) { return absl::ToUnixNanos(time); }
int64_t Now() { return Nanos(MonotonicNow()); }

absl::Status DownStatus(const std::string& name, const absl::Status& why) {
  return ClientError(absl::StatusCode::kUnavailable, absl::StrCat(name, ": ", why.message()));
}

absl::Status SystemError(absl::string_view what) {
  return ClientError(absl::StatusCode::kUnavailable, absl::StrCat(what, ": ", strerror(errno)));
}

absl::Status GoesAway(const std::string& name) {
  return ClientError(absl::StatusCode::kUnavailable, absl::StrCat(name, " goes away"));
}

}  // namespace

class CallClient::Impl {
 public:
  explicit Impl(const CallConnection::Options& options);
  ~Impl();

  absl::StatusOr<int> AddTarget(const std::string& address, int connections,
                                absl::Duration timeout);
  int connections(int target) const { return static_cast<int>(targets_[target].slots.size()); }
  bool connected(int target) const;
  bool connected(int target, int connection) const {
    return Stands(targets_[target].slots[connection]);
  }
  void Start(int target, OpenCall& open);
  void StartStream(int target, int connection, OpenCall& open);
  static int64_t SendMessage(OpenCall& open, absl::string_view message);
  static void EndMessages(OpenCall& open);
  void Cancel(OpenCall& open);
  void Poll(int64_t until_ns);
  void Wake() const;
  OpenCalls& calls() { return calls_; }

 private:
  // Where a connection of a target has its place, whether it stands or not.
  struct Slot {
    std::unique_ptr<CallConnection> connection;
    std::unique_ptr<CallConnection> successor;  // Being made, while `connection` is used up.
    int64_t dialed_ns = 0;
  };
  struct Target {
    std::string name;
    SocketAddress address;
    std::vector<Slot> slots;
    size_t next = 0;
    absl::Status why_down;  // The last reason why a connection went.
  };

  static bool Stands(const Slot& slot) {
    return slot.connection != nullptr && slot.connection->session().accepting();
  }
  static absl::Status WhyDown(const Target& target);
  absl::Status Connect(Target& target, int64_t deadline_ns);
  absl::Status WaitUntilReady(Target& target, int64_t deadline_ns);
  absl::Status Register(CallConnection& connection) const;
  absl::Status Watch(int operation, CallConnection& connection) const;
  int Wait(absl::Span<epoll_event> events, int64_t now_ns, int64_t wake_ns);
  int64_t Tend(int64_t now_ns);
  int64_t TendSlot(Target& target, Slot& slot, int64_t now_ns);
  int64_t TendDialled(Target& target, Slot& slot, std::unique_ptr<CallConnection>& dialled,
                      int64_t now_ns);
  int64_t TendConnection(CallConnection& connection, int64_t now_ns);
  void Write(CallConnection& connection);
  void Handle(const epoll_event& event);
  void Break(CallConnection& connection, const absl::Status& why);

  const CallConnection::Options options_;
  const int epoll_;
  const int wake_;
  absl::Status made_;  // Why the two could not be made.
  bool has_slack_ = true;
  bool waits_in_ns_ = true;  // Systems before Linux 5.11, and some sandboxes, wait in milliseconds.
  OpenCalls calls_;
  std::vector<Target> targets_;
  // Their servers have said that they go away, or they are used up; they stay for the calls they
  // have.
  std::vector<std::unique_ptr<CallConnection>> leaving_;
  std::vector<std::unique_ptr<CallConnection>> gone_;  // Until the next Poll.
  std::vector<char> input_;
};

CallClient::Impl::Impl(const CallConnection::Options& options)
    : options_(options),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      calls_(Now()),
      input_(kInputBytes) {
  // Each write to it is an event; nobody needs to read it.
  epoll_event event = {.events = EPOLLIN | EPOLLET, .data = {.ptr = nullptr}};
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) {
    made_ = SystemError("epoll");
  }
}

CallClient::Impl::~Impl() {
  close(wake_);
  close(epoll_);
}

absl::StatusOr<int> CallClient::Impl::AddTarget(const std::string& address, int connections,
                                                absl::Duration timeout) {
  WEIR_RETURN_IF_ERROR(made_);
  const int64_t deadline_ns = Nanos(MonotonicNow() + timeout);
  WEIR_ASSIGN_OR_RETURN(const std::vector<SocketAddress> addresses, ResolveAddress(address));
  Target target;
  target.name = address;
  target.why_down = GoesAway(address);
  absl::Status connected;
  for (const SocketAddress& one : addresses) {
    target.address = one;
    target.slots = std::vector<Slot>(connections);
    connected = Connect(target, deadline_ns);
    if (connected.ok()) break;
  }
  if (!connected.ok()) {
    return ClientError(connected.code(), absl::StrCat(address, ": ", connected.message()));
  }
  for (const Slot& slot : target.slots) WEIR_RETURN_IF_ERROR(Register(*slot.connection));
  targets_.push_back(std::move(target));
  return static_cast<int>(targets_.size()) - 1;
}

absl::Status CallClient::Impl::Connect(Target& target, int64_t deadline_ns) {
  for (Slot& slot : target.slots) {
    slot.dialed_ns = Now();
    WEIR_ASSIGN_OR_RETURN(slot.connection,
                          CallConnection::Dial(target.address, target.name, options_, calls_));
  }
  return WaitUntilReady(target, deadline_ns);
}

// Outside of Poll, so that no call of another target is called back.
absl::Status CallClient::Impl::WaitUntilReady(Target& target, int64_t deadline_ns) {
  std::vector<pollfd> waited;
  while (true) {
    waited.clear();
    for (Slot& slot : target.slots) {
      CallConnection& connection = *slot.connection;
      WEIR_RETURN_IF_ERROR(connection.Write());
      const int events = connection.blocked() ? POLLIN | POLLOUT : POLLIN;
      if (connection.session().accepting()) continue;
      waited.push_back({.fd = connection.fd(), .events = static_cast<int16_t>(events)});
    }
    if (waited.empty()) return absl::OkStatus();
    const int64_t left_ns = deadline_ns - Now();
    if (left_ns <= 0) {
      return ClientError(absl::StatusCode::kUnavailable, "no HTTP/2 server answers in time");
    }
    const timespec left = {.tv_sec = left_ns / 1'000'000'000, .tv_nsec = left_ns % 1'000'000'000};
    ppoll(waited.data(), waited.size(), &left, nullptr);
    for (Slot& slot : target.slots) {
      slot.connection->OnWritable();
      WEIR_RETURN_IF_ERROR(slot.connection->Read(absl::MakeSpan(input_)));
    }
  }
}

absl::Status CallClient::Impl::Register(CallConnection& connection) const {
  connection.waits_for_room = connection.blocked();
  return Watch(EPOLL_CTL_ADD, connection);
}

absl::Status CallClient::Impl::Watch(int operation, CallConnection& connection) const {
  const uint32_t events = connection.waits_for_room ? EPOLLIN | EPOLLOUT : EPOLLIN;
  epoll_event event = {.events = events, .data = {.ptr = &connection}};
  if (epoll_ctl(epoll_, operation, connection.fd(), &event) == 0) return absl::OkStatus();
  return SystemError("epoll_ctl");
}

// A server may have said in this very Poll that it goes away, before Tend sees to it.
absl::Status CallClient::Impl::WhyDown(const Target& target) {
  for (const Slot& slot : target.slots) {
    if (slot.connection != nullptr && slot.connection->session().going_away()) {
      return GoesAway(target.name);
    }
  }
  return target.why_down;
}

bool CallClient::Impl::connected(int target) const {
  const std::vector<Slot>& slots = targets_[target].slots;
  return std::any_of(slots.begin(), slots.end(), Stands);
}

void CallClient::Impl::Start(int index, OpenCall& open) {
  Target& target = targets_[index];
  for (size_t i = 0; i < target.slots.size(); ++i) {
    Slot& slot = target.slots[target.next];
    target.next = target.next + 1 < target.slots.size() ? target.next + 1 : 0;
    if (Stands(slot)) return slot.connection->session().Start(open);
  }
  calls_.EndLater(open, WhyDown(target));
}

void CallClient::Impl::StartStream(int index, int connection, OpenCall& open) {
  const Target& target = targets_[index];
  const Slot& slot = target.slots[connection];
  if (Stands(slot)) {
    slot.connection->session().Start(open);
  } else {
    calls_.EndLater(open, WhyDown(target));
  }
}

int64_t CallClient::Impl::SendMessage(OpenCall& open, absl::string_view message) {
  if (open.session == nullptr) return kNoMessage;
  const int64_t number = open.messages->Push(message);
  open.session->Resume(open);
  return number;
}

void CallClient::Impl::EndMessages(OpenCall& open) {
  if (open.session == nullptr) return;
  open.half_closed = true;
  open.session->Resume(open);
}

void CallClient::Impl::Cancel(OpenCall& open) {
  if (open.session == nullptr) return;  // It ends already.
  open.session->Drop(open);
  calls_.EndLater(open, ClientError(absl::StatusCode::kCancelled, "cancelled by the client"));
}

void CallClient::Impl::Wake() const {
  const int saved = errno;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(wake_, &one, sizeof(one));
  errno = saved;
}

void CallClient::Impl::Poll(int64_t until_ns) {
  if (has_slack_) {
    // The system may wake a thread 50 us late, unless told that it shall not.
    prctl(PR_SET_TIMERSLACK, 1);
    has_slack_ = false;
  }
  const int64_t ended = calls_.ended();
  const int64_t now_ns = Now();
  calls_.Advance(now_ns);
  int64_t wake_ns = Tend(now_ns);
  gone_.clear();
  if (calls_.ended() != ended || calls_.any_due()) {
    wake_ns = now_ns;
  } else {
    wake_ns = std::min({wake_ns, until_ns, calls_.NextExpiry()});
  }
  std::array<epoll_event, 64> events;
  const int happened = Wait(absl::MakeSpan(events), now_ns, wake_ns);
  for (int i = 0; i < happened; ++i) Handle(events[i]);
  calls_.Advance(Now());
  while (OpenCall* const expired = calls_.TakeExpired()) {
    if (expired->session != nullptr) expired->session->Drop(*expired);
    calls_.End(*expired, OpenCalls::DeadlinePassed());
  }
  calls_.EndDue();
}

// How many things have happened; they are waited for until `wake_ns`.
int CallClient::Impl::Wait(absl::Span<epoll_event> events, int64_t now_ns, int64_t wake_ns) {
  const auto room = static_cast<int>(events.size());
  const bool forever = wake_ns == DeadlineWheel::kNever;
  const int64_t wait_ns = wake_ns <= now_ns ? 0 : wake_ns - now_ns;
  if (waits_in_ns_) {
    const timespec wait = {.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
    const int happened =
        epoll_pwait2(epoll_, events.data(), room, forever ? nullptr : &wait, nullptr);
    if (happened >= 0 || errno == EINTR) return happened;
    waits_in_ns_ = false;
  }
  const int64_t wait_ms = wait_ns / 1'000'000 + (wait_ns % 1'000'000 == 0 ? 0 : 1);
  return epoll_wait(epoll_, events.data(), room,
                    forever ? -1 : static_cast<int>(std::min<int64_t>(wait_ms, INT_MAX)));
}

// Sends what there is to send, and connects again what is down. When to come again.
int64_t CallClient::Impl::Tend(int64_t now_ns) {
  int64_t wake_ns = DeadlineWheel::kNever;
  for (Target& target : targets_) {
    for (Slot& slot : target.slots) wake_ns = std::min(wake_ns, TendSlot(target, slot, now_ns));
  }
  for (auto& connection : leaving_) {
    if (connection != nullptr) wake_ns = std::min(wake_ns, TendConnection(*connection, now_ns));
    if (connection != nullptr && connection->session().calls() == 0) {
      gone_.push_back(std::move(connection));
    }
  }
  std::erase(leaving_, nullptr);
  return wake_ns;
}

int64_t CallClient::Impl::TendSlot(Target& target, Slot& slot, int64_t now_ns) {
  int64_t wake_ns = DeadlineWheel::kNever;
  if (slot.connection != nullptr) wake_ns = TendConnection(*slot.connection, now_ns);
  if (slot.successor != nullptr) TendConnection(*slot.successor, now_ns);
  if (slot.successor != nullptr &&
      (slot.connection == nullptr || slot.successor->session().accepting())) {
    if (slot.connection != nullptr) leaving_.push_back(std::move(slot.connection));
    slot.connection = std::move(slot.successor);
  }
  if (slot.connection == nullptr || !slot.connection->session().accepting()) {
    return TendDialled(target, slot, slot.connection, now_ns);
  }
  if (!slot.connection->session().used_up()) return wake_ns;
  return std::min(wake_ns, TendDialled(target, slot, slot.successor, now_ns));
}

// `dialled`, of the slot, takes no calls, or is not there.
int64_t CallClient::Impl::TendDialled(Target& target, Slot& slot,
                                      std::unique_ptr<CallConnection>& dialled, int64_t now_ns) {
  if (dialled != nullptr) {
    if (dialled->session().going_away()) {
      target.why_down = GoesAway(target.name);
      leaving_.push_back(std::move(dialled));
    } else if (now_ns < slot.dialed_ns + kDialTimeoutNs) {
      return slot.dialed_ns + kDialTimeoutNs;
    } else {
      Break(*dialled, ClientError(absl::StatusCode::kUnavailable, "nobody answers"));
    }
  }
  if (now_ns < slot.dialed_ns + kRedialNs) return slot.dialed_ns + kRedialNs;
  slot.dialed_ns = now_ns;
  absl::StatusOr<std::unique_ptr<CallConnection>> made =
      CallConnection::Dial(target.address, target.name, options_, calls_);
  if (!made.ok()) {
    target.why_down = DownStatus(target.name, made.status());
    return now_ns + kRedialNs;
  }
  dialled = *std::move(made);
  const absl::Status registered = Register(*dialled);
  if (registered.ok()) {
    Write(*dialled);
  } else {
    Break(*dialled, registered);
  }
  return now_ns + kRedialNs;
}

// When to come again. It may be gone then.
int64_t CallClient::Impl::TendConnection(CallConnection& connection, int64_t now_ns) {
  const absl::StatusOr<int64_t> wake_ns = connection.CheckSilence(now_ns);
  if (!wake_ns.ok()) {
    Break(connection, wake_ns.status());
    return now_ns;
  }
  if (connection.wants_to_write()) Write(connection);
  return *wake_ns;
}

void CallClient::Impl::Write(CallConnection& connection) {
  absl::Status status = connection.Write();
  if (status.ok() && connection.blocked() != connection.waits_for_room) {
    connection.waits_for_room = connection.blocked();
    status = Watch(EPOLL_CTL_MOD, connection);
  }
  if (!status.ok()) Break(connection, status);
}

void CallClient::Impl::Handle(const epoll_event& event) {
  if (event.data.ptr == nullptr) return;  // Wake.
  auto& connection = *static_cast<CallConnection*>(event.data.ptr);
  if ((event.events & EPOLLOUT) != 0) connection.OnWritable();
  if ((event.events & ~EPOLLOUT) == 0) return;
  const absl::Status status = connection.Read(absl::MakeSpan(input_));
  if (!status.ok()) Break(connection, status);
}

// The connection is no more; its calls end.
void CallClient::Impl::Break(CallConnection& connection, const absl::Status& why) {
  absl::Status status = why;
  for (Target& target : targets_) {
    for (Slot& slot : target.slots) {
      for (auto* const place : {&slot.connection, &slot.successor}) {
        if (place->get() != &connection) continue;
        target.why_down = status = DownStatus(target.name, why);
        gone_.push_back(std::move(*place));
      }
    }
  }
  for (auto& leaving : leaving_) {
    if (leaving.get() == &connection) gone_.push_back(std::move(leaving));
  }
  connection.session().EndAll(status);
}

CallClient::CallClient(const Options& options)
    : impl_(std::make_unique<Impl>(
          CallConnection::Options{.patience_ns = absl::ToInt64Nanoseconds(options.patience),
                                  .last_stream_id = options.last_stream_id})) {}
CallClient::~CallClient() = default;

absl::StatusOr<int> CallClient::AddTarget(const std::string& address, int connections,
                                          absl::Duration timeout) {
  return impl_->AddTarget(address, connections, timeout);
}

int CallClient::connections(int target) const { return impl_->connections(target); }
bool CallClient::connected(int target) const { return impl_->connected(target); }
bool CallClient::connected(int target, int connection) const {
  return impl_->connected(target, connection);
}

void CallClient::Start(int target, const CallMethod& method, absl::string_view message,
                       absl::Time deadline, Call& call) {
  impl_->Start(target, impl_->calls().Open(call, method, message, Nanos(deadline)));
}

void CallClient::StartStream(int target, int connection, const CallMethod& method, Call& call) {
  impl_->StartStream(target, connection, impl_->calls().OpenStream(call, method));
}

int64_t CallClient::SendMessage(Call& call, absl::string_view message) {
  OpenCall* const open = OpenCalls::Of(call);
  return open == nullptr ? kNoMessage : Impl::SendMessage(*open, message);
}

void CallClient::DropMessage(Call& call, int64_t number) {
  if (OpenCall* const open = OpenCalls::Of(call)) open->messages->Drop(number);
}

void CallClient::EndMessages(Call& call) {
  if (OpenCall* const open = OpenCalls::Of(call)) Impl::EndMessages(*open);
}

void CallClient::Cancel(Call& call) {
  if (OpenCall* const open = OpenCalls::Of(call)) impl_->Cancel(*open);
}

void CallClient::Poll(absl::Time until) { impl_->Poll(Nanos(until)); }

void CallClient::Wake() { impl_->Wake(); }

int CallClient::open_calls() const { return impl_->calls().open(); }

}  // namespace weir
