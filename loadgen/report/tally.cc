#include "loadgen/report/tally.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

// Requests that are sent later than this make latencies the generator's, unless the servers take
// much longer anyway.
constexpr absl::Duration kMaxSendLag = absl::Milliseconds(5);
constexpr double kMaxSendLagOfLatency = 0.2;
constexpr double kMaxUnsentRatio = 0.01;

// 0 for negative durations.
uint64_t Nanoseconds(absl::Duration duration) {
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

double Tally::PhaseState::Seconds() const {
  return began == absl::InfiniteFuture() ? 0 : absl::ToDoubleSeconds(ended - began);
}

Tally::Tally(std::vector<Phase> phases, std::vector<Model> models)
    : models_(std::move(models)),
      seconds_(models_.size()),
      in_flight_(models_.size()),
      all_failed_(models_.size()),
      timelines_(models_.size()) {
  phases_.resize(phases.size());
  for (size_t i = 0; i < phases.size(); ++i) {
    phases_[i].phase = std::move(phases[i]);
    phases_[i].models.resize(models_.size());
  }
  for (const Model& model : models_) live_.models.push_back({.model = model.model});
}

void Tally::BeginPhase(int phase, absl::Time now) {
  if (second_end_ == absl::InfiniteFuture()) second_end_ = now + absl::Seconds(1);
  Advance(now);
  phases_[phase].began = now;
  const absl::MutexLock lock(&live_mutex_);
  live_.phase = phase;
  live_.phase_ended = false;
  live_.phase_began = now;
}

void Tally::EndPhase(int phase, absl::Time now) {
  Advance(now);
  phases_[phase].ended = now;
  const absl::MutexLock lock(&live_mutex_);
  live_.phase_ended = true;
}

void Tally::Sent(int phase, int model, absl::Time due, absl::Time sent) {
  Advance(sent);
  ++Of(phase, model).sent;
  ++seconds_[model].sent;
  ++in_flight_[model];
  PhaseState& state = phases_[phase];
  if (!state.phase.open_loop) return;
  const uint64_t lag = Nanoseconds(sent - due);
  state.send_lag_ns.Record(lag);
  second_send_lag_ns_.Record(lag);
  state.max_send_lag_ns = std::max(state.max_send_lag_ns, lag);
}

void Tally::Ended(int phase, int model, absl::Time due, absl::Time now, absl::StatusCode code,
                  int rows) {
  Advance(now);
  ModelTally& tally = Of(phase, model);
  Second& second = seconds_[model];
  --in_flight_[model];
  if (code != absl::StatusCode::kOk) {
    tally.CountFailure(code);
    ++second.failed;
    ++all_failed_[model];
    return;
  }
  const uint64_t latency = Nanoseconds(now - due);
  tally.CountAnswer(latency, rows);
  ++second.answered;
  second.latency_ns.Record(latency);
}

void Tally::Unsent(int phase, int64_t requests) { phases_[phase].unsent += requests; }

double Tally::AnsweredPerSecond(int phase) const {
  const PhaseState& state = phases_[phase];
  int64_t answered = 0;
  for (const auto& tally : state.models) answered += tally == nullptr ? 0 : tally->answered();
  return state.Seconds() > 0 ? static_cast<double>(answered) / state.Seconds() : 0;
}

void Tally::EndSeconds(absl::Time now) {
  for (; now >= second_end_; second_end_ += absl::Seconds(1)) {
    Publish();
    for (size_t i = 0; i < models_.size(); ++i) {
      timelines_[i].Add(MomentOf(i, absl::Seconds(1)));
      seconds_[i] = {};
    }
    second_send_lag_ns_ = {};
  }
}

void Tally::Publish() {
  const absl::MutexLock lock(&live_mutex_);
  ++live_.seconds;
  const double lag = second_send_lag_ns_.Quantile(0.99) / 1e9;
  live_.send_lag_p99_seconds = std::max(live_.send_lag_p99_seconds, lag);
  for (size_t i = 0; i < models_.size(); ++i) {
    const Second& second = seconds_[i];
    LiveModel& live = live_.models[i];
    live.sent += second.sent;
    live.answered += second.answered;
    live.failed += second.failed;
    live.all_failed = all_failed_[i];
    live.in_flight = in_flight_[i];
    if (second.answered == 0) continue;
    live.p50_seconds = second.latency_ns.Quantile(0.5) / 1e9;
    live.p99_seconds = second.latency_ns.Quantile(0.99) / 1e9;
  }
}

LiveView Tally::Live() {
  const absl::MutexLock lock(&live_mutex_);
  LiveView view = live_;
  live_.seconds = 0;
  live_.send_lag_p99_seconds = 0;
  for (LiveModel& live : live_.models) {
    live.sent = live.answered = live.failed = 0;
    live.p50_seconds = live.p99_seconds = 0;
  }
  return view;
}

Moment Tally::MomentOf(int model, absl::Duration length) const {
  const Second& second = seconds_[model];
  Moment moment = {
      .length = length, .sent = second.sent, .answered = second.answered, .failed = second.failed};
  moment.SetLatency(second.latency_ns);
  return moment;
}

v1::LoadReport Tally::Report() const {
  v1::LoadReport report;
  for (const PhaseState& phase : phases_) {
    if (phase.Counts()) report.set_seconds(report.seconds() + phase.Seconds());
  }
  ReportGenerator(report);
  ReportModels(report);
  ReportPhases(report);
  return report;
}

void Tally::DescribeModel(int model, v1::LoadModel& report) const {
  const Model& described = models_[model];
  report.set_model(described.model);
  report.set_family(described.family);
  report.set_variant(described.variant);
  report.set_slo_latency_seconds(absl::ToDoubleSeconds(described.slo_latency));
}

void Tally::ReportModels(v1::LoadReport& report) const {
  ModelTally all;
  for (size_t i = 0; i < models_.size(); ++i) {
    ModelTally tally;
    for (const PhaseState& phase : phases_) {
      if (phase.Counts() && phase.models[i] != nullptr) tally.Merge(*phase.models[i]);
    }
    all.Merge(tally);
    v1::LoadModel& model = *report.add_models();
    DescribeModel(i, model);
    tally.Report(report.seconds(), model);
    tally.ReportDistribution(model);
    Timeline timeline = timelines_[i];
    if (second_end_ != absl::InfiniteFuture()) {
      const absl::Duration rest = last_event_ - (second_end_ - absl::Seconds(1));
      if (rest > absl::ZeroDuration()) timeline.Add(MomentOf(i, rest));
    }
    timeline.Report(*model.mutable_timeline());
  }
  all.quality = Quality();
  all.Report(report.seconds(), *report.mutable_all_models());
  all.ReportDistribution(*report.mutable_all_models());
}

void Tally::ReportPhases(v1::LoadReport& report) const {
  for (const PhaseState& state : phases_) {
    if (state.began == absl::InfiniteFuture()) continue;
    v1::LoadPhaseReport& phase = *report.add_phases();
    phase.set_name(state.phase.name);
    phase.set_seconds(state.Seconds());
    phase.set_warm_up(state.phase.warm_up);
    for (size_t i = 0; i < models_.size(); ++i) {
      if (state.models[i] == nullptr) continue;
      v1::LoadModel& model = *phase.add_models();
      DescribeModel(i, model);
      state.models[i]->Report(state.Seconds(), model);
    }
  }
}

void Tally::ReportGenerator(v1::LoadReport& report) const {
  Histogram lag_ns, latency_ns;
  uint64_t max_lag_ns = 0;
  int64_t sent = 0, unsent = 0;
  for (const PhaseState& state : phases_) {
    if (!state.Counts() || !state.phase.open_loop) continue;
    lag_ns.Merge(state.send_lag_ns);
    max_lag_ns = std::max(max_lag_ns, state.max_send_lag_ns);
    unsent += state.unsent;
    for (const auto& tally : state.models) {
      if (tally == nullptr) continue;
      sent += tally->sent;
      latency_ns.Merge(tally->latency_ns);
    }
  }
  v1::LoadGenerator& generator = *report.mutable_generator();
  generator.set_kept_up(true);
  *generator.mutable_send_lag() = LatencyOf(lag_ns, max_lag_ns);
  generator.set_unsent(static_cast<double>(unsent));
  const double limit = std::max(absl::ToDoubleSeconds(kMaxSendLag),
                                kMaxSendLagOfLatency * latency_ns.Quantile(0.5) / 1e9);
  if (generator.send_lag().p99() > limit) {
    generator.set_kept_up(false);
    report.add_warnings(absl::StrCat("The generator could not keep up: 1 % of requests were sent ",
                                     LatencyText(generator.send_lag().p99()),
                                     " late or later, which is part of latencies."));
  }
  if (static_cast<double>(unsent) > kMaxUnsentRatio * static_cast<double>(sent + unsent)) {
    generator.set_kept_up(false);
    report.add_warnings(absl::StrCat(
        "The generator could not keep up: of ", CountText(static_cast<double>(sent + unsent)),
        " requests that were due, ", CountText(generator.unsent()), " were never sent."));
  }
}

}  // namespace weir
