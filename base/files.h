// Small whole-file reads with errors that name the file and the reason.
#ifndef WEIR_BASE_FILES_H_
#define WEIR_BASE_FILES_H_

#include <string>

#include "absl/status/statusor.h"

namespace weir {

// The whole file. NOT_FOUND if there is none; other failures carry the system's reason.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace weir

#endif  // WEIR_BASE_FILES_H_
