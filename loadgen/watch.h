// Runs loads, shows on standard error how they go, and ends them when the user asks for it.
#ifndef WEIR_LOADGEN_WATCH_H_
#define WEIR_LOADGEN_WATCH_H_

#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "loadgen/load_run.h"
#include "loadgen/report/progress.h"

namespace weir {

// Whether escape sequences make sense on this file descriptor: a terminal, and no user who has set
// NO_COLOR.
bool HasColours(int fd);

// One for the program, after CatchTermination. All but the signal's thread is the caller's.
class Watch {
 public:
  // Shows nothing if `quiet`. Elsewhere than in a terminal, a line for each model and second only
  // if `tells_seconds`.
  Watch(bool quiet, bool tells_seconds);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // Runs `run` on a thread of its own, and returns when it is over. After a signal sending ends,
  // and what is in flight is waited for; runs after that one do not begin.
  void Run(LoadRun& run, const std::string& title) ABSL_LOCKS_EXCLUDED(mu_);

  // A line on standard error, unless quiet.
  void Say(absl::string_view line) const;

 private:
  void AwaitSignal() ABSL_LOCKS_EXCLUDED(mu_);
  // Until the run is over, the user has had enough (told once), or `timeout`.
  enum class News { kNone, kInterrupted, kDone };
  News AwaitNews(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);
  void Show(LoadRun& run, LoadProgress& progress) const;

  const bool quiet_;
  const bool tells_seconds_;
  const bool is_terminal_;
  absl::Mutex mu_;
  LoadRun* run_ ABSL_GUARDED_BY(mu_) = nullptr;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  bool interrupted_ ABSL_GUARDED_BY(mu_) = false;
  bool told_ ABSL_GUARDED_BY(mu_) = false;  // That it was interrupted.
  std::thread signals_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_WATCH_H_
