#include "loadgen/scenario/check_scenario.h"

#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "loadgen/scenario/place.h"
#include "loadgen/scenario/scenario_fields.h"

namespace weir {
namespace {

using v1::LoadPhase;
using v1::LoadScenario;
using v1::LoadTraffic;

constexpr int kMaxPhases = 1000;
constexpr int kMaxTraffic = 10'000;  // Of all phases together.
constexpr int kMaxConcurrency = 100'000;
constexpr int kMaxRows = 100'000;
constexpr double kMaxRate = 1e6;
constexpr double kMaxMultiple = 100;
constexpr double kMaxWeight = 1e6;
constexpr double kMaxAreaFactor = 1000;
constexpr absl::Duration kMaxPhase = absl::Hours(24 * 30);
constexpr absl::Duration kMaxTimeout = absl::Hours(1);
constexpr absl::Duration kMaxDelay = absl::Minutes(1);  // What a server takes.
constexpr int kLastCode = static_cast<int>(absl::StatusCode::kUnauthenticated);

std::string Quoted(absl::string_view text) { return absl::StrCat("\"", Printable(text), "\""); }

absl::Status CheckLine(const Place& place, const char* field, absl::string_view text) {
  for (const char c : text) {
    if (absl::ascii_iscntrl(c)) return place.Error(field, "must be one line of plain text");
  }
  return absl::OkStatus();
}

// Whole numbers in full, not as 1e+06.
std::string Text(double value) {
  const bool whole = std::abs(value) < 1e15 && value == std::trunc(value);
  return whole ? absl::StrCat(static_cast<int64_t>(value)) : absl::StrCat(value);
}

// Whether the lower bound itself is allowed.
enum class Bound { kFrom, kAbove };

absl::Status OutOfBounds(const Place& place, const char* field, Bound bound, absl::string_view low,
                         absl::string_view high, absl::string_view value, int index = 0) {
  const bool above = bound == Bound::kAbove;
  return place.Error(field,
                     absl::StrCat("must be ", above ? "above " : "", low,
                                  above ? " and at most " : " to ", high, ", is ", value),
                     index);
}

absl::Status CheckNumber(const Place& place, const char* field, double value, Bound bound,
                         double low, double high, int index = 0) {
  const bool fits = (bound == Bound::kAbove ? value > low : value >= low) && value <= high;
  if (fits) return absl::OkStatus();  // Never for NaN.
  return OutOfBounds(place, field, bound, Text(low), Text(high), Text(value), index);
}

absl::Status CheckDuration(const Place& place, const char* field, const std::string& text,
                           Bound bound, absl::Duration high) {
  absl::Duration value;
  if (!absl::ParseDuration(text, &value)) {
    return place.Error(
        field, absl::StrCat(Quoted(text), " is not a duration such as 500ms, 10s or 1h30m"));
  }
  const absl::Duration zero = absl::ZeroDuration();
  if ((bound == Bound::kAbove ? value > zero : value >= zero) && value <= high) {
    return absl::OkStatus();
  }
  return OutOfBounds(place, field, bound, "0", absl::FormatDuration(high), Quoted(text));
}

absl::Status CheckInput(const Place& place, const std::string& input) {
  absl::string_view path = input;
  if (absl::ConsumePrefix(&path, "file:")) {
    if (!path.empty()) return absl::OkStatus();
    return place.Error("input", "there is no path behind file:");
  }
  for (const char* source : {"", "fashion", "flats", "accidents", "flat_rows", "random"}) {
    if (input == source) return absl::OkStatus();
  }
  return place.Error("input", absl::StrCat(Quoted(input),
                                           " is none of fashion, flats, accidents, flat_rows, "
                                           "random, file:PATH"));
}

absl::Status CheckShift(const Place& place, const v1::LoadShift& shift) {
  WEIR_RETURN_IF_ERROR(
      CheckNumber(place, "brightness", shift.brightness(), Bound::kFrom, -255, 255));
  if (!shift.has_area_factor()) return absl::OkStatus();
  return CheckNumber(place, "area_factor", shift.area_factor(), Bound::kAbove, 0, kMaxAreaFactor);
}

absl::Status CheckFaults(const Place& place, const v1::LoadFaults& faults) {
  if (!faults.delay().empty()) {
    WEIR_RETURN_IF_ERROR(CheckDuration(place, "delay", faults.delay(), Bound::kFrom, kMaxDelay));
  }
  WEIR_RETURN_IF_ERROR(CheckNumber(place, "fail_ratio", faults.fail_ratio(), Bound::kFrom, 0, 1));
  WEIR_RETURN_IF_ERROR(
      CheckNumber(place, "malformed_ratio", faults.malformed_ratio(), Bound::kFrom, 0, 1));
  if (faults.code().empty()) return absl::OkStatus();
  if (faults.fail_ratio() == 0) {
    return place.Error("code", "says how requests fail, but there is no fail_ratio");
  }
  for (int code = 1; code <= kLastCode; ++code) {
    if (faults.code() == absl::StatusCodeToString(static_cast<absl::StatusCode>(code))) {
      return absl::OkStatus();
    }
  }
  return place.Error("code", absl::StrCat(Quoted(faults.code()),
                                          " is not the name of a gRPC code such as INTERNAL, "
                                          "other than OK"));
}

absl::Status CheckTraffic(const Place& place, const LoadTraffic& traffic) {
  if (traffic.model().empty()) return place.Error("model", "is empty");
  WEIR_RETURN_IF_ERROR(CheckLine(place, "model", traffic.model()));
  if (traffic.version() < 0) {
    return place.Error("version", absl::StrCat("must not be negative, is ", traffic.version()));
  }
  if (traffic.has_weight()) {
    WEIR_RETURN_IF_ERROR(
        CheckNumber(place, "weight", traffic.weight(), Bound::kAbove, 0, kMaxWeight));
  }
  if (traffic.has_rows()) {
    WEIR_RETURN_IF_ERROR(CheckNumber(place, "rows", traffic.rows(), Bound::kFrom, 1, kMaxRows));
  }
  WEIR_RETURN_IF_ERROR(CheckInput(place, traffic.input()));
  if (!traffic.timeout().empty()) {
    WEIR_RETURN_IF_ERROR(
        CheckDuration(place, "timeout", traffic.timeout(), Bound::kAbove, kMaxTimeout));
  }
  if (traffic.has_shift()) {
    WEIR_RETURN_IF_ERROR(CheckShift(place.Nested("shift"), traffic.shift()));
  }
  if (traffic.has_faults()) {
    WEIR_RETURN_IF_ERROR(CheckFaults(place.Nested("faults"), traffic.faults()));
  }
  return absl::OkStatus();
}

absl::Status CheckRamp(const Place& place, const v1::LoadRamp& ramp) {
  WEIR_RETURN_IF_ERROR(CheckNumber(place, "from", ramp.from(), Bound::kFrom, 0, kMaxRate));
  WEIR_RETURN_IF_ERROR(CheckNumber(place, "to", ramp.to(), Bound::kFrom, 0, kMaxRate));
  if (ramp.from() > 0 || ramp.to() > 0) return absl::OkStatus();
  return place.Error("to", "goes from 0 to 0: nothing would be sent");
}

absl::Status CheckSteps(const Place& place, const v1::LoadSteps& steps) {
  bool sends = false;
  for (int i = 0; i < steps.rates_size(); ++i) {
    WEIR_RETURN_IF_ERROR(CheckNumber(place, "rates", steps.rates(i), Bound::kFrom, 0, kMaxRate, i));
    sends = sends || steps.rates(i) > 0;
  }
  if (sends) return absl::OkStatus();
  return place.Error("rates", "there is none above 0: nothing would be sent");
}

absl::Status CheckSpike(const Place& place, const v1::LoadSpike& spike, absl::Duration phase) {
  WEIR_RETURN_IF_ERROR(CheckNumber(place, "base", spike.base(), Bound::kFrom, 0, kMaxRate));
  WEIR_RETURN_IF_ERROR(CheckNumber(place, "peak", spike.peak(), Bound::kFrom, 0, kMaxRate));
  if (spike.base() == 0 && spike.peak() == 0) {
    return place.Error("peak", "base and peak are 0: nothing would be sent");
  }
  WEIR_RETURN_IF_ERROR(CheckDuration(place, "at", spike.at(), Bound::kFrom, kMaxPhase));
  WEIR_RETURN_IF_ERROR(CheckDuration(place, "length", spike.length(), Bound::kAbove, kMaxPhase));
  const absl::Duration end =
      DurationOf(spike.at(), absl::ZeroDuration()) + DurationOf(spike.length(), phase);
  if (end <= phase) return absl::OkStatus();
  return place.Error(
      "length", absl::StrCat("the peak ends ", absl::FormatDuration(end),
                             " after the phase begins, which lasts ", absl::FormatDuration(phase)));
}

absl::Status CheckLoad(const Place& place, const LoadScenario& scenario, int index) {
  const LoadPhase& phase = scenario.phases(index);
  switch (phase.load_case()) {
    case LoadPhase::kConcurrency:
      return CheckNumber(place, "concurrency", phase.concurrency(), Bound::kFrom, 1,
                         kMaxConcurrency);
    case LoadPhase::kRate:
      return CheckNumber(place, "rate", phase.rate(), Bound::kAbove, 0, kMaxRate);
    case LoadPhase::kRamp:
      return CheckRamp(place.Nested("ramp"), phase.ramp());
    case LoadPhase::kSteps:
      return CheckSteps(place.Nested("steps"), phase.steps());
    case LoadPhase::kSpike:
      return CheckSpike(place.Nested("spike"), phase.spike(),
                        DurationOf(phase.duration(), absl::ZeroDuration()));
    case LoadPhase::kReplayFile:
      if (phase.replay_file().empty()) return place.Error("replay_file", "is empty");
      return absl::OkStatus();
    case LoadPhase::kCapacityMultiple:
      if (CapacityPhase(scenario, index) < 0) {
        return place.Error("capacity_multiple",
                           "there is no earlier phase with concurrency that measures the capacity");
      }
      return CheckNumber(place, "capacity_multiple", phase.capacity_multiple(), Bound::kAbove, 0,
                         kMaxMultiple);
    case LoadPhase::LOAD_NOT_SET:
      break;
  }
  return place.Error("rate",
                     "is not set, nor is concurrency, ramp, steps, spike, replay_file or "
                     "capacity_multiple");
}

absl::Status CheckPhase(const Place& place, const LoadScenario& scenario, int index) {
  const LoadPhase& phase = scenario.phases(index);
  if (phase.name().empty()) return place.Error("name", "is empty");
  WEIR_RETURN_IF_ERROR(CheckLine(place, "name", phase.name()));
  if (!phase.has_replay_file()) {
    WEIR_RETURN_IF_ERROR(
        CheckDuration(place, "duration", phase.duration(), Bound::kAbove, kMaxPhase));
  } else if (!phase.duration().empty()) {
    return place.Error("duration", "a phase with replay_file ends with the last line of the file");
  }
  WEIR_RETURN_IF_ERROR(CheckLoad(place, scenario, index));
  if (phase.poisson() && (phase.has_concurrency() || phase.has_replay_file())) {
    return place.Error(
        "poisson",
        absl::StrCat("does not go with ", phase.has_concurrency() ? "concurrency" : "replay_file"));
  }
  if (phase.traffic().empty() && scenario.traffic().empty()) {
    return place.Error("traffic", "is empty, and the scenario has none either");
  }
  for (int i = 0; i < phase.traffic_size(); ++i) {
    WEIR_RETURN_IF_ERROR(CheckTraffic(place.Nested("traffic", i), phase.traffic(i)));
  }
  return absl::OkStatus();
}

absl::Status CheckSize(const Place& root, const LoadScenario& scenario) {
  if (scenario.phases().empty()) return root.Error("phases", "there are none");
  if (scenario.phases_size() > kMaxPhases) {
    return root.Error("phases", absl::StrCat("there are ", scenario.phases_size(),
                                             ", expected at most ", kMaxPhases));
  }
  int traffic = scenario.traffic_size();
  for (const LoadPhase& phase : scenario.phases()) traffic += phase.traffic_size();
  if (traffic <= kMaxTraffic) return absl::OkStatus();
  return root.Error("traffic", absl::StrCat("there are ", traffic,
                                            " in all phases, expected at most ", kMaxTraffic));
}

absl::Status Check(const Place& root, const LoadScenario& scenario) {
  WEIR_RETURN_IF_ERROR(CheckLine(root, "description", scenario.description()));
  WEIR_RETURN_IF_ERROR(CheckSize(root, scenario));
  for (int i = 0; i < scenario.traffic_size(); ++i) {
    WEIR_RETURN_IF_ERROR(CheckTraffic(root.Nested("traffic", i), scenario.traffic(i)));
  }
  std::set<std::string> names;
  bool counts = false;
  for (int i = 0; i < scenario.phases_size(); ++i) {
    const Place place = root.Nested("phases", i);
    WEIR_RETURN_IF_ERROR(CheckPhase(place, scenario, i));
    if (!names.insert(scenario.phases(i).name()).second) {
      return place.Error("name", absl::StrCat("an earlier phase is called ",
                                              Quoted(scenario.phases(i).name()), " too"));
    }
    counts = counts || !scenario.phases(i).warm_up();
  }
  if (counts) return absl::OkStatus();
  return root.Error("phases", "all of them are warm_up: nothing would be counted");
}

}  // namespace

absl::Status CheckScenario(const LoadScenario& scenario) {
  return Check(Place(*LoadScenario::descriptor()), scenario);
}

absl::Status CheckScenario(const LoadScenario& scenario, absl::string_view path,
                           const google::protobuf::TextFormat::ParseInfoTree& places) {
  return Check(Place(*LoadScenario::descriptor(), path, places), scenario);
}

}  // namespace weir
