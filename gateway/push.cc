#include "gateway/push.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/histogram.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "base/wire_numbers.h"
#include "weir/v1/stats.pb.h"

namespace weir {
namespace {

using Field = WireReader::Field;
using v1::PushRequest;

// What stands outside of the lists of numbers.
struct Header {
  absl::string_view replica;
  absl::string_view boot_id;
  uint64_t interval_ms = 0;
  absl::string_view dictionary;
};

absl::Status ReadHeader(absl::string_view bytes, Header& header, Push& push) {
  WireReader reader(bytes);
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case PushRequest::kReplicaFieldNumber:
        header.replica = field.bytes;
        break;
      case PushRequest::kBootIdFieldNumber:
        header.boot_id = field.bytes;
        break;
      case PushRequest::kSeqFieldNumber:
        push.seq = field.value;
        break;
      case PushRequest::kAcknowledgedSeqFieldNumber:
        push.acknowledged_seq = field.value;
        break;
      case PushRequest::kBootUnixNsFieldNumber:
        push.began = absl::FromUnixNanos(static_cast<int64_t>(field.value));
        break;
      case PushRequest::kIntervalMsFieldNumber:
        header.interval_ms = field.value;
        break;
      case PushRequest::kLastFieldNumber:
        push.last = field.value != 0;
        break;
      case PushRequest::kRecoveredFieldNumber:
        push.recovered = field.value != 0;
        break;
      case PushRequest::kDictionaryFieldNumber:
        header.dictionary = field.bytes;
        break;
      default:
        break;
    }
  }
  if (!reader.ok()) return absl::InvalidArgumentError("not a PushRequest");
  return absl::OkStatus();
}

absl::Status CheckHeader(const Header& header, Push& push) {
  constexpr size_t kMaxReplicaBytes = 128;
  if (header.replica.empty() || header.replica.size() > kMaxReplicaBytes ||
      !IsUtf8(header.replica)) {
    return absl::InvalidArgumentError(absl::StrCat("replica is not 1 to ", kMaxReplicaBytes,
                                                   " bytes of UTF-8: ", Printable(header.replica)));
  }
  push.replica = std::string(header.replica);
  if (header.boot_id.size() != BootId::kBytes) {
    return absl::InvalidArgumentError(absl::StrCat("boot_id has ", header.boot_id.size(),
                                                   " bytes, and has to have ", BootId::kBytes));
  }
  push.boot_id = BootId::FromBytes(header.boot_id);
  if (push.seq == 0) return absl::InvalidArgumentError("seq is 0, and has to begin with 1");
  if (push.acknowledged_seq > push.seq) {
    return absl::InvalidArgumentError(
        absl::StrCat("acknowledged_seq ", push.acknowledged_seq, " is larger than seq ", push.seq));
  }
  constexpr uint64_t kMaxIntervalMs = 3'600'000;
  if (header.interval_ms < 1 || header.interval_ms > kMaxIntervalMs) {
    return absl::InvalidArgumentError(absl::StrCat("interval_ms is ", header.interval_ms,
                                                   ", and has to be 1 to ", kMaxIntervalMs));
  }
  push.interval = absl::Milliseconds(static_cast<int64_t>(header.interval_ms));
  if (push.recovered && !push.last) {
    return absl::InvalidArgumentError("recovered without last: a boot that was killed goes on");
  }
  return absl::OkStatus();
}

absl::Status ReadLogLinear(absl::string_view bytes, std::vector<uint64_t>& buckets,
                           std::vector<uint64_t>& counts, Push& push) {
  buckets.clear();
  counts.clear();
  bool fits = true;
  WireReader reader(bytes);
  for (Field field; fits && reader.Next(field);) {
    if (field.number == v1::LogLinear::kBucketsFieldNumber) {
      fits = AppendNumbers(field, kHistogramBuckets, buckets);
    } else if (field.number == v1::LogLinear::kCountsFieldNumber) {
      fits = AppendNumbers(field, kHistogramBuckets, counts);
    }
  }
  if (!fits || !reader.ok() || buckets.size() != counts.size()) {
    return absl::InvalidArgumentError("does not have a count for each bucket");
  }
  uint64_t bucket = 0;
  for (size_t i = 0; i < buckets.size(); ++i) {
    bucket += buckets[i];
    if ((i > 0 && buckets[i] == 0) || buckets[i] >= kHistogramBuckets ||
        bucket >= kHistogramBuckets) {
      return absl::InvalidArgumentError("has buckets that do not ascend, or are none");
    }
    if (counts[i] > kMaxBucketCount) return absl::InvalidArgumentError("has a count too large");
    if (counts[i] == 0) continue;
    push.log_linear.push_back({.bucket = static_cast<uint32_t>(bucket), .count = counts[i]});
  }
  return absl::OkStatus();
}

absl::Status Mismatch(absl::string_view what, size_t wanted) {
  return absl::InvalidArgumentError(
      absl::StrCat("the dictionary wants ", wanted, " ", what, "; the push has another number"));
}

// The series that the log-linear histogram number `index` is of.
std::string LogLinearName(const SeriesDictionary& dictionary, uint32_t index) {
  for (const SeriesDictionary::Series& series : dictionary.series()) {
    if (dictionary.FamilyOf(series).log_linear && series.log_linear == index) {
      return dictionary.NameOf(series);
    }
  }
  return "";
}

