#include "models/data/accidents.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "models/data/fingerprint.h"

namespace weir {
namespace {

std::vector<float> ColumnOf(const Table& table, std::string_view name) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name != name) continue;
    std::vector<float> values;
    for (int row = 0; row < table.rows(); ++row) values.push_back(table.row(row)[i]);
    return values;
  }
  ADD_FAILURE() << "no column " << name;
  return {};
}

// The share of severe accidents among those whose column `name` lies in low..high.
double SevereShare(const Table& table, std::string_view name, float low, float high) {
  const std::vector<float> values = ColumnOf(table, name);
  double severe = 0, all = 0;
  for (int row = 0; row < table.rows(); ++row) {
    if (values[row] < low || values[row] > high) continue;
    severe += table.truth[row];
    ++all;
  }
  EXPECT_GT(all, 50) << name;
  return severe / all;
}

TEST(AccidentsTest, HasTwentyEightFeaturesWithNamesOfTheirOwn) {
  const Table table = GenerateAccidents(10, 5);
  EXPECT_EQ(table.rows(), 10);
  EXPECT_EQ(table.columns.size(), 28u);
  EXPECT_EQ(table.features.size(), 280u);
  std::set<std::string_view> names = {table.truth_column.name};
  for (const Column& column : table.columns) names.insert(column.name);
  EXPECT_EQ(names.size(), 29u);
}

TEST(AccidentsTest, TheHeldOutRowsAreTheSameOnEveryPlatform) {
  const Table table = GenerateAccidents(kAccidentsHeldOutRows, kAccidentsHeldOutSeed);
  EXPECT_EQ(Fingerprint(table), 12074637701311894333u)
      << "every published quality of accidents-forest is void";
}

TEST(AccidentsTest, ALongerTableBeginsWithTheShorterOne) {
  const Table longer = GenerateAccidents(200, 7);
  const Table shorter = GenerateAccidents(50, 7);
  EXPECT_TRUE(
      std::equal(shorter.features.begin(), shorter.features.end(), longer.features.begin()));
  EXPECT_TRUE(std::equal(shorter.truth.begin(), shorter.truth.end(), longer.truth.begin()));
}

TEST(AccidentsTest, AnotherSeedGivesOtherRows) {
  EXPECT_NE(Fingerprint(GenerateAccidents(50, 1)), Fingerprint(GenerateAccidents(50, 2)));
}

TEST(AccidentsTest, EveryColumnVariesWithinItsRange) {
  const Table table = GenerateAccidents(5'000, 8);
  const struct {
    std::string_view name;
    float low, high;
  } ranges[] = {
      {"hour", 0, 23},
      {"weekday", 0, 6},
      {"month", 1, 12},
      {"temperature", -35, 40},
      {"light", 0, 3},
      {"weather", 0, 3},
      {"surface", 0, 2},
      {"visibility", 20, 2000},
      {"urban", 0, 1},
      {"road_type", 0, 3},
      {"speed_limit", 30, 130},
      {"lanes", 1, 6},
      {"curvature", 0, 30},
      {"gradient", -12, 12},
      {"junction", 0, 3},
      {"traffic", 1, 2000},
      {"vehicles", 1, 8},
      {"vehicle_type", 0, 5},
      {"vehicle_age", 0, 40},
      {"engine", 0, 20000},
      {"mass", 60, 40000},
      {"driver_age_band", 0, 6},
      {"driver_experience", 0, 65},
      {"alcohol", 0, 4},
      {"belted", 0, 1},
      {"casualties", 1, 21},
      {"pedestrians", 0, 2},
      {"collision", 0, 4},
  };
  ASSERT_EQ(std::size(ranges), table.columns.size());
  for (const auto& [name, low, high] : ranges) {
    const std::vector<float> values = ColumnOf(table, name);
    const auto [least, most] = std::minmax_element(values.begin(), values.end());
    EXPECT_GE(*least, low) << name;
    EXPECT_LE(*most, high) << name;
    EXPECT_LT(*least, *most) << name;
  }
}

TEST(AccidentsTest, SeverityFollowsWhatHurtsPeople) {
  const Table table = GenerateAccidents(20'000, 9);
  const double all = std::accumulate(table.truth.begin(), table.truth.end(), 0.0) / table.rows();
  EXPECT_GT(all, 0.25);
  EXPECT_LT(all, 0.35);
  EXPECT_GT(SevereShare(table, "speed_limit", 90, 130), SevereShare(table, "speed_limit", 30, 50));
  EXPECT_GT(SevereShare(table, "collision", 2, 2), 2 * SevereShare(table, "collision", 0, 0));
  EXPECT_GT(SevereShare(table, "belted", 0, 0), 1.5 * SevereShare(table, "belted", 1, 1));
  EXPECT_GT(SevereShare(table, "pedestrians", 1, 2), all);
  EXPECT_GT(SevereShare(table, "light", 3, 3), SevereShare(table, "light", 0, 0));
}

}  // namespace
}  // namespace weir
