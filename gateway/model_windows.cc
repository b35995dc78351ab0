#include "gateway/model_windows.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/types/span.h"
#include "base/metrics.h"
#include "gateway/label_text.h"

namespace weir {
namespace {

using Entries = absl::Span<const Push::LogLinearEntry>;

Entries LogLinearOf(const Push& push, uint32_t index) {
  const uint32_t begin = push.log_linear_begin[index];
  return Entries(push.log_linear).subspan(begin, push.log_linear_begin[index + 1] - begin);
}

// What `after` has more than `before`.
void Subtract(Entries before, Entries after, std::vector<SparseCounts::Entry>& difference) {
  difference.clear();
  size_t i = 0;
  for (const Push::LogLinearEntry& entry : after) {
    while (i < before.size() && before[i].bucket < entry.bucket) ++i;
    const bool known = i < before.size() && before[i].bucket == entry.bucket;
    const uint64_t count = known ? before[i].count : 0;
    if (entry.count > count) {
      difference.push_back({.key = entry.bucket, .count = entry.count - count});
    }
  }
}

uint64_t CountBetween(double before, double after) {
  return after > before ? static_cast<uint64_t>(std::llround(after - before)) : 0;
}

// Calls fn(model, index of the series) for each series of the metric that windows can hold.
template <typename Fn>
void ForEachModel(const SeriesDictionary& dictionary, const Metric& metric, Fn fn) {
  for (const SeriesDictionary::Family& family : dictionary.families()) {
    if (family.name != metric.name) continue;
    if (metric.type == MetricType::kHistogram && !family.log_linear) continue;
    for (uint32_t i = family.first_series; i < family.first_series + family.num_series; ++i) {
      if (const auto name = LabelValue(dictionary.series()[i].labels, "model")) fn(*name, i);
    }
  }
}

}  // namespace

int64_t ModelWindowsMap::NewLines(const SeriesDictionary& dictionary) const {
  absl::flat_hash_set<std::string> added;
  ForEachModel(dictionary, metric::kRequestDuration, [&](const std::string& name, uint32_t) {
    if (!models_.contains(name)) added.insert(name);
  });
  return kLinesPerModel * static_cast<int64_t>(added.size());
}

ModelFeed ModelWindowsMap::Connect(const SeriesDictionary& dictionary) {
  ModelFeed feed;
  absl::flat_hash_map<std::string, std::map<std::string, ModelEntry>::iterator> connected;
  ForEachModel(dictionary, metric::kRequestDuration, [&](const std::string& name, uint32_t index) {
    const auto model = models_.try_emplace(name).first;
    connected.try_emplace(name, model);
    ++model->second.owners;
    feed.durations.push_back({.log_linear = dictionary.series()[index].log_linear, .model = model});
  });
  ForEachModel(dictionary, metric::kRequests, [&](const std::string& name, uint32_t index) {
    const auto found = connected.find(name);
    if (found == connected.end()) return;
    ++found->second->second.owners;
    const bool ok = LabelValue(dictionary.series()[index].labels, "code") == "OK";
    feed.requests.push_back({.index = index, .model = found->second, .ok = ok});
  });
  return feed;
}

void ModelWindowsMap::Disconnect(ModelFeed& feed) {
  const auto release = [this](auto& model) {
    if (--model->second.owners == 0) models_.erase(model);
  };
  for (auto& requests : feed.requests) release(requests.model);
  for (auto& durations : feed.durations) release(durations.model);
  feed = ModelFeed();
}

void ModelWindowsMap::AddDifference(absl::Time now, const ModelFeed& feed, const Push& before,
                                    const Push& after) {
  for (const ModelFeed::Requests& requests : feed.requests) {
    const double old = before.values[requests.index];
    if (after.values[requests.index] == old) continue;
    requests.model->second.windows.AddRequests(now, requests.ok,
                                               CountBetween(old, after.values[requests.index]));
  }
  for (const ModelFeed::Durations& durations : feed.durations) {
    const Entries old = LogLinearOf(before, durations.log_linear);
    const Entries fresh = LogLinearOf(after, durations.log_linear);
    if (old == fresh) continue;
    Subtract(old, fresh, scratch_);
    durations.model->second.windows.AddDurations(now, scratch_);
  }
}

void ModelWindowsMap::AddDifference(absl::Time now, const ModelFeed& feed_before,
                                    const Push* before, const ModelFeed& feed, const Push& after) {
  // By model: series of several versions, or with several sets of bounds, count as one.
  absl::flat_hash_map<const ModelEntry*, SparseCounts> old_durations;
  absl::flat_hash_map<std::pair<const ModelEntry*, bool>, double> old_requests;
  const auto entries_of = [this](const Push& push, uint32_t log_linear) {
    scratch_.clear();
    for (const Push::LogLinearEntry& entry : LogLinearOf(push, log_linear)) {
      scratch_.push_back({.key = entry.bucket, .count = entry.count});
    }
    return absl::MakeConstSpan(scratch_);
  };
  if (before != nullptr) {
    for (const ModelFeed::Durations& durations : feed_before.durations) {
      old_durations[&durations.model->second].Add(entries_of(*before, durations.log_linear));
    }
    for (const ModelFeed::Requests& requests : feed_before.requests) {
      old_requests[{&requests.model->second, requests.ok}] += before->values[requests.index];
    }
  }
  absl::flat_hash_map<ModelEntry*, SparseCounts> durations_now;
  absl::flat_hash_map<std::pair<ModelEntry*, bool>, double> requests_now;
  for (const ModelFeed::Durations& durations : feed.durations) {
    durations_now[&durations.model->second].Add(entries_of(after, durations.log_linear));
  }
  for (const ModelFeed::Requests& requests : feed.requests) {
    requests_now[{&requests.model->second, requests.ok}] += after.values[requests.index];
  }
  for (auto& [model, counts] : durations_now) {
    counts.Subtract(old_durations[model].entries());
    model->windows.AddDurations(now, counts.entries());
  }
  for (const auto& [key, value] : requests_now) {
    const double old = old_requests[{key.first, key.second}];
    if (value > old) {
      key.first->windows.AddRequests(now, key.second, CountBetween(old, value));
    }
  }
}

void ModelWindowsMap::Advance(absl::Time now) {
  for (auto& [name, model] : models_) model.windows.Advance(now);
}

}  // namespace weir
