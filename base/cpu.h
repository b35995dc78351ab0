// How much processor this process may use, which is often less than the machine has.
#ifndef WEIR_BASE_CPU_H_
#define WEIR_BASE_CPU_H_

#include <limits>
#include <string>

namespace weir {

struct CpuBudget {
  int online = 1;   // Of the machine.
  int allowed = 1;  // Of these, by the affinity mask, in which cpusets show too.
  double quota = std::numeric_limits<double>::infinity();  // Of its control groups, in processors.

  // Processors' worth of time: 1.5.
  double Cores() const;

  // How many threads can be kept busy: Cores() rounded up, at least 1.
  int Count() const;

  // "2 of 8 processors: cgroup quota 1.5".
  std::string Description() const;
};

// What holds for this process now.
CpuBudget UsableCpus();

// The least quota of the process's control group and of the groups around it, as far as they can be
// seen from here, of version 1 or 2; infinity if there is none. Takes the folders proc and sys
// below `root`, which is "" but for tests. What is missing or malformed sets no limit.
double CgroupCpuQuota(const std::string& root);

}  // namespace weir

#endif  // WEIR_BASE_CPU_H_
