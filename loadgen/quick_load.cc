#include "loadgen/quick_load.h"

#include <cmath>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// "fashion-fast", "fashion-fast:2".
absl::Status AddTraffic(const std::string& text, const QuickLoad& load,
                        v1::LoadScenario& scenario) {
  const std::vector<std::string> words = absl::StrSplit(text, ':');
  double weight = 1;
  if (words.size() > 2 || words[0].empty() ||
      (words.size() == 2 &&
       !(absl::SimpleAtod(words[1], &weight) && std::isfinite(weight) && weight > 0))) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--models: expected NAME or NAME:WEIGHT, with a weight above 0, got \"", text, "\""));
  }
  v1::LoadTraffic& traffic = *scenario.add_traffic();
  traffic.set_model(words[0]);
  traffic.set_weight(weight);
  traffic.set_rows(load.rows);
  traffic.set_input(load.input);
  traffic.set_timeout(absl::FormatDuration(load.timeout));
  traffic.set_stream(load.stream);
  return absl::OkStatus();
}

void AddPhase(const std::string& name, absl::Duration duration, const QuickLoad& load,
              v1::LoadScenario& scenario) {
  v1::LoadPhase& phase = *scenario.add_phases();
  phase.set_name(name);
  phase.set_duration(absl::FormatDuration(duration));
  if (load.rate > 0) {
    phase.set_rate(load.rate);
    phase.set_poisson(load.poisson);
  } else {
    phase.set_concurrency(load.concurrency);
  }
}

absl::Status CheckPositive(absl::string_view flag, absl::Duration time) {
  if (time > absl::ZeroDuration() && time < absl::InfiniteDuration()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("--", flag, " must be above 0 and finite, got ", absl::FormatDuration(time)));
}

absl::Status Check(const QuickLoad& load) {
  if (!(load.rate >= 0) || std::isinf(load.rate)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--rate must be above 0 and finite, got ", load.rate));
  }
  if (load.rate == 0 && load.concurrency < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("--concurrency must be at least 1, got ", load.concurrency));
  }
  if (load.rate == 0 && load.poisson) {
    return absl::InvalidArgumentError("--poisson needs a --rate");
  }
  if (load.rows < 1) {
    return absl::InvalidArgumentError(absl::StrCat("--rows must be at least 1, got ", load.rows));
  }
  WEIR_RETURN_IF_ERROR(CheckPositive("timeout", load.timeout));
  WEIR_RETURN_IF_ERROR(CheckPositive("duration", load.duration));
  if (load.warm_up < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--warm_up must not be negative, got ", absl::FormatDuration(load.warm_up)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<v1::LoadScenario> ScenarioOf(const QuickLoad& load) {
  WEIR_RETURN_IF_ERROR(Check(load));
  v1::LoadScenario scenario;
  for (const std::string& model : load.models) {
    WEIR_RETURN_IF_ERROR(AddTraffic(model, load, scenario));
  }
  if (load.warm_up > absl::ZeroDuration()) {
    AddPhase("warm-up", load.warm_up, load, scenario);
    scenario.mutable_phases(0)->set_warm_up(true);
  }
  AddPhase("load", load.duration, load, scenario);
  return scenario;
}

}  // namespace weir
