#include "server/model/model_parameters.h"

#include <cmath>
#include <functional>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace weir {
namespace {

bool ParseBuckets(absl::string_view text, std::vector<double>& bounds) {
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    double bound;
    if (!absl::SimpleAtod(item, &bound) || !std::isfinite(bound)) return false;
    if (!bounds.empty() && bound <= bounds.back()) return false;
    bounds.push_back(bound);
  }
  return true;
}

bool ParseShare(absl::string_view text, double& share) {
  return absl::SimpleAtod(text, &share) && share > 0 && share < 1;
}

bool ParseValueLimits(absl::string_view text, std::vector<ValueLimit>& limits) {
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    const std::vector<absl::string_view> parts = absl::StrSplit(item, ':');
    ValueLimit limit;
    if (parts.size() != 2 || !absl::SimpleAtod(parts[0], &limit.bound) ||
        !std::isfinite(limit.bound) || !ParseShare(parts[1], limit.ratio) ||
        (!limits.empty() && limit.bound <= limits.back().bound)) {
      return false;
    }
    limits.push_back(limit);
  }
  return true;
}

bool ParseExecution(absl::string_view text, Execution& execution) {
  for (const auto& [name, value] :
       {std::pair("auto", Execution::kAuto), std::pair("inline", Execution::kInline),
        std::pair("pooled", Execution::kPooled)}) {
    if (text != name) continue;
    execution = value;
    return true;
  }
  return false;
}

struct ParameterRule {
  absl::string_view key;
  absl::string_view expected;
  std::function<bool(const std::string& value, ModelSettings& settings)> parse;
};

const std::vector<ParameterRule>& ParameterRules() {
  static const auto* const rules = new std::vector<ParameterRule>{
      {"weir.family", "a word",
       [](const std::string& v, ModelSettings& s) { return !(s.family = v).empty(); }},
      {"weir.variant", "a word",
       [](const std::string& v, ModelSettings& s) { return !(s.variant = v).empty(); }},
      {"weir.finite_inputs", "true or false",
       [](const std::string& v, ModelSettings& s) {
         return absl::SimpleAtob(v, &s.finite_inputs);
       }},
      {"weir.slo_latency", "a positive duration such as 50ms",
       [](const std::string& v, ModelSettings& s) {
         return absl::ParseDuration(v, &s.slo_latency) && s.slo_latency > absl::ZeroDuration();
       }},
      {"weir.slo_objective", "a share between 0 and 1",
       [](const std::string& v, ModelSettings& s) { return ParseShare(v, s.slo_objective); }},
      {"weir.slo_availability", "a share between 0 and 1",
       [](const std::string& v, ModelSettings& s) {
         return ParseShare(v, s.slo_availability.emplace());
       }},
      {"weir.value_buckets", "ascending numbers with commas between them",
       [](const std::string& v, ModelSettings& s) { return ParseBuckets(v, s.value_buckets); }},
      {"weir.value_limits",
       "a value and a share between 0 and 1 such as 20e6:0.3, or several, ascending",
       [](const std::string& v, ModelSettings& s) { return ParseValueLimits(v, s.value_limits); }},
      {"weir.execution", "auto, inline or pooled",
       [](const std::string& v, ModelSettings& s) { return ParseExecution(v, s.execution); }},
      {"weir.weight", "a number between 0.001 and 1000",
       [](const std::string& v, ModelSettings& s) {
         return absl::SimpleAtod(v, &s.weight) && s.weight >= 0.001 && s.weight <= 1000;
       }},
      {"DISABLE_OPTIMIZED_EXECUTION", "true or false",
       [](const std::string& v, ModelSettings& s) {
         bool disabled;
         if (!absl::SimpleAtob(v, &disabled)) return false;
         s.optimized_execution = !disabled;
         return true;
       }},
      {"INFERENCE_MODE", "true: weir always runs in inference mode",
       [](const std::string& v, ModelSettings&) {
         bool on;
         return absl::SimpleAtob(v, &on) && on;
       }},
      {"INTRA_OP_THREAD_COUNT", "1 to 256",
       [](const std::string& v, ModelSettings& s) {
         return absl::SimpleAtoi(v, &s.intra_op_threads) && s.intra_op_threads >= 1 &&
                s.intra_op_threads <= 256;
       }},
      {"INTER_OP_THREAD_COUNT", "1: weir runs batches in parallel instead (instance_group)",
       [](const std::string& v, ModelSettings&) {
         int threads;
         return absl::SimpleAtoi(v, &threads) && threads == 1;
       }},
  };
  return *rules;
}

}  // namespace

absl::Status ApplyParameter(const std::string& key, const std::string& value,
                            ModelSettings& settings) {
  for (const ParameterRule& rule : ParameterRules()) {
    if (rule.key != key) continue;
    if (rule.parse(value, settings)) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("parameter \"", key, "\": expected ", rule.expected, ", got \"", value, "\""));
  }
  absl::string_view metric = key;
  if (absl::ConsumePrefix(&metric, "weir.quality.")) {
    double quality;
    if (!metric.empty() && absl::SimpleAtod(value, &quality) && std::isfinite(quality)) {
      settings.quality[std::string(metric)] = quality;
      return absl::OkStatus();
    }
    return absl::InvalidArgumentError(
        absl::StrCat("parameter \"", key, "\": expected a number, got \"", value, "\""));
  }
  if (absl::StartsWith(key, "weir.")) {
    return absl::InvalidArgumentError(absl::StrCat("parameter \"", key, "\" is unknown"));
  }
  return absl::OkStatus();  // Somebody else's parameter.
}

}  // namespace weir
