// Makes pushes for tests.
#ifndef WEIR_GATEWAY_PUSH_BUILDER_H_
#define WEIR_GATEWAY_PUSH_BUILDER_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/push.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// One push, series by series. Families may be spoken of again after others.
class PushBuilder {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // A boot is told by one character.
  PushBuilder(absl::string_view replica, char boot, uint64_t seq) {
    request_.set_replica(std::string(replica));
    request_.set_boot_id(std::string(16, boot));
    request_.set_seq(seq);
    request_.set_interval_ms(1000);
  }

  // All but the lists of numbers may be changed.
  v1::PushRequest& request() { return request_; }

  PushBuilder& Acknowledged(uint64_t seq) {
    request_.set_acknowledged_seq(seq);
    return *this;
  }
  PushBuilder& Began(absl::Time time) {
    request_.set_boot_unix_ns(absl::ToUnixNanos(time));
    return *this;
  }
  PushBuilder& Last() {
    request_.set_last(true);
    return *this;
  }
  PushBuilder& Recovered() {
    request_.set_recovered(true);
    return Last();
  }

  PushBuilder& Counter(absl::string_view name, const Labels& labels, double value) {
    Add(FamilyOf(name, v1::METRIC_TYPE_COUNTER, labels), labels, value);
    return *this;
  }

  PushBuilder& Gauge(absl::string_view name, v1::GaugeMerge merge, const Labels& labels,
                     double value) {
    Family& family = FamilyOf(name, v1::METRIC_TYPE_GAUGE, labels);
    family.message.set_merge(merge);
    Add(family, labels, value);
    return *this;
  }

  // With log_linear where it is given, by bucket.
  PushBuilder& Histogram(absl::string_view name, const Labels& labels,
                         const std::vector<double>& bounds, const std::vector<uint64_t>& counts,
                         double sum, const std::map<uint32_t, uint64_t>* log_linear = nullptr) {
    Family& family = FamilyOf(name, v1::METRIC_TYPE_HISTOGRAM, labels);
    family.message.set_log_linear(log_linear != nullptr);
    v1::MetricSeries& series = Add(family, labels, sum);
    series.mutable_bounds()->Add(bounds.begin(), bounds.end());
    family.counts.insert(family.counts.end(), counts.begin(), counts.end());
    if (log_linear == nullptr) return *this;
    v1::LogLinear& added = family.log_linear.emplace_back();
    uint32_t before = 0;
    for (const auto& [bucket, count] : *log_linear) {
      added.add_buckets(bucket - before);
      added.add_counts(count);
      before = bucket;
    }
    return *this;
  }

  // The family as it goes into the dictionary.
  v1::MetricFamily& Message(absl::string_view name) {
    for (Family& family : families_) {
      if (family.message.name() == name) return family.message;
    }
    ADD_FAILURE() << "no family " << name;
    return families_.front().message;
  }

  v1::PushRequest Request() const {
    v1::PushRequest request = request_;
    v1::Dictionary dictionary;
    for (const Family& family : families_) {
      *dictionary.add_families() = family.message;
      request.mutable_values()->Add(family.values.begin(), family.values.end());
      request.mutable_bucket_counts()->Add(family.counts.begin(), family.counts.end());
      for (const v1::LogLinear& histogram : family.log_linear) {
        *request.add_log_linear() = histogram;
      }
    }
    request.set_dictionary(dictionary.SerializeAsString());
    return request;
  }

  std::string Bytes() const { return Request().SerializeAsString(); }

  std::shared_ptr<const Push> Decoded() const {
    absl::StatusOr<Push> push = DecodePush(Bytes(), PushLimits());
    if (!push.ok()) {
      ADD_FAILURE() << push.status();
      return nullptr;
    }
    return std::make_shared<const Push>(*std::move(push));
  }

 private:
  struct Family {
    v1::MetricFamily message;
    std::vector<double> values;
    std::vector<uint64_t> counts;
    std::vector<v1::LogLinear> log_linear;
  };

  Family& FamilyOf(absl::string_view name, v1::MetricType type, const Labels& labels) {
    for (Family& family : families_) {
      if (family.message.name() == name) return family;
    }
    Family& family = families_.emplace_back();
    family.message.set_name(std::string(name));
    family.message.set_help("Help.");
    family.message.set_type(type);
    for (const auto& [label, value] : labels) family.message.add_label_names(label);
    return family;
  }

  static v1::MetricSeries& Add(Family& family, const Labels& labels, double value) {
    v1::MetricSeries& series = *family.message.add_series();
    for (const auto& [label, text] : labels) series.add_label_values(text);
    family.values.push_back(value);
    return series;
  }

  v1::PushRequest request_;
  std::vector<Family> families_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_PUSH_BUILDER_H_
