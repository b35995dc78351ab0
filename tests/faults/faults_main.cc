// Proof under fire: rounds of known load on real processes, each with faults, after which nothing
// may be lost, counted twice, or have gone down.
//
// Prints the seed with which all decisions are made again, one line for each round, one for each
// thing that is wrong, and at last `BENCH faults kills=.. lost=.. double=.. decreases=.. late=..
// bad_pages=..`: late are rounds of which not all was counted once all was quiet, bad pages those
// of /metrics that could not be read while no fault kept the gateway from answering.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <random>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "tests/faults/directory_for.h"
#include "tests/faults/faults.h"
#include "tests/faults/trial.h"

ABSL_FLAG(int, kills, 10, "Rounds go on until so many processes were killed.");
ABSL_FLAG(uint64_t, seed, 0, "Of all random decisions; 0 for a new one.");
ABSL_FLAG(std::vector<std::string>, faults, {},
          "The faults to inflict, with commas between them; all if empty.");
ABSL_FLAG(bool, double_counting, false,
          "Tries the trial: counts twice what it should not, in one round, and passes if that is "
          "found.");

namespace {

std::vector<weir::Fault> ChosenFaults() {
  const std::vector<std::string> names = absl::GetFlag(FLAGS_faults);
  std::vector<weir::Fault> chosen;
  for (const weir::Fault& fault : weir::AllFaults()) {
    if (names.empty() || std::find(names.begin(), names.end(), fault.name) != names.end()) {
      chosen.push_back(fault);
    }
  }
  return chosen;
}

absl::Status RunRounds(weir::Trial& trial, uint64_t seed) {
  std::vector<weir::Fault> faults = ChosenFaults();
  if (faults.empty()) return absl::InvalidArgumentError("no fault has such a name");
  std::mt19937_64 random(seed);
  WEIR_RETURN_IF_ERROR(trial.Start());
  if (absl::GetFlag(FLAGS_double_counting)) return trial.RunRound(weir::DoubleCounting());
  do {
    std::shuffle(faults.begin(), faults.end(), random);
    for (const weir::Fault& fault : faults) {
      WEIR_RETURN_IF_ERROR(trial.RunRound(fault));
    }
  } while (trial.totals().kills < absl::GetFlag(FLAGS_kills));
  return trial.CheckPrometheus();
}

int Run() {
  uint64_t seed = absl::GetFlag(FLAGS_seed);
  if (seed == 0) seed = std::random_device()();
  std::cout << "seed " << seed << std::endl;
  const std::string parent =
      weir::DirectoryFor("TEST_TMPDIR", std::filesystem::temp_directory_path().string());
  const std::string directory = absl::StrCat(parent, "/weir-faults-", seed);
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);

  weir::Trial trial({.directory = directory, .seed = seed});
  const absl::Status status = RunRounds(trial, seed);
  if (!status.ok()) std::cout << "FAILED: " << status.message() << std::endl;
  const weir::Trial::Totals& totals = trial.totals();
  const bool passed = status.ok() && (absl::GetFlag(FLAGS_double_counting) ? totals.doubled > 0
                                                                           : totals.all_zero());
  if (!passed) {
    const std::string logs = weir::DirectoryFor("TEST_UNDECLARED_OUTPUTS_DIR", directory);
    trial.WriteLogs(logs);
    std::cout << "The logs of the processes are in " << logs << "; again with --seed=" << seed
              << std::endl;
  }
  std::cout << "BENCH faults kills=" << totals.kills << " lost=" << totals.lost
            << " double=" << totals.doubled << " decreases=" << totals.decreases
            << " late=" << totals.late << " bad_pages=" << totals.bad_pages << std::endl;
  return passed ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments =
      weir::ParseFlags(argc, argv, "inflicts faults on weir and counts what it loses");
  if (!arguments.empty()) {
    std::cerr << "unexpected argument: " << arguments[0] << std::endl;
    return 1;
  }
  return Run();
}
