// A child process of a test, with its standard error and output at hand.
#ifndef WEIR_TESTS_PROCESS_H_
#define WEIR_TESTS_PROCESS_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// Not thread-safe. Whatever a test does, the child ends: with the object, by SIGKILL, and with the
// test's own process, by the kernel.
class Process {
 public:
  // Starts `command`; its output and errors are one stream.
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
  const std::string& output() const { return output_; }

 private:
  // Reads what is there, waiting for more until `deadline`; false at the end of the output.
  bool ReadSome(absl::Time deadline);

  pid_t pid_ = -1;
  int output_fd_ = -1;
  std::string output_;
  std::optional<int> exit_code_;
};

}  // namespace weir

#endif  // WEIR_TESTS_PROCESS_H_
