// A directory for a benchmark's files.
#ifndef WEIR_BENCH_SCRATCH_DIRECTORY_H_
#define WEIR_BENCH_SCRATCH_DIRECTORY_H_

#include <stdlib.h>

#include <filesystem>
#include <string>
#include <system_error>

namespace weir {

// Empty at first, and gone with the object, with all that is in it.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(const std::string& parent) : path_(parent + "/weir-bench-XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) abort();
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir

#endif  // WEIR_BENCH_SCRATCH_DIRECTORY_H_
