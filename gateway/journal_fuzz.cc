// A journal's file of any bytes: it is read or refused, and whatever is given back can be read as a
// record of the ledger or is refused too.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "gateway/journal_format.h"
#include "gateway/journal_reader.h"
#include "gateway/ledger.h"

namespace {

// As the ledger gets it from a journal.
void Restore(const weir::JournalEntry& entry) {
  const auto kind = static_cast<weir::LedgerRecord::Kind>(1 + entry.key.kind % 4);
  const auto record = weir::LedgerRecord::Decode(kind, entry.arrival, entry.payload);
  if (!record.ok()) return;
  weir::Ledger ledger((weir::Ledger::Options()));
  ledger.Restore(*record).IgnoreError();
}

void Read(const std::string& bytes, const weir::SegmentHeader& header) {
  const int file = memfd_create("journal", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  int64_t end = weir::kSegmentHeaderBytes;
  const auto content =
      weir::ReadSegment(file, "journal", header, [&](int64_t offset, const auto& entry) {
        if (offset < end) std::abort();
        end = offset + static_cast<int64_t>(weir::kRecordHeaderBytes + entry.payload.size());
        Restore(entry);
      });
  if (!content.ok() || content->end != end) std::abort();
  close(file);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const auto header = weir::DecodeSegmentHeader(bytes);
  if (header.ok() && size >= weir::kSegmentHeaderBytes) Read(bytes, *header);

  // The same as payloads of whole records, each up to a newline: no fuzzer finds a checksum.
  const weir::SegmentHeader made{.number = 1, .salt = 0x5eed};
  std::string journal = weir::EncodeSegmentHeader(made);
  for (size_t begin = 0, kind = 0; begin < size; ++kind) {
    const size_t end = std::min(bytes.find('\n', begin), size);
    weir::AppendRecord({.key = {.kind = static_cast<uint8_t>(kind % 5)},
                        .order = kind,
                        .payload = absl::string_view(bytes).substr(begin, end - begin)},
                       made.salt, journal);
    begin = end + 1;
  }
  if (size > 0) journal[weir::kSegmentHeaderBytes + data[0] % journal.size() / 2] ^= data[size / 2];
  Read(journal, made);
  return 0;
}
