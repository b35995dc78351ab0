// On which of the machine's processors threads run.
#ifndef WEIR_BASE_PROCESSORS_H_
#define WEIR_BASE_PROCESSORS_H_

#include <pthread.h>

#include <vector>

#include "absl/status/status.h"

namespace weir {

// The numbers of the processors that this thread may run on; empty if the system does not tell.
std::vector<int> AllowedProcessors();

// Keeps this thread, and the threads and processes that it starts from now on, on `processors`.
absl::Status StayOn(const std::vector<int>& processors);

// The same for another thread of this process, which has not ended.
std::vector<int> ProcessorsOf(pthread_t thread);
absl::Status KeepOn(pthread_t thread, const std::vector<int>& processors);

}  // namespace weir

#endif  // WEIR_BASE_PROCESSORS_H_
