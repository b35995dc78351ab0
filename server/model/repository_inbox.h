// What waits for the repository's thread: commands, and servables to destroy.
#ifndef WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_
#define WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_

#include <deque>
#include <optional>
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
  struct Command {
    absl::AnyInvocable<absl::Status(Reconciler&) &&> run;
    // Called exactly once with what `run` returned, or with UNAVAILABLE instead of it.
    absl::AnyInvocable<void(absl::Status) &&> done;
  };

  struct Mail {
    bool closed = false;
    std::optional<Command> command;
    std::vector<RetiredLoad> retired;
  };

  // Once the inbox is closed, the command is refused at once, on this thread.
  void Post(Command command) ABSL_LOCKS_EXCLUDED(mu_);

  // Once the inbox is closed, the servable is destroyed at once, on this thread.
  void Retire(RetiredLoad load) ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until there is something, or for `at_most`, and takes the next command and all loads.
  Mail Take(absl::Duration at_most) ABSL_LOCKS_EXCLUDED(mu_);

  std::vector<RetiredLoad> TakeRetired() ABSL_LOCKS_EXCLUDED(mu_);

  // Refuses the commands that were not taken. Later calls do nothing.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  mutable absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  std::deque<Command> commands_ ABSL_GUARDED_BY(mu_);
  std::vector<RetiredLoad> retired_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_REPOSITORY_INBOX_H_
