#include "loadgen/frontier/frontier_table.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

constexpr double kMargin = 0.05;  // Of latencies and capacities: what two runs differ by.

bool IsErrorMetric(const v1::FrontierVariant& variant) {
  return variant.quality_metric() != "accuracy";
}

// Larger is better; what is not known is worst.
double Quality(const v1::FrontierVariant& variant) {
  if (variant.quality_metric().empty()) return -HUGE_VAL;
  return IsErrorMetric(variant) ? -variant.quality() : variant.quality();
}

// Beyond doubt: their intervals do not overlap.
bool HasBetterQuality(const v1::FrontierVariant& a, const v1::FrontierVariant& b) {
  if (a.quality_metric().empty() || b.quality_metric().empty()) return Quality(a) > Quality(b);
  return IsErrorMetric(a) ? a.quality_high() < b.quality_low() : a.quality_low() > b.quality_high();
}

// Whether `a` is, by a share of `margin`; a negative one forgives so much.
bool IsFaster(const v1::FrontierVariant& a, const v1::FrontierVariant& b, double margin) {
  if (a.capacity_per_second() == 0) return margin <= 0 && b.capacity_per_second() == 0;
  if (b.capacity_per_second() == 0) return true;  // It was never measured unloaded.
  return a.latency_unloaded().p99() <= (1 - margin) * b.latency_unloaded().p99();
}

bool CarriesMore(const v1::FrontierVariant& a, const v1::FrontierVariant& b, double margin) {
  // Nobody knows how much more than that it carries.
  if (b.capacity_is_at_least()) return false;
  if (b.capacity_per_second() == 0) return margin <= 0 || a.capacity_per_second() > 0;
  return a.capacity_per_second() >= (1 + margin) * b.capacity_per_second();
}

bool Dominates(const v1::FrontierVariant& a, const v1::FrontierVariant& b) {
  const bool is_better = HasBetterQuality(a, b);
  if (!is_better && Quality(a) != Quality(b)) return false;
  if (!IsFaster(a, b, -kMargin) || !CarriesMore(a, b, -kMargin)) return false;
  return is_better || IsFaster(a, b, kMargin) || CarriesMore(a, b, kMargin);
}

std::string QualityText(const v1::FrontierVariant& variant) {
  if (variant.quality_metric().empty()) return "not known";
  return absl::StrFormat("%.2f %% (%.2f to %.2f)", 100 * variant.quality(),
                         100 * variant.quality_low(), 100 * variant.quality_high());
}

}  // namespace

void RankVariants(v1::Frontier& frontier) {
  auto& variants = *frontier.mutable_variants();
  std::stable_sort(variants.begin(), variants.end(),
                   [](const v1::FrontierVariant& a, const v1::FrontierVariant& b) {
                     return Quality(a) > Quality(b);
                   });
  for (v1::FrontierVariant& variant : variants) {
    const auto better =
        std::find_if(variants.begin(), variants.end(),
                     [&](const v1::FrontierVariant& other) { return Dominates(other, variant); });
    variant.set_dominated(better != variants.end());
    variant.set_dominated_by(better != variants.end() ? better->model() : "");
  }
}

std::string FrontierTable(const v1::Frontier& frontier, bool colours) {
  // A family has one measure of quality.
  std::string metric = "quality";
  for (const auto& variant : frontier.variants()) {
    if (!variant.quality_metric().empty()) metric = variant.quality_metric();
  }
  const std::vector<TextColumn> columns = {{"model", false}, {absl::StrCat(metric, " (95 % sure)")},
                                           {"p99 unloaded"}, {"objective"},
                                           {"capacity/s"},   {"p99 there"},
                                           {"", false}};
  std::vector<std::vector<TextCell>> rows;
  for (const auto& variant : frontier.variants()) {
    const Colour colour = variant.dominated() ? Colour::kDim : Colour::kNone;
    rows.push_back(
        {{variant.model(), colour},
         {QualityText(variant), colour},
         {LatencyText(variant.latency_unloaded().p99()), colour},
         {absl::StrCat("p99 < ", LatencyText(variant.slo_latency_seconds())), colour},
         variant.capacity_is_at_least()
             ? TextCell{absl::StrCat("at least ", RateText(variant.capacity_per_second())),
                        Colour::kRed}
             : TextCell{RateText(variant.capacity_per_second()), colour},
         {LatencyText(variant.latency_at_capacity().p99()), colour}});
    if (variant.dominated()) {
      rows.back().push_back({absl::StrCat("dominated by ", variant.dominated_by()), colour});
    }
  }
  return TextTable(columns, rows, colours);
}

}  // namespace weir
