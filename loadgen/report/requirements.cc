#include "loadgen/report/requirements.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "loadgen/report/text_table.h"

namespace weir {

namespace {

using Kind = Requirement::Kind;

struct Metric {
  absl::string_view name;
  Kind kind;
};

constexpr std::array<Metric, 12> kMetrics = {{{"sent", Kind::kCount},
                                              {"answered", Kind::kCount},
                                              {"error_ratio", Kind::kShare},
                                              {"rate", Kind::kRate},
                                              {"mean", Kind::kLatency},
                                              {"p50", Kind::kLatency},
                                              {"p90", Kind::kLatency},
                                              {"p95", Kind::kLatency},
                                              {"p99", Kind::kLatency},
                                              {"p999", Kind::kLatency},
                                              {"max", Kind::kLatency},
                                              {"quality", Kind::kShare}}};

struct Unit {
  absl::string_view name;
  Kind kind;
  double factor;
};

constexpr std::array<Unit, 9> kUnits = {{{"", Kind::kCount, 1},
                                         {"", Kind::kRate, 1},
                                         {"", Kind::kShare, 1},
                                         {"%", Kind::kShare, 0.01},
                                         {"ns", Kind::kLatency, 1e-9},
                                         {"us", Kind::kLatency, 1e-6},
                                         {"ms", Kind::kLatency, 1e-3},
                                         {"s", Kind::kLatency, 1},
                                         {"m", Kind::kLatency, 60}}};

const Metric* FindMetric(absl::string_view name) {
  const auto* metric = std::find_if(kMetrics.begin(), kMetrics.end(),
                                    [&](const Metric& m) { return m.name == name; });
  return metric == kMetrics.end() ? nullptr : metric;
}

std::optional<double> ParseValue(absl::string_view text, Kind kind) {
  const size_t digits = std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
  const absl::string_view unit = absl::StripAsciiWhitespace(text.substr(digits));
  double value = 0;
  if (!absl::SimpleAtod(text.substr(0, digits), &value) || !std::isfinite(value)) {
    return std::nullopt;
  }
  for (const Unit& known : kUnits) {
    if (known.kind == kind && known.name == unit) return value * known.factor;
  }
  return std::nullopt;
}

absl::string_view ValueHint(Kind kind) {
  switch (kind) {
    case Kind::kLatency:
      return "a time with its unit (us, ms, s or m), such as 20ms";
    case Kind::kShare:
      return "a share, such as 0.01 or 1%";
    case Kind::kCount:
    case Kind::kRate:
      return "a number, such as 1000";
  }
  return "";
}

double LatencyValue(const v1::LoadLatency& latency, absl::string_view metric) {
  if (metric == "mean") return latency.mean();
  if (metric == "p50") return latency.p50();
  if (metric == "p90") return latency.p90();
  if (metric == "p95") return latency.p95();
  if (metric == "p99") return latency.p99();
  if (metric == "p999") return latency.p999();
  return latency.max();
}

// INVALID_ARGUMENT with the reason where there is no such number.
absl::StatusOr<double> ValueOf(const v1::LoadModel& model, Kind kind, absl::string_view metric) {
  if (metric == "sent") return model.sent();
  if (metric == "answered") return model.answered();
  if (metric == "rate") return model.answered_per_second();
  if (metric == "error_ratio") {
    double ended = 0;
    for (const v1::LoadCode& code : model.codes()) ended += code.count();
    if (ended == 0) return absl::InvalidArgumentError("nothing was sent");
    return (ended - model.answered()) / ended;
  }
  if (kind == Kind::kLatency) {
    // What timed out has a latency too.
    if (model.answered() == 0 && model.latency().max() == 0) {
      return absl::InvalidArgumentError("no answers");
    }
    return LatencyValue(model.latency(), metric);
  }
  if (!model.has_quality()) return absl::InvalidArgumentError("the truth is not known");
  return model.quality().value();
}

// Of each phase, where there is none of the whole run.
bool PhasesHaveQuality(const v1::LoadReport& report, absl::string_view name) {
  for (const v1::LoadPhaseReport& phase : report.phases()) {
    for (const v1::LoadModel& model : phase.models()) {
      if (model.model() == name && model.has_quality() && !phase.warm_up()) return true;
    }
  }
  return false;
}

const v1::LoadModel* FindModel(const v1::LoadReport& report, absl::string_view name) {
  for (const v1::LoadModel& model : report.models()) {
    if (model.model() == name) return &model;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<Requirement> Requirement::Parse(absl::string_view text) {
  const auto error = [&](absl::string_view problem) {
    return absl::InvalidArgumentError(
        absl::StrCat("requirement \"", Printable(text), "\": ", problem));
  };
  const size_t at = text.find_first_of("<>");
  if (at == absl::string_view::npos) {
    return error("has no <, <=, > or >=; write it as in fashion-fast.p99<20ms");
  }
  Requirement requirement;
  requirement.text_ = std::string(absl::StripAsciiWhitespace(text));
  requirement.is_below_ = text[at] == '<';
  requirement.or_equal_ = text.substr(at + 1, 1) == "=";
  const absl::string_view left = absl::StripAsciiWhitespace(text.substr(0, at));
  const absl::string_view right =
      absl::StripAsciiWhitespace(text.substr(at + (requirement.or_equal_ ? 2 : 1)));

  const size_t dot = left.rfind('.');
  const bool has_model = dot != absl::string_view::npos;
  const absl::string_view name = has_model ? left.substr(dot + 1) : left;
  const Metric* metric = FindMetric(name);
  if (metric == nullptr) {
    return error(absl::StrCat("there is no metric \"", Printable(name), "\"; there are ",
                              absl::StrJoin(kMetrics, ", ", [](std::string* out, const Metric& m) {
                                absl::StrAppend(out, m.name);
                              })));
  }
  requirement.metric_ = std::string(name);
  requirement.kind_ = metric->kind;
  if (has_model) requirement.model_ = std::string(left.substr(0, dot));
  if (has_model && requirement.model_.empty()) return error("has no model before its dot");
  if (!has_model && name == "quality") {
    return error("quality is that of one model; write it as in fashion-fast.quality>85%");
  }

  const std::optional<double> value = ParseValue(right, metric->kind);
  if (!value.has_value()) {
    return error(absl::StrCat("\"", Printable(right), "\" is not ", ValueHint(metric->kind)));
  }
  requirement.value_ = *value;
  return requirement;
}

v1::LoadRequirement Requirement::Check(const v1::LoadReport& report) const {
  v1::LoadRequirement result;
  result.set_text(text_);
  const v1::LoadModel* model = model_.empty() ? &report.all_models() : FindModel(report, model_);
  const absl::StatusOr<double> value = model == nullptr
                                           ? absl::InvalidArgumentError("the run had no such model")
                                           : ValueOf(*model, kind_, metric_);
  if (!value.ok()) {
    const bool shifted = metric_ == "quality" && PhasesHaveQuality(report, model_);
    result.set_problem(shifted ? "its inputs were not all shifted alike: see the phases"
                               : std::string(value.status().message()));
    return result;
  }
  result.set_value(*value);
  const bool equal = or_equal_ && *value == value_;
  result.set_met(equal || (is_below_ ? *value < value_ : *value > value_));
  return result;
}

std::string Requirement::ValueText(double value) const {
  switch (kind_) {
    case Kind::kLatency:
      return LatencyText(value);
    case Kind::kShare:
      return ShareText(value);
    case Kind::kRate:
      return absl::StrCat(RateText(value), "/s");
    case Kind::kCount:
      return CountText(value);
  }
  return "";
}

absl::StatusOr<std::vector<Requirement>> ParseRequirements(
    const std::vector<std::string>& texts, absl::FunctionRef<bool(absl::string_view)> has_model) {
  std::vector<Requirement> requirements;
  for (const std::string& text : texts) {
    WEIR_ASSIGN_OR_RETURN(Requirement requirement, Requirement::Parse(text));
    if (!requirement.model().empty() && !has_model(requirement.model())) {
      return absl::InvalidArgumentError(absl::StrCat("requirement \"", requirement.text(),
                                                     "\": the run has no model \"",
                                                     Printable(requirement.model()), "\""));
    }
    requirements.push_back(std::move(requirement));
  }
  return requirements;
}

bool CheckRequirements(const std::vector<Requirement>& requirements, v1::LoadReport& report) {
  bool all_met = true;
  for (const Requirement& requirement : requirements) {
    v1::LoadRequirement& result = *report.add_requirements();
    result = requirement.Check(report);
    all_met = all_met && result.met();
  }
  return all_met;
}

}  // namespace weir
