#include "loadgen/frontier/frontier.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/status_macros.h"
#include "loadgen/frontier/frontier_table.h"
#include "loadgen/frontier/rate_search.h"
#include "loadgen/report/model_tally.h"

namespace weir {
namespace {

// Enough to keep the model busy with full batches, and others waiting.
constexpr int kSaturated = 256;
constexpr int kSaturatedTrials = 3;  // Short ones: as long as one of the others together.
// Of the capacity, for what a request takes that waits for no other.
constexpr double kUnloaded = 0.1;
constexpr double kUnloadedRequests = 200;  // At least: the p99 of fewer is their maximum.
constexpr double kEasy = 0.8;              // Of the capacity, for what is to be answered for sure.
constexpr double kLongest = 12;            // Trials that one trial may take at most.

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
    WEIR_ASSIGN_OR_RETURN(const v1::LoadReport saturated, Saturated());
    RateSearch search(saturated.models(0).answered_per_second());
    std::map<double, v1::LoadReport> held;  // The last one at each rate.
    std::set<double> outran;                // Rates at which the generator could not keep up.
    while (const std::optional<double> rate = search.Next()) {
      WEIR_ASSIGN_OR_RETURN(v1::LoadReport report, AtRate(*rate));
      const std::string why_not = WhyNot(report);
      Say(absl::StrFormat("%.0f/s: p99 %.2f ms, %s", *rate, 1e3 * report.models(0).latency().p99(),
                          why_not.empty() ? "held" : why_not));
      search.Add(why_not.empty());
      if (!report.generator().kept_up()) outran.insert(*rate);
      if (why_not.empty()) held[*rate] = std::move(report);
    }
    const double capacity = search.Answer();
    const v1::LoadReport& at_capacity = capacity > 0 ? held.at(capacity) : saturated;
    v1::FrontierVariant variant;
    variant.set_capacity_per_second(capacity);
    variant.set_capacity_is_at_least(
        search.FailedAt().has_value() ? outran.count(*search.FailedAt()) > 0 : capacity > 0);
    v1::LoadQuality quality = at_capacity.models(0).quality();
    if (capacity > 0) {
      *variant.mutable_latency_at_capacity() = at_capacity.models(0).latency();
      WEIR_ASSIGN_OR_RETURN(*variant.mutable_latency_unloaded(), Unloaded(capacity));
      WEIR_ASSIGN_OR_RETURN(quality, QualityOfAllRows(capacity, quality));
    }
    Describe(quality, variant);
    AddTo(at_capacity, variant.capacity_is_at_least(), result.report);
    *result.frontier.add_variants() = std::move(variant);
    return absl::OkStatus();
  }

 private:
  struct Length {
    absl::Duration warm_up;
    absl::Duration counted;
  };
  // Connections, caches and the pages of a queue that has grown are not what is asked about.
  Length Usual() const { return {options_.trial / 5, options_.trial}; }

  template <typename SetLoad>
  absl::StatusOr<v1::LoadReport> Trial(const std::string& name, const Length& length,
                                       const SetLoad& set_load) {
    v1::LoadScenario scenario;
    v1::LoadTraffic& traffic = *scenario.add_traffic();
    traffic.set_model(model_.name());
    // Late answers are counted as they are, up to a point.
    traffic.set_timeout(absl::FormatDuration(std::max(absl::Seconds(1), 4 * slo_)));
    if (length.warm_up > absl::ZeroDuration()) {
      v1::LoadPhase& warm_up = *scenario.add_phases();
      warm_up.set_name("warm-up");
      warm_up.set_duration(absl::FormatDuration(length.warm_up));
      warm_up.set_warm_up(true);
      set_load(warm_up);
    }
    v1::LoadPhase& phase = *scenario.add_phases();
    phase.set_name(absl::StrCat(model_.name(), " ", name));
    phase.set_duration(absl::FormatDuration(length.counted));
    set_load(phase);
    WEIR_ASSIGN_OR_RETURN(v1::LoadReport report, run_(scenario));
    if (report.interrupted()) return absl::CancelledError("interrupted");
    if (report.models_size() != 1) return absl::InternalError("a trial did not report its model");
    return report;
  }

  // The best of some closed loops: what else is busy makes one of them look worse, never better.
  // Refusals take time from answers; so there are fewer requests in flight where there were any.
  absl::StatusOr<v1::LoadReport> Saturated() {
    v1::LoadReport best;
    int in_flight = kSaturated;
    for (int trials = 0; trials < kSaturatedTrials;) {
      WEIR_ASSIGN_OR_RETURN(
          v1::LoadReport report,
          Trial("saturated",
                {options_.trial / kSaturatedTrials / 5, options_.trial / kSaturatedTrials},
                [&](v1::LoadPhase& phase) { phase.set_concurrency(in_flight); }));
      const v1::LoadModel& model = report.models(0);
      const bool refused = Refused(model) > options_.max_error_ratio * model.sent();
      if (best.models().empty() ||
          model.answered_per_second() > best.models(0).answered_per_second()) {
        best = std::move(report);
      }
      if (refused && in_flight > 1) {
        in_flight /= 4;
      } else {
        ++trials;
      }
    }
    return best;
  }

  static double Refused(const v1::LoadModel& model) {
    for (const v1::LoadCode& code : model.codes()) {
      if (code.code() == "RESOURCE_EXHAUSTED") return code.count();
    }
    return 0;
  }

