#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/clock.h"

namespace weir {
namespace {

int MillisecondsUntil(absl::Time deadline) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(deadline - MonotonicNow()) + 1, 0, 1 << 20));
}

// Takes the first whole line off `text`; none if there is none.
std::optional<absl::string_view> TakeLine(absl::string_view& text) {
  const size_t end = text.find('\n');
  if (end == absl::string_view::npos) return std::nullopt;
  const absl::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  return line;
}

}  // namespace

Process::Process(const std::vector<std::string>& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) abort();
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_ = fork();
  if (pid_ < 0) abort();  // And never signal "process -1", which is everybody.
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);
  output_fd_ = ends[0];
  reader_ = std::thread([this] { ReadOutput(); });
}

Process::~Process() {
  if (!exit_code_) {
    Signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  reader_.join();
  close(output_fd_);
}

void Process::Signal(int signal) {
  if (!exit_code_) kill(pid_, signal);
}

std::string Process::output() const {
  absl::MutexLock lock(&mu_);
  return output_;
}

void Process::ReadOutput() {
  char chunk[4096];
  while (true) {
    const ssize_t size = read(output_fd_, chunk, sizeof(chunk));
    if (size < 0 && errno == EINTR) continue;
    absl::MutexLock lock(&mu_);
    if (size <= 0) {
      output_ended_ = true;
      return;
    }
    output_.append(chunk, size);
  }
}

std::optional<std::string> Process::WaitForLine(absl::string_view text, absl::Duration timeout) {
  size_t searched = 0;  // Whole lines in which `text` is not.
  std::optional<std::string> found;
  const auto found_or_ended = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    absl::string_view rest = absl::string_view(output_).substr(searched);
    while (!found) {
      const std::optional<absl::string_view> line = TakeLine(rest);
      if (!line) break;
      searched += line->size() + 1;
      if (line->find(text) != absl::string_view::npos) found = std::string(*line);
    }
    return found.has_value() || output_ended_;
  };
  absl::MutexLock lock(&mu_);
  mu_.AwaitWithTimeout(absl::Condition(&found_or_ended), timeout);
  return found;
}

std::optional<int> Process::Wait(absl::Duration timeout) {
  if (exit_code_) return exit_code_;
  const absl::Time deadline = MonotonicNow() + timeout;
  {
    absl::MutexLock lock(&mu_);
    if (!mu_.AwaitWithTimeout(absl::Condition(&output_ended_), timeout)) return std::nullopt;
  }
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid_, 0));
  pollfd ended = {.fd = pidfd, .events = POLLIN, .revents = 0};
  const bool in_time = poll(&ended, 1, MillisecondsUntil(deadline)) == 1;
  close(pidfd);
  if (!in_time) return std::nullopt;
  int status = 0;
  waitpid(pid_, &status, 0);
  exit_code_ = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
  return exit_code_;
}

}  // namespace weir
