#include "loadgen/report/tally.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

// Requests that are sent later than this make latencies the generator's, unless the model takes
// much longer anyway. A machine that others use too may be that late now and then.
constexpr absl::Duration kMaxSendLag = absl::Milliseconds(5);
constexpr double kMaxSendLagOfLatency = 0.2;
constexpr double kMaxUnsentRatio = 0.01;

// With fewer requests a single one that is late is the p99.
constexpr int64_t kLeastJudged = 100;

// A thread that works all the time keeps answers waiting, and does not ask as much as it should.
constexpr double kMaxCpuOfTime = 0.95;

bool IsTooLate(const ModelTally& tally) {
  const double limit = std::max(absl::ToDoubleNanoseconds(kMaxSendLag),
                                kMaxSendLagOfLatency * tally.latency_ns.Quantile(0.5));
  return tally.send_lag_ns.Quantile(0.99) > limit;
}

void CouldNotKeepUp(v1::LoadReport& report, absl::string_view why) {
  report.mutable_generator()->set_kept_up(false);
  report.add_warnings(absl::StrCat("The generator could not keep up: ", why));
}

// 0 for negative durations.
uint64_t Nanoseconds(absl::Duration duration) {
  return static_cast<uint64_t>(std::max<int64_t>(0, absl::ToInt64Nanoseconds(duration)));
}

}  // namespace

double Tally::PhaseState::Seconds() const {
  return began == absl::InfiniteFuture() ? 0 : absl::ToDoubleSeconds(ended - began);
}

void Tally::Rate::Report(double seconds, v1::LoadModel& report) const {
  if (seconds <= 0) return;
  report.set_answered_per_second(static_cast<double>(answers) / seconds);
  report.set_rows_per_second(static_cast<double>(rows) / seconds);
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
    phases_[i].rates.resize(models_.size());
  }
  for (const Model& model : models_) live_.models.push_back({.model = model.model});
}

void Tally::BeginPhase(int phase, absl::Time now) {
  if (second_end_ == absl::InfiniteFuture()) second_end_ = now + absl::Seconds(1);
  Advance(now);
  phases_[phase].began = now;
  phase_ = phase;
  const absl::MutexLock lock(&live_mutex_);
  live_.phase = phase;
  live_.phase_ended = false;
  live_.phase_began = now;
}

void Tally::EndPhase(int phase, absl::Time now) {
  Advance(now);
  phases_[phase].ended = now;
  phase_ = -1;
  const absl::MutexLock lock(&live_mutex_);
  live_.phase_ended = true;
}

void Tally::Sent(int phase, int model, absl::Time due, absl::Time sent) {
  Advance(sent);
  ModelTally& tally = Of(phase, model);
  ++tally.sent;
  ++seconds_[model].sent;
  ++in_flight_[model];
  PhaseState& state = phases_[phase];
  if (!state.phase.open_loop) return;
  const uint64_t lag = Nanoseconds(sent - due);
  tally.send_lag_ns.Record(lag);
  second_send_lag_ns_.Record(lag);
  state.max_send_lag_ns = std::max(state.max_send_lag_ns, lag);
}

void Tally::Ended(int phase, int model, absl::Time due, absl::Time now, absl::StatusCode code,
                  int rows) {
  Advance(now);
  ModelTally& tally = Of(phase, model);
  Second& second = seconds_[model];
  --in_flight_[model];
  tally.CountEnd(code);
  if (code == absl::StatusCode::kOk) {
    ++second.answered;
    if (phase_ >= 0) phases_[phase_].rates[model].Add({.answers = 1, .rows = rows});
  } else {
    ++second.failed;
    ++all_failed_[model];
    if (code != absl::StatusCode::kDeadlineExceeded) return;
  }
  const uint64_t latency = Nanoseconds(now - due);
  tally.RecordLatency(latency);
  second.latency_ns.Record(latency);
}

void Tally::Unsent(int phase, int64_t requests) { phases_[phase].unsent += requests; }

double Tally::AnsweredPerSecond(int phase) const {
  const PhaseState& state = phases_[phase];
  Rate all;
  for (const Rate& rate : state.rates) all.Add(rate);
  return state.Seconds() > 0 ? static_cast<double>(all.answers) / state.Seconds() : 0;
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
    if (second.latency_ns.Count() == 0) continue;
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
  Rate all_rates;
  for (size_t i = 0; i < models_.size(); ++i) {
    ModelTally tally;
    Rate rate;
    for (const PhaseState& phase : phases_) {
      if (!phase.Counts()) continue;
      rate.Add(phase.rates[i]);
      if (phase.models[i] != nullptr) tally.Merge(*phase.models[i]);
    }
    all.Merge(tally);
    all_rates.Add(rate);
    v1::LoadModel& model = *report.add_models();
    DescribeModel(i, model);
    if (models_[i].shifts_differ) tally.quality = Quality();
    tally.Report(report.seconds(), model);
    rate.Report(report.seconds(), model);
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
  all_rates.Report(report.seconds(), *report.mutable_all_models());
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
      state.rates[i].Report(state.Seconds(), model);
    }
  }
}

void Tally::ReportGenerator(v1::LoadReport& report) const {
  report.mutable_generator()->set_kept_up(true);
  JudgeSendLag(report);
  JudgeCpu(report);
}

void Tally::JudgeSendLag(v1::LoadReport& report) const {
  ModelTally all;
  uint64_t max_lag_ns = 0;
  int64_t unsent = 0;
  std::string late;  // Models.
  for (const PhaseState& state : phases_) {
    if (!state.Counts() || !state.phase.open_loop) continue;
    max_lag_ns = std::max(max_lag_ns, state.max_send_lag_ns);
    unsent += state.unsent;
  }
  for (size_t i = 0; i < models_.size(); ++i) {
    ModelTally tally;
    for (const PhaseState& state : phases_) {
      if (!state.Counts() || !state.phase.open_loop || state.models[i] == nullptr) continue;
      tally.Merge(*state.models[i]);
    }
    if (tally.sent >= kLeastJudged && IsTooLate(tally)) {
      absl::StrAppend(&late, late.empty() ? "" : ", ", models_[i].model);
    }
    all.Merge(tally);
  }
  v1::LoadGenerator& generator = *report.mutable_generator();
  *generator.mutable_send_lag() = LatencyOf(all.send_lag_ns, max_lag_ns);
  generator.set_unsent(static_cast<double>(unsent));
  if (!late.empty() || IsTooLate(all)) {
    CouldNotKeepUp(
        report, absl::StrCat("1 % of requests were sent ", LatencyText(generator.send_lag().p99()),
                             " late or later, which is part of latencies",
                             late.empty() ? "" : " of ", late, "."));
  }
  const auto due = static_cast<double>(all.sent + unsent);
  if (generator.unsent() > kMaxUnsentRatio * due) {
    CouldNotKeepUp(report, absl::StrCat("of ", CountText(due), " requests that were due, ",
                                        CountText(generator.unsent()), " were never sent."));
  }
}

void Tally::JudgeCpu(v1::LoadReport& report) const {
  for (const PhaseState& state : phases_) {
    if (!state.Counts() || state.phase.open_loop) continue;
    const double share = absl::FDivDuration(state.cpu, state.ended - state.began);
    if (!(share > kMaxCpuOfTime)) continue;
    CouldNotKeepUp(report,
                   absl::StrCat("its thread worked for ", ShareText(share), " of the phase ",
                                state.phase.name, ", so that answers waited for it."));
  }
}

}  // namespace weir
