#include "tests/faults/restartable.h"

#include <signal.h>
#include <sys/resource.h>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace weir {
namespace {

constexpr absl::Duration kStartTimeout = absl::Seconds(60);

}  // namespace

absl::Status Restartable::Start(absl::string_view line) {
  if (process_ != nullptr) return absl::FailedPreconditionError(name_ + " runs already");
  process_ = std::make_unique<Process>(command_);
  return AwaitLine(line);
}

absl::Status Restartable::AwaitLine(absl::string_view line) {
  if (process_->WaitForLine(line, kStartTimeout)) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat(name_, " does not say \"", line, "\":\n", process_->output()));
}

void Restartable::Kill() {
  if (process_ == nullptr) return;
  process_->Signal(SIGKILL);
  process_->Wait();
  absl::StrAppend(&earlier_, process_->output(), "---- killed\n");
  process_.reset();
}

absl::Status Restartable::Drain() {
  process_->Signal(SIGTERM);
  const std::optional<int> exit_code = process_->Wait();
  absl::StrAppend(&earlier_, process_->output(), "---- drained\n");
  process_.reset();
  if (exit_code == 0) return absl::OkStatus();
  return absl::InternalError(
      absl::StrCat(name_, " does not end well after SIGTERM: ", exit_code.value_or(-1)));
}

void Restartable::Stop() { process_->Signal(SIGSTOP); }
void Restartable::Continue() {
  if (process_ != nullptr) process_->Signal(SIGCONT);
}

void Restartable::LimitFiles(std::optional<int64_t> bytes) {
  if (process_ == nullptr) return;
  const rlimit limit = {.rlim_cur = bytes ? static_cast<rlim_t>(*bytes) : RLIM_INFINITY,
                        .rlim_max = RLIM_INFINITY};
  prlimit(process_->pid(), RLIMIT_FSIZE, &limit, nullptr);
}

std::string Restartable::log() const {
  return earlier_ + (process_ == nullptr ? "" : process_->output());
}

}  // namespace weir
