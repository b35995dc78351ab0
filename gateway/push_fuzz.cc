// Any bytes that come as a push; those that are one are checked and applied too, and have to come
// back through the journal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "gateway/ledger.h"
#include "gateway/push.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::Time now = absl::FromUnixSeconds(1'000'000'000);
  weir::Ledger ledger((weir::Ledger::Options()));
  // The first half is a push of its own where it can be one.
  for (const absl::string_view part : {bytes.substr(0, size / 2), bytes.substr(size / 2), bytes}) {
    auto push = weir::DecodePush(part, weir::PushLimits(), [&](const weir::BootId& boot_id) {
      return ledger.DictionaryOf(boot_id);
    });
    if (!push.ok()) continue;
    const auto again = weir::DecodePush(weir::EncodePush(*push), weir::PushLimits());
    Require(again.ok() && again->values == push->values &&
            again->bucket_counts == push->bucket_counts && again->log_linear == push->log_linear);
    const auto verdict = ledger.Check(*push);
    if (!verdict.ok() || *verdict == weir::Ledger::Verdict::kDuplicate) continue;
    ledger.Apply(weir::LedgerRecord::Of(*verdict == weir::Ledger::Verdict::kBaseline
                                            ? weir::LedgerRecord::Kind::kBaseline
                                            : weir::LedgerRecord::Kind::kPush,
                                        now, std::make_shared<const weir::Push>(*std::move(push))));
  }
  ledger.Advance(now);
  ledger.Advance(now + absl::Hours(2));
  weir::Ledger restored((weir::Ledger::Options()));
  ledger.ForEachRecord([&](const weir::LedgerRecord& record) {
    const auto decoded = weir::LedgerRecord::Decode(record.kind, record.arrival, record.Payload());
    Require(decoded.ok() && restored.Restore(*decoded).ok());
  });
  restored.Advance(now + absl::Hours(2));
  Require(restored.DebugString() == ledger.DebugString());
  return 0;
}
