// What lies in a model repository on disk, and whether it has changed:
//
//   <root>/<model>/config.pbtxt
//   <root>/<model>/<version>/model.pt
#ifndef WEIR_SERVER_MODEL_MODEL_DIRECTORY_H_
#define WEIR_SERVER_MODEL_MODEL_DIRECTORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace weir {

// Differs once a file was written to or replaced; nothing of the file is read.
struct FileFingerprint {
  int64_t bytes = 0;
  int64_t modified_ns = 0;
  uint64_t inode = 0;

  friend bool operator==(const FileFingerprint&, const FileFingerprint&) = default;
};

// The regular files of a directory by their names, with links followed. Files that say nothing to a
// server are left out: hidden ones, which is how copies in progress look, and pages (*.md).
using FileFingerprints = std::map<std::string, FileFingerprint>;

struct ModelDirectory {
  std::vector<int64_t> VersionNumbers() const;  // Ascending.

  friend bool operator==(const ModelDirectory&, const ModelDirectory&) = default;

  FileFingerprints settings;  // Beside config.pbtxt and below warmup/, which it may name.
  // Directories whose names are positive integers without a leading zero; others are ignored.
  std::map<int64_t, FileFingerprints> versions;
};

// The directories with a config.pbtxt but for hidden ones, ascending. NOT_FOUND if there is none,
// or if `root` cannot be read: a file system that is gone must not look like a repository whose
// models are.
absl::StatusOr<std::vector<std::string>> ListModelDirectories(const std::string& root);

// An error if the directory cannot be read.
absl::StatusOr<ModelDirectory> ReadModelDirectory(const std::string& path);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_MODEL_DIRECTORY_H_
