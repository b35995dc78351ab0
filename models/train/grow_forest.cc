#include "models/train/grow_forest.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "models/data/accidents.h"
#include "models/data/csv.h"

namespace weir {
namespace {

// Debian's own, which has scikit-learn and torch; another one may come first in PATH.
constexpr char kPython[] = "/usr/bin/python3";

absl::Status WriteAccidents(const std::string& path, int rows, uint64_t seed) {
  std::ofstream file(path, std::ios::trunc);
  WriteCsv(GenerateAccidents(rows, seed), file);
  file.flush();
  if (file) return absl::OkStatus();
  return absl::ErrnoToStatus(errno, absl::StrCat("cannot write ", path));
}

absl::Status RunProgram(std::vector<std::string> command) {
  std::vector<char*> arguments;
  arguments.reserve(command.size() + 1);
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t child = 0;
  if (const int error =
          posix_spawn(&child, arguments[0], nullptr, nullptr, arguments.data(), environ);
      error != 0) {
    return absl::ErrnoToStatus(error, absl::StrCat("cannot run ", command[0]));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::ErrnoToStatus(errno, "waitpid");
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  if (WIFSIGNALED(status)) return absl::CancelledError(absl::StrCat(command[1], " was stopped"));
  return absl::InternalError(absl::StrCat(command[1], " failed"));
}

}  // namespace

absl::Status GrowForest(const std::string& script, const std::string& work_directory,
                        const std::string& model_directory) {
  const std::string training = work_directory + "/accidents-training.csv";
  const std::string held_out = work_directory + "/accidents-held-out.csv";
  WEIR_RETURN_IF_ERROR(WriteAccidents(training, kAccidentsTrainingRows, kAccidentsTrainingSeed));
  WEIR_RETURN_IF_ERROR(WriteAccidents(held_out, kAccidentsHeldOutRows, kAccidentsHeldOutSeed));
  return RunProgram({kPython, script, "--training=" + training, "--held_out=" + held_out,
                     "--model_dir=" + model_directory});
}

}  // namespace weir
