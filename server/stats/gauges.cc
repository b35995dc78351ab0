#include "server/stats/gauges.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/cpu.h"
#include "base/metrics.h"
#include "server/model/servable.h"
#include "server/stats/process_stats.h"
#include "server/stats/stats_schema.h"

namespace weir {
namespace {

constexpr absl::Duration kBetweenReadsOfLimits = absl::Seconds(10);

double UnixSeconds(absl::Time time) { return absl::ToDoubleSeconds(time - absl::UnixEpoch()); }

// The series of one gauge, on their way into a push.
class Family {
 public:
  Family(const Metric& metric, v1::Dictionary& dictionary, v1::PushRequest& push)
      : dictionary_(dictionary), push_(push), family_(FamilyOf(metric)) {}
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;
  ~Family() {
    if (family_.series_size() > 0) *dictionary_.add_families() = std::move(family_);
  }

  void Add(const std::vector<absl::string_view>& label_values, double value) {
    if (!std::isfinite(value)) return;
    v1::MetricSeries& series = *family_.add_series();
    for (const absl::string_view label : label_values) series.add_label_values(LabelValue(label));
    push_.add_values(value);
  }

 private:
  v1::Dictionary& dictionary_;
  v1::PushRequest& push_;
  v1::MetricFamily family_;
};

// A version at this moment: one load of it that serves, or several that take over from each other.
struct Version {
  std::shared_ptr<const Servable> ready;
  absl::Time loaded;
  absl::Duration load_duration;
  int64_t queued_rows = 0;
  int64_t in_flight = 0;
};

// By model and number.
using Versions = std::map<std::pair<std::string, int64_t>, Version>;

int64_t QueueCapacity(const ModelSettings& settings) {
  int64_t rows = 0;
  for (const QueueLevel& level : settings.batching.levels) {
    rows += level.max_rows > 0 ? level.max_rows : kDefaultQueueRows;
  }
  return rows;
}

Versions Collect(const std::map<std::string, Catalog::Model, std::less<>>& models) {
  Versions versions;
  std::set<const VersionStats*> seen;  // Loads of one version may share it.
  for (const auto& [name, model] : models) {
    for (const Catalog::Version& load : model.versions) {
      const std::shared_ptr<const Servable> servable =
          load.servable != nullptr ? load.servable : load.unloading.lock();
      if (servable == nullptr) continue;
      Version& version = versions[{name, load.number}];
      if (load.state == LoadState::kReady) {
        version.ready = servable;
        version.loaded = load.loaded;
        version.load_duration = load.load_duration;
      }
      version.queued_rows += servable->counts().queued_rows;
      const VersionStats* const stats = servable->stats();
      if (stats != nullptr && seen.insert(stats).second) version.in_flight += stats->in_flight();
    }
  }
  return versions;
}

}  // namespace

void Gauges::ReadLimits() {
  const absl::Time now = MonotonicNow();
  if (now - limits_read_ < kBetweenReadsOfLimits) return;
  limits_read_ = now;
  cpu_limit_cores_ = UsableCpus().Cores();
  memory_limit_bytes_ = MemoryLimitBytes();
}

void Gauges::AddTo(v1::PushRequest& push) {
  v1::Dictionary dictionary;
  const auto models = catalog_.Models();
  const Versions versions = Collect(models);
  // The servable that stands for its model: the newest version's.
  std::map<std::string, const Servable*> newest;
  for (const auto& [key, version] : versions) {
    if (version.ready != nullptr) newest[key.first] = version.ready.get();
  }
  const auto of_versions = [&](const Metric& metric, auto value_of, bool ready_only) {
    Family family(metric, dictionary, push);
    for (const auto& [key, version] : versions) {
      if (ready_only && version.ready == nullptr) continue;
      family.Add({key.first, absl::StrCat(key.second)}, static_cast<double>(value_of(version)));
    }
  };
  of_versions(
      metric::kRequestsInFlight, [](const Version& v) { return v.in_flight; }, false);
  of_versions(
      metric::kQueueRows, [](const Version& v) { return v.queued_rows; }, false);
  of_versions(
      metric::kQueueCapacityRows,
      [](const Version& v) { return QueueCapacity(v.ready->settings()); }, true);
  of_versions(
      metric::kInstances, [](const Version& v) { return v.ready->instances(); }, true);
  {
    Family family(metric::kModelInfo, dictionary, push);
    for (const auto& [key, version] : versions) {
      if (version.ready == nullptr) continue;
      const ModelSettings& settings = version.ready->settings();
      family.Add({key.first, absl::StrCat(key.second), settings.family, settings.variant, "cpu",
                  version.ready->digest()},
                 1);
    }
  }
  {
    Family family(metric::kModelLoaded, dictionary, push);
    for (const auto& [name, model] : models) {
      const bool ready = newest.count(name) > 0;
      const bool wanted =
          model.absence == Catalog::Absence::kLoading || model.absence == Catalog::Absence::kFailed;
      if (ready || wanted) family.Add({name}, ready ? 1 : 0);
    }
  }
  of_versions(
      metric::kModelLoadTimestamp, [](const Version& v) { return UnixSeconds(v.loaded); }, true);
  of_versions(
      metric::kModelLoadDuration,
      [](const Version& v) { return absl::ToDoubleSeconds(v.load_duration); }, true);
  {
    Family family(metric::kModelSloLatency, dictionary, push);
    for (const auto& [name, servable] : newest) {
      family.Add({name}, absl::ToDoubleSeconds(servable->settings().slo_latency));
    }
  }
  {
    Family family(metric::kModelSloObjective, dictionary, push);
    for (const auto& [name, servable] : newest) {
      const ModelSettings& settings = servable->settings();
      if (settings.slo_latency != absl::InfiniteDuration()) {
        family.Add({name, "latency"}, settings.slo_objective);
      }
      if (settings.slo_availability) family.Add({name, "availability"}, *settings.slo_availability);
    }
  }
  {
    Family family(metric::kModelQuality, dictionary, push);
    for (const auto& [name, servable] : newest) {
      for (const auto& [quality, value] : servable->settings().quality) {
        family.Add({name, quality}, value);
      }
    }
  }
  {
    Family family(metric::kModelValueLimit, dictionary, push);
    for (const auto& [name, servable] : newest) {
      for (const ValueLimit& limit : servable->settings().value_limits) {
        family.Add({name, BoundText(limit.bound)}, limit.ratio);
      }
    }
  }
  const auto of_process = [&](const Metric& metric, double value) {
    Family(metric, dictionary, push).Add({recorder_.replica()}, value);
  };
  ReadLimits();
  of_process(metric::kProcessCpuLimit, cpu_limit_cores_);
  of_process(metric::kProcessResidentMemory, static_cast<double>(ResidentBytes()));
  of_process(metric::kProcessMemoryLimit, static_cast<double>(memory_limit_bytes_));
  of_process(metric::kProcessStartTime, UnixSeconds(recorder_.boot_time()));
  push.mutable_dictionary()->append(dictionary.SerializeAsString());
}

}  // namespace weir
