// weir-loadgen: puts load on servers and reports how fast and how good their models are under it.
//
//   weir-loadgen                                          the scenario hello
//   weir-loadgen spike                                    another one
//   weir-loadgen --models=fashion-fast --rate=500         a load of one's own
//   weir-loadgen --frontier=fashion                       what each variant of a family is worth
#include <csignal>
#include <cstdint>
#include <iostream>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/flags/reflection.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/termination.h"
#include "google/protobuf/stubs/logging.h"
#include "loadgen/loadgen.h"

ABSL_FLAG(std::vector<std::string>, targets, {"127.0.0.1:8001"},
          "The servers, HOST:PORT with commas between them.");
ABSL_FLAG(std::string, scenario, "",
          "What to run: a name from the folder of scenarios, or the path of a file. Also the first "
          "argument. hello, unless other flags describe a load.");
ABSL_FLAG(std::string, scenarios, "loadgen/scenarios", "The folder of scenarios.");
ABSL_FLAG(bool, list, false, "Explain each scenario in a line, and do nothing else.");

ABSL_FLAG(std::vector<std::string>, models, {},
          "Without a scenario: the models to load, NAME or NAME:WEIGHT with commas between them; "
          "all that the servers have if empty.");
ABSL_FLAG(
    int, concurrency, 1,
    "Without a scenario: closed loop with so many requests in flight, unless there is a rate.");
ABSL_FLAG(double, rate, 0, "Without a scenario: open loop with so many requests per second.");
ABSL_FLAG(bool, poisson, false, "Without a scenario: a rate with random gaps, as from many users.");
ABSL_FLAG(int, rows, 1, "Without a scenario: rows in each request.");
ABSL_FLAG(
    std::string, input, "",
    "Without a scenario: where rows come from: fashion, flats, accidents, flat_rows, random or "
    "file:PATH; by the model's family if empty.");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(1),
          "Without a scenario: how long an answer is of use, from when its request was due.");
ABSL_FLAG(bool, stream, false, "Without a scenario: over streams instead of unary calls.");
ABSL_FLAG(absl::Duration, warm_up, absl::ZeroDuration(),
          "Without a scenario: how long requests are sent before they count.");

ABSL_FLAG(std::optional<absl::Duration>, duration, std::nullopt,
          "How long to send: 10s without a scenario; a scenario is stretched or shrunk to it; of a "
          "frontier it is one trial, 5s.");
ABSL_FLAG(int64_t, requests, 0, "Stop when so many requests that count were sent; 0 for no limit.");
ABSL_FLAG(int, connections, 1, "To each server.");
ABSL_FLAG(uint64_t, seed, 1, "Of all that is random: the same one sends the same.");
ABSL_FLAG(int, cpu, -1, "The processor that the thread of the load stays on; -1 for any.");

ABSL_FLAG(std::string, frontier, "",
          "Instead of a scenario: find what each variant of this family carries within its latency "
          "objective. Without a family: of the only one that has several variants.");
ABSL_FLAG(absl::Duration, slo_latency, absl::ZeroDuration(),
          "Of --frontier: the objective of all variants' p99; each model's own if 0.");
ABSL_FLAG(std::string, frontier_out, "frontier.textproto",
          "The file that --frontier writes, for programs.");

ABSL_FLAG(std::string, json, "", "Write the report to this file, for programs.");
ABSL_FLAG(std::string, html, "", "Write the report to this file, as a page for browsers.");
ABSL_FLAG(std::vector<std::string>, require, {},
          "What must hold, or else the exit code is 3: fashion-fast.p99<20ms, error_ratio<0.01, "
          "fashion-fast.quality>0.88. May be given several times, or with commas between them.");
ABSL_FLAG(bool, quiet, false, "Show no progress.");

