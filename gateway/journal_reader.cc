#include "gateway/journal_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "gateway/journal_io.h"

namespace weir {
namespace {

constexpr size_t kReadBytes = size_t{4} << 20;

// How many of the bytes were read; fewer than asked for only at the end of the file.
absl::StatusOr<size_t> Read(int file, const std::string& path, int64_t offset, char* out,
                            size_t bytes) {
  size_t have = 0;
  while (have < bytes) {
    const ssize_t got = pread(file, out + have, bytes - have, offset + static_cast<int64_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FileError(errno, "read", path);
    if (got == 0) break;
    have += got;
  }
  return have;
}

// The part of a file that is in memory.
class Window {
 public:
  Window(int file, const std::string& path) : file_(file), path_(path) {}

  // What is there from `offset` on: at least `bytes`, if the file has them. Offsets only grow, and
  // not beyond what was there. Points into memory that the next call may use.
  absl::StatusOr<absl::string_view> At(int64_t offset, size_t bytes) {
    const size_t skip = offset - begin_;
    if (size_ - skip < bytes && !at_end_) {
      const size_t keep = size_ - skip;
      const size_t capacity = std::max(bytes, kReadBytes);
      if (capacity > capacity_) {
        auto larger = std::make_unique_for_overwrite<char[]>(capacity);
        if (keep > 0) std::memcpy(larger.get(), buffer_.get() + skip, keep);
        buffer_ = std::move(larger);
        capacity_ = capacity;
      } else {
        std::memmove(buffer_.get(), buffer_.get() + skip, keep);
      }
      begin_ = offset;
      WEIR_ASSIGN_OR_RETURN(const size_t got,
                            Read(file_, path_, offset + static_cast<int64_t>(keep),
                                 buffer_.get() + keep, capacity_ - keep));
      size_ = keep + got;
      at_end_ = size_ < capacity_;
    }
    return absl::string_view(buffer_.get(), size_).substr(offset - begin_);
  }

 private:
  const int file_;
  const std::string& path_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  int64_t begin_ = 0;  // Where in the file the buffer begins.
  size_t size_ = 0;
  bool at_end_ = false;
};

// The whole record at `offset`, if there is one.
absl::StatusOr<std::optional<JournalEntry>> RecordAt(Window& window, int64_t offset,
                                                     uint32_t salt) {
  WEIR_ASSIGN_OR_RETURN(absl::string_view bytes, window.At(offset, kRecordHeaderBytes));
  if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
  const auto claimed = ClaimedRecordBytes(bytes, salt);
  if (!claimed.has_value()) return std::nullopt;
  WEIR_ASSIGN_OR_RETURN(bytes, window.At(offset, *claimed));
  if (bytes.size() < *claimed) return std::nullopt;
  return DecodeRecord(bytes.substr(0, *claimed), salt);
}

// Where behind `offset` the next record may begin.
absl::StatusOr<std::optional<int64_t>> NextCandidate(Window& window, int64_t offset,
                                                     uint32_t salt) {
  while (true) {
    ++offset;
    WEIR_ASSIGN_OR_RETURN(const absl::string_view bytes, window.At(offset, kRecordHeaderBytes));
    if (bytes.size() < kRecordHeaderBytes) return std::nullopt;
    const size_t found = FindRecord(bytes, 0, salt);
    if (found != absl::string_view::npos) return offset + static_cast<int64_t>(found);
    // A marker may be cut by the end of the window.
    offset += static_cast<int64_t>(bytes.size() - sizeof(salt));
  }
}

}  // namespace

absl::StatusOr<SegmentContent> ReadSegment(
    int file, const std::string& path, const SegmentHeader& header,
    absl::FunctionRef<void(int64_t offset, const JournalEntry&)> visit) {
  struct stat status;
  if (fstat(file, &status) != 0) return FileError(errno, "read", path);
  SegmentContent content{.end = kSegmentHeaderBytes, .size = status.st_size};
  Window window(file, path);
  int64_t offset = kSegmentHeaderBytes;
  WEIR_RETURN_IF_ERROR(window.At(0, kSegmentHeaderBytes).status());
  while (offset < content.size) {
    WEIR_ASSIGN_OR_RETURN(const std::optional<JournalEntry> entry,
                          RecordAt(window, offset, header.salt));
    if (entry.has_value()) {
      if (offset > content.end) {
        content.damage.push_back({.begin = content.end, .bytes = offset - content.end});
      }
      ++content.entries;
      visit(offset, *entry);
      offset += static_cast<int64_t>(kRecordHeaderBytes + entry->payload.size());
      content.end = offset;
    } else {
      WEIR_ASSIGN_OR_RETURN(const std::optional<int64_t> next,
                            NextCandidate(window, offset, header.salt));
      if (!next.has_value()) break;
      offset = *next;
    }
  }
  return content;
}

absl::Status ReadAt(int file, const std::string& path, int64_t offset, size_t bytes,
                    std::string& out) {
  out.resize(bytes);
  WEIR_ASSIGN_OR_RETURN(const size_t got, Read(file, path, offset, out.data(), bytes));
  out.resize(got);
  return absl::OkStatus();
}

}  // namespace weir
