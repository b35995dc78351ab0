// A push as the gateway holds it: what came as bytes, read and checked.
//
// What stands in a Push is right in itself: counts fit the dictionary, numbers are finite, names
// are names. Whether it fits what was pushed before is for the Ledger to say.
#ifndef WEIR_GATEWAY_PUSH_H_
#define WEIR_GATEWAY_PUSH_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/boot_id.h"
#include "gateway/series_dictionary.h"

namespace weir {

struct PushLimits {
  int64_t max_push_bytes = int64_t{16} << 20;
  DictionaryLimits dictionary;
};

// No value may be larger, of whatever sign: sums of very many sources stay exact.
inline constexpr double kMaxPushedValue = 1e21;

// Nor may a bucket hold more.
inline constexpr uint64_t kMaxBucketCount = uint64_t{1} << 48;

// See v1.PushRequest. Not changed once it is decoded, and shared by the ledger with whoever writes
// a compacted journal meanwhile.
struct Push {
  std::string replica;
  BootId boot_id;
  uint64_t seq = 0;
  uint64_t acknowledged_seq = 0;
  absl::Time began;  // By the clock of the server.
  absl::Duration interval;
  bool last = false;
  bool recovered = false;

  std::shared_ptr<const SeriesDictionary> dictionary;
  std::vector<double> values;           // By series.
  std::vector<uint64_t> bucket_counts;  // From SeriesDictionary::Series::first_count on.

  // Of the series whose place in log_linear is i: the entries from log_linear_begin[i] up to
  // log_linear_begin[i + 1], buckets ascending.
  struct LogLinearEntry {
    uint32_t bucket;
    uint64_t count;
    friend bool operator==(const LogLinearEntry&, const LogLinearEntry&) = default;
  };
  std::vector<uint32_t> log_linear_begin;
  std::vector<LogLinearEntry> log_linear;
};

// The dictionary that the boot pushed last, or null. It is not read again if it has not changed.
using KnownDictionary =
    absl::FunctionRef<std::shared_ptr<const SeriesDictionary>(const BootId& boot_id)>;

// Reads a v1.PushRequest. INVALID_ARGUMENT says what is wrong with it, RESOURCE_EXHAUSTED which
// limit it is over (see RefusedSeries). `known` is to give Ledger::DictionaryOf.
absl::StatusOr<Push> DecodePush(absl::string_view bytes, const PushLimits& limits,
                                KnownDictionary known);
absl::StatusOr<Push> DecodePush(absl::string_view bytes, const PushLimits& limits);

// A v1.PushRequest that decodes to the same.
std::string EncodePush(const Push& push);

}  // namespace weir

#endif  // WEIR_GATEWAY_PUSH_H_
