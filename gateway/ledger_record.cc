#include "gateway/ledger_record.h"

#include <limits>
#include <utility>

#include "absl/status/status.h"
#include "base/status_macros.h"

namespace weir {

LedgerRecord LedgerRecord::Of(Kind kind, absl::Time arrival, std::shared_ptr<const Push> push) {
  LedgerRecord record;
  record.kind = kind;
  record.id = push->boot_id;
  record.order = push->seq;
  record.arrival = arrival;
  record.push = std::move(push);
  return record;
}

std::string LedgerRecord::Payload() const { return push != nullptr ? EncodePush(*push) : totals; }

absl::StatusOr<LedgerRecord> LedgerRecord::Decode(Kind kind, absl::Time arrival,
                                                  absl::string_view payload) {
  switch (kind) {
    case Kind::kPush:
    case Kind::kBaseline: {
      PushLimits none;
      none.max_push_bytes = std::numeric_limits<int>::max();
      none.dictionary = DictionaryLimits::None();
      WEIR_ASSIGN_OR_RETURN(Push push, DecodePush(payload, none));
      return Of(kind, arrival, std::make_shared<const Push>(std::move(push)));
    }
    case Kind::kTotals:
    case Kind::kBase: {
      LedgerRecord record;
      record.kind = kind;
      record.arrival = arrival;
      record.totals = std::string(payload);
      return record;
    }
  }
  return absl::InvalidArgumentError("a record of an unknown kind");
}

}  // namespace weir
