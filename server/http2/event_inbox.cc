#include "server/http2/event_inbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

namespace weir {

EventInbox::EventInbox() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

EventInbox::~EventInbox() { close(fd_); }

void EventInbox::Post(Event& event) {
  absl::MutexLock lock(&mu_);
  posted_.push_back(&event);
  WakeSleeper();
}

void EventInbox::PostAll(std::vector<Event*>& events) {
  absl::MutexLock lock(&mu_);
  posted_.insert(posted_.end(), events.begin(), events.end());
  events.clear();
  WakeSleeper();
}

// Under the lock: once the event can happen, the inbox may end.
void EventInbox::WakeSleeper() {
  if (sleeping_ && !std::exchange(woken_, true)) Wake();
}

void EventInbox::Wake() const { eventfd_write(fd_, 1); }

void EventInbox::Take(std::vector<Event*>& events) {
  absl::MutexLock lock(&mu_);
  events.insert(events.end(), posted_.begin(), posted_.end());
  posted_.clear();
}

bool EventInbox::PrepareToSleep() {
  absl::MutexLock lock(&mu_);
  if (!posted_.empty()) return false;
  sleeping_ = true;
  return true;
}

void EventInbox::Awake() {
  absl::MutexLock lock(&mu_);
  sleeping_ = false;
}

void EventInbox::OnReadable() {
  eventfd_t ignored = 0;
  eventfd_read(fd_, &ignored);
  absl::MutexLock lock(&mu_);
  woken_ = false;
}

}  // namespace weir
