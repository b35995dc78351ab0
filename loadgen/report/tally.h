// What became of requests, by phase and model, while a run goes on.
//
// A request belongs to the phase in which it was due, whenever it ends. What a warm-up phase sends
// is shown live and in the timelines, and left out of everything else. Answers per second are those
// that came while a phase went on, whichever they belong to: what servers do in that time.
#ifndef WEIR_LOADGEN_REPORT_TALLY_H_
#define WEIR_LOADGEN_REPORT_TALLY_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/histogram.h"
#include "loadgen/report/model_tally.h"
#include "loadgen/report/quality.h"
#include "loadgen/report/timeline.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

struct LiveModel {
  std::string model;
  int64_t sent = 0, answered = 0, failed = 0;  // Since the view before this one.
  int64_t all_failed = 0;                      // Since the beginning.
  int64_t in_flight = 0;
  // Of what the last second answered, or what timed out in it; 0 without any.
  double p50_seconds = 0, p99_seconds = 0;
};

// What happened in the full seconds since the view before this one. Nothing is in two of them.
struct LiveView {
  int phase = -1;            // The newest; -1 before the first.
  bool phase_ended = false;  // What is in flight is waited for.
  absl::Time phase_began;
  int seconds = 0;                  // 0 also while nothing happens at all.
  double send_lag_p99_seconds = 0;  // Of what an open loop sent in the last second.
  std::vector<LiveModel> models;    // All, in their order.
};

// Written by the thread of the load; Live may be called by another one meanwhile.
class Tally {
 public:
  struct Phase {
    std::string name;
    bool warm_up = false;
    bool open_loop = false;  // Only then does it matter how late requests are sent.
  };
  struct Model {
    std::string model;
    std::string family;
    std::string variant;
    absl::Duration slo_latency;  // 0 if it has none.

    // What counts is not all shifted alike. One quality of it would mix what differs, so that only
    // phases have theirs.
    bool shifts_differ = false;
  };

  Tally(std::vector<Phase> phases, std::vector<Model> models);
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  // Times are MonotonicNow()'s and never go back. Phases come one after the other, each at most
  // once.
  void BeginPhase(int phase, absl::Time now);
  void EndPhase(int phase, absl::Time now);

  void Sent(int phase, int model, absl::Time due, absl::Time sent);
  // Latency counts from `due`, and includes what ended with DEADLINE_EXCEEDED. `rows` are those of
  // the request, counted where it was answered.
  void Ended(int phase, int model, absl::Time due, absl::Time now, absl::StatusCode code, int rows);

  // Processor time that the load's thread used in a phase.
  void UsedCpu(int phase, absl::Duration cpu) { phases_[phase].cpu = cpu; }

  // Requests that were due in an open loop's phase which ended before they could be sent.
  void Unsent(int phase, int64_t requests);

  // Where answers are judged.
  Quality& quality(int phase, int model) { return Of(phase, model).quality; }

  // Answers with OK per second that came in a phase, which has ended; all models together.
  double AnsweredPerSecond(int phase) const;

  // Thread-safe.
  LiveView Live() ABSL_LOCKS_EXCLUDED(live_mutex_);

  // When all phases that began, and all requests, have ended. All but what the tally cannot know:
  // scenario, description, started, interrupted, requirements, and what the generator used.
  v1::LoadReport Report() const;

 private:
  // What was answered while a phase went on.
  struct Rate {
    int64_t answers = 0, rows = 0;

    void Add(const Rate& other) {
      answers += other.answers;
      rows += other.rows;
    }
    void Report(double seconds, v1::LoadModel& report) const;
  };

  struct PhaseState {
    Phase phase;
    absl::Time began = absl::InfiniteFuture();  // Not yet.
    absl::Time ended = absl::InfiniteFuture();
    std::vector<std::unique_ptr<ModelTally>> models;  // Null where nothing was sent.
    std::vector<Rate> rates;                          // By model.
    absl::Duration cpu;
    uint64_t max_send_lag_ns = 0;
    int64_t unsent = 0;

    bool Counts() const { return !phase.warm_up && began != absl::InfiniteFuture(); }
    double Seconds() const;
  };

  // Of a model, in the second that goes on.
  struct Second {
    int64_t sent = 0, answered = 0, failed = 0;
    Histogram latency_ns;
  };

  ModelTally& Of(int phase, int model) {
    std::unique_ptr<ModelTally>& tally = phases_[phase].models[model];
    if (tally == nullptr) tally = std::make_unique<ModelTally>();
    return *tally;
  }

  // Ends all seconds that are over at `now`.
  void Advance(absl::Time now) {
    if (now >= second_end_) EndSeconds(now);
    last_event_ = now;
  }
  void EndSeconds(absl::Time now) ABSL_LOCKS_EXCLUDED(live_mutex_);
  void Publish() ABSL_LOCKS_EXCLUDED(live_mutex_);
  Moment MomentOf(int model, absl::Duration length) const;

  void DescribeModel(int model, v1::LoadModel& report) const;
  void ReportModels(v1::LoadReport& report) const;
  void ReportPhases(v1::LoadReport& report) const;
  void ReportGenerator(v1::LoadReport& report) const;
  void JudgeSendLag(v1::LoadReport& report) const;
  void JudgeCpu(v1::LoadReport& report) const;

  const std::vector<Model> models_;
  std::vector<PhaseState> phases_;
  int phase_ = -1;  // That goes on.

  absl::Time second_end_ = absl::InfiniteFuture();
  absl::Time last_event_ = absl::InfinitePast();
  std::vector<Second> seconds_;  // By model, as are those below.
  Histogram second_send_lag_ns_;
  std::vector<int64_t> in_flight_;
  std::vector<int64_t> all_failed_;
  std::vector<Timeline> timelines_;

  absl::Mutex live_mutex_;
  LiveView live_ ABSL_GUARDED_BY(live_mutex_);
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_TALLY_H_
