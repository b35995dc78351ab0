// The control groups that a process is in, of version 1 or 2.
#ifndef WEIR_BASE_CGROUPS_H_
#define WEIR_BASE_CGROUPS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

enum class CgroupVersion { kV1, kV2 };

// The folders of the process's control group and of those around it, innermost first, as far as
// they can be seen from here: those of version 2's only hierarchy, or of version 1's that has
// `controller`. Takes the folders proc and sys below `root`, which is "" but for tests. Empty where
// anything is missing or malformed.
std::vector<std::string> CgroupFolders(const std::string& root, CgroupVersion version,
                                       absl::string_view controller);

}  // namespace weir

#endif  // WEIR_BASE_CGROUPS_H_
