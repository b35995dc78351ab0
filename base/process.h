// A child process with its output at hand.
#ifndef WEIR_BASE_PROCESS_H_
#define WEIR_BASE_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weir {

// The child ends, whatever happens: with the object, by SIGKILL, and with the thread that made the
// object, by the kernel. Its output is read as it comes, so that it never waits for a reader. Not
// thread-safe.
class Process {
 public:
  // Starts `command`, whose first word is a path; its output and errors are one stream.
  explicit Process(const std::vector<std::string>& command);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // The first line of output, from the beginning on, that holds `text`; none if the output ends or
  // `timeout` passes before.
  std::optional<std::string> WaitForLine(absl::string_view text,
                                         absl::Duration timeout = absl::Seconds(60));

  // Waits for the end of the process and of its output. The exit code, or -signal; none if it still
  // runs after `timeout`.
  std::optional<int> Wait(absl::Duration timeout = absl::Seconds(60));

  void Signal(int signal);
  pid_t pid() const { return pid_; }

  // So far.
  std::string output() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void ReadOutput() ABSL_LOCKS_EXCLUDED(mu_);

  pid_t pid_ = -1;
  int output_fd_ = -1;
  std::optional<int> exit_code_;

  mutable absl::Mutex mu_;
  std::string output_ ABSL_GUARDED_BY(mu_);
  bool output_ended_ ABSL_GUARDED_BY(mu_) = false;

  std::thread reader_;
};

}  // namespace weir

#endif  // WEIR_BASE_PROCESS_H_
