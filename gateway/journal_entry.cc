#include "gateway/journal_entry.h"

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {

JournalEntry EntryOf(const LedgerRecord& record, absl::string_view payload) {
  return {.key = {.kind = static_cast<uint8_t>(record.kind), .id = record.id.bytes},
          .order = record.order,
          .arrival = record.arrival,
          .payload = payload};
}

absl::StatusOr<LedgerRecord> RecordOf(const JournalEntry& entry) {
  const auto kind = static_cast<LedgerRecord::Kind>(entry.key.kind);
  switch (kind) {
    case LedgerRecord::Kind::kPush:
    case LedgerRecord::Kind::kBaseline:
    case LedgerRecord::Kind::kTotals:
    case LedgerRecord::Kind::kBase: {
      WEIR_ASSIGN_OR_RETURN(LedgerRecord record,
                            LedgerRecord::Decode(kind, entry.arrival, entry.payload));
      record.id.bytes = entry.key.id;
      record.order = entry.order;
      return record;
    }
  }
  return absl::FailedPreconditionError(absl::StrCat(
      "holds what only a newer weir knows (an entry of kind ", int{entry.key.kind}, ")"));
}

}  // namespace weir
