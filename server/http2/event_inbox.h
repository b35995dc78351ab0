// Events from many threads for one that may sleep.
#ifndef WEIR_SERVER_HTTP2_EVENT_INBOX_H_
#define WEIR_SERVER_HTTP2_EVENT_INBOX_H_

#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/http2/event.h"

namespace weir {

// Thread-safe. The sleeper waits for its descriptor to become readable, among others.
class EventInbox {
 public:
  EventInbox();
  ~EventInbox();
  EventInbox(const EventInbox&) = delete;
  EventInbox& operator=(const EventInbox&) = delete;

  int fd() const { return fd_; }  // Below 0 if the system had none.

  void Post(Event& event) ABSL_LOCKS_EXCLUDED(mu_);
  void PostAll(std::vector<Event*>& events) ABSL_LOCKS_EXCLUDED(mu_);  // Empties it.

  // Moves all that is posted to the end of `events`.
  void Take(std::vector<Event*>& events) ABSL_LOCKS_EXCLUDED(mu_);

  // False if something is posted. Otherwise whoever posts something from now on wakes the sleeper,
  // until Awake. Nobody needs to be woken who looks before he sleeps.
  bool PrepareToSleep() ABSL_LOCKS_EXCLUDED(mu_);
  void Awake() ABSL_LOCKS_EXCLUDED(mu_);

  // Wakes the sleeper whatever is posted.
  void Wake() const;

  // The descriptor was readable.
  void OnReadable() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void WakeSleeper() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const int fd_;
  absl::Mutex mu_;
  std::vector<Event*> posted_ ABSL_GUARDED_BY(mu_);
  bool sleeping_ ABSL_GUARDED_BY(mu_) = false;  // Or about to.
  bool woken_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_EVENT_INBOX_H_
