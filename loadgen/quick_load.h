// A load that the command line describes, in place of a scenario file.
#ifndef WEIR_LOADGEN_QUICK_LOAD_H_
#define WEIR_LOADGEN_QUICK_LOAD_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

struct QuickLoad {
  std::vector<std::string> models;  // NAME, or NAME:WEIGHT.
  int concurrency = 1;              // Requests in flight, unless there is a rate.
  double rate = 0;                  // Requests per second.
  bool poisson = false;             // Open loop: random gaps instead of even ones.
  int rows = 1;
  std::string input;  // As in LoadTraffic.
  absl::Duration timeout = absl::Seconds(1);
  bool stream = false;
  absl::Duration warm_up;
  absl::Duration duration = absl::Seconds(10);
};

// One phase, with a warm-up before it if there is a time for one. INVALID_ARGUMENT, naming the
// flag, where the numbers make no load.
absl::StatusOr<v1::LoadScenario> ScenarioOf(const QuickLoad& load);

}  // namespace weir

#endif  // WEIR_LOADGEN_QUICK_LOAD_H_
