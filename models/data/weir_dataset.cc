// weir-dataset: writes rows of a synthetic data set as CSV to standard output, so that a program in
// another language trains on exactly the rows that C++ evaluates on.
#include <cstdint>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "models/data/accidents.h"
#include "models/data/csv.h"
#include "models/data/flats.h"

ABSL_FLAG(int, rows, 1000, "How many rows to write.");
ABSL_FLAG(uint64_t, seed, 1, "The same seed gives the same rows; 1 trains, 2 is held out.");

namespace {

struct DataSet {
  std::string_view name;
  weir::Table (*generate)(int rows, uint64_t seed);
};
constexpr DataSet kDataSets[] = {
    {"accidents", weir::GenerateAccidents},
    {"flats", weir::GenerateFlats},
};

int Fail(std::string_view problem) {
  std::cerr << "weir-dataset: " << problem << "\n";
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("weir-dataset accidents|flats --rows=N --seed=S > rows.csv");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 2) return Fail("expected the name of one data set: accidents or flats");
  const int rows = absl::GetFlag(FLAGS_rows);
  if (rows < 1) return Fail("--rows must be at least 1");

  std::ios::sync_with_stdio(false);
  for (const DataSet& data_set : kDataSets) {
    if (data_set.name != arguments[1]) continue;
    weir::WriteCsv(data_set.generate(rows, absl::GetFlag(FLAGS_seed)), std::cout);
    std::cout.flush();
    return std::cout ? 0 : Fail("cannot write to standard output");
  }
  return Fail(std::string("no data set is called ") + arguments[1]);
}