absl::Status ReadNumbers(absl::string_view bytes, Push& push) {
  const SeriesDictionary& dictionary = *push.dictionary;
  const size_t num_values = dictionary.series().size();
  const size_t num_counts = dictionary.num_counts();
  const size_t num_log_linear = dictionary.num_log_linear();
  push.values.reserve(num_values);
  push.bucket_counts.reserve(num_counts);
  push.log_linear_begin.reserve(num_log_linear + 1);
  std::vector<uint64_t> buckets;
  std::vector<uint64_t> counts;
  WireReader reader(bytes);
  for (Field field; reader.Next(field);) {
    switch (field.number) {
      case PushRequest::kValuesFieldNumber:
        if (!AppendDoubles(field, num_values, push.values)) return Mismatch("values", num_values);
        break;
      case PushRequest::kBucketCountsFieldNumber:
        if (!AppendNumbers(field, num_counts, push.bucket_counts)) {
          return Mismatch("bucket_counts", num_counts);
        }
        break;
      case PushRequest::kLogLinearFieldNumber: {
        const size_t index = push.log_linear_begin.size();
        if (index == num_log_linear || field.type != Field::Type::kBytes) {
          return Mismatch("log_linear", num_log_linear);
        }
        push.log_linear_begin.push_back(static_cast<uint32_t>(push.log_linear.size()));
        const absl::Status status = ReadLogLinear(field.bytes, buckets, counts, push);
        if (!status.ok()) {
          return absl::InvalidArgumentError(absl::StrCat(
              "log_linear of ", LogLinearName(dictionary, static_cast<uint32_t>(index)), " ",
              status.message()));
        }
        break;
      }
      default:
        break;
    }
  }
  if (push.values.size() != num_values) return Mismatch("values", num_values);
  if (push.bucket_counts.size() != num_counts) return Mismatch("bucket_counts", num_counts);
  if (push.log_linear_begin.size() != num_log_linear) {
    return Mismatch("log_linear", num_log_linear);
  }
  push.log_linear_begin.push_back(static_cast<uint32_t>(push.log_linear.size()));
  return absl::OkStatus();
}

absl::Status CheckNumbers(const Push& push) {
  const SeriesDictionary& dictionary = *push.dictionary;
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    const double largest = family.without_sum ? 0 : kMaxPushedValue;
    const double smallest = family.type == MetricType::kGauge ? -kMaxPushedValue : 0;
    for (uint32_t i = 0; i < family.num_series; ++i) {
      const uint32_t index = family.first_series + i;
      const double value = push.values[index];
      if (value >= smallest && value <= largest) continue;  // Not so of NaN.
      return absl::InvalidArgumentError(absl::StrCat(
          dictionary.NameOf(dictionary.series()[index]), " has the value ", value,
          ", and has to be finite, ", family.type == MetricType::kGauge ? "" : "not negative, ",
          family.without_sum ? "without a sum" : "and not beyond 1e21"));
    }
  }
  uint64_t all = 0;
  for (const uint64_t count : push.bucket_counts) all |= count;
  if (all <= kMaxBucketCount) return absl::OkStatus();
  for (const SeriesDictionary::Series& series : dictionary.series()) {
    if (dictionary.FamilyOf(series).type != MetricType::kHistogram) continue;
    for (size_t i = 0; i <= series.bounds.size(); ++i) {
      const uint64_t count = push.bucket_counts[series.first_count + i];
      if (count <= kMaxBucketCount) continue;
      return absl::InvalidArgumentError(
          absl::StrCat(dictionary.NameOf(series), " has ", count, " values in a bucket"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Push> DecodePush(absl::string_view bytes, const PushLimits& limits,
                                KnownDictionary known) {
  if (static_cast<int64_t>(bytes.size()) > limits.max_push_bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("a push of ", bytes.size(), " bytes, of ",
                                                     limits.max_push_bytes, " that it may have"));
  }
  Push push;
  Header header;
  WEIR_RETURN_IF_ERROR(ReadHeader(bytes, header, push));
  WEIR_RETURN_IF_ERROR(CheckHeader(header, push));
  push.dictionary = known(push.boot_id);
  if (push.dictionary == nullptr || push.dictionary->bytes() != header.dictionary) {
    WEIR_ASSIGN_OR_RETURN(push.dictionary,
                          SeriesDictionary::Parse(header.dictionary, limits.dictionary));
  }
  WEIR_RETURN_IF_ERROR(ReadNumbers(bytes, push));
  WEIR_RETURN_IF_ERROR(CheckNumbers(push));
  return push;
}

absl::StatusOr<Push> DecodePush(absl::string_view bytes, const PushLimits& limits) {
  return DecodePush(bytes, limits, [](const BootId&) { return nullptr; });
}

std::string EncodePush(const Push& push) {
  PushRequest request;
  request.set_replica(push.replica);
  request.set_boot_id(std::string(push.boot_id.AsBytes()));
  request.set_seq(push.seq);
  request.set_acknowledged_seq(push.acknowledged_seq);
  request.set_boot_unix_ns(absl::ToUnixNanos(push.began));
  request.set_interval_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(push.interval)));
  request.set_last(push.last);
  request.set_recovered(push.recovered);
  request.set_dictionary(std::string(push.dictionary->bytes()));
  request.mutable_values()->Add(push.values.begin(), push.values.end());
  request.mutable_bucket_counts()->Add(push.bucket_counts.begin(), push.bucket_counts.end());
  for (size_t i = 0; i + 1 < push.log_linear_begin.size(); ++i) {
    v1::LogLinear& histogram = *request.add_log_linear();
    uint32_t before = 0;
    for (uint32_t j = push.log_linear_begin[i]; j < push.log_linear_begin[i + 1]; ++j) {
      const Push::LogLinearEntry& entry = push.log_linear[j];
      histogram.add_buckets(entry.bucket - before);
      histogram.add_counts(entry.count);
      before = entry.bucket;
    }
  }
  return request.SerializeAsString();
}

}  // namespace weir
