#include "loadgen/inputs/file_start.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace weir {

absl::StatusOr<FileStart> ReadFileStart(const std::string& path, int64_t most) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rb"), fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  FileStart start;
  char chunk[1 << 16];
  while (const size_t size = fread(chunk, 1, sizeof(chunk), file.get())) {
    const auto wanted = most - static_cast<int64_t>(start.bytes.size());
    start.bytes.append(chunk, std::min(static_cast<int64_t>(size), wanted));
    start.file_bytes += static_cast<int64_t>(size);
    if (start.file_bytes < most || fseeko(file.get(), 0, SEEK_END) != 0) continue;
    start.file_bytes = std::max<int64_t>(start.file_bytes, ftello(file.get()));
    break;
  }
  if (ferror(file.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  return start;
}

}  // namespace weir
