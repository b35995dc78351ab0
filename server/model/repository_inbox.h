// What waits for the repository's thread: commands, and servables to destroy.
#ifndef WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_
#define WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_

#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/model/managed_model.h"
#include "server/model/reconciler.h"

namespace weir {

// Thread-safe. Requests may hold a servable for longer than the repository lives, so that the
// deleters of servables share the inbox with it.
class RepositoryInbox {
 public:
  using Command = absl::AnyInvocable<absl::Status(Reconciler&) &&>;
  using Done = absl::AnyInvocable<void(absl::Status) &&>;

  struct Mail {
    bool closed = false;
    std::optional<Command> command;  // Answer has to be called when it has been carried out.
    std::vector<RetiredLoad> retired;
  };

  // Calls `done` exactly once: with the command's outcome, or with UNAVAILABLE when the inbox is
  // closed before that.
  void Post(Command command, Done done) ABSL_LOCKS_EXCLUDED(mu_);

  // Once the inbox is closed, the servable is destroyed at once, on this thread.
  void Retire(RetiredLoad load) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until there is something, or for `at_most`, and takes the next command and all loads.
  Mail Take(absl::Duration at_most) ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<RetiredLoad> TakeRetired() ABSL_LOCKS_EXCLUDED(mu_);

  // Tells the outcome of the command that was taken.
  void Answer(absl::Status outcome) ABSL_LOCKS_EXCLUDED(mu_);

  // Answers all commands with UNAVAILABLE, also the one that is being carried out. Later calls do
  // nothing.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<std::pair<Command, Done>> commands_ ABSL_GUARDED_BY(mu_);
  Done running_ ABSL_GUARDED_BY(mu_);  // Of the command that was taken; null if it is answered.
  std::vector<RetiredLoad> retired_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_