namespace {

constexpr char kAnyFamily[] = "any";
constexpr char kEverydayScenario[] = "hello";

// abseil's flags know neither a flag that may be repeated nor one that may have a value: all
// --require become one, and --frontier gets a value.
std::vector<std::string> Normalise(int argc, char** argv) {
  std::vector<std::string> arguments;
  std::vector<std::string> requirements;
  for (int i = 0; i < argc; ++i) {
    absl::string_view text = argv[i];
    if (text == "--") {
      arguments.insert(arguments.end(), argv + i, argv + argc);
      break;
    }
    const bool is_flag = absl::ConsumePrefix(&text, "--") || absl::ConsumePrefix(&text, "-");
    if (is_flag && absl::ConsumePrefix(&text, "require=")) {
      requirements.emplace_back(text);
    } else if (is_flag && text == "require" && i + 1 < argc) {
      requirements.emplace_back(argv[++i]);
    } else if (is_flag && text == "frontier") {
      arguments.push_back(absl::StrCat("--frontier=", kAnyFamily));
    } else {
      arguments.emplace_back(argv[i]);
    }
  }
  if (!requirements.empty()) {
    arguments.insert(arguments.begin() + 1,
                     absl::StrCat("--require=", absl::StrJoin(requirements, ",")));
  }
  return arguments;
}

int Fail(absl::string_view message) {
  std::cerr << "weir-loadgen: " << message << "\n";
  return weir::kLoadgenBadInput;
}

// The names of the flags on a command line, whatever their values: also a default is asked for.
std::set<std::string> GivenFlags(const std::vector<std::string>& command_line) {
  std::set<std::string> given;
  for (size_t i = 1; i < command_line.size(); ++i) {
    absl::string_view name = command_line[i];
    if (name == "--") break;
    if (!absl::ConsumePrefix(&name, "-")) continue;
    absl::ConsumePrefix(&name, "-");
    name = name.substr(0, name.find('='));
    if (absl::FindCommandLineFlag(name) == nullptr) absl::ConsumePrefix(&name, "no");  // --nostream
    given.emplace(name);
  }
  return given;
}

// The flags that describe a load.
constexpr const char* kLoadFlags[] = {"models", "concurrency", "rate",   "poisson", "rows",
                                      "input",  "timeout",     "stream", "warm_up"};

int Run(const std::vector<std::string>& arguments, const std::set<std::string>& given_flags) {
  weir::LoadgenOptions options = {.targets = absl::GetFlag(FLAGS_targets),
                                  .scenarios = absl::GetFlag(FLAGS_scenarios),
                                  .scenario = absl::GetFlag(FLAGS_scenario),
                                  .quick = {.models = absl::GetFlag(FLAGS_models),
                                            .concurrency = absl::GetFlag(FLAGS_concurrency),
                                            .rate = absl::GetFlag(FLAGS_rate),
                                            .poisson = absl::GetFlag(FLAGS_poisson),
                                            .rows = absl::GetFlag(FLAGS_rows),
                                            .input = absl::GetFlag(FLAGS_input),
                                            .timeout = absl::GetFlag(FLAGS_timeout),
                                            .stream = absl::GetFlag(FLAGS_stream),
                                            .warm_up = absl::GetFlag(FLAGS_warm_up)},
                                  .duration = absl::GetFlag(FLAGS_duration),
                                  .slo_latency = absl::GetFlag(FLAGS_slo_latency),
                                  .run = {.connections = absl::GetFlag(FLAGS_connections),
                                          .seed = absl::GetFlag(FLAGS_seed),
                                          .max_requests = absl::GetFlag(FLAGS_requests),
                                          .cpu = absl::GetFlag(FLAGS_cpu)},
                                  .json = absl::GetFlag(FLAGS_json),
                                  .html = absl::GetFlag(FLAGS_html),
                                  .frontier_out = absl::GetFlag(FLAGS_frontier_out),
                                  .require = absl::GetFlag(FLAGS_require),
                                  .quiet = absl::GetFlag(FLAGS_quiet)};
  const std::string family = absl::GetFlag(FLAGS_frontier);
  if (!family.empty()) options.frontier = family == kAnyFamily ? "" : family;
  if (!arguments.empty() && options.scenario.empty()) {
    options.scenario = arguments[0];
  } else if (!arguments.empty()) {
    return Fail(absl::StrCat("two scenarios: ", options.scenario, " and ", arguments[0]));
  }
  if (arguments.size() > 1) return Fail(absl::StrCat("unexpected argument: ", arguments[1]));
  if (options.frontier.has_value() && !options.scenario.empty()) {
    return Fail("--frontier does not go with a scenario");
  }
  const auto is_given = [&](const char* flag) { return given_flags.count(flag) > 0; };
  const auto* const given = absl::c_find_if(kLoadFlags, is_given);
  const bool is_described = given != std::end(kLoadFlags);
  if (!is_described && !options.frontier.has_value() && options.scenario.empty()) {
    options.scenario = kEverydayScenario;
  }
  if (options.frontier.has_value() || !options.scenario.empty()) {
    if (is_described) {
      return Fail(absl::StrCat("--", *given, " does not go with ",
                               options.frontier.has_value() ? "--frontier" : "a scenario"));
    }
  } else if (is_given("rate") && is_given("concurrency")) {
    return Fail("--rate and --concurrency do not go together");
  } else if (is_given("rate") && options.quick.rate == 0) {
    return Fail("--rate must be above 0");
  }
  if (options.run.connections < 1) return Fail("--connections must be at least 1");
  if (options.run.max_requests < 0) return Fail("--requests must not be negative");
  if (options.duration.has_value() && (*options.duration <= absl::ZeroDuration() ||
                                       *options.duration == absl::InfiniteDuration())) {
    return Fail("--duration must be above 0 and finite");
  }
  return weir::RunLoadgen(options);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> texts = Normalise(argc, argv);
  const std::set<std::string> given_flags = GivenFlags(texts);
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  const std::vector<std::string> arguments =
      weir::ParseFlags(static_cast<int>(pointers.size()), pointers.data(),
                       "puts load on servers and reports how fast and how good their models are");
  if (absl::GetFlag(FLAGS_list)) return weir::ListScenarioFiles(absl::GetFlag(FLAGS_scenarios));
  weir::CatchTermination();
  signal(SIGPIPE, SIG_IGN);  // A reader that goes away is an error where it is written to.
  google::protobuf::SetLogHandler(nullptr);  // What does not parse is said in our own words.
  return Run(arguments, given_flags);
}
