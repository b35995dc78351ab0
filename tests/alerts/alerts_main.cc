// Alerts proven live: things go wrong for real, and whoever shall be told of it is, and nobody
// else.
//
// Prints each message, then how long each alert took (as in life, whose time goes slower), a line
// for each thing that is wrong, and at last `BENCH alerts provoked=.. delivered=.. wrong_model=..
// missed=..`: delivered are alerts of which people were told with the right model and value, and
// that they are over; wrong_model those that fired, or were told of, for what nobody had touched.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "tests/alerts/provocations.h"
#include "tests/alerts/trial.h"
#include "tests/alerts/watched_site.h"

ABSL_FLAG(bool, all, false, "Provokes all alerts that can be provoked.");

namespace {

// Some run at the same time, which saves a minute.
absl::Status RunShort(weir::WatchedSite& site, weir::Trial& trial) {
  WEIR_RETURN_IF_ERROR(trial.Run(weir::SlowModel(site)));
  WEIR_RETURN_IF_ERROR(trial.Begin(weir::Errors(site)));
  WEIR_RETURN_IF_ERROR(trial.AwaitTold("errors"));
  WEIR_RETURN_IF_ERROR(trial.End("errors"));
  WEIR_RETURN_IF_ERROR(trial.Begin(weir::Silence(site)));
  trial.AwaitOver("errors");
  WEIR_RETURN_IF_ERROR(trial.Run(weir::UnloadedModel(site)));
  WEIR_RETURN_IF_ERROR(trial.Run(weir::KilledServer(site)));
  WEIR_RETURN_IF_ERROR(trial.AwaitTold("silence"));
  WEIR_RETURN_IF_ERROR(trial.End("silence"));
  trial.AwaitOver("silence");
  return trial.Run(weir::StoppedGateway(site));
}

// The environment variable, as Bazel sets it for tests, or a folder of our own.
std::string DirectoryFor(const char* variable, const std::string& otherwise) {
  const char* const given = std::getenv(variable);
  std::string directory = given != nullptr ? given : otherwise;
  std::filesystem::create_directories(directory);
  return directory;
}

int Run() {
  const std::string parent =
      DirectoryFor("TEST_TMPDIR", std::filesystem::temp_directory_path().string());
  const std::string directory = absl::StrCat(parent, "/weir-alerts-", std::random_device()());
  std::filesystem::create_directories(directory);

  weir::WatchedSite site(directory);
  absl::Status status = site.Start();
  weir::Trial trial(site);
  if (status.ok()) status = RunShort(site, trial);
  if (status.ok()) status = trial.Finish();
  if (!status.ok()) std::cout << "FAILED: " << status.message() << std::endl;
  const weir::Trial::Totals& totals = trial.totals();
  const bool passed = status.ok() && totals.all_is_well();
  if (!passed) {
    const std::string logs = DirectoryFor("TEST_UNDECLARED_OUTPUTS_DIR", directory);
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
