#include "base/termination.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace weir {
namespace {

// The only way out of a signal handler. The numbers of signals go through it, a byte each.
int pipe_ends[2];

void Send(int number) {
  const int saved = errno;
  const char byte = static_cast<char>(number);
  // A full pipe already holds what the reader needs.
  [[maybe_unused]] const ssize_t written = write(pipe_ends[1], &byte, 1);
  errno = saved;
}

}  // namespace

void CatchTermination() {
  if (pipe2(pipe_ends, O_CLOEXEC) != 0) abort();
  fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK);
  struct sigaction action = {};
  action.sa_handler = Send;
  action.sa_flags = static_cast<int>(SA_RESTART | SA_RESETHAND);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

int WaitForTermination() {
  char byte = 0;
  while (read(pipe_ends[0], &byte, 1) != 1) {
    if (errno != EINTR) abort();
  }
  return byte;
}

void CancelWait() { Send(0); }

}  // namespace weir
