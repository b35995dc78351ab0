#include "tests/alerts/provocations.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr const char* kVariants[] = {"fashion-fast", "fashion-balanced", "fashion-accurate"};
constexpr char kUnloaded[] = "accidents-forest";

std::vector<AlertId> OfEachVariant(const std::vector<std::string>& alerts) {
  std::vector<AlertId> all;
  for (const std::string& alert : alerts) {
    for (const char* model : kVariants) all.push_back({alert, model});
  }
  return all;
}

// A load of a shipped scenario.
Provocation Load(WatchedSite& site, const std::string& scenario) {
  return {.name = scenario,
          .begin = [&site, scenario] { return site.StartLoad(scenario); },
          .end = [&site] { return site.AwaitLoad(); }};
}

}  // namespace

Provocation SlowModel(WatchedSite& site) {
  Provocation slow = Load(site, "slow_model");
  // 2 s late, known to 1.6 %.
  slow.wanted = {{.alert = {"LatencySLOViolated", "fashion-balanced"},
                  .text = "p95 is (1\\.9\\d*|2(\\.\\d+)?)s\n.* its objective is 1s\\."}};
  slow.companions = {{"LatencyBudgetBurnFast", "fashion-balanced"},
                     {"LatencyBudgetBurnSlow", "fashion-balanced"}};
  return slow;
}

Provocation Errors(WatchedSite& site) {
  Provocation errors = Load(site, "errors");
  for (const char* model : kVariants) {
    // In life there are twenty times as many requests in each window, and 16.7 % do not become more
    // than 20 % by chance.
    errors.wanted.push_back({.alert = {"HighErrorRate", model},
                             .text = "fails [12]\\d(\\.\\d+)?% of its requests",
                             .or_else = "CriticalErrorRate"});
  }
  errors.companions = OfEachVariant({"ErrorBudgetBurnFast", "ErrorBudgetBurnSlow"});
  return errors;
}

Provocation Silence(WatchedSite& site) {
  Provocation silence = Load(site, "silence");
  silence.wanted = {
      {.alert = {"NoRequestsToModel", "fashion-balanced"}, .text = "nobody asks fashion-balanced"}};
  silence.aftermath = OfEachVariant({"NoRequestsToModel"});
  return silence;
}

Provocation UnloadedModel(WatchedSite& site) {
  return {.name = "an unloaded model",
          .wanted = {{.alert = {"ModelNotLoaded", kUnloaded},
                      .text = "no server has accidents-forest ready"}},
          .begin =
              [&site] {
                return site.Admin("tables", {"unload", kUnloaded});
              },
          .end =
              [&site] {
                return site.Admin("tables", {"load", kUnloaded});
              }};
}

Provocation KilledServer(WatchedSite& site) {
  return {.name = "a killed server",
          .wanted = {{.alert = {"ServerDown", "tables"}, .text = "tables fell silent"},
                     {.alert = {"ModelNotLoaded", "flats-price"},
                      .text = "no server has flats-price ready"},
                     {.alert = {"ModelNotLoaded", "accidents-forest"},
                      .text = "no server has accidents-forest ready"}},
          .begin =
              [&site] {
                site.server("tables").Kill();
                return absl::OkStatus();
              },
          .end = [&site] { return site.StartServer("tables"); }};
}

Provocation StoppedGateway(WatchedSite& site) {
  return {.name = "a stopped gateway",
          .wanted = {{.alert = {"GatewayDown", ""}, .text = "the gateway does not answer"}},
          .begin = [&site] { return site.gateway().Drain(); },
          .end = [&site] { return site.StartGateway(); }};
}

}  // namespace weir
