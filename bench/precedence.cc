#include "bench/precedence.h"

#include <sys/resource.h>

namespace weir {
namespace {

// So much that it goes before a thread that has had its share, not so much that the server's
// threads are held up by a client that computes.
constexpr int kLessNice = 5;

// Linux keeps it for each thread; 0 is the one that calls.
int Niceness() { return getpriority(PRIO_PROCESS, 0); }

}  // namespace

Precedence::Precedence() : before_(Niceness()) {
  setpriority(PRIO_PROCESS, 0, before_ - kLessNice);
  niceness_ = Niceness();
}

Precedence::~Precedence() { setpriority(PRIO_PROCESS, 0, before_); }

}  // namespace weir
