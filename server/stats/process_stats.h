// What the system says of this process.
#ifndef WEIR_SERVER_STATS_PROCESS_STATS_H_
#define WEIR_SERVER_STATS_PROCESS_STATS_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"

namespace weir {

// Processor time of all threads, since the process began.
absl::Duration ProcessCpu();

// Memory that is in RAM now; 0 if the system does not tell.
int64_t ResidentBytes();

// The least limit of the process's control group and of the groups around it, or the machine's
// whole memory if that is less. Takes the folders proc and sys below `root`, which is "" but for
// tests.
int64_t MemoryLimitBytes(const std::string& root = "");

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PROCESS_STATS_H_
