// The beginning of a file that may be larger than what is needed of it.
#ifndef WEIR_LOADGEN_INPUTS_FILE_START_H_
#define WEIR_LOADGEN_INPUTS_FILE_START_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace weir {

struct FileStart {
  std::string bytes;
  int64_t file_bytes = 0;  // How many there are.
};

// The first bytes of the file, `most` of them if it has so many. What cannot be sought in, such as
// a pipe, is read to its end, to know its size, but not kept. Errors carry the path and the
// system's reason.
absl::StatusOr<FileStart> ReadFileStart(const std::string& path, int64_t most);

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_FILE_START_H_
