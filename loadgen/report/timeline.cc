#include "loadgen/report/timeline.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir {

void Moment::SetLatency(const Histogram& latency) {
  latency_ns.clear();
  for (int bucket = 0; bucket < kHistogramBuckets; ++bucket) {
    const int64_t count = latency.CountInBucket(bucket);
    if (count > 0) latency_ns.emplace_back(bucket, count);
  }
}

double Moment::Quantile(double q) const {
  Histogram latency;
  for (const auto& [bucket, count] : latency_ns) {
    latency.Record(HistogramBucketBegin(bucket), count);
  }
  return latency.Quantile(q) / 1e9;
}

void Moment::Append(const Moment& next) {
  length += next.length;
  sent += next.sent;
  answered += next.answered;
  failed += next.failed;
  std::vector<std::pair<int, int64_t>> merged;
  merged.reserve(latency_ns.size() + next.latency_ns.size());
  std::merge(latency_ns.begin(), latency_ns.end(), next.latency_ns.begin(), next.latency_ns.end(),
             std::back_inserter(merged));
  latency_ns.clear();
  for (const auto& [bucket, count] : merged) {
    if (!latency_ns.empty() && latency_ns.back().first == bucket) {
      latency_ns.back().second += count;
    } else {
      latency_ns.emplace_back(bucket, count);
    }
  }
}

void Timeline::Add(Moment second) {
  if (!moments_.empty() && moments_.back().length < step_) {
    moments_.back().Append(second);
    return;
  }
  if (moments_.size() == kMaxMoments) {
    for (int i = 0; i < kMaxMoments / 2; ++i) {
      Moment joined = std::move(moments_[2 * i]);
      joined.Append(moments_[2 * i + 1]);
      moments_[i] = std::move(joined);
    }
    moments_.resize(kMaxMoments / 2);
    step_ *= 2;
  }
  moments_.push_back(std::move(second));
}

void Timeline::Report(google::protobuf::RepeatedPtrField<v1::LoadMoment>& moments) const {
  std::vector<Moment> joined = moments_;
  if (joined.size() > 1 && joined.back().length < step_ / 2) {
    const Moment last = std::move(joined.back());
    joined.pop_back();
    joined.back().Append(last);
  }
  absl::Duration begin;
  for (const Moment& moment : joined) {
    v1::LoadMoment& out = *moments.Add();
    out.set_at(absl::ToDoubleSeconds(begin + moment.length / 2));
    out.set_seconds(absl::ToDoubleSeconds(moment.length));
    out.set_sent(static_cast<double>(moment.sent));
    out.set_answered(static_cast<double>(moment.answered));
    out.set_failed(static_cast<double>(moment.failed));
    out.set_p50(moment.Quantile(0.5));
    out.set_p99(moment.Quantile(0.99));
    begin += moment.length;
  }
}

}  // namespace weir
