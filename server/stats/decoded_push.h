// For tests: what a push says, by name and labels.
#ifndef WEIR_SERVER_STATS_DECODED_PUSH_H_
#define WEIR_SERVER_STATS_DECODED_PUSH_H_

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/histogram.h"
#include "gtest/gtest.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Fails the test where the push contradicts itself. Series with the same labels are added up.
class DecodedPush {
 public:
  struct Series {
    double value = 0;
    std::vector<double> bounds;
    std::vector<uint64_t> buckets;
    std::map<int, uint64_t> log_linear;  // By the bucket's number.

    uint64_t Count() const {
      uint64_t count = 0;
      for (const uint64_t bucket : buckets) count += bucket;
      return count;
    }
  };

  explicit DecodedPush(const v1::PushRequest& push) {
    v1::Dictionary dictionary;
    EXPECT_TRUE(dictionary.ParseFromString(push.dictionary()));
    int value = 0;
    int bucket = 0;
    int log_linear = 0;
    for (const v1::MetricFamily& family : dictionary.families()) {
      EXPECT_TRUE(families_.emplace(family.name(), family).second) << family.name();
      for (const v1::MetricSeries& series : family.series()) {
        EXPECT_EQ(series.label_values_size(), family.label_names_size()) << family.name();
        Series& decoded = series_[Key(
            family.name(), {series.label_values().begin(), series.label_values().end()})];
        if (value >= push.values_size()) break;
        decoded.value += push.values(value++);
        if (family.type() != v1::METRIC_TYPE_HISTOGRAM) continue;
        decoded.bounds.assign(series.bounds().begin(), series.bounds().end());
        decoded.buckets.resize(decoded.bounds.size() + 1);
        for (uint64_t& each : decoded.buckets) {
          if (bucket < push.bucket_counts_size()) each += push.bucket_counts(bucket++);
        }
        if (family.log_linear() && log_linear < push.log_linear_size()) {
          const v1::LogLinear& from = push.log_linear(log_linear++);
          EXPECT_EQ(from.buckets_size(), from.counts_size());
          int number = 0;
          for (int i = 0; i < from.buckets_size(); ++i) {
            number += static_cast<int>(from.buckets(i));
            EXPECT_LT(number, kHistogramBuckets);
            decoded.log_linear[number] += from.counts(i);
          }
        }
      }
    }
    EXPECT_EQ(value, push.values_size());
    EXPECT_EQ(bucket, push.bucket_counts_size());
    EXPECT_EQ(log_linear, push.log_linear_size());
  }

  bool Has(absl::string_view name, const std::vector<std::string>& labels) const {
    return series_.count(Key(name, labels)) > 0;
  }

  // Fails the test, with an empty series, if there is none.
  const Series& Get(absl::string_view name, const std::vector<std::string>& labels) const {
    static const Series kNone;
    const auto found = series_.find(Key(name, labels));
    EXPECT_TRUE(found != series_.end()) << Key(name, labels);
    return found == series_.end() ? kNone : found->second;
  }
  double Value(absl::string_view name, const std::vector<std::string>& labels) const {
    return Get(name, labels).value;
  }

  const std::map<std::string, v1::MetricFamily>& families() const { return families_; }
  const std::map<std::string, Series>& series() const { return series_; }

 private:
  static std::string Key(absl::string_view name, const std::vector<std::string>& labels) {
    return absl::StrCat(name, "{", absl::StrJoin(labels, ","), "}");
  }

  std::map<std::string, v1::MetricFamily> families_;
  std::map<std::string, Series> series_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_DECODED_PUSH_H_
