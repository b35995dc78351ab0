#include "gateway/models_api.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "base/metrics.h"
#include "gateway/json_writer.h"
#include "gateway/label_text.h"
#include "gateway/merged.h"
#include "gateway/window.h"

namespace weir {
namespace {

// A metric as one number, under the name that it has here.
struct Field {
  const Metric& metric;
  absl::string_view key;
};

// Of a version; those of a model are the sums over its versions.
constexpr std::array kSums = {
    Field{metric::kRows, "rows"},
    Field{metric::kBatches, "batches"},
    Field{metric::kInstanceBusy, "instance_busy_seconds"},
    Field{metric::kRequestsInFlight, "requests_in_flight"},
    Field{metric::kQueueRows, "queue_rows"},
    Field{metric::kQueueCapacityRows, "queue_capacity_rows"},
    Field{metric::kInstances, "instances"},
};

// Of a version alone.
constexpr std::array kVersionFields = {
    Field{metric::kModelLoadTimestamp, "load_timestamp_seconds"},
    Field{metric::kModelLoadDuration, "load_duration_seconds"},
};

// Of a model alone.
constexpr std::array kModelFields = {
    Field{metric::kModelLoaded, "loaded"},
    Field{metric::kModelLoadFailures, "load_failures"},
};

constexpr std::array<absl::string_view, 2> kVariantLabels = {"family", "variant"};
constexpr std::array<absl::string_view, 2> kBuildLabels = {"device", "digest"};

using Numbers = std::map<std::string, double>;  // By key, code, or whatever they are of.

struct VersionFigures {
  std::map<std::string, std::string> info;  // Labels of weir_model_info; empty if nobody serves it.
  Numbers requests;                         // By code.
  Numbers numbers;                          // By key.
};

// 9 goes before 10; what is no number goes last.
struct ByNumber {
  static uint64_t NumberOf(const std::string& version) {
    uint64_t number = 0;
    return absl::SimpleAtoi(version, &number) ? number : UINT64_MAX;
  }
  bool operator()(const std::string& a, const std::string& b) const {
    const uint64_t number_a = NumberOf(a);
    const uint64_t number_b = NumberOf(b);
    return number_a != number_b ? number_a < number_b : a < b;
  }
};

struct ModelFigures {
  std::map<std::string, VersionFigures, ByNumber> versions;
  Numbers numbers;  // By key.
  std::optional<double> slo_latency_seconds;
  Numbers slo_objectives;
  Numbers quality;
  const ModelWindows* windows = nullptr;
};

using Figures = std::map<std::string, ModelFigures>;

// Calls fn(model, series) for each series of the metric that is exposed.
template <typename Fn>
void ForEachSeries(const MergedFamilies& families, const Metric& metric, Fn fn) {
  const MergedFamily* const family = families.Find(metric.name);
  if (family == nullptr || family->type != metric.type) return;
  for (const MergedSeries* const series : family->series) {
    if (!series->exposed()) continue;
    if (const auto model = LabelValue(series->labels, "model")) fn(*model, *series);
  }
}

std::string LabelOf(const MergedSeries& series, absl::string_view name) {
  return LabelValue(series.labels, name).value_or("");
}

Figures Collect(const Ledger& ledger) {
  const MergedFamilies& families = ledger.merged();
  Figures models;
  const auto version_of = [&](const std::string& model,
                              const MergedSeries& series) -> VersionFigures& {
    return models[model].versions[LabelOf(series, "version")];
  };
  const auto collect = [&](const Field& field) {
    ForEachSeries(families, field.metric,
                  [&](const std::string& model, const MergedSeries& series) {
                    version_of(model, series).numbers.emplace(field.key, series.Value());
                  });
  };
  for (const Field& field : kSums) collect(field);
  for (const Field& field : kVersionFields) collect(field);
  for (const Field& field : kModelFields) {
    ForEachSeries(families, field.metric,
                  [&](const std::string& model, const MergedSeries& series) {
                    models[model].numbers.emplace(field.key, series.Value());
                  });
  }
  ForEachSeries(families, metric::kRequests,
                [&](const std::string& model, const MergedSeries& series) {
                  const double count = series.Value();
                  if (count > 0)
                    version_of(model, series).requests[LabelOf(series, "code")] = count;
                });
  ForEachSeries(families, metric::kModelInfo,
                [&](const std::string& model, const MergedSeries& series) {
                  auto& info = version_of(model, series).info;
                  for (const auto& labels : {kVariantLabels, kBuildLabels}) {
                    for (const auto label : labels) {
                      info.emplace(label, LabelOf(series, label));
                    }
                  }
                });
  ForEachSeries(families, metric::kModelSloLatency,
                [&](const std::string& model, const MergedSeries& series) {
                  models[model].slo_latency_seconds = series.Value();
                });
  ForEachSeries(families, metric::kModelSloObjective,
                [&](const std::string& model, const MergedSeries& series) {
                  models[model].slo_objectives[LabelOf(series, "slo")] = series.Value();
                });
  ForEachSeries(families, metric::kModelQuality,
                [&](const std::string& model, const MergedSeries& series) {
                  models[model].quality[LabelOf(series, "metric")] = series.Value();
                });
  for (const Ledger::Model& model : ledger.Models()) {
    models[std::string(model.name)].windows = model.windows;
  }
  return models;
}

class ModelsWriter {
 public:
  ModelsWriter(absl::Time now, PageText& out) : now_(now), json_(out) {}

