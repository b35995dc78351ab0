#include "models/data/csv.h"

#include <sstream>

#include "gtest/gtest.h"

namespace weir {
namespace {

constexpr Column kColumns[] = {{"length", "metres"}, {"code", ""}};

TEST(CsvTest, WritesTheHeaderAndTheTruthLast) {
  const Table table = {kColumns, {"price", "roubles"}, {1.5f, 0, -3, 2}, {7, 12'345'678}};
  std::ostringstream out;
  WriteCsv(table, out);
  EXPECT_EQ(out.str(), "length,code,price\n1.5,0,7\n-3,2,12345678\n");
}

TEST(CsvTest, NumbersReadBackAsTheSameFloats) {
  const Table table = {kColumns, {"truth", ""}, {0.1f, 1.0f / 3}, {16'777'216 + 2}};
  std::ostringstream out;
  WriteCsv(table, out);
  std::istringstream in(out.str());
  std::string header, value;
  std::getline(in, header);
  for (float expected : {0.1f, 1.0f / 3, 16'777'218.0f}) {
    std::getline(in, value, ',');
    EXPECT_EQ(std::stof(value), expected);
  }
}

TEST(CsvTest, ATableWithoutRowsIsItsHeader) {
  const Table table = {kColumns, {"truth", ""}, {}, {}};
  std::ostringstream out;
  WriteCsv(table, out);
  EXPECT_EQ(out.str(), "length,code,truth\n");
}

}  // namespace
}  // namespace weir
