#include "loadgen/load_run.h"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/processors.h"
#include "base/status_macros.h"
#include "loadgen/scenario/rate_curve.h"
#include "loadgen/scenario/replay_file.h"
#include "loadgen/scenario/scenario_fields.h"

namespace weir {
namespace {

// How long after its deadline an answer may still come in, before it is given up.
constexpr absl::Duration kDrainGrace = absl::Seconds(1);

bool IsClosed(const v1::LoadPhase& phase) {
  return phase.load_case() == v1::LoadPhase::kConcurrency;
}

absl::Duration ThreadCpu() {
  timespec used;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  return absl::DurationFromTimespec(used);
}

double PeakResidentBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return 1024.0 * static_cast<double>(usage.ru_maxrss);
}

absl::Status CheckCpu(int cpu) {
  if (cpu < 0 || absl::c_linear_search(AllowedProcessors(), cpu)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--cpu=", cpu, ": this process may not use that processor"));
}

bool Has(const ModelInfo& model, const v1::LoadTraffic& traffic) {
  return model.description.name() == traffic.model() &&
         (traffic.version() == 0 || absl::c_linear_search(model.versions, traffic.version()));
}

// What a phase sends.
const google::protobuf::RepeatedPtrField<v1::LoadTraffic>& TrafficOf(
    const v1::LoadScenario& scenario, const v1::LoadPhase& phase) {
  return phase.traffic().empty() ? scenario.traffic() : phase.traffic();
}

// Whether the requests to `model` that count differ in their shift.
bool ShiftsDiffer(const v1::LoadScenario& scenario, const std::string& model) {
  std::set<std::string> shifts;
  for (const v1::LoadPhase& phase : scenario.phases()) {
    if (phase.warm_up()) continue;
    for (const v1::LoadTraffic& traffic : TrafficOf(scenario, phase)) {
      if (traffic.model() == model) shifts.insert(traffic.shift().SerializeAsString());
    }
  }
  return shifts.size() > 1;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LoadRun>> LoadRun::Create(v1::LoadScenario scenario,
                                                         const std::vector<ModelInfo>& models,
                                                         const LoadRunOptions& options) {
  auto run = absl::WrapUnique(new LoadRun(std::move(scenario), options));
  WEIR_RETURN_IF_ERROR(run->Prepare(models));
  return run;
}

LoadRun::LoadRun(v1::LoadScenario scenario, const LoadRunOptions& options)
    : scenario_(std::move(scenario)), options_(options), loop_(client_) {}

absl::Status LoadRun::Prepare(const std::vector<ModelInfo>& models) {
  WEIR_RETURN_IF_ERROR(CheckCpu(options_.cpu));
  std::vector<int> shared;  // The sources of phases without traffic of their own.
  for (const v1::LoadTraffic& traffic : scenario_.traffic()) {
    WEIR_ASSIGN_OR_RETURN(const int source, AddSource(traffic, models));
    shared.push_back(source);
  }
  std::vector<Tally::Phase> phases;
  std::vector<std::vector<int>> sources;
  for (const v1::LoadPhase& phase : scenario_.phases()) {
    phases.push_back({phase.name(), phase.warm_up(), !IsClosed(phase)});
    sources.push_back(phase.traffic().empty() ? shared : std::vector<int>());
    for (const v1::LoadTraffic& traffic : phase.traffic()) {
      WEIR_ASSIGN_OR_RETURN(const int source, AddSource(traffic, models));
      sources.back().push_back(source);
    }
    replays_.emplace_back();
    if (phase.load_case() == v1::LoadPhase::kReplayFile) {
      WEIR_ASSIGN_OR_RETURN(replays_.back(), ReadReplay(phase.replay_file()));
    }
  }
  tally_ = std::make_unique<Tally>(std::move(phases), models_);
  traffic_ =
      std::make_unique<ScenarioTraffic>(std::move(sources_), std::move(sources), options_.seed,
                                        *tally_, [this](int phase) { OnSent(phase); });
  return absl::OkStatus();
}

absl::StatusOr<int> LoadRun::AddSource(const v1::LoadTraffic& traffic,
                                       const std::vector<ModelInfo>& models) {
  ScenarioTraffic::Source source = {.method = MethodOf(traffic),
                                    .weight = WeightOf(traffic),
                                    .timeout = TimeoutOf(traffic),
                                    .stream = traffic.stream(),
                                    .malformed_ratio = traffic.faults().malformed_ratio()};
  const v1::ModelDescription* description = nullptr;
  for (const ModelInfo& model : models) {
    if (!Has(model, traffic)) continue;
    description = &model.description;
    WEIR_ASSIGN_OR_RETURN(const int target, TargetFor(model.address));
    source.targets.push_back(target);
  }
  if (description == nullptr) {
    return absl::NotFoundError(
        absl::StrCat("no server has the model ", traffic.model(),
                     traffic.version() > 0 ? absl::StrCat(" in version ", traffic.version()) : ""));
  }
  WEIR_ASSIGN_OR_RETURN(source.requests, RequestsFor(traffic, *description));
  const auto known = std::find_if(models_.begin(), models_.end(), [&](const Tally::Model& model) {
    return model.model == traffic.model();
  });
  source.model = static_cast<int>(known - models_.begin());
  if (known == models_.end()) {
    models_.push_back({.model = traffic.model(),
                       .family = description->family(),
                       .variant = description->variant(),
                       .slo_latency = absl::Microseconds(description->slo_latency_us()),
                       .shifts_differ = ShiftsDiffer(scenario_, traffic.model())});
  }
  sources_.push_back(std::move(source));
  return static_cast<int>(sources_.size()) - 1;
}

// Phases often send the same requests in other shares, or with faults.
absl::StatusOr<const RequestSet*> LoadRun::RequestsFor(const v1::LoadTraffic& traffic,
                                                       const v1::ModelDescription& model) {
  v1::LoadTraffic content = traffic;
  content.clear_weight();
  content.clear_faults();
  std::unique_ptr<RequestSet>& set = request_sets_[content.SerializeAsString()];
  if (set == nullptr) {
    WEIR_ASSIGN_OR_RETURN(RequestSet created,
                          RequestSet::Create(traffic, model, {.seed = options_.seed}));
    set = std::make_unique<RequestSet>(std::move(created));
    if (set->rows_used() < set->rows_there()) {
      input_warnings_.push_back(absl::StrCat("Of ", set->rows_there(), " rows of ", traffic.input(),
                                             ", only the first ", set->rows_used(), " are sent to ",
                                             traffic.model(), ": they make 64 MiB of requests."));
    }
  }
  return set.get();
}

absl::StatusOr<int> LoadRun::TargetFor(const std::string& address) {
  const auto known = targets_.find(address);
  if (known != targets_.end()) return known->second;
  WEIR_ASSIGN_OR_RETURN(const int target,
                        client_.AddTarget(address, options_.connections, options_.connect_timeout));
  targets_.emplace(address, target);
  return target;
}

std::vector<LoadProgress::Phase> LoadRun::Phases() const {
  std::vector<LoadProgress::Phase> phases;
  for (int i = 0; i < scenario_.phases_size(); ++i) {
    const v1::LoadPhase& phase = scenario_.phases(i);
    phases.push_back({phase.name(), phase.warm_up(),
                      replays_[i].empty() ? DurationOf(phase.duration(), absl::InfiniteDuration())
                                          : replays_[i].back()});
  }
  return phases;
}

void LoadRun::Run() {
  if (options_.cpu >= 0) StayOn({options_.cpu}).IgnoreError();  // CheckCpu has seen that it may.
  const absl::Duration cpu_before = ThreadCpu();
  for (int phase = 0; phase < scenario_.phases_size() && !loop_.stopped(); ++phase) {
    RunPhase(phase);
  }
  loop_.Drain(MonotonicNow() + LongestTimeout() + kDrainGrace);
  cpu_ = ThreadCpu() - cpu_before;
}

void LoadRun::RunPhase(int phase) {
  const v1::LoadPhase& settings = scenario_.phases(phase);
  const absl::Time start = MonotonicNow();
  traffic_->BeginPhase(phase);
  tally_->BeginPhase(phase, start);
  // A replay ends with its last request.
  const absl::Time end = start + DurationOf(settings.duration(), absl::InfiniteDuration());
  const absl::Duration cpu_before = ThreadCpu();
  if (IsClosed(settings)) {
    loop_.RunClosed(settings.concurrency(), end, *traffic_);
  } else if (const std::unique_ptr<Pacer> pacer = PacerOf(phase); pacer != nullptr) {
    const int64_t unsent = loop_.RunOpen(*pacer, start, end, *traffic_);
    // More were not asked for.
    if (!SentAll()) tally_->Unsent(phase, unsent);
  }
  tally_->UsedCpu(phase, ThreadCpu() - cpu_before);
  tally_->EndPhase(phase, MonotonicNow());
}

std::unique_ptr<Pacer> LoadRun::PacerOf(int phase) {
  v1::LoadPhase settings = scenario_.phases(phase);
  if (settings.load_case() == v1::LoadPhase::kReplayFile) return Replay(replays_[phase]);
  if (settings.load_case() == v1::LoadPhase::kCapacityMultiple) {
    const int measured = CapacityPhase(scenario_, phase);
    const double capacity = tally_->AnsweredPerSecond(measured);
    if (capacity == 0) {
      status_.Update(absl::FailedPreconditionError(absl::StrCat(
          "The phase ", settings.name(), " was left out: the phase ",
          scenario_.phases(measured).name(), ", whose answers set its rate, had none.")));
      return nullptr;
    }
    settings.set_rate(settings.capacity_multiple() * capacity);
  }
  std::vector<RatePiece> curve = CurveOf(settings);
  return settings.poisson() ? PacePoisson(std::move(curve), options_.seed, phase)
                            : PaceEvenly(std::move(curve));
}

absl::Duration LoadRun::LongestTimeout() const {
  absl::Duration longest;
  for (const v1::LoadPhase& phase : scenario_.phases()) {
    for (const v1::LoadTraffic& traffic : TrafficOf(scenario_, phase)) {
      longest = std::max(longest, TimeoutOf(traffic));
    }
  }
  return longest;
}

void LoadRun::OnSent(int phase) {
  if (options_.max_requests == 0 || scenario_.phases(phase).warm_up()) return;
  ++sent_;
  if (SentAll()) loop_.Stop();
}

void LoadRun::Stop() {
  // Nothing is published with it: it is read after the load's thread was joined.
  interrupted_.store(true, std::memory_order_relaxed);
  loop_.Stop();
}

v1::LoadReport LoadRun::Report() const {
  v1::LoadReport report = tally_->Report();
  report.set_description(scenario_.description());
  for (const std::string& warning : input_warnings_) report.add_warnings(warning);
  report.set_interrupted(interrupted_.load(std::memory_order_relaxed));
  if (!status_.ok()) report.add_warnings(std::string(status_.message()));
  report.mutable_generator()->set_cpu_seconds(absl::ToDoubleSeconds(cpu_));
  report.mutable_generator()->set_peak_resident_bytes(PeakResidentBytes());
  return report;
}

}  // namespace weir
