// The command line of every program.
#ifndef WEIR_BASE_FLAGS_H_
#define WEIR_BASE_FLAGS_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

// Parses the flags that the program's main file defines, which --help lists below `usage`; a wrong
// flag ends the program with a line about it. The arguments that are no flags.
std::vector<std::string> ParseFlags(int argc, char** argv, absl::string_view usage);

}  // namespace weir

#endif  // WEIR_BASE_FLAGS_H_
