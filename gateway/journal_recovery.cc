#include "gateway/journal_recovery.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <tuple>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "gateway/journal_io.h"
#include "gateway/journal_reader.h"

namespace weir {
namespace {

using Segment = RecoveredSegments::Segment;

absl::StatusOr<std::vector<std::string>> ListFiles(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (dir == nullptr) return FileError(errno, "read", directory);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = readdir(dir.get())) names.push_back(entry->d_name);
  if (errno != 0) return FileError(errno, "read", directory);
  return names;
}

class Recovery {
 public:
  explicit Recovery(const std::string& directory) : directory_(directory) {}

  absl::StatusOr<RecoveredSegments> Run(
      absl::FunctionRef<absl::Status(const JournalEntry&)> restore) {
    WEIR_RETURN_IF_ERROR(FindSegments());
    DropObsolete();
    FindGaps();
    for (size_t i = 0; i < segments().size(); ++i) WEIR_RETURN_IF_ERROR(ReadSegmentAt(i));
    WEIR_RETURN_IF_ERROR(RestoreNewest(restore));
    return std::move(found_);
  }

 private:
  // Where the newest entry of a key is.
  struct Place {
    uint64_t order;
    size_t segment;
    int64_t offset;
    size_t bytes;
  };

  std::vector<Segment>& segments() { return found_.segments; }

  absl::Status FindSegments() {
    WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, ListFiles(directory_));
    for (const std::string& name : names) {
      const std::string path = absl::StrCat(directory_, "/", name);
      absl::string_view stem = name;
      if (absl::ConsumeSuffix(&stem, kUnfinishedSuffix) && ParseSegmentName(stem).has_value()) {
        WEIR_LOG(kInfo, "removing a compacted journal that was not finished",
                 LogField("file", path));
        found_.obsolete.push_back(path);
      }
      if (const auto parsed = ParseSegmentName(name); parsed.has_value()) {
        WEIR_RETURN_IF_ERROR(AddSegment(path, parsed->first, parsed->second));
      }
    }
    // A snapshot comes before the log that it has the number of.
    std::sort(segments().begin(), segments().end(), [](const Segment& a, const Segment& b) {
      return std::tuple(a.header.number, a.header.kind == SegmentKind::kLog) <
             std::tuple(b.header.number, b.header.kind == SegmentKind::kLog);
    });
    if (!segments().empty()) found_.next_number = segments().back().header.number + 1;
    return absl::OkStatus();
  }