  void Write(const Figures& models) {
    json_.BeginObject();
    json_.Key("time_unix_seconds");
    json_.Number(static_cast<double>(absl::ToUnixMillis(now_)) / 1e3);
    json_.Key("models");
    json_.BeginArray();
    for (const auto& [name, model] : models) {
      if (name != metric::kUnknownModel) WriteModel(name, model);
    }
    json_.EndArray();
    json_.Key("unknown_models");
    json_.BeginObject();
    const auto unknown = models.find(std::string(metric::kUnknownModel));
    WriteRequests(unknown == models.end() ? ModelFigures() : unknown->second);
    json_.EndObject();
    json_.EndObject();
  }

 private:
  void WriteModel(const std::string& name, const ModelFigures& model) {
    json_.BeginObject();
    json_.Key("model");
    json_.String(name);
    // Those of its newest version that is served.
    const VersionFigures* newest = nullptr;
    for (const auto& [version, figures] : model.versions) {
      if (!figures.info.empty()) newest = &figures;
    }
    WriteInfo(newest, kVariantLabels);
    for (const Field& field : kModelFields) WriteNumber(field.key, model.numbers);
    WriteRequests(model);
    for (const Field& field : kSums) {
      Numbers sum;
      for (const auto& [version, figures] : model.versions) {
        const auto number = figures.numbers.find(std::string(field.key));
        if (number != figures.numbers.end()) sum[number->first] += number->second;
      }
      WriteNumber(field.key, sum);
    }
    WriteWindows(model);
    json_.Key("slo");
    json_.BeginObject();
    json_.Key("latency_seconds");
    json_.Number(model.slo_latency_seconds.value_or(NAN));
    json_.Key("objectives");
    WriteNumbers(model.slo_objectives);
    json_.EndObject();
    json_.Key("quality");
    WriteNumbers(model.quality);
    json_.Key("versions");
    json_.BeginArray();
    for (const auto& [version, figures] : model.versions) {
      if (!version.empty()) WriteVersion(version, figures);
    }
    json_.EndArray();
    json_.EndObject();
  }

  void WriteVersion(const std::string& version, const VersionFigures& figures) {
    json_.BeginObject();
    json_.Key("version");
    json_.String(version);
    json_.Key("served");
    json_.Bool(!figures.info.empty());
    const VersionFigures* const info = figures.info.empty() ? nullptr : &figures;
    WriteInfo(info, kVariantLabels);
    WriteInfo(info, kBuildLabels);
    for (const Field& field : kVersionFields) WriteNumber(field.key, figures.numbers);
    json_.Key("requests");
    WriteNumbers(figures.requests);
    for (const Field& field : kSums) WriteNumber(field.key, figures.numbers);
    json_.EndObject();
  }

  void WriteInfo(const VersionFigures* version, absl::Span<const absl::string_view> labels) {
    for (const auto label : labels) {
      json_.Key(label);
      version == nullptr ? json_.Null() : json_.String(version->info.at(std::string(label)));
    }
  }

  void WriteRequests(const ModelFigures& model) {
    Numbers sum;
    for (const auto& [version, figures] : model.versions) {
      for (const auto& [code, count] : figures.requests) sum[code] += count;
    }
    json_.Key("requests");
    WriteNumbers(sum);
  }

  void WriteWindows(const ModelFigures& model) {
    json_.Key("windows");
    json_.BeginObject();
    for (int window = 0; window < static_cast<int>(kWindows.size()); ++window) {
      json_.Key(kWindows[window].name);
      model.windows == nullptr ? WriteWindow(window, ModelWindows())
                               : WriteWindow(window, *model.windows);
    }
    json_.EndObject();
  }

  void WriteWindow(int window, const ModelWindows& windows) {
    const auto requests = static_cast<double>(windows.Requests(window));
    const auto errors = requests - static_cast<double>(windows.OkRequests(window));
    json_.BeginObject();
    json_.Key("requests");
    json_.Number(requests);
    json_.Key("requests_per_second");
    json_.Number(requests / absl::ToDoubleSeconds(ModelWindows::Covered(window, now_)));
    json_.Key("error_ratio");
    json_.Number(errors / requests);  // Null without requests.
    json_.Key("latency_seconds");
    json_.BeginObject();
    for (const WindowQuantile& quantile : kWindowQuantiles) {
      json_.Key(quantile.name);
      json_.Number(windows.Quantile(window, quantile.q));
    }
    json_.EndObject();
    json_.EndObject();
  }

  void WriteNumber(absl::string_view key, const Numbers& numbers) {
    const auto number = numbers.find(std::string(key));
    json_.Key(key);
    json_.Number(number == numbers.end() ? NAN : number->second);
  }

  void WriteNumbers(const Numbers& numbers) {
    json_.BeginObject();
    for (const auto& [key, number] : numbers) {
      json_.Key(key);
      json_.Number(number);
    }
    json_.EndObject();
  }

  const absl::Time now_;
  JsonWriter json_;
};

}  // namespace

void RenderModels(const Ledger& ledger, PageText& out) {
  ModelsWriter(ledger.now(), out).Write(Collect(ledger));
}

}  // namespace weir