  absl::StatusOr<v1::LoadReport> AtRate(double rate) {
    return Trial(absl::StrFormat("at %.0f/s", rate), Usual(), [rate](v1::LoadPhase& phase) {
      phase.set_rate(rate);
      phase.set_poisson(true);
    });
  }

  absl::StatusOr<v1::LoadLatency> Unloaded(double capacity) {
    const double rate = kUnloaded * capacity;
    Length length = Usual();
    length.counted = std::max(length.counted, TimeFor(kUnloadedRequests, rate));
    WEIR_ASSIGN_OR_RETURN(
        const v1::LoadReport report,
        Trial("unloaded", length, [rate](v1::LoadPhase& phase) { phase.set_rate(rate); }));
    if (report.models(0).answered() == 0) {
      return absl::UnavailableError(absl::StrCat(model_.name(), " did not answer any more"));
    }
    return report.models(0).latency();
  }

  // Asks about each row once, in their order and without a warm-up: so all variants are judged by
  // the same rows.
  absl::StatusOr<v1::LoadQuality> QualityOfAllRows(double capacity,
                                                   const v1::LoadQuality& quality) {
    if (quality.distinct_rows() == 0) return quality;
    const double rate = kEasy * capacity;
    WEIR_ASSIGN_OR_RETURN(
        const v1::LoadReport report,
        Trial("quality", {absl::ZeroDuration(), TimeFor(quality.distinct_rows(), rate)},
              [rate](v1::LoadPhase& phase) { phase.set_rate(rate); }));
    if (!report.models(0).has_quality()) {
      return absl::UnavailableError(absl::StrCat(model_.name(), " did not answer any more"));
    }
    return report.models(0).quality();
  }

  // For so many requests; but not for ever.
  absl::Duration TimeFor(double requests, double rate) const {
    return std::min(absl::Seconds(requests / rate), kLongest * options_.trial);
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

  void Describe(const v1::LoadQuality& quality, v1::FrontierVariant& variant) const {
    variant.set_model(model_.name());
    variant.set_variant(model_.variant());
    variant.set_slo_latency_seconds(absl::ToDoubleSeconds(slo_));
    variant.set_quality_metric(quality.metric());
    variant.set_quality(quality.value());
    variant.set_quality_low(quality.low());
    variant.set_quality_high(quality.high());
    variant.set_quality_rows(quality.rows());
  }

  void AddTo(const v1::LoadReport& trial, bool is_at_least, v1::LoadReport& report) const {
    const v1::LoadGenerator& of_trial = trial.generator();
    v1::LoadGenerator& generator = *report.mutable_generator();
    generator.set_kept_up(generator.kept_up() && of_trial.kept_up() && !is_at_least);
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
    if (is_at_least) {
      report.add_warnings(absl::StrCat("The generator could not keep up with ", model_.name(),
                                       ": its capacity is at least what is stated, and may be "
                                       "more."));
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

// All models together, each of which was loaded alone.
void AddAllModels(v1::LoadReport& report) {
  ModelTally all;
  for (const v1::LoadModel& model : report.models()) {
    all.sent += std::llround(model.sent());
    for (const v1::LoadCode& code : model.codes()) {
      for (int i = 0; i < kStatusCodes; ++i) {
        if (absl::StatusCodeToString(static_cast<absl::StatusCode>(i)) != code.code()) continue;
        all.ended[i] += std::llround(code.count());
      }
    }
    for (const v1::LoadBucket& bucket : model.distribution()) {
      all.latency_ns.Record(std::llround(1e9 * (bucket.from() + bucket.to()) / 2),
                            std::llround(bucket.count()));
    }
    all.max_latency_ns =
        std::max<uint64_t>(all.max_latency_ns, std::llround(1e9 * model.latency().max()));
  }
  v1::LoadModel& reported = *report.mutable_all_models();
  all.Report(report.seconds(), reported);
  all.ReportDistribution(reported);
  if (report.seconds() == 0) return;
  reported.set_answered_per_second(reported.answered() / report.seconds());
  reported.set_rows_per_second(reported.answered_per_second());  // Each request has one row.
}

}  // namespace

absl::Status CheckObjectives(const std::vector<v1::ModelDescription>& variants,
                             absl::Duration slo_latency) {
  for (const v1::ModelDescription& model : variants) {
    if (model.slo_latency_us() > 0 || slo_latency > absl::ZeroDuration()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("model ", model.name(),
                     " has no latency objective: give --slo_latency, or weir.slo_latency in its "
                     "config.pbtxt"));
  }
  return absl::OkStatus();
}

FrontierResult FindFrontier(const std::vector<v1::ModelDescription>& variants,
                            const FrontierOptions& options, const RunTrial& run) {
  FrontierResult result;
  result.report.mutable_generator()->set_kept_up(true);
  for (const v1::ModelDescription& model : variants) {
    result.frontier.set_family(model.family());
    result.status = Variant(model, options, run).Measure(result);
    if (result.status.ok()) continue;
    result.frontier.set_interrupted(true);
    result.report.set_interrupted(true);
    result.report.add_warnings(absl::StrCat("Not all variants were measured: ", model.name(), ": ",
                                            result.status.message()));
    break;
  }
  AddAllModels(result.report);
  RankVariants(result.frontier);
  return result;
}

}  // namespace weir
