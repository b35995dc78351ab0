// weir-train: makes the models of models/repository anew.
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/status.h"
#include "models/data/fashion_mnist.h"
#include "models/train/make_model.h"
#include "models/train/recipe.h"
#include "server/model/compute_backend.h"

ABSL_FLAG(std::string, model_repository, "models/repository", "where the models are written");
ABSL_FLAG(std::string, state_dir, ".weir/train", "where a stopped training is kept");
ABSL_FLAG(std::string, fashion_mnist_dir, weir::kFashionMnistDirectory,
          "where the four .gz files of Fashion-MNIST are");
ABSL_FLAG(std::string, forest_script, "models/convert/train_forest.py",
          "the program that grows accidents-forest");

namespace {

volatile std::sig_atomic_t g_stop = 0;

void OnStopSignal(int) { g_stop = 1; }

// libgomp's threads spin while they wait for each other, which makes training many times slower
// where other programs want the cores too. It reads this variable once, before main.
void RestartWithoutSpinning(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr) return;
  setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  std::error_code error;
  const std::string self = std::filesystem::read_symlink("/proc/self/exe", error);
  execv(self.c_str(), argv);  // Where this fails, training is slow, no more.
}

std::string ModelNames() {
  std::string names;
  for (const weir::Recipe& recipe : weir::Recipes()) {
    if (!names.empty()) names += ", ";
    names += recipe.model;
  }
  return names;
}

int Main(const std::vector<std::string>& names) {
  std::vector<const weir::Recipe*> chosen;
  for (const weir::Recipe& recipe : weir::Recipes()) {
    if (names.empty()) chosen.push_back(&recipe);
  }
  for (const std::string& name : names) {
    for (const weir::Recipe& recipe : weir::Recipes()) {
      if (recipe.model == name) chosen.push_back(&recipe);
    }
    if (chosen.empty() || chosen.back()->model != name) {
      std::cerr << "weir-train: there is no model \"" << name << "\"; there are: " << ModelNames()
                << "\n";
      return 2;
    }
  }

  std::signal(SIGINT, OnStopSignal);
  std::signal(SIGTERM, OnStopSignal);
  weir::InitializeTorch();
  const weir::MakeOptions options = {.repository = absl::GetFlag(FLAGS_model_repository),
                                     .state_directory = absl::GetFlag(FLAGS_state_dir),
                                     .fashion_directory = absl::GetFlag(FLAGS_fashion_mnist_dir),
                                     .forest_script = absl::GetFlag(FLAGS_forest_script),
                                     .is_terminal = isatty(STDOUT_FILENO) == 1};
  for (const weir::Recipe* recipe : chosen) {
    const absl::Status status = weir::MakeModel(
        *recipe, options, [] { return g_stop != 0; }, std::cout);
    if (status.ok()) continue;
    std::cerr << "\nweir-train: " << recipe->model << ": " << status.message() << "\n";
    return absl::IsCancelled(status) ? 130 : 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  RestartWithoutSpinning(argv);
  absl::SetProgramUsageMessage(
      "weir-train [model...]: makes the named models anew, or all: " + ModelNames() +
      ". After Ctrl-C the same command goes on where it was.");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  return Main({arguments.begin() + 1, arguments.end()});
}
