// What a journal keeps of the ledger.
#ifndef WEIR_GATEWAY_LEDGER_RECORD_H_
#define WEIR_GATEWAY_LEDGER_RECORD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/boot_id.h"
#include "gateway/push.h"

namespace weir {

// Records of the same kind and id replace each other: the one with the largest order counts.
struct LedgerRecord {
  // The numbers are for files.
  enum class Kind : uint8_t {
    kPush = 1,      // The newest snapshot of a boot; id: its boot_id, order: its seq.
    kBaseline = 2,  // A kPush that is its boot's baseline too. Is kept beside later ones of kPush.
    kTotals = 3,    // What retired boots and baselines count; id: any.
    kBase = 4,      // What forgotten boots counted; id: zeros.
  };

  Kind kind = Kind::kPush;
  BootId id;
  uint64_t order = 0;
  absl::Time arrival;                // Of kPush and kBaseline.
  std::shared_ptr<const Push> push;  // Of kPush and kBaseline.
  std::string totals;                // Of the others: a v1.LedgerTotals.

  // Of a push that came. `kind` is kPush or kBaseline.
  static LedgerRecord Of(Kind kind, absl::Time arrival, std::shared_ptr<const Push> push);

  // Bytes that Decode reads: v1.PushRequest or v1.LedgerTotals. Those that a push came in do as
  // well. Touches nothing of the ledger.
  std::string Payload() const;

  // Nothing is refused because of a limit, or of a name that has become weir's own. `id` and
  // `order` are those of the push; of other kinds they are left out.
  static absl::StatusOr<LedgerRecord> Decode(Kind kind, absl::Time arrival,
                                             absl::string_view payload);
};

}  // namespace weir

#endif  // WEIR_GATEWAY_LEDGER_RECORD_H_
