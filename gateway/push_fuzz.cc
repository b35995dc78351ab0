// Any bytes that come as a push; those that are one are checked and applied too, and have to come
// back through the journal.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "gateway/ledger.h"
#include "gateway/push.h"
#include "weir/v1/stats.pb.h"

namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

std::string Header(uint64_t seq) {
  weir::v1::PushRequest request;
  request.set_replica("r");
  request.set_boot_id("0123456789abcdef");
  request.set_seq(seq);
  request.set_interval_ms(1000);
  return request.SerializeAsString();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view bytes(reinterpret_cast<const char*>(data), size);
  const absl::Time now = absl::FromUnixSeconds(1'000'000'000);
  weir::Ledger ledger((weir::Ledger::Options()));
  // As they come, and as two pushes of a boot; what is put before a message can be said again in
  // it.
  const std::string parts[] = {absl::StrCat(Header(1), bytes.substr(0, size / 2)),
                               absl::StrCat(Header(2), bytes.substr(size / 2)),
                               absl::StrCat(Header(3), bytes), std::string(bytes)};
  for (const std::string& part : parts) {
    auto decoded = weir::DecodePush(part, weir::PushLimits(), [&](const weir::BootId& boot_id) {
      return ledger.DictionaryOf(boot_id);
    });
    if (!decoded.ok()) continue;
    const auto push = ledger.Completed(std::make_shared<const weir::Push>(*std::move(decoded)));
    Require(ledger.Completed(push) == push);
    weir::PushLimits none;
    none.max_push_bytes = std::numeric_limits<int>::max();
    none.dictionary = weir::DictionaryLimits::None();
    const auto again = weir::DecodePush(weir::EncodePush(*push), none);
    Require(again.ok() && again->values == push->values &&
            again->bucket_counts == push->bucket_counts && again->log_linear == push->log_linear);
    const auto verdict = ledger.Check(*push);
    if (!verdict.ok() || *verdict == weir::Ledger::Verdict::kDuplicate) continue;
    ledger.Apply(weir::LedgerRecord::Of(*verdict == weir::Ledger::Verdict::kBaseline
                                            ? weir::LedgerRecord::Kind::kBaseline
                                            : weir::LedgerRecord::Kind::kPush,
                                        now, push));
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
