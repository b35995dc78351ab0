#include "loadgen/loadgen.h"

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <iostream>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "google/protobuf/text_format.h"
#include "loadgen/frontier/frontier.h"
#include "loadgen/frontier/frontier_table.h"
#include "loadgen/inputs/model_info.h"
#include "loadgen/report/html_report.h"
#include "loadgen/report/report_file.h"
#include "loadgen/report/report_json.h"
#include "loadgen/report/report_text.h"
#include "loadgen/report/requirements.h"
#include "loadgen/scenario/check_scenario.h"
#include "loadgen/scenario/scenario.h"
#include "loadgen/scenario/scenario_fields.h"
#include "loadgen/watch.h"
#include "weir/v1/load_report.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {
namespace {

// How long servers may take to say what they have.
constexpr absl::Duration kServerTimeout = absl::Seconds(3);

void Complain(absl::string_view text) { std::cerr << "weir-loadgen: " << text << "\n"; }

// ---- What there is to run.

// A run that takes an hour must not find out at its end that there is no such folder.
absl::Status CheckFiles(const LoadgenOptions& options) {
  std::vector<std::string> paths = {options.json, options.html};
  if (options.frontier.has_value()) paths.push_back(options.frontier_out);
  for (const std::string& path : paths) {
    if (!path.empty()) WEIR_RETURN_IF_ERROR(CheckReportFile(path));
  }
  return absl::OkStatus();
}

std::set<std::string> NamesOf(const std::vector<ModelInfo>& models) {
  std::set<std::string> names;
  for (const ModelInfo& model : models) names.insert(model.description.name());
  return names;
}

std::set<std::string> ModelsOf(const v1::LoadScenario& scenario) {
  std::set<std::string> names;
  for (const auto& traffic : scenario.traffic()) names.insert(traffic.model());
  for (const auto& phase : scenario.phases()) {
    for (const auto& traffic : phase.traffic()) names.insert(traffic.model());
  }
  return names;
}

absl::Status CheckServed(const std::set<std::string>& wanted, const std::vector<ModelInfo>& models,
                         const std::vector<std::string>& targets) {
  const std::set<std::string> served = NamesOf(models);
  std::vector<std::string> missing;
  std::set_difference(wanted.begin(), wanted.end(), served.begin(), served.end(),
                      std::back_inserter(missing));
  if (missing.empty()) return absl::OkStatus();
  return absl::NotFoundError(
      absl::StrCat(absl::StrJoin(targets, ", "), targets.size() == 1 ? " does" : " do",
                   " not serve ", absl::StrJoin(missing, ", "), ", only ",
                   served.empty() ? "nothing that is ready" : absl::StrJoin(served, ", ")));
}

// A scenario that is named is read before servers are asked for anything.
absl::StatusOr<v1::LoadScenario> NamedScenario(const LoadgenOptions& options) {
  WEIR_ASSIGN_OR_RETURN(v1::LoadScenario scenario,
                        ReadScenario(options.scenario, options.scenarios));
  if (options.duration.has_value()) ScaleTo(*options.duration, scenario);
  return scenario;
}

absl::StatusOr<v1::LoadScenario> QuickScenario(const LoadgenOptions& options,
                                               const std::vector<ModelInfo>& models) {
  QuickLoad load = options.quick;
  if (options.duration.has_value()) load.duration = *options.duration;
  if (load.models.empty()) {
    const std::set<std::string> names = NamesOf(models);
    load.models.assign(names.begin(), names.end());
  }
  WEIR_ASSIGN_OR_RETURN(v1::LoadScenario scenario, ScenarioOf(load));
  WEIR_RETURN_IF_ERROR(CheckScenario(scenario));
  return scenario;
}

// The models of `family`, each once; of the only family with several models if it is empty.
absl::StatusOr<std::vector<v1::ModelDescription>> VariantsOf(std::string family,
                                                             const std::vector<ModelInfo>& models) {
  std::map<std::string, std::map<std::string, v1::ModelDescription>> families;
  for (const ModelInfo& model : models) {
    families[model.description.family()].emplace(model.description.name(), model.description);
  }
  std::vector<std::string> known;
  std::vector<std::string> compared;
  for (const auto& [name, variants] : families) {
    if (!name.empty()) known.push_back(name);
    if (!name.empty() && variants.size() > 1) compared.push_back(name);
  }
  if (family.empty() && compared.size() == 1) family = compared[0];
  if (family.empty() || families.count(family) == 0) {
    return absl::NotFoundError(absl::StrCat(
        "--frontier=FAMILY: ", family.empty() ? "name one" : absl::StrCat("there is no ", family),
        "; the servers have ", known.empty() ? "none" : absl::StrJoin(known, ", ")));
  }
  std::vector<v1::ModelDescription> variants;
  for (auto& [name, description] : families[family]) variants.push_back(std::move(description));
  return variants;
}

// ---- What came of it.

// What a run is about to be told of.
struct Outcome {
  v1::LoadReport report;
  std::optional<v1::Frontier> frontier;
  bool complete = true;  // All phases, or trials, could be run.
};

std::string FrontierFile(const v1::Frontier& frontier) {
  std::string text;
  google::protobuf::TextFormat::PrintToString(frontier, &text);
  return absl::StrCat(
      "# Written by weir-loadgen --frontier.\n"
      "# proto-file: weir/v1/load_report.proto\n"
      "# proto-message: Frontier\n",
      text);
}

absl::Status WriteFiles(const LoadgenOptions& options, const Outcome& outcome) {
  absl::Status first_error;
  // The other files are written whatever becomes of one.
  const auto write = [&](const std::string& path, const absl::StatusOr<std::string>& text) {
    if (path.empty()) return;
    absl::Status status = text.ok() ? WriteReportFile(path, *text) : text.status();
    if (!status.ok()) {
      Complain(status.message());
      first_error.Update(status);
    } else if (!options.quiet) {
      Complain(absl::StrCat("wrote ", path));
    }
  };
  const v1::Frontier* const frontier = outcome.frontier ? &*outcome.frontier : nullptr;
  if (frontier != nullptr) write(options.frontier_out, FrontierFile(*frontier));
  if (!options.json.empty()) write(options.json, ReportJson(outcome.report));
  if (!options.html.empty()) write(options.html, HtmlReport(outcome.report, frontier));
  return first_error;
}

// Shows and writes it all; the exit code.
int Report(const LoadgenOptions& options, const std::vector<Requirement>& requirements,
           Outcome outcome) {
  const bool all_met = CheckRequirements(requirements, outcome.report);
  const bool colours = HasColours(STDOUT_FILENO);
  if (outcome.frontier.has_value()) {
    std::cout << FrontierTable(*outcome.frontier, colours) << VerdictText(outcome.report, colours);
  } else {
    std::cout << ReportText(outcome.report, colours);
  }
  std::cout.flush();
  const bool shown = std::cout.good();
  if (!shown) Complain("the report could not be written to standard output");
  if (!WriteFiles(options, outcome).ok() || !shown || !outcome.complete) return kLoadgenFailed;
  if (!all_met) return kLoadgenRequirementFailed;
  return outcome.report.generator().kept_up() ? kLoadgenOk : kLoadgenCouldNotKeepUp;
}

// ---- The way from one to the other.

// Everything up to the first request.
struct Plan {
  std::vector<ModelInfo> models;
  v1::LoadScenario scenario;                   // Unless there are variants.
  std::vector<v1::ModelDescription> variants;  // Of a frontier.
  std::vector<Requirement> requirements;
  std::unique_ptr<LoadRun> run;  // Of the scenario.
};

absl::StatusOr<Plan> Prepare(const LoadgenOptions& options) {
  Plan plan;
  WEIR_RETURN_IF_ERROR(CheckFiles(options));
  if (!options.scenario.empty()) {
    WEIR_ASSIGN_OR_RETURN(plan.scenario, NamedScenario(options));
  }
  WEIR_ASSIGN_OR_RETURN(plan.models, FindModels(options.targets, kServerTimeout));
  std::set<std::string> loaded;
  if (options.frontier.has_value()) {
    WEIR_ASSIGN_OR_RETURN(plan.variants, VariantsOf(*options.frontier, plan.models));
    WEIR_RETURN_IF_ERROR(CheckObjectives(plan.variants, options.slo_latency));
    for (const v1::ModelDescription& variant : plan.variants) loaded.insert(variant.name());
  } else {
    if (options.scenario.empty()) {
      WEIR_ASSIGN_OR_RETURN(plan.scenario, QuickScenario(options, plan.models));
    }
    loaded = ModelsOf(plan.scenario);
    WEIR_RETURN_IF_ERROR(CheckServed(loaded, plan.models, options.targets));
  }
  WEIR_ASSIGN_OR_RETURN(plan.requirements,
                        ParseRequirements(options.require, [&loaded](absl::string_view model) {
                          return loaded.count(std::string(model)) > 0;
                        }));
  if (plan.variants.empty()) {
    WEIR_ASSIGN_OR_RETURN(plan.run, LoadRun::Create(plan.scenario, plan.models, options.run));
  }
  return plan;
}

Outcome MeasureFrontier(const LoadgenOptions& options, const Plan& plan, Watch& watch) {
  FrontierOptions frontier_options = {
      .slo_latency = options.slo_latency,
      .progress = [&watch](const std::string& line) { watch.Say(line); }};
  if (options.duration.has_value()) frontier_options.trial = *options.duration;
  // Trials at one rate must not all have the same bursts.
  LoadRunOptions run_options = options.run;
  FrontierResult result =
      FindFrontier(plan.variants, frontier_options,
                   [&](const v1::LoadScenario& scenario) -> absl::StatusOr<v1::LoadReport> {
                     WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<LoadRun> run,
                                           LoadRun::Create(scenario, plan.models, run_options));
                     ++run_options.seed;
                     watch.Run(*run, scenario.phases(scenario.phases_size() - 1).name());
                     return run->Report();
                   });
  Outcome outcome = {.report = std::move(result.report)};
  outcome.report.set_scenario(absl::StrCat("frontier of ", result.frontier.family()));
  // An older file is worth more than one about nothing.
  if (!result.frontier.variants().empty()) outcome.frontier = std::move(result.frontier);
  outcome.complete = result.status.ok() || absl::IsCancelled(result.status);
  return outcome;
}

