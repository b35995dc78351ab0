#include "loadgen/frontier/frontier.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "loadgen/frontier/frontier_table.h"
#include "loadgen/frontier/rate_search.h"

namespace weir {
namespace {

// Enough to keep the model busy with full batches, and others waiting.
constexpr int kSaturated = 256;
// Of the capacity, for what a request takes that waits for no other.
constexpr double kUnloaded = 0.1;

// One variant under test.
class Variant {
 public:
  Variant(const v1::ModelDescription& model, const FrontierOptions& options, const RunTrial& run)
      : model_(model),
        options_(options),
        run_(run),
        slo_(options.slo_latency > absl::ZeroDuration()
                 ? options.slo_latency
                 : absl::Microseconds(model.slo_latency_us())) {}

  absl::Status Measure(FrontierResult& result) {
    WEIR_ASSIGN_OR_RETURN(const v1::LoadReport saturated, Trial("saturated", [](auto& phase) {
                            phase.set_concurrency(kSaturated);
                          }));
    RateSearch search(saturated.models(0).answered_per_second());
    std::map<double, v1::LoadReport> held;  // The last one at each rate.
    while (const std::optional<double> rate = search.Next()) {
      WEIR_ASSIGN_OR_RETURN(v1::LoadReport report, AtRate(*rate));
      const std::string why_not = WhyNot(report);
      Say(absl::StrFormat("%.0f/s: p99 %.2f ms, %s", *rate, 1e3 * report.models(0).latency().p99(),
                          why_not.empty() ? "held" : why_not));
      search.Add(why_not.empty());
      if (why_not.empty()) held[*rate] = std::move(report);
    }
    const v1::LoadReport& at_capacity = search.Answer() > 0 ? held.at(search.Answer()) : saturated;
    v1::FrontierVariant& variant = *result.frontier.add_variants();
    variant.set_capacity_per_second(search.Answer());
    if (search.Answer() > 0) {
      *variant.mutable_latency_at_capacity() = at_capacity.models(0).latency();
      WEIR_ASSIGN_OR_RETURN(const v1::LoadReport unloaded,
                            Trial("unloaded", [&](v1::LoadPhase& phase) {
                              phase.set_rate(kUnloaded * search.Answer());
                            }));
      *variant.mutable_latency_unloaded() = unloaded.models(0).latency();
    }
    Describe(at_capacity.models(0), variant);
    AddTo(at_capacity, result.report);
    return absl::OkStatus();
  }

 private:
  template <typename SetLoad>
  absl::StatusOr<v1::LoadReport> Trial(const std::string& name, const SetLoad& set_load) {
    v1::LoadScenario scenario;
    v1::LoadTraffic& traffic = *scenario.add_traffic();
    traffic.set_model(model_.name());
    // Late answers are counted as they are, up to a point.
    traffic.set_timeout(absl::FormatDuration(std::max(absl::Seconds(1), 4 * slo_)));
    // Connections, caches and the pages of a queue that has grown are not what is asked about.
    v1::LoadPhase& warm_up = *scenario.add_phases();
    warm_up.set_name("warm-up");
    warm_up.set_duration(absl::FormatDuration(options_.trial / 5));
    warm_up.set_warm_up(true);
    set_load(warm_up);
    v1::LoadPhase& phase = *scenario.add_phases();
    phase.set_name(absl::StrCat(model_.name(), " ", name));
    phase.set_duration(absl::FormatDuration(options_.trial));
    set_load(phase);
    WEIR_ASSIGN_OR_RETURN(v1::LoadReport report, run_(scenario));
    if (report.interrupted()) return absl::CancelledError("interrupted");
    if (report.models_size() != 1) return absl::InternalError("a trial did not report its model");
    return report;
  }

  absl::StatusOr<v1::LoadReport> AtRate(double rate) {
    return Trial(absl::StrFormat("at %.0f/s", rate), [rate](v1::LoadPhase& phase) {
      phase.set_rate(rate);
      phase.set_poisson(true);
    });
  }

  // Which objective was missed; empty if all held.
  std::string WhyNot(const v1::LoadReport& report) const {
    const v1::LoadModel& model = report.models(0);
    if (!report.generator().kept_up()) return "the generator could not keep up";
    const double failed = model.sent() - model.answered();
    if (failed > options_.max_error_ratio * model.sent()) {
      return absl::StrFormat("%.2f %% failed", 100 * failed / model.sent());
    }
    if (model.latency().p99() >= absl::ToDoubleSeconds(slo_)) return "too slow";
    return "";
  }

  void Describe(const v1::LoadModel& measured, v1::FrontierVariant& variant) const {
    variant.set_model(model_.name());
    variant.set_variant(model_.variant());
    variant.set_slo_latency_seconds(absl::ToDoubleSeconds(slo_));
    if (!measured.has_quality()) return;
    variant.set_quality_metric(measured.quality().metric());
    variant.set_quality(measured.quality().value());
    variant.set_quality_low(measured.quality().low());
    variant.set_quality_high(measured.quality().high());
  }

  static void AddTo(const v1::LoadReport& trial, v1::LoadReport& report) {
    const v1::LoadGenerator& of_trial = trial.generator();
    v1::LoadGenerator& generator = *report.mutable_generator();
    generator.set_kept_up(of_trial.kept_up() && (report.models().empty() || generator.kept_up()));
    generator.set_cpu_seconds(generator.cpu_seconds() + of_trial.cpu_seconds());
    generator.set_peak_resident_bytes(of_trial.peak_resident_bytes());  // Of the process.
    if (of_trial.send_lag().p99() >= generator.send_lag().p99()) {
      *generator.mutable_send_lag() = of_trial.send_lag();
    }
    report.set_seconds(report.seconds() + trial.seconds());
    report.mutable_models()->MergeFrom(trial.models());
    for (const auto& phase : trial.phases()) {
      if (!phase.warm_up()) *report.add_phases() = phase;
    }
  }

  void Say(const std::string& text) const {
    if (options_.progress) options_.progress(absl::StrCat(model_.name(), " ", text));
  }

  const v1::ModelDescription& model_;
  const FrontierOptions& options_;
  const RunTrial& run_;
  const absl::Duration slo_;
};

}  // namespace

absl::StatusOr<FrontierResult> FindFrontier(const std::vector<v1::ModelDescription>& variants,
                                            const FrontierOptions& options, const RunTrial& run) {
  for (const v1::ModelDescription& model : variants) {
    if (model.slo_latency_us() > 0 || options.slo_latency > absl::ZeroDuration()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("model ", model.name(),
                     " has no latency objective: give --slo_latency, or weir.slo_latency in its "
                     "config.pbtxt"));
  }
  FrontierResult result;
  for (const v1::ModelDescription& model : variants) {
    result.frontier.set_family(model.family());
    WEIR_RETURN_IF_ERROR(Variant(model, options, run).Measure(result));
  }
  RankVariants(result.frontier);
  return result;
}

}  // namespace weir