  // Looks at its header only.
  absl::Status AddSegment(const std::string& path, SegmentKind kind, uint64_t number) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return FileError(errno, "open", path);
    const absl::Cleanup closer = [file] { close(file); };
    Segment segment{.path = path, .header = {.kind = kind, .number = number}};
    segment.size = lseek(file, 0, SEEK_END);
    std::string bytes;
    WEIR_RETURN_IF_ERROR(ReadAt(file, path, 0, kSegmentHeaderBytes, bytes));
    const absl::StatusOr<SegmentHeader> header = DecodeSegmentHeader(bytes);
    if (header.ok() && (header->kind != kind || header->number != number)) {
      return absl::FailedPreconditionError(absl::StrCat(
          path, " was ", SegmentName(header->kind, header->number), " before it was renamed"));
    }
    if (header.ok()) {
      segment.header = *header;
      segment.has_header = segment.size >= static_cast<int64_t>(kSegmentHeaderBytes);
    } else if (!absl::IsDataLoss(header.status())) {
      return absl::FailedPreconditionError(absl::StrCat(path, " ", header.status().message()));
    }
    segments().push_back(std::move(segment));
    return absl::OkStatus();
  }

  // What the newest snapshot stands for, and a log that was never begun in full.
  void DropObsolete() {
    for (size_t i = segments().size(); i-- > 0;) {
      if (segments()[i].header.kind == SegmentKind::kSnapshot && segments()[i].has_header) {
        for (size_t j = 0; j < segments().size(); ++j) {
          const SegmentHeader& header = segments()[j].header;
          if (j != i && header.number <= segments()[i].header.number) {
            found_.obsolete.push_back(segments()[j].path);
            segments()[j].path.clear();
          }
        }
        break;
      }
    }
    std::erase_if(segments(), [](const Segment& segment) { return segment.path.empty(); });
    if (segments().empty()) return;
    const Segment& last = segments().back();
    if (last.has_header || last.header.kind != SegmentKind::kLog ||
        last.size > static_cast<int64_t>(kSegmentHeaderBytes)) {
      return;
    }
    WEIR_LOG(kWarning, "journal: removing a log that was not begun in full",
             LogField("bytes", last.size), LogField("file", last.path));
    found_.recovery.cut_bytes += last.size;
    found_.obsolete.push_back(last.path);
    found_.next_number = last.header.number;
    segments().pop_back();
  }

  // Segments follow each other, the first one of all being a log of number 1.
  void FindGaps() {
    uint64_t expected = 1;
    for (const Segment& segment : segments()) {
      const SegmentHeader& header = segment.header;
      if (header.kind == SegmentKind::kLog && header.number > expected) {
        WEIR_LOG(kError, "journal: files are missing before this one, and what they held is lost",
                 LogField("files", header.number - expected), LogField("file", segment.path));
        ++found_.recovery.damages;
      }
      expected = header.number + 1;
    }
  }

  absl::Status ReadSegmentAt(size_t index) {
    Segment& segment = segments()[index];
    found_.recovery.bytes += segment.size;
    if (!segment.has_header) {
      Lost(segment, 0, segment.size, "journal: a file has lost its header, and is passed over");
      return absl::OkStatus();
    }
    const int file = open(segment.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) return FileError(errno, "open", segment.path);
    const absl::Cleanup closer = [file] { close(file); };
    int64_t entries = 0;
    std::optional<int64_t> promised;
    WEIR_ASSIGN_OR_RETURN(const SegmentContent content,
                          ReadSegment(file, segment.path, segment.header,
                                      [&](int64_t offset, const JournalEntry& entry) {
                                        if (entry.key.kind == kSnapshotEnd) {
                                          promised = static_cast<int64_t>(entry.order);
                                          return;
                                        }
                                        ++entries;
                                        Note(entry,
                                             {.order = entry.order,
                                              .segment = index,
                                              .offset = offset,
                                              .bytes = kRecordHeaderBytes + entry.payload.size()});
                                      }));
    segment.end = content.end;
    found_.recovery.entries += entries;
    for (const ByteRange& damage : content.damage) {
      Lost(segment, damage.begin, damage.bytes, "journal: damaged bytes are passed over");
    }
    NoteTail(segment, index + 1 == segments().size());
    if (segment.header.kind == SegmentKind::kSnapshot && promised != entries) {
      WEIR_LOG(kError, "journal: a compacted journal is not complete", LogField("entries", entries),
               LogField("of", promised.has_value() ? absl::StrCat(*promised) : "unknown"),
               LogField("file", segment.path));
      found_.recovery.damages += content.damage.empty() && segment.end == segment.size;
    }
    return absl::OkStatus();
  }

  void NoteTail(const Segment& segment, bool is_last) {
    const int64_t tail = segment.size - segment.end;
    if (tail == 0) return;
    if (is_last && segment.header.kind == SegmentKind::kLog) {
      WEIR_LOG(kWarning, "journal: cutting off a write that did not end", LogField("bytes", tail),
               LogField("file", segment.path));
      found_.recovery.cut_bytes += tail;
    } else {
      Lost(segment, segment.end, tail, "journal: damaged bytes are passed over");
    }
  }

  void Lost(const Segment& segment, int64_t begin, int64_t bytes, absl::string_view what) {
    WEIR_LOG(kError, what, LogField("bytes", bytes), LogField("offset", begin),
             LogField("file", segment.path));
    ++found_.recovery.damages;
    found_.recovery.damaged_bytes += bytes;
  }

  void Note(const JournalEntry& entry, const Place& place) {
    const auto [it, is_new] = newest_.try_emplace(entry.key, place);
    if (!is_new && place.order >= it->second.order) it->second = place;
  }

  absl::Status RestoreNewest(absl::FunctionRef<absl::Status(const JournalEntry&)> restore) {
    std::vector<Place> places;
    places.reserve(newest_.size());
    for (const auto& [key, place] : newest_) places.push_back(place);
    // As they lie on the disk.
    std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
      return std::tie(a.segment, a.offset) < std::tie(b.segment, b.offset);
    });
    std::string bytes;
    for (size_t begin = 0; begin < places.size();) {
      const Segment& segment = segments()[places[begin].segment];
      const int file = open(segment.path.c_str(), O_RDONLY | O_CLOEXEC);
      if (file < 0) return FileError(errno, "open", segment.path);
      const absl::Cleanup closer = [file] { close(file); };
      size_t i = begin;
      for (; i < places.size() && places[i].segment == places[begin].segment; ++i) {
        WEIR_RETURN_IF_ERROR(ReadAt(file, segment.path, places[i].offset, places[i].bytes, bytes));
        std::optional<JournalEntry> entry;
        if (bytes.size() == places[i].bytes) entry = DecodeRecord(bytes, segment.header.salt);
        absl::Status status =
            entry.has_value() ? restore(*entry) : absl::DataLossError("it changed meanwhile");
        if (!status.ok()) {
          return absl::Status(status.code(), absl::StrCat(segment.path, " at ", places[i].offset,
                                                          ": ", status.message()));
        }
        ++found_.recovery.restored;
      }
      begin = i;
    }
    return absl::OkStatus();
  }

  const std::string directory_;
  RecoveredSegments found_;
  absl::flat_hash_map<JournalKey, Place> newest_;
};

}  // namespace

absl::StatusOr<RecoveredSegments> RecoverJournal(
    const std::string& directory, absl::FunctionRef<absl::Status(const JournalEntry&)> restore) {
  return Recovery(directory).Run(restore);
}

}  // namespace weir
