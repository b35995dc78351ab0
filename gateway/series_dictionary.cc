#include "gateway/series_dictionary.h"

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "base/wire_numbers.h"
#include "gateway/family_check.h"
#include "gateway/label_text.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

using Type = WireReader::Field::Type;

constexpr absl::string_view kRefusedSeries = "weir/refused_series";

absl::Status Broken(absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("the dictionary is broken in ", what));
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
    WEIR_RETURN_IF_ERROR(SetTypes(type, merge, family));
    WEIR_RETURN_IF_ERROR(CheckFamily(family, limits));
    WEIR_RETURN_IF_ERROR(AddNames(family));

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

  // Each line of /metrics has to belong to one family.
  absl::Status AddNames(const Family& family) {
    std::vector<std::string> added = {family.name};
    if (family.type == MetricType::kHistogram) {
      for (const absl::string_view suffix : {"_bucket", "_count", "_sum"}) {
        added.push_back(absl::StrCat(family.name, suffix));
      }
    }
    for (std::string& name : added) {
      if (names.insert(name).second) continue;
      return absl::InvalidArgumentError(
          absl::StrCat("two families have lines called ", Printable(name)));
    }
    return absl::OkStatus();
  }

  absl::Status AddSeries(absl::string_view bytes, uint32_t family_index, const Family& family) {
    label_values.clear();
    bounds.clear();
    const auto max_bounds = static_cast<size_t>(limits.max_bounds);
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
    if (!reader.ok()) return Broken(absl::StrCat("a series of ", family.name));
    if (!numbers_ok) {
      return absl::InvalidArgumentError(absl::StrCat("a series of ", family.name,
                                                     " has bounds that are none, or more than ",
                                                     limits.max_bounds));
    }
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
      WEIR_RETURN_IF_ERROR(CheckLabelValue(family, family.label_names[i], label_values[i], limits));
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

size_t SeriesDictionary::memory_bytes() const {
  size_t bytes = bytes_.capacity() + text_.capacity() + bounds_.capacity() * sizeof(double) +
                 series_.capacity() * sizeof(Series);
  for (const Family& family : families_) {
    bytes +=
        sizeof(Family) + family.help.capacity() + family.label_names.size() * sizeof(std::string);
  }
  return bytes;
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
