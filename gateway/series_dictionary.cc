#include "gateway/series_dictionary.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "gateway/label_text.h"
#include "gateway/wire.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

using Type = WireReader::Field::Type;

constexpr absl::string_view kRefusedSeries = "weir/refused_series";

bool IsName(absl::string_view name, bool colons) {
  if (name.empty() || absl::ascii_isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name) {
    const bool fits =
        absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || (colons && c == ':');
    if (!fits) return false;
  }
  return true;
}

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the dictionary is broken in ", what));
}

// What the gateway exposes of itself would be there twice.
bool IsReserved(absl::string_view name) {
  return absl::StartsWith(name, "weir_gateway_") || name == metric::kRequestDurationQuantile.name;
}

absl::Status CheckLabelName(absl::string_view name) {
  if (!IsName(name, /*colons=*/false) || absl::StartsWith(name, "__")) {
    return absl::InvalidArgumentError(absl::StrCat("no label can be called ", Printable(name)));
  }
  if (name == "le" || name == "quantile") {
    return absl::InvalidArgumentError(absl::StrCat("the label ", name, " is the gateway's own"));
  }
  return absl::OkStatus();
}

}  // namespace

struct SeriesDictionary::Parser {
  const DictionaryLimits& limits;
  SeriesDictionary& dictionary;
  absl::flat_hash_set<std::string> names = {};  // That lines begin with.

  // Where labels and bounds of each series are, until their places are final.
  struct Place {
    size_t labels_begin, labels_end, bounds_begin, bounds_end;
  };
  std::vector<Place> places = {};
  std::vector<absl::string_view> label_values = {};
  std::vector<double> bounds = {};

  absl::Status Run(absl::string_view bytes) {
    WireReader reader(bytes);
    for (WireReader::Field field; reader.Next(field);) {
      if (field.Is(v1::Dictionary::kFamiliesFieldNumber, Type::kBytes)) {
        // Each counts, lest empty ones take up memory.
        if (static_cast<int64_t>(dictionary.families_.size()) >= limits.max_series) {
          return TooManySeries(
              absl::StrCat("a push has more than ", limits.max_series, " families of series"),
              limits.max_series);
        }
        WEIR_RETURN_IF_ERROR(AddFamily(field.bytes));
      }
    }
    if (!reader.ok()) return Broken("its list of families");
    if (dictionary.num_lines_ > limits.max_series) {
      return TooManySeries(absl::StrCat("a push has ", dictionary.num_lines_,
                                        " series, and may have ", limits.max_series),
                           dictionary.num_lines_);
    }
    for (size_t i = 0; i < places.size(); ++i) {
      const Place& place = places[i];
      dictionary.series_[i].labels =
          absl::string_view(dictionary.text_)
              .substr(place.labels_begin, place.labels_end - place.labels_begin);
      dictionary.series_[i].bounds =
          absl::MakeConstSpan(dictionary.bounds_)
              .subspan(place.bounds_begin, place.bounds_end - place.bounds_begin);
    }
    return absl::OkStatus();
  }

  absl::Status AddFamily(absl::string_view bytes) {
    Family family = {};
    int type = 0;
    int merge = 0;
    WireReader reader(bytes);
    for (WireReader::Field field; reader.Next(field);) {
      switch (field.number) {
        case v1::MetricFamily::kNameFieldNumber:
          family.name = std::string(field.bytes);
          break;
        case v1::MetricFamily::kHelpFieldNumber:
          family.help = std::string(field.bytes);
          break;
        case v1::MetricFamily::kTypeFieldNumber:
          type = static_cast<int>(field.value);
          break;
        case v1::MetricFamily::kMergeFieldNumber:
          merge = static_cast<int>(field.value);
          break;
        case v1::MetricFamily::kLabelNamesFieldNumber:
          family.label_names.emplace_back(field.bytes);
          break;
        case v1::MetricFamily::kLogLinearFieldNumber:
          family.log_linear = field.value != 0;
          break;
        case v1::MetricFamily::kWithoutSumFieldNumber:
          family.without_sum = field.value != 0;
          break;
        default:
          break;
      }
      if (family.label_names.size() > static_cast<size_t>(limits.max_labels)) {
        return absl::ResourceExhaustedError(
            absl::StrCat(Printable(family.name), " has more than ", limits.max_labels, " labels"));
      }
    }
    if (!reader.ok()) return Broken(absl::StrCat("the family ", Printable(family.name)));
    WEIR_RETURN_IF_ERROR(CheckFamily(type, merge, family));

    family.first_series = static_cast<uint32_t>(places.size());
    const auto index = static_cast<uint32_t>(dictionary.families_.size());
    WireReader again(bytes);
    for (WireReader::Field field; again.Next(field);) {
      if (!field.Is(v1::MetricFamily::kSeriesFieldNumber, Type::kBytes)) continue;
      WEIR_RETURN_IF_ERROR(AddSeries(field.bytes, index, family));
    }
    family.num_series = static_cast<uint32_t>(places.size()) - family.first_series;
    dictionary.families_.push_back(std::move(family));
    return absl::OkStatus();
  }

