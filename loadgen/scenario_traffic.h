// What a scenario sends: chooses a request whenever one is due, and tells the tally what becomes of
// it.
#ifndef WEIR_LOADGEN_SCENARIO_TRAFFIC_H_
#define WEIR_LOADGEN_SCENARIO_TRAFFIC_H_

#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "loadgen/client/call_client.h"
#include "loadgen/inputs/request_set.h"
#include "loadgen/load/traffic.h"
#include "loadgen/report/tally.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// The call that carries `traffic`, with the faults that it asks for.
CallMethod MethodOf(const v1::LoadTraffic& traffic);

// Used by the thread of the load. The same seed makes the same choices.
class ScenarioTraffic : public Traffic {
 public:
  // One LoadTraffic.
  struct Source {
    int model = 0;                         // Of the tally.
    std::vector<int> targets;              // Of the client: servers that have the model, in turn.
    const RequestSet* requests = nullptr;  // Outlives the traffic. Sent one after the other.
    CallMethod method;
    double weight = 1;
    absl::Duration timeout;
    bool stream = false;
    double malformed_ratio = 0;
  };

  // `phases` holds the sources of each phase, as indices. `tally` must outlive the traffic.
  // `on_sent` is called after each request of phase `phase`.
  ScenarioTraffic(std::vector<Source> sources, std::vector<std::vector<int>> phases, uint64_t seed,
                  Tally& tally, std::function<void(int phase)> on_sent);

  // What follows is chosen for this phase; what is in flight stays with its own.
  void BeginPhase(int phase) { phase_ = phase; }

  Shot Next(absl::Time due) override;
  void OnSent(const Shot& shot, absl::Time due, absl::Time sent) override;
  void OnEnd(const Shot& shot, absl::Time due, absl::Time now, const absl::Status& status,
             absl::string_view response) override;

 private:
  struct Turns {
    int target = 0;
    int request = 0;
  };

  int ChooseSource();
  double Draw() { return std::uniform_real_distribution<double>(0, 1)(random_); }

  const std::vector<Source> sources_;
  const std::vector<std::vector<int>> phases_;
  std::vector<double> weights_;  // Of all sources of each phase.
  std::vector<Turns> turns_;     // By source: what is next.
  int phase_ = 0;
  std::mt19937_64 random_;
  Tally& tally_;
  const std::function<void(int phase)> on_sent_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_TRAFFIC_H_
