#include "bench/precedence.h"

#include <sys/resource.h>

namespace weir {
namespace {

// Linux keeps it for each thread; 0 is the one that calls.
int Niceness() { return getpriority(PRIO_PROCESS, 0); }

}  // namespace

Precedence::Precedence(int less_nice) : before_(Niceness()) {
  setpriority(PRIO_PROCESS, 0, before_ - less_nice);
  niceness_ = Niceness();
}

Precedence::~Precedence() { setpriority(PRIO_PROCESS, 0, before_); }

}  // namespace weir
