// Finds out what each variant of a family is worth: how good its answers are, what a request takes
// that waits for nobody, and how many requests per second it carries within its objectives.
#ifndef WEIR_LOADGEN_FRONTIER_FRONTIER_H_
#define WEIR_LOADGEN_FRONTIER_FRONTIER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_report.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Puts a load on the servers and says what became of it. CANCELLED when the user has had enough.
using RunTrial = std::function<absl::StatusOr<v1::LoadReport>(const v1::LoadScenario& scenario)>;

struct FrontierOptions {
  absl::Duration trial = absl::Seconds(5);
  absl::Duration slo_latency;  // That of each model if zero.
  double max_error_ratio = 0.001;
  std::function<void(const std::string& line)> progress;  // Of each trial.
};

struct FrontierResult {
  v1::Frontier frontier;  // All but `measured`, ranked.

  // The trials that the frontier states: of each variant that at its capacity.
  v1::LoadReport report;

  // Of the trial that could not be; CANCELLED when the user had had enough. The variants before it
  // are there, and both of the above say that they were interrupted.
  absl::Status status;
};

// INVALID_ARGUMENT if one of the models has no latency objective.
absl::Status CheckObjectives(const std::vector<v1::ModelDescription>& variants,
                             absl::Duration slo_latency);

// Measures `variants`, models of one family, one after the other. Requires CheckObjectives.
FrontierResult FindFrontier(const std::vector<v1::ModelDescription>& variants,
                            const FrontierOptions& options, const RunTrial& run);

}  // namespace weir

#endif  // WEIR_LOADGEN_FRONTIER_FRONTIER_H_
