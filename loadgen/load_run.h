// One scenario against running servers: prepares all that it sends, then sends it, phase after
// phase.
#ifndef WEIR_LOADGEN_LOAD_RUN_H_
#define WEIR_LOADGEN_LOAD_RUN_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "loadgen/client/call_client.h"
#include "loadgen/inputs/model_info.h"
#include "loadgen/inputs/request_set.h"
#include "loadgen/load/load_loop.h"
#include "loadgen/load/pacer.h"
#include "loadgen/report/progress.h"
#include "loadgen/report/tally.h"
#include "loadgen/scenario_traffic.h"
#include "weir/v1/load_report.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

struct LoadRunOptions {
  int connections = 1;       // To each server.
  uint64_t seed = 1;         // Of all that is random.
  int64_t max_requests = 0;  // Stops when so many were sent that count; 0 for no limit.
  int cpu = -1;              // The processor that the load's thread stays on; -1 for any.
  absl::Duration connect_timeout = absl::Seconds(3);
};

class LoadRun {
 public:
  // Reads the inputs, makes the requests and connects. `scenario` is a checked one, and each of its
  // models is among `models`. INVALID_ARGUMENT where inputs do not fit a model, UNAVAILABLE where a
  // server cannot be reached.
  static absl::StatusOr<std::unique_ptr<LoadRun>> Create(v1::LoadScenario scenario,
                                                         const std::vector<ModelInfo>& models,
                                                         const LoadRunOptions& options);
  LoadRun(const LoadRun&) = delete;
  LoadRun& operator=(const LoadRun&) = delete;

  // Does all of it and waits for the last answers. Once, on any one thread.
  void Run();

  // Ends sending before its time; Run returns when what is in flight has ended. From any thread.
  void Stop();

  // For those who watch: what the phases are, and how it goes. Thread-safe.
  std::vector<LoadProgress::Phase> Phases() const;
  LiveView Live() { return tally_->Live(); }

  // After Run: whether all phases could be run.
  const absl::Status& status() const { return status_; }

  // After Run. All but the scenario's name, when it started, and requirements.
  v1::LoadReport Report() const;

 private:
  LoadRun(v1::LoadScenario scenario, const LoadRunOptions& options);

  absl::Status Prepare(const std::vector<ModelInfo>& models);
  absl::StatusOr<int> AddSource(const v1::LoadTraffic& traffic,
                                const std::vector<ModelInfo>& models);
  absl::StatusOr<const RequestSet*> RequestsFor(const v1::LoadTraffic& traffic,
                                                const v1::ModelDescription& model);
  absl::StatusOr<int> TargetFor(const std::string& address);

  void RunPhase(int phase);
  std::unique_ptr<Pacer> PacerOf(int phase);  // Null if its rate is not known.
  absl::Duration LongestTimeout() const;
  void OnSent(int phase);
  bool SentAll() const { return options_.max_requests > 0 && sent_ >= options_.max_requests; }

  const v1::LoadScenario scenario_;
  const LoadRunOptions options_;

  // Prepared.
  CallClient client_;
  std::map<std::string, int> targets_;                               // By address.
  std::map<std::string, std::unique_ptr<RequestSet>> request_sets_;  // By what makes them.
  std::vector<std::string> input_warnings_;
  std::vector<Tally::Model> models_;
  std::vector<ScenarioTraffic::Source> sources_;
  std::vector<std::vector<absl::Duration>> replays_;  // By phase; empty for the others.
  std::unique_ptr<Tally> tally_;
  std::unique_ptr<ScenarioTraffic> traffic_;
  LoadLoop loop_;

  int64_t sent_ = 0;  // Of what counts.
  absl::Duration cpu_;
  absl::Status status_;
  // Read when the load's thread has been joined; the loop's own flag is what stops it.
  std::atomic<bool> interrupted_ = false;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_RUN_H_
