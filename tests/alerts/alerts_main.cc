// Alerts proven live: things go wrong for real, and whoever shall be told of it is, and nobody
// else.
//
// Prints each message, then how long each alert took (as in life, whose time goes slower), a line
// for each thing that is wrong, and at last `BENCH alerts provoked=.. delivered=.. wrong_model=..
// missed=..`: delivered are alerts of which people were told with the right model and value, and
// that they are over; wrong_model those that fired, or were told of, for what nobody had touched.
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "tests/alerts/provocations.h"
#include "tests/alerts/trial.h"
#include "tests/alerts/watched_site.h"
#include "tests/faults/directory_for.h"

ABSL_FLAG(bool, all, false, "Provokes every alert that has a reason to fire yet.");
ABSL_FLAG(std::vector<std::string>, only, {},
          "Of those that --all has beside the usual ones, these only, by name.");
ABSL_FLAG(bool, mistaken, false,
          "Tries the trial: wants the alert of another model than the one that is unloaded, and "
          "passes if that is missed and the other one is wrong.");

namespace {

// The ends of some are awaited while others run, which saves minutes. Errors come first, since
// their share counts all requests of five minutes, and those before them were well.
absl::Status RunShort(weir::WatchedSite& site, weir::Trial& trial, const weir::Provocation& errors,
                      const weir::Provocation& slow_model) {
  for (const weir::Provocation& load : {errors, slow_model}) {
    WEIR_RETURN_IF_ERROR(trial.Begin(load));
    WEIR_RETURN_IF_ERROR(trial.AwaitTold(load.name));
    WEIR_RETURN_IF_ERROR(trial.End(load.name));
  }
  const weir::Provocation silence = weir::Silence(site);
  WEIR_RETURN_IF_ERROR(trial.Begin(silence));
  WEIR_RETURN_IF_ERROR(trial.Run(weir::UnloadedModel(site)));
  WEIR_RETURN_IF_ERROR(trial.Run(weir::KilledServer(site)));
  WEIR_RETURN_IF_ERROR(trial.AwaitTold(silence.name));
  WEIR_RETURN_IF_ERROR(trial.End(silence.name));
  for (const weir::Provocation& load : {errors, slow_model, silence}) trial.AwaitOver(load.name);
  return trial.Run(weir::StoppedGateway(site));
}

// PredictionDrift and AccuracyDropped are on metrics that nobody fills yet.
absl::Status RunLong(weir::WatchedSite& site, weir::Trial& trial) {
  const std::vector<std::string> only = absl::GetFlag(FLAGS_only);
  if (only.empty()) {
    WEIR_RETURN_IF_ERROR(RunShort(site, trial, weir::WithBudgets(weir::Errors(site)),
                                  weir::WithBudgets(weir::SlowModel(site))));
  }
  for (const weir::Provocation& provocation :
       {weir::SparseTrouble(site), weir::Hopeless(site), weir::FullQueue(site), weir::Outage(site),
        weir::LargeFlats(site), weir::FarTooSlow(site), weir::BrokenVersion(site),
        weir::LittleMemory(site), weir::NoMemory(site), weir::FullDisk(site),
        weir::GreedyServer(site)}) {
    if (!only.empty() && absl::c_count(only, provocation.name) == 0) continue;
    const absl::Status status = trial.Run(provocation);
    if (absl::IsUnimplemented(status)) {
      std::cout << "NOT PROVOKED HERE: " << status.message() << std::endl;
    } else if (!status.ok()) {
      return status;
    }
  }
  return absl::OkStatus();
}

absl::Status RunMistaken(weir::WatchedSite& site, weir::Trial& trial) {
  weir::Provocation unloaded = weir::UnloadedModel(site);
  unloaded.wanted = {{.alert = {"ModelNotLoaded", "flats-price"}}};
  return trial.Run(unloaded);
}

int Run() {
  const std::string parent =
      weir::DirectoryFor("TEST_TMPDIR", std::filesystem::temp_directory_path().string());
  const std::string directory = absl::StrCat(parent, "/weir-alerts-", std::random_device()());
  std::filesystem::create_directories(directory);

  const bool all = absl::GetFlag(FLAGS_all) || !absl::GetFlag(FLAGS_only).empty();
  const bool mistaken = absl::GetFlag(FLAGS_mistaken);
  weir::WatchedSite site({.directory = directory, .limits = all});
  absl::Status status = site.Start();
  weir::Trial trial(site, mistaken ? absl::Seconds(30) : absl::Seconds(150));
  if (status.ok()) {
    status = all        ? RunLong(site, trial)
             : mistaken ? RunMistaken(site, trial)
                        : RunShort(site, trial, weir::Errors(site), weir::SlowModel(site));
  }
  if (status.ok()) status = trial.Finish();
  if (!status.ok()) std::cout << "FAILED: " << status.message() << std::endl;
  const weir::Trial::Totals& totals = trial.totals();
  const bool passed =
      status.ok() && (mistaken ? totals.missed == 1 && totals.wrong > 0 : totals.all_is_well());
  if (!passed) {
    const std::string logs = weir::DirectoryFor("TEST_UNDECLARED_OUTPUTS_DIR", directory);
    site.WriteLogs(logs);
    std::cout << "The logs of the processes are in " << logs << std::endl;
  }
  std::cout << "BENCH alerts provoked=" << totals.provoked << " delivered=" << totals.delivered
            << " wrong_model=" << totals.wrong << " missed=" << totals.missed << std::endl;
  return passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments =
      weir::ParseFlags(argc, argv, "provokes alerts and follows them to those who are told");
  if (!arguments.empty()) {
    std::cerr << "unexpected argument: " << arguments[0] << std::endl;
    return 1;
  }
  return Run();
}
