#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/alerts/provocations.h"

namespace weir {
namespace {

const std::vector<std::string> kVariants = {"fashion-fast", "fashion-balanced", "fashion-accurate"};

void AddOfEach(const std::vector<std::string>& alerts, const std::vector<std::string>& models,
               std::vector<AlertId>& to) {
  for (const std::string& alert : alerts) {
    for (const std::string& model : models) to.push_back({alert, model});
  }
}

// A load of `models`, which nobody asks once it has ended.
Provocation Load(WatchedSite& site, const std::string& scenario,
                 const std::vector<std::string>& models) {
  Provocation load = {.name = scenario,
                      .begin = [&site, scenario] { return site.StartLoad(scenario); },
                      .end = [&site] { return site.AwaitLoad(); }};
  AddOfEach({"NoRequestsToModel"}, models, load.aftermath);
  return load;
}

}  // namespace

Provocation SlowModel(WatchedSite& site) {
  Provocation slow = Load(site, "slow_model", {});
  // 2 s late, known to 1.6 %.
  slow.wanted = {{.alert = {"LatencySLOViolated", "fashion-balanced"},
                  .text = "p95 is (1\\.9\\d*|2(\\.\\d+)?)s\n.* its objective is 1s\\."}};
  AddOfEach({"LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"}, {"fashion-balanced"},
            slow.companions);
  return slow;
}

Provocation Errors(WatchedSite& site) {
  Provocation errors = Load(site, "errors", {});
  for (const std::string& model : kVariants) {
    // In life there are twenty times as many requests in each window, and 16.7 % do not become more
    // than 20 % by chance.
    errors.wanted.push_back({.alert = {"HighErrorRate", model},
                             .text = "fails [12]\\d(\\.\\d+)?% of its requests",
                             .or_else = "CriticalErrorRate"});
  }
  AddOfEach({"ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"}, kVariants, errors.companions);
  return errors;
}

Provocation Silence(WatchedSite& site) {
  Provocation silence = Load(site, "silence", kVariants);
  silence.wanted = {
      {.alert = {"NoRequestsToModel", "fashion-balanced"}, .text = "nobody asks fashion-balanced"}};
  return silence;
}

Provocation Outage(WatchedSite& site) {
  Provocation outage = Load(site, "outage", {"flats-price"});
  outage.wanted = {{.alert = {"CriticalErrorRate", "flats-price"},
                    .text = "fails [3-6]\\d(\\.\\d+)?% of its requests"}};
  AddOfEach({"HighErrorRate", "ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"}, {"flats-price"},
            outage.companions);
  return outage;
}

Provocation SparseTrouble(WatchedSite& site) {
  Provocation sparse = Load(site, "sparse_trouble", {"accidents-forest"});
  sparse.wanted = {{.alert = {"ErrorBudgetBurnSlow", "accidents-forest"},
                    .text = "uses its error budget [1-5]\\.\\d times as fast as it may"},
                   {.alert = {"LatencyBudgetBurnSlow", "accidents-forest"},
                    .text = "uses its latency budget [1-5]\\.\\d times as fast as it may"}};
  return sparse;
}

Provocation FarTooSlow(WatchedSite& site) {
  const std::vector<std::string> models = {"fashion-balanced", "fashion-fast"};
  Provocation slow = Load(site, "far_too_slow", models);
  slow.wanted = {{.alert = {"HighInferenceTime", "fashion-balanced"},
                  .text = "takes (5\\.9\\d*|6(\\.\\d+)?)s \\(p95\\)"},
                 {.alert = {"CriticalInferenceTime", "fashion-fast"},
                  .text = "takes (10\\.[89]\\d*|11(\\.\\d+)?)s \\(p95\\)"}};
  slow.companions = {{"HighInferenceTime", "fashion-fast"}};
  AddOfEach({"LatencySLOViolated", "LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"}, models,
            slow.companions);
  return slow;
}

Provocation FullQueue(WatchedSite& site) {
  Provocation full = Load(site, "full_queue", {"fashion-accurate"});
  full.wanted = {{.alert = {"QueueSaturated", "fashion-accurate"},
                  .text = "the queue of fashion-accurate is 8\\d(\\.\\d+)?% full"},
                 {.alert = {"HighCPUUsage", "accurate"},
                  .text = "accurate uses (8|9|10)\\d(\\.\\d+)?% of its processors"}};
  AddOfEach({"LatencySLOViolated", "LatencyBudgetBurnFast", "LatencyBudgetBurnSlow"},
            {"fashion-accurate"}, full.companions);
  return full;
}

Provocation Hopeless(WatchedSite& site) {
  Provocation hopeless = Load(site, "hopeless", {"fashion-accurate"});
  hopeless.wanted = {{.alert = {"RequestsRejected", "fashion-accurate"},
                      .text = "fashion-accurate refuses [1-9](\\.\\d+)?% of its requests"}};
  AddOfEach({"ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"}, {"fashion-accurate"},
            hopeless.companions);
  return hopeless;
}

Provocation LargeFlats(WatchedSite& site) {
  Provocation large = Load(site, "large_flats", {"flats-price"});
  large.wanted = {{.alert = {"PredictionOutOfRange", "flats-price"},
                   .text = "flats-price predicts more than [12]0000000 for \\d\\d(\\.\\d+)?% of"}};
  return large;
}

Provocation WithBudgets(Provocation load) {
  for (const AlertId& alert : std::vector<AlertId>(load.companions)) {
    if (alert.name == "ErrorBudgetBurnFast" || alert.name == "LatencyBudgetBurnFast") {
      load.wanted.push_back(
          {.alert = alert, .text = "budget \\d\\d+\\.\\d times as fast as it may"});
    }
  }
  return load;
}

}  // namespace weir
