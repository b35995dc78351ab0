// Totals as v1.LedgerTotals, for the journal.
#ifndef WEIR_GATEWAY_TOTALS_RECORD_H_
#define WEIR_GATEWAY_TOTALS_RECORD_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "gateway/merged.h"
#include "gateway/series_dictionary.h"
#include "gateway/totals.h"
#include "weir/v1/ledger.pb.h"

namespace weir {

// Not thread-safe.
class TotalsRecordWriter {
 public:
  // To be filled in, but for the totals of series.
  v1::LedgerTotals& message() { return message_; }

  // To a message within message().
  void Add(const SeriesTotal& total, v1::SeriesTotals& to);

  // How large it will be, about.
  size_t bytes() const { return bytes_; }

  // The message with its dictionary; begins anew.
  std::string Finish();

 private:
  using Key = std::pair<const MergedSeries*, const MergedBounds*>;

  v1::LedgerTotals message_;
  absl::flat_hash_map<Key, uint32_t> places_;  // In the order of their coming.
  size_t bytes_ = 0;
};

// Reads totals of series back. `links` are the series of `dictionary`; null ones are left out.
absl::StatusOr<PackedTotals> ReadSeriesTotals(const v1::SeriesTotals& from,
                                              const SeriesDictionary& dictionary,
                                              absl::Span<MergedSeries* const> links,
                                              MergedFamilies& merged);

}  // namespace weir

#endif  // WEIR_GATEWAY_TOTALS_RECORD_H_