Outcome RunScenario(const LoadgenOptions& options, const Plan& plan, Watch& watch) {
  const std::string name = options.scenario.empty() ? "command line" : options.scenario;
  watch.Run(*plan.run, name);
  Outcome outcome = {.report = plan.run->Report()};
  outcome.report.set_scenario(name);
  outcome.complete = plan.run->status().ok();
  return outcome;
}

}  // namespace

int ListScenarioFiles(const std::string& directory) {
  const auto scenarios = ListScenarios(directory);
  if (!scenarios.ok()) {
    Complain(scenarios.status().message());
    return kLoadgenBadInput;
  }
  size_t width = 0;
  for (const auto& [name, description] : *scenarios) width = std::max(width, name.size());
  for (const auto& [name, description] : *scenarios) {
    std::cout << absl::StreamFormat("%-*s  %s\n", width, name, description);
  }
  return kLoadgenOk;
}

int RunLoadgen(const LoadgenOptions& options) {
  absl::StatusOr<Plan> plan = Prepare(options);
  if (!plan.ok()) {
    Complain(plan.status().message());
    return kLoadgenBadInput;
  }
  const std::string now = absl::FormatTime(absl::RFC3339_sec, absl::Now(), absl::UTCTimeZone());
  // A frontier tells of its trials itself.
  Watch watch(options.quiet, /*tells_seconds=*/!options.frontier.has_value());
  Outcome outcome = options.frontier.has_value() ? MeasureFrontier(options, *plan, watch)
                                                 : RunScenario(options, *plan, watch);
  outcome.report.set_started(now);
  if (outcome.frontier.has_value()) outcome.frontier->set_measured(now);
  return Report(options, plan->requirements, std::move(outcome));
}

}  // namespace weir
