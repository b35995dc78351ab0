// weir-loadgen as a whole.
#ifndef WEIR_LOADGEN_LOADGEN_H_
#define WEIR_LOADGEN_LOADGEN_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "loadgen/load_run.h"
#include "loadgen/quick_load.h"

namespace weir {

// What the program ends with. docs/weir-loadgen.md lists them.
enum LoadgenExit {
  kLoadgenOk = 0,
  kLoadgenFailed = 1,  // A report could not be written, a phase not be run, or an error of its own.
  kLoadgenBadInput = 2,  // Nothing was run: bad input, or no server.
  kLoadgenRequirementFailed = 3,
  kLoadgenCouldNotKeepUp = 4,  // The numbers are the generator's, not the servers'.
};

struct LoadgenOptions {
  std::vector<std::string> targets;             // Addresses of servers.
  std::string scenarios = "loadgen/scenarios";  // Their folder.

  // One of three: a scenario by name or path; what each variant of a family is worth ("" for the
  // only family that has several); or else `quick`, with all models of the servers if it names
  // none.
  std::string scenario;
  std::optional<std::string> frontier;
  QuickLoad quick;

  std::optional<absl::Duration> duration;  // Of a scenario, or of each trial of a frontier.
  absl::Duration slo_latency;              // Of a frontier; that of each model if zero.
  LoadRunOptions run;

  // Files, unless empty.
  std::string json;
  std::string html;
  std::string frontier_out;

  std::vector<std::string> require;
  bool quiet = false;  // Nothing about progress.
};

// Prints what there is in the folder. A LoadgenExit.
int ListScenarioFiles(const std::string& directory);

// Runs a load and reports: tables to standard output, all else to standard error. After
// CatchTermination. A LoadgenExit.
int RunLoadgen(const LoadgenOptions& options);

}  // namespace weir

#endif  // WEIR_LOADGEN_LOADGEN_H_