  absl::Status CheckFamily(int type, int merge, Family& family) {
    const std::string name = Printable(family.name);
    if (!IsName(family.name, /*colons=*/true)) {
      return absl::InvalidArgumentError(absl::StrCat("no metric can be called \"", name, "\""));
    }
    if (family.name.size() > static_cast<size_t>(limits.max_label_bytes)) {
      return absl::ResourceExhaustedError(absl::StrCat("the name ", name, " has ",
                                                       family.name.size(), " bytes, and may have ",
                                                       limits.max_label_bytes));
    }
    if (IsReserved(family.name)) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is a metric of the gateway's own"));
    }
    if (!IsUtf8(family.help)) {
      return absl::InvalidArgumentError(absl::StrCat("the help of ", name, " is not UTF-8"));
    }
    constexpr size_t kMaxHelpBytes = 4096;
    if (family.help.size() > kMaxHelpBytes) {
      return absl::ResourceExhaustedError(absl::StrCat("the help of ", name, " has ",
                                                       family.help.size(), " bytes, and may have ",
                                                       kMaxHelpBytes));
    }
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
    if (merge < v1::GAUGE_MERGE_UNSPECIFIED || merge > v1::GAUGE_MERGE_UNION) {
      return absl::InvalidArgumentError(absl::StrCat(name, " has the unknown merge rule ", merge));
    }
    // The numbers are those of GaugeMerge.
    family.merge = static_cast<GaugeMerge>(merge);
    if ((family.type == MetricType::kGauge) != (family.merge != GaugeMerge::kNone)) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": gauges have a merge rule, and nothing else has"));
    }
    if (family.type != MetricType::kHistogram && (family.log_linear || family.without_sum)) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is no histogram, but says how it is"));
    }
    WEIR_RETURN_IF_ERROR(AddNames(family));
    return CheckAgainstCatalogue(family);
  }

  // Each line of /metrics has to belong to one family.
  absl::Status AddNames(const Family& family) {
    std::vector<std::string> added = {family.name};
    if (family.type == MetricType::kHistogram) {
      for (const absl::string_view suffix : {"_bucket", "_count", "_sum"}) {
        added.push_back(absl::StrCat(family.name, suffix));
      }
    }
    for (std::string& name : added) {
      if (!names.insert(name).second) {
        return absl::InvalidArgumentError(
            absl::StrCat("two families have lines called ", Printable(name)));
      }
    }
    absl::flat_hash_set<absl::string_view> labels;
    for (const std::string& label : family.label_names) {
      if (label.size() > static_cast<size_t>(limits.max_label_bytes)) {
        return absl::ResourceExhaustedError(
            absl::StrCat(Printable(family.name), " has a label whose name has ", label.size(),
                         " bytes, of ", limits.max_label_bytes, " that it may have"));
      }
      WEIR_RETURN_IF_ERROR(CheckLabelName(label));
      if (!labels.insert(label).second) {
        return absl::InvalidArgumentError(
            absl::StrCat(Printable(family.name), " has the label ", Printable(label), " twice"));
      }
    }
    return absl::OkStatus();
  }

  static absl::Status CheckAgainstCatalogue(const Family& family) {
    const Metric* const known = FindMetric(family.name);
    if (known == nullptr) return absl::OkStatus();
    const bool fits = known->type == family.type && known->merge == family.merge &&
                      known->without_sum == family.without_sum &&
                      std::equal(known->labels.begin(), known->labels.end(),
                                 family.label_names.begin(), family.label_names.end());
    if (fits) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat(family.name, " has another type, merge rule or other labels than weir's"));
  }

  absl::Status AddSeries(absl::string_view bytes, uint32_t family_index, const Family& family) {
    label_values.clear();
    bounds.clear();
    const size_t max_bounds = static_cast<size_t>(limits.max_series);
    bool numbers_ok = true;
    WireReader reader(bytes);
    for (WireReader::Field field; reader.Next(field);) {
      if (field.Is(v1::MetricSeries::kLabelValuesFieldNumber, Type::kBytes)) {
        label_values.push_back(field.bytes);
        if (label_values.size() > family.label_names.size()) break;
      } else if (field.number == v1::MetricSeries::kBoundsFieldNumber) {
        numbers_ok = numbers_ok && AppendDoubles(field, max_bounds, bounds);
      }
    }
    if (!reader.ok() || !numbers_ok) return Broken(absl::StrCat("a series of ", family.name));
    if (label_values.size() != family.label_names.size()) {
      return absl::InvalidArgumentError(absl::StrCat("a series of ", family.name, " does not have ",
                                                     family.label_names.size(), " labels"));
    }
    dictionary.num_lines_ += LinesOf(family.type, bounds.size(), family.without_sum);
    // From here on they are only counted.
    if (dictionary.num_lines_ > limits.max_series) return absl::OkStatus();

    Place place = {};
    std::string& text = dictionary.text_;
    place.labels_begin = text.size();
    for (size_t i = 0; i < label_values.size(); ++i) {
      WEIR_RETURN_IF_ERROR(CheckLabelValue(family, family.label_names[i], label_values[i]));
      AppendLabel(family.label_names[i], label_values[i], place.labels_begin, text);
    }
    place.labels_end = text.size();
    Series series = {.family = family_index,
                     .first_count = dictionary.num_counts_,
                     .log_linear = dictionary.num_log_linear_};
    if (family.type == MetricType::kHistogram) {
      dictionary.num_counts_ += static_cast<uint32_t>(bounds.size()) + 1;
      if (family.log_linear) ++dictionary.num_log_linear_;
    } else if (!bounds.empty()) {
      return absl::InvalidArgumentError(absl::StrCat(family.name,
                                                     " is no histogram, but has "
                                                     "bounds"));
    }
    WEIR_RETURN_IF_ERROR(PlaceBounds(family, place));
    dictionary.series_.push_back(series);
    places.push_back(place);
    return absl::OkStatus();
  }

  absl::Status CheckLabelValue(const Family& family, absl::string_view name,
                               absl::string_view value) const {
    if (value.size() > static_cast<size_t>(limits.max_label_bytes)) {
      return absl::ResourceExhaustedError(absl::StrCat(
          SeriesName(family.name, absl::StrCat(name, "=\"", value.substr(0, 40))),
          "...: the label has ", value.size(), " bytes, and may have ", limits.max_label_bytes));
    }
    if (!IsUtf8(value)) {
      return absl::InvalidArgumentError(absl::StrCat(family.name, " has a label ", name,
                                                     " that is not UTF-8: ", Printable(value)));
    }
    return absl::OkStatus();
  }

  // Neighbours often have the same.
  absl::Status PlaceBounds(const Family& family, Place& place) {
    std::vector<double>& all = dictionary.bounds_;
    for (size_t i = 0; i < bounds.size(); ++i) {
      bounds[i] += 0.0;  // There is no -0.
      if (!std::isfinite(bounds[i]) || (i > 0 && !(bounds[i - 1] < bounds[i]))) {
        const absl::string_view labels =
            absl::string_view(dictionary.text_).substr(place.labels_begin);
        return absl::InvalidArgumentError(absl::StrCat(
            SeriesName(family.name, labels), " has bounds that are not finite and ascending"));
      }
    }
    if (!places.empty()) {
      const Place& before = places.back();
      if (std::equal(bounds.begin(), bounds.end(), all.begin() + before.bounds_begin,
                     all.begin() + before.bounds_end)) {
        place.bounds_begin = before.bounds_begin;
        place.bounds_end = before.bounds_end;
        return absl::OkStatus();
      }
    }
    place.bounds_begin = all.size();
    all.insert(all.end(), bounds.begin(), bounds.end());
    place.bounds_end = all.size();
    return absl::OkStatus();
  }
};

