// weir-bench-models: what each model of the repository is worth, in one table.
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "base/status_macros.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/evaluate.h"
#include "models/evaluate/held_out.h"
#include "server/model/compute_backend.h"
#include "server/model/model_settings.h"

ABSL_FLAG(std::string, model_repository, "models/repository", "where the models are");
ABSL_FLAG(std::string, fashion_mnist_dir, weir::kFashionMnistDirectory,
          "where the four .gz files of Fashion-MNIST are");

namespace weir {
namespace {

struct Row {
  std::string model;
  Evaluation evaluation;
  double MicrosecondsAt(int rows) const { return evaluation.microseconds_per_row.at(rows); }
};

absl::StatusOr<Row> Measure(const std::filesystem::path& directory) {
  WEIR_ASSIGN_OR_RETURN(const ModelSettings settings, LoadModelSettings(directory));
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(settings.family, absl::GetFlag(FLAGS_fashion_mnist_dir)));
  WEIR_ASSIGN_OR_RETURN(Evaluation evaluation, EvaluateModel(directory, held_out));
  return Row{settings.name, std::move(evaluation)};
}

std::string Qualities(const Evaluation& evaluation) {
  std::string text;
  for (const auto& [metric, value] : evaluation.quality) {
    absl::StrAppendFormat(&text, "%s%s %.4f", text.empty() ? "" : ", ", metric, value);
  }
  return text;
}

void PrintTable(std::vector<Row> rows) {
  std::cout
      << "| model | quality on held-out rows | parameters | MB | us per row, batch 1 | batch 8 "
         "| batch 32 |\n|---|---|---:|---:|---:|---:|---:|\n";
  for (const Row& row : rows) {
    std::cout << absl::StreamFormat("| %s | %s | %d | %.2f | %.1f | %.1f | %.1f |\n", row.model,
                                    Qualities(row.evaluation), row.evaluation.parameters,
                                    row.evaluation.file_bytes / 1e6, row.MicrosecondsAt(1),
                                    row.MicrosecondsAt(8), row.MicrosecondsAt(32));
  }
}

// "fashion-fast" becomes "fashion_fast", so that a key is one word everywhere.
void PrintBenchLine(const std::vector<Row>& rows) {
  std::string line = "BENCH models";
  double balanced = 0, accurate = 0;
  for (const Row& row : rows) {
    const std::string key = absl::StrReplaceAll(row.model, {{"-", "_"}});
    absl::StrAppendFormat(&line, " %s_us=%.1f", key, row.MicrosecondsAt(1));
    for (const auto& [metric, value] : row.evaluation.quality) {
      absl::StrAppendFormat(&line, " %s_%s=%.4f", key, metric, value);
    }
    if (row.model == "fashion-balanced") balanced = row.MicrosecondsAt(1);
    if (row.model == "fashion-accurate") accurate = row.MicrosecondsAt(1);
  }
  if (balanced > 0)
    absl::StrAppendFormat(&line, " accurate_over_balanced=%.1f", accurate / balanced);
  std::cout << line << "\n";
}

int Main() {
  std::cerr << InitializeTorch().description << ", one thread\n";
  std::vector<std::filesystem::path> directories;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::directory_iterator(absl::GetFlag(FLAGS_model_repository), error)) {
    if (entry.is_directory()) directories.push_back(entry.path());
  }
  if (error) {
    std::cerr << "weir-bench-models: " << absl::GetFlag(FLAGS_model_repository) << ": "
              << error.message() << "\n";
    return 1;
  }
  std::sort(directories.begin(), directories.end());
  std::vector<Row> rows;
  for (const std::filesystem::path& directory : directories) {
    absl::StatusOr<Row> row = Measure(directory);
    if (!row.ok()) {
      std::cerr << "weir-bench-models: " << row.status().message() << "\n";
      return 1;
    }
    rows.push_back(*std::move(row));
  }
  PrintTable(rows);
  PrintBenchLine(rows);
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("weir-bench-models: measures every model of a repository.");
  absl::ParseCommandLine(argc, argv);
  return weir::Main();
}
