// Ledger::DebugString.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gateway/ledger.h"

namespace weir {
namespace {

// Empty buckets are left out: whether there are any depends on what bounds others have.
std::string TextOf(const SeriesTotal& total) {
  std::string text = absl::StrCat(total.series->family->name, "{", total.series->labels, "} ",
                                  total.sum.ToDouble());
  for (size_t i = 0; i < total.counts.size(); ++i) {
    if (total.counts[i] == 0) continue;
    absl::StrAppend(&text, " ", total.bounds->le[i], ":", total.counts[i]);
  }
  return text;
}

template <typename Totals>
void AppendTotals(absl::string_view what, const Totals& totals, std::string& text) {
  std::vector<std::string> lines;
  totals.ForEach([&](const SeriesTotal& total) { lines.push_back(TextOf(total)); });
  std::sort(lines.begin(), lines.end());
  for (const std::string& line : lines) absl::StrAppend(&text, "  ", what, " ", line, "\n");
}

}  // namespace

std::string Ledger::DebugString() const {
  std::string text;
  for (const MergedFamily* const family : merged_.families()) {
    for (const MergedSeries* const series : family->series) {
      if (!series->exposed()) continue;
      absl::StrAppend(&text, family->name, "{", series->labels, "} ", series->Value());
      if (series->histogram) {
        absl::StrAppend(&text, " [", absl::StrJoin(series->histogram->bounds->bounds, " "), "] ",
                        absl::StrJoin(series->histogram->counts, " "));
      }
      absl::StrAppend(&text, "\n");
    }
  }
  absl::StrAppend(&text, num_lines(), " lines\n");
  std::vector<const Boot*> boots;
  for (const auto& [id, boot] : boots_) boots.push_back(boot.get());
  std::sort(boots.begin(), boots.end(), [](const Boot* a, const Boot* b) { return a->id < b->id; });
  for (const Boot* const boot : boots) {
    const absl::string_view state = boot->state == Boot::State::kEmpty     ? "empty"
                                    : boot->state == Boot::State::kRetired ? "retired"
                                    : boot->shows_gauges                   ? "fresh"
                                                                           : "silent";
    absl::StrAppend(&text, "boot ", absl::BytesToHexString(boot->id.AsBytes()), " of ",
                    boot->replica, " seq ", boot->seq, " ", state, "\n");
    AppendTotals("total", boot->totals, text);
    AppendTotals("baseline", boot->baseline, text);
  }
  AppendTotals("forgotten", forgotten_.totals, text);
  std::vector<BootId> ids(forgotten_.ids().begin(), forgotten_.ids().end());
  std::sort(ids.begin(), ids.end());
  for (const BootId& id : ids) {
    absl::StrAppend(&text, "forgotten ", absl::BytesToHexString(id.AsBytes()), " seq ",
                    forgotten_.SeqOf(id), "\n");
  }
  return text;
}

}  // namespace weir
