// What another process has used.
#ifndef WEIR_BENCH_PROCESS_USAGE_H_
#define WEIR_BENCH_PROCESS_USAGE_H_

#include <sys/types.h>

#include <cstdint>

#include "absl/time/time.h"

namespace weir {

// Processor time so far, to 10 ms; 0 if there is no such process.
absl::Duration ProcessCpu(pid_t pid);

int64_t ProcessResidentBytes(pid_t pid);

}  // namespace weir

#endif  // WEIR_BENCH_PROCESS_USAGE_H_
