#include "loadgen/frontier/frontier_table.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

// Larger is better; what is not known is worst.
double Quality(const v1::FrontierVariant& variant) {
  if (variant.quality_metric().empty()) return -HUGE_VAL;
  return variant.quality_metric() == "accuracy" ? variant.quality() : -variant.quality();
}

// Larger is better; a variant without any capacity was not measured unloaded.
double Speed(const v1::FrontierVariant& variant) {
  return variant.capacity_per_second() > 0 ? -variant.latency_unloaded().p99() : -HUGE_VAL;
}

bool Dominates(const v1::FrontierVariant& a, const v1::FrontierVariant& b) {
  const auto worths = [](const v1::FrontierVariant& variant) {
    return std::tuple(Quality(variant), Speed(variant), variant.capacity_per_second());
  };
  const auto [quality_a, speed_a, capacity_a] = worths(a);
  const auto [quality_b, speed_b, capacity_b] = worths(b);
  return quality_a >= quality_b && speed_a >= speed_b && capacity_a >= capacity_b &&
         worths(a) != worths(b);
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
    rows.push_back({{variant.model(), colour},
                    {QualityText(variant), colour},
                    {LatencyText(variant.latency_unloaded().p99()), colour},
                    {absl::StrCat("p99 < ", LatencyText(variant.slo_latency_seconds())), colour},
                    {RateText(variant.capacity_per_second()), colour},
                    {LatencyText(variant.latency_at_capacity().p99()), colour}});
    if (variant.dominated()) {
      rows.back().push_back({absl::StrCat("dominated by ", variant.dominated_by()), colour});
    }
  }
  return TextTable(columns, rows, colours);
}

}  // namespace weir
