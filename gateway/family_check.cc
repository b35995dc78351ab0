#include "gateway/family_check.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/metrics.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

using Family = SeriesDictionary::Family;

bool IsName(absl::string_view name, bool colons) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    const bool fits =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || (colons && c == ':');
    if (!fits) return false;
  }
  return true;
}

// What the gateway exposes of itself would be there twice.
bool IsReserved(absl::string_view name) {
  return absl::StartsWith(name, "weir_gateway_") || name == metric::kRequestDurationQuantile.name;
}

absl::Status TooLong(absl::string_view what, size_t bytes, size_t max_bytes) {
  return absl::ResourceExhaustedError(
      absl::StrCat(what, " has ", bytes, " bytes, of ", max_bytes, " that it may have"));
}

absl::Status CheckLabelNames(const Family& family, const DictionaryLimits& limits) {
  absl::flat_hash_set<absl::string_view> names;
  for (const std::string& name : family.label_names) {
    if (name.size() > static_cast<size_t>(limits.max_label_bytes)) {
      return TooLong(absl::StrCat("the name of a label of ", family.name), name.size(),
                     limits.max_label_bytes);
    }
    if (!IsName(name, /*colons=*/false) || absl::StartsWith(name, "__")) {
      return absl::InvalidArgumentError(
          absl::StrCat("no label of ", family.name, " can be called \"", Printable(name), "\""));
    }
    if (name == "le" || name == "quantile") {
      return absl::InvalidArgumentError(
          absl::StrCat("the label ", name, " of ", family.name, " is the gateway's own"));
    }
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(family.name, " has the label ", name, " twice"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckAgainstCatalogue(const Family& family) {
  const Metric* const known = FindMetric(family.name);
  if (known == nullptr) return absl::OkStatus();
  const bool fits = known->type == family.type && known->merge == family.merge &&
                    known->without_sum == family.without_sum &&
                    std::equal(known->labels.begin(), known->labels.end(),
                               family.label_names.begin(), family.label_names.end());
  if (fits) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(family.name, " has another type, merge rule or other labels than weir's own"));
}

}  // namespace

absl::Status SetTypes(int type, int merge, Family& family) {
  const std::string name = Printable(family.name);
  switch (type) {
    case v1::METRIC_TYPE_COUNTER:
      family.type = MetricType::kCounter;
      break;
    case v1::METRIC_TYPE_GAUGE:
      family.type = MetricType::kGauge;
      break;
    case v1::METRIC_TYPE_HISTOGRAM:
      family.type = MetricType::kHistogram;
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat(name, " has the unknown type ", type));
  }
  switch (merge) {
    case v1::GAUGE_MERGE_UNSPECIFIED:
      family.merge = GaugeMerge::kNone;
      break;
    case v1::GAUGE_MERGE_SUM:
      family.merge = GaugeMerge::kSum;
      break;
    case v1::GAUGE_MERGE_MAX:
      family.merge = GaugeMerge::kMax;
      break;
    case v1::GAUGE_MERGE_LAST:
      family.merge = GaugeMerge::kLast;
      break;
    case v1::GAUGE_MERGE_UNION:
      family.merge = GaugeMerge::kUnion;
      break;
    default:
      return absl::InvalidArgumentError(absl::StrCat(name, " has the unknown merge rule ", merge));
  }
  return absl::OkStatus();
}

absl::Status CheckFamily(const Family& family, const DictionaryLimits& limits) {
  if (family.name.size() > static_cast<size_t>(limits.max_label_bytes)) {
    return TooLong(absl::StrCat("the name ", Printable(family.name)), family.name.size(),
                   limits.max_label_bytes);
  }
  if (!IsName(family.name, /*colons=*/true)) {
    return absl::InvalidArgumentError(
        absl::StrCat("no metric can be called \"", Printable(family.name), "\""));
  }
  if (limits.own_names && IsReserved(family.name)) {
    return absl::InvalidArgumentError(
        absl::StrCat(family.name, " is a metric of the gateway's own"));
  }
  if (!IsUtf8(family.help)) {
    return absl::InvalidArgumentError(absl::StrCat("the help of ", family.name, " is not UTF-8"));
  }
  if (family.help.size() > static_cast<size_t>(limits.max_help_bytes)) {
    return TooLong(absl::StrCat("the help of ", family.name), family.help.size(),
                   limits.max_help_bytes);
  }
  if ((family.type == MetricType::kGauge) != (family.merge != GaugeMerge::kNone)) {
    return absl::InvalidArgumentError(
        absl::StrCat(family.name, ": gauges have a merge rule, and nothing else has"));
  }
  if (family.type != MetricType::kHistogram && (family.log_linear || family.without_sum)) {
    return absl::InvalidArgumentError(
        absl::StrCat(family.name, " is no histogram, but has what only histograms have"));
  }
  WEIR_RETURN_IF_ERROR(CheckLabelNames(family, limits));
  return limits.own_names ? CheckAgainstCatalogue(family) : absl::OkStatus();
}

absl::Status CheckLabelValue(const Family& family, absl::string_view name, absl::string_view value,
                             const DictionaryLimits& limits) {
  if (!IsUtf8(value)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the label ", name, " of ", family.name, " is not UTF-8: ", Printable(value)));
  }
  if (value.size() > static_cast<size_t>(limits.max_label_bytes)) {
    return TooLong(absl::StrCat("the label ", name, "=", Printable(value), " of ", family.name),
                   value.size(), limits.max_label_bytes);
  }
  return absl::OkStatus();
}

}  // namespace weir
