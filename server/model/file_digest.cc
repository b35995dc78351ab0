#include "server/model/file_digest.h"

#include <zlib.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {

absl::StatusOr<std::string> FileDigest(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rb"), fclose);
  if (file == nullptr) return absl::ErrnoToStatus(errno, absl::StrCat("cannot open ", path));
  std::vector<unsigned char> chunk(1 << 18);  // Files may be large.
  uLong crc = crc32(0, nullptr, 0);
  while (const size_t size = fread(chunk.data(), 1, chunk.size(), file.get())) {
    crc = crc32(crc, chunk.data(), static_cast<uInt>(size));
  }
  if (ferror(file.get()) != 0) {
    return absl::ErrnoToStatus(errno, absl::StrCat("cannot read ", path));
  }
  return absl::StrFormat("%08x", crc);
}

}  // namespace weir
