#include "models/data/flats.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <vector>

#include "gtest/gtest.h"
#include "models/data/fingerprint.h"

namespace weir {
namespace {

int IndexOf(std::string_view name) {
  for (size_t i = 0; i < kFlatColumns.size(); ++i) {
    if (kFlatColumns[i].name == name) return static_cast<int>(i);
  }
  ADD_FAILURE() << "no column " << name;
  return 0;
}

// The mean price per square metre of the flats whose column `name` lies in low..high.
double PricePerMetre(const Table& table, std::string_view name, float low, float high) {
  const int column = IndexOf(name), area = IndexOf("total_area");
  double sum = 0;
  int flats = 0;
  for (int row = 0; row < table.rows(); ++row) {
    const float value = table.row(row)[column];
    if (value < low || value > high) continue;
    sum += table.truth[row] / table.row(row)[area];
    ++flats;
  }
  EXPECT_GT(flats, 50) << name;
  return sum / flats;
}

TEST(FlatsTest, HasTheFourteenFeaturesInTheirOrder) {
  const std::vector<std::string_view> expected = {
      "building_type", "latitude",  "longitude",  "ceiling_height", "flats_count",
      "floors_total",  "lift",      "floor",      "kitchen_area",   "living_area",
      "rooms",         "apartment", "total_area", "build_year"};
  const Table table = GenerateFlats(10, 5);
  ASSERT_EQ(table.columns.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(table.columns[i].name, expected[i]);
  EXPECT_EQ(table.features.size(), 140u);
  EXPECT_EQ(table.rows(), 10);
}

TEST(FlatsTest, TheHeldOutRowsAreTheSameOnEveryPlatform) {
  const Table table = GenerateFlats(kFlatsHeldOutRows, kFlatsHeldOutSeed);
  EXPECT_EQ(Fingerprint(table), 17675879706371490406u)
      << "every published quality of flats-price is void";
}

TEST(FlatsTest, ALongerTableBeginsWithTheShorterOne) {
  const Table longer = GenerateFlats(200, 7);
  const Table shorter = GenerateFlats(50, 7);
  EXPECT_TRUE(
      std::equal(shorter.features.begin(), shorter.features.end(), longer.features.begin()));
  EXPECT_TRUE(std::equal(shorter.truth.begin(), shorter.truth.end(), longer.truth.begin()));
}

TEST(FlatsTest, AnotherSeedGivesOtherRows) {
  EXPECT_NE(Fingerprint(GenerateFlats(50, 1)), Fingerprint(GenerateFlats(50, 2)));
}

TEST(FlatsTest, PricesLieMostlyBetweenFiveAndTwentyFiveMillion) {
  const Table table = GenerateFlats(20'000, 8);
  const auto usual = std::count_if(table.truth.begin(), table.truth.end(),
                                   [](float price) { return price >= 5e6 && price <= 25e6; });
  EXPECT_GT(static_cast<double>(usual) / table.rows(), 0.9);
  const auto [least, most] = std::minmax_element(table.truth.begin(), table.truth.end());
  EXPECT_GT(*least, 1e6);
  EXPECT_LT(*most, 100e6);
}

TEST(FlatsTest, EveryFlatCouldStand) {
  const Table table = GenerateFlats(20'000, 9);
  for (int row = 0; row < table.rows(); ++row) {
    const auto value = [&](std::string_view name) { return table.row(row)[IndexOf(name)]; };
    ASSERT_GE(value("floor"), 1);
    ASSERT_LE(value("floor"), value("floors_total"));
    ASSERT_LE(value("floors_total"), 40);
    ASSERT_GE(value("ceiling_height"), 2.45f);
    ASSERT_LT(value("living_area") + value("kitchen_area"), value("total_area"));
    ASSERT_GE(value("kitchen_area"), 5);
    ASSERT_GE(value("build_year"), 1930);
    ASSERT_LE(value("build_year"), 2025);
    ASSERT_NEAR(value("latitude"), 55.755, 0.25);
    ASSERT_NEAR(value("longitude"), 37.617, 0.45);
    ASSERT_TRUE(value("lift") == 1 || value("floors_total") <= 5);
  }
}

TEST(FlatsTest, EveryCodeOccurs) {
  const Table table = GenerateFlats(5'000, 10);
  for (const auto& [name, codes] : std::vector<std::pair<std::string_view, size_t>>{
           {"building_type", 4}, {"lift", 2}, {"rooms", 5}, {"apartment", 2}}) {
    std::set<float> seen;
    for (int row = 0; row < table.rows(); ++row) seen.insert(table.row(row)[IndexOf(name)]);
    EXPECT_EQ(seen.size(), codes) << name;
  }
}

TEST(FlatsTest, PricesFollowWhatBuyersPayFor) {
  const Table table = GenerateFlats(20'000, 11);
  EXPECT_GT(PricePerMetre(table, "latitude", 55.73f, 55.78f),
            1.1 * PricePerMetre(table, "latitude", 55.85f, 56.0f));
  EXPECT_GT(PricePerMetre(table, "build_year", 2015, 2025),
            1.1 * PricePerMetre(table, "build_year", 1957, 1972));
  EXPECT_GT(PricePerMetre(table, "floor", 2, 4), PricePerMetre(table, "floor", 1, 1));
  EXPECT_GT(PricePerMetre(table, "total_area", 20, 40),
            PricePerMetre(table, "total_area", 80, 200));
}

}  // namespace
}  // namespace weir