absl::StatusOr<std::shared_ptr<const SeriesDictionary>> SeriesDictionary::Parse(
    absl::string_view bytes, const DictionaryLimits& limits) {
  std::shared_ptr<SeriesDictionary> dictionary(new SeriesDictionary);
  WEIR_RETURN_IF_ERROR((Parser{limits, *dictionary}.Run(bytes)));
  dictionary->bytes_ = std::string(bytes);
  dictionary->families_.shrink_to_fit();
  dictionary->series_.shrink_to_fit();
  return dictionary;
}

std::string SeriesDictionary::NameOf(const Series& series) const {
  return SeriesName(FamilyOf(series).name, series.labels);
}

std::string SeriesName(absl::string_view family, absl::string_view labels) {
  constexpr size_t kMaxBytes = 200;
  std::string name = absl::StrCat(family.substr(0, kMaxBytes), "{");
  for (const char c : labels) {
    const auto byte = static_cast<unsigned char>(c);
    // Not within a character.
    if (name.size() >= kMaxBytes && byte >> 6 != 2) return absl::StrCat(name, "...}");
    name.push_back(byte < 0x20 || byte == 0x7f ? '?' : c);
  }
  return name.append("}");
}

int64_t RefusedSeries(const absl::Status& status) {
  const auto payload = status.GetPayload(kRefusedSeries);
  int64_t series = 0;
  if (!payload || !absl::SimpleAtoi(std::string(*payload), &series)) return 0;
  return series;
}

absl::Status TooManySeries(absl::string_view message, int64_t refused_series) {
  absl::Status status = absl::ResourceExhaustedError(message);
  status.SetPayload(kRefusedSeries, absl::Cord(absl::StrCat(refused_series)));
  return status;
}

int64_t LinesOf(MetricType type, size_t num_bounds, bool without_sum) {
  if (type != MetricType::kHistogram) return 1;
  return static_cast<int64_t>(num_bounds) + (without_sum ? 2 : 3);
}

}  // namespace weir
