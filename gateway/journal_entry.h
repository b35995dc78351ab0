// Records of the ledger as entries of the journal.
#ifndef WEIR_GATEWAY_JOURNAL_ENTRY_H_
#define WEIR_GATEWAY_JOURNAL_ENTRY_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "gateway/journal_format.h"
#include "gateway/ledger_record.h"

namespace weir {

// `payload` is what the record's Payload gives, or the bytes that its push came in. Points at it.
JournalEntry EntryOf(const LedgerRecord& record, absl::string_view payload);

// FAILED_PRECONDITION for one of a newer weir.
absl::StatusOr<LedgerRecord> RecordOf(const JournalEntry& entry);

}  // namespace weir

#endif  // WEIR_GATEWAY_JOURNAL_ENTRY_H_
