// What became of requests, by phase and model, while a run goes on.
//
// A request belongs to the phase in which it was due, whenever it ends. What a warm-up phase sends
// is shown live and in the timelines, and left out of everything else.
#ifndef WEIR_LOADGEN_REPORT_TALLY_H_
#define WEIR_LOADGEN_REPORT_TALLY_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/histogram.h"
#include "loadgen/report/quality.h"
#include "loadgen/report/timeline.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

inline constexpr int kStatusCodes = 17;

// Of one model, in one phase or in all that count.
struct ModelTally {
  int64_t sent = 0;
  int64_t answered_rows = 0;
  std::array<int64_t, kStatusCodes> ended = {};  // By code.
  Histogram latency_ns;                          // Of answers with OK, from when they were due.
  absl::Duration max_latency;
  Quality quality;

  void Merge(const ModelTally& other);
};

struct LiveModel {
  std::string model;
  int64_t sent = 0, answered = 0, failed = 0;  // In the last second.
  int64_t all_failed = 0;                      // Since the beginning.
  int64_t in_flight = 0;
  double p50_seconds = 0, p99_seconds = 0;  // Of the last second's answers; 0 without any.
};

struct LiveView {
  int phase = -1;  // -1 before the first one and after the last.
  absl::Time phase_began;
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
  };

  Tally(std::vector<Phase> phases, std::vector<Model> models);
  Tally(const Tally&) = delete;
  Tally& operator=(const Tally&) = delete;

  // Times are MonotonicNow()'s and never go back. Phases come one after the other, each at most
  // once; a new one ends the one before.
  void BeginPhase(int phase, absl::Time now);
  void EndPhase(int phase, absl::Time now);

  void Sent(int phase, int model, absl::Time due, absl::Time sent);
  // Latency counts from `due`. `rows` are those of the request, counted where it was answered.
  void Ended(int phase, int model, absl::Time due, absl::Time now, absl::StatusCode code, int rows);

  // Requests that were due in an open loop's phase which ended before they could be sent.
  void Unsent(int phase, int64_t requests);

  // Where answers are judged.
  Quality& quality(int phase, int model) { return Of(phase, model).quality; }

  // Answers with OK per second of a phase that has ended, all models together.
  double AnsweredPerSecond(int phase) const;

  // The last full second; the counts of seconds are 0 if nothing has happened since. Thread-safe.
  LiveView Live(absl::Time now) const ABSL_LOCKS_EXCLUDED(live_mutex_);

  // When everything has ended. All but what the tally cannot know: scenario, description, started,
  // interrupted, requirements, and what the generator used.
  v1::LoadReport Report() const;

 private:
  struct PhaseState {
    Phase phase;
    absl::Time began = absl::InfinitePast();  // Not yet.
    absl::Time ended = absl::InfinitePast();
    std::vector<std::unique_ptr<ModelTally>> models;  // Null where nothing was sent.
    Histogram send_lag_ns;
    absl::Duration max_send_lag;
    int64_t unsent = 0;

    absl::Duration Length() const { return ended - began; }
    int64_t Answered() const;
  };

  // Of a model, in the second that goes on.
  struct Second {
    int64_t sent = 0, answered = 0, failed = 0;
    Histogram latency_ns;
  };

  ModelTally& Of(int phase, int model);
  bool Counts(const PhaseState& phase) const;

  // Ends all seconds that are over at `now`.
  void Advance(absl::Time now) {
    if (now >= second_end_) EndSeconds(now);
  }
  void EndSeconds(absl::Time now);
  void ReportGenerator(double seconds, v1::LoadReport& report) const;

  const std::vector<Model> models_;
  std::vector<PhaseState> phases_;
  int current_phase_ = -1;

  absl::Time second_end_ = absl::InfiniteFuture();
  absl::Time last_event_ = absl::InfinitePast();
  std::vector<Second> seconds_;  // By model, as are those below.
  Histogram second_send_lag_ns_;
  std::vector<int64_t> in_flight_;
  std::vector<int64_t> all_failed_;
  std::vector<Timeline> timelines_;

  mutable absl::Mutex live_mutex_;
  LiveView live_ ABSL_GUARDED_BY(live_mutex_);
  absl::Time live_at_ ABSL_GUARDED_BY(live_mutex_) = absl::InfinitePast();  // Its second's end.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_TALLY_H_
