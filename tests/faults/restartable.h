// Processes that a test ends and starts again.
#ifndef WEIR_TESTS_FAULTS_RESTARTABLE_H_
#define WEIR_TESTS_FAULTS_RESTARTABLE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "base/process.h"

namespace weir {

// A process that is started again and again by the same command, and all that it ever said. Not
// thread-safe; used by one thread only (see Process).
class Restartable {
 public:
  Restartable(std::string name, std::vector<std::string> command)
      : name_(std::move(name)), command_(std::move(command)) {}

  const std::string& name() const { return name_; }
  bool running() const { return process_ != nullptr; }

  // Waits until it says `line`; the error holds what it said instead.
  absl::Status Start(absl::string_view line);
  absl::Status AwaitLine(absl::string_view line);

  void Kill();           // SIGKILL; nothing if it does not run.
  absl::Status Drain();  // SIGTERM, and an error unless it ends well.
  void Stop();           // SIGSTOP
  void Continue();       // SIGCONT

  // RLIMIT_FSIZE: to a process whose files may not get larger the disk is full.
  void LimitFiles(std::optional<int64_t> bytes);

  std::string log() const;

 private:
  const std::string name_;
  const std::vector<std::string> command_;
  std::unique_ptr<Process> process_;
  std::string earlier_;  // Said by earlier processes.
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_RESTARTABLE_H_
