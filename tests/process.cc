#include "tests/process.h"

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

#include "absl/time/clock.h"

namespace weir {
namespace {

int MillisecondsUntil(absl::Time deadline) {
  return static_cast<int>(
      std::clamp<int64_t>(absl::ToInt64Milliseconds(deadline - absl::Now()) + 1, 0, 1 << 20));
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
}

Process::~Process() {
  if (!exit_code_) {
    Signal(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close(output_fd_);
}

void Process::Signal(int signal) {
  if (!exit_code_) kill(pid_, signal);
}

bool Process::ReadSome(absl::Time deadline) {
  pollfd ready = {.fd = output_fd_, .events = POLLIN, .revents = 0};
  if (poll(&ready, 1, MillisecondsUntil(deadline)) <= 0) return true;
  char chunk[4096];
  const ssize_t size = read(output_fd_, chunk, sizeof(chunk));
  if (size > 0) output_.append(chunk, size);
  return size != 0;
}

std::optional<std::string> Process::WaitForLine(absl::string_view text, absl::Duration timeout) {
  const absl::Time deadline = absl::Now() + timeout;
  bool more = true;
  while (true) {
    size_t begin = 0;
    for (size_t end; (end = output_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const absl::string_view line = absl::string_view(output_).substr(begin, end - begin);
      if (line.find(text) != absl::string_view::npos) return std::string(line);
    }
    if (!more || absl::Now() >= deadline) return std::nullopt;
    more = ReadSome(deadline);
  }
}

std::optional<int> Process::Wait(absl::Duration timeout) {
  if (exit_code_) return exit_code_;
  const absl::Time deadline = absl::Now() + timeout;
  while (ReadSome(deadline)) {
    if (absl::Now() >= deadline) return std::nullopt;
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
