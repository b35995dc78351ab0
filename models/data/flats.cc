#include "models/data/flats.h"

#include <algorithm>
#include <cmath>  // sqrt and floor alone, which are exact everywhere.

#include "models/data/random.h"

namespace weir {
namespace {

enum BuildingType { kPanel, kBlock, kBrick, kMonolith };

constexpr double kCentreLatitude = 55.755;
constexpr double kCentreLongitude = 37.617;
constexpr double kKilometresPerDegreeNorth = 111.2;
constexpr double kKilometresPerDegreeEast = 62.6;  // At this latitude.
constexpr double kCityRadius = 24;                 // Kilometres.

// Roubles per square metre in the dearest place, before what the building and the flat add.
constexpr double kPriceAtCentre = 430'000;
constexpr double kNoise = 0.05;

double Rounded(double value, double unit) { return std::floor(value / unit + 0.5) * unit; }

// 1 in the middle, a half at `radius`, falling on towards 0.
double Nearness(double east, double north, double radius) {
  return 1 / (1 + (east * east + north * north) / (radius * radius));
}

// One flat, drawn from the large to the small: place, building, flat. Members are the columns of
// the table; the initial values are never read.
struct Flat {
  double east = 0, north = 0;  // Kilometres from the centre.
  int build_year = 0, building_type = kPanel, floors_total = 0, flats_count = 0;
  bool lift = false, apartment = false;
  double ceiling_height = 0;
  int rooms = 0, floor = 0;
  double total_area = 0, living_area = 0, kitchen_area = 0;

  void DrawPlace(Random& random);
  void DrawBuilding(Random& random);
  void DrawFlat(Random& random);
  double PricePerMetre() const;
  double Price() const;

  double latitude() const { return kCentreLatitude + north / kKilometresPerDegreeNorth; }
  double longitude() const { return kCentreLongitude + east / kKilometresPerDegreeEast; }
};

void Flat::DrawPlace(Random& random) {
  // Evenly over a disc, then drawn a little towards its middle.
  do {
    east = random.Uniform(-1, 1);
    north = random.Uniform(-1, 1);
  } while (east * east + north * north > 1);
  const double pull = kCityRadius * random.Uniform(0.55, 1.0);
  east *= pull;
  north *= pull;
}

void Flat::DrawBuilding(Random& random) {
  const bool central = east * east + north * north < 25;
  switch (random.Choose({central ? 22.0 : 3.0, 22, 30, 20, central ? 20.0 : 35.0})) {
    case 0:
      build_year = random.Integer(1930, 1956);
      building_type = random.Choose({0, 10, 90, 0});
      floors_total = random.Integer(4, 9);
      ceiling_height = random.Uniform(2.9, 3.4);
      break;
    case 1:
      build_year = random.Integer(1957, 1972);
      building_type = random.Choose({55, 15, 30, 0});
      floors_total = random.Chance(0.75) ? 5 : 9;
      ceiling_height = random.Uniform(2.48, 2.6);
      break;
    case 2:
      build_year = random.Integer(1973, 1994);
      building_type = random.Choose({65, 15, 20, 0});
      floors_total = random.Choose({1, 4, 2, 3}) * 3 + 8;
      ceiling_height = random.Uniform(2.55, 2.7);
      break;
    case 3:
      build_year = random.Integer(1995, 2009);
      building_type = random.Choose({45, 5, 15, 35});
      floors_total = random.Integer(12, 25);
      ceiling_height = random.Uniform(2.64, 2.9);
      break;
    default:
      build_year = random.Integer(2010, 2025);
      building_type = random.Choose({20, 2, 8, 70});
      floors_total = random.Integer(9, 40);
      ceiling_height = random.Uniform(2.7, 3.2);
  }
  ceiling_height = Rounded(ceiling_height, 0.05);
  lift = floors_total > 5 || (build_year > 1995 && random.Chance(0.8));
  flats_count = floors_total * random.Integer(3, 8) * random.Integer(1, floors_total > 17 ? 3 : 6);
  apartment = build_year >= 2005 && random.Chance(0.12);
}

void Flat::DrawFlat(Random& random) {
  rooms = 1 + random.Choose({32, 38, 22, 6, 2});
  const double era = build_year >= 1957 && build_year <= 1972 ? 0.85
                     : build_year > 1995                      ? 1.1
                                                              : 1.0;
  total_area = Rounded((16 + 19.0 * rooms) * era * random.Uniform(0.85, 1.3), 0.1);
  const double kitchen_share = build_year > 1995 ? 0.20 : build_year > 1972 ? 0.15 : 0.13;
  kitchen_area =
      Rounded(std::clamp(total_area * kitchen_share * random.Uniform(0.7, 1.3), 5.0, 30.0), 0.1);
  living_area = Rounded((total_area - kitchen_area) * random.Uniform(0.62, 0.78), 0.1);
  floor = random.Integer(1, floors_total);
}

double Flat::PricePerMetre() const {
  double price = kPriceAtCentre * (0.28 + 0.72 * Nearness(east, north, 7));
  price *= 1 + 0.25 * Nearness(east + 9, north + 6, 6);  // The favoured south-west.
  price *= 1 + 0.30 * Nearness(east + 6, north - 1, 1.5);
  price *= 1 + 0.20 * Nearness(east - 3, north - 8, 2);
  price *= 1 - 0.15 * Nearness(east - 9, north + 7, 5);  // The industrial south-east.

  const double type_factor[] = {0.92, 0.95, 1.03, 1.08};
  price *= type_factor[building_type];
  if (build_year < 1957) price *= 1.06;  // Solid and sought after.
  if (build_year >= 1957 && build_year <= 1972) price *= 0.87;
  if (build_year > 1995) price *= 1 + 0.006 * (build_year - 1995);
  if (floors_total > 25) price *= 0.97;
  price *= 1 - 0.00008 * std::min(flats_count, 800);
  price *= 1 + 0.18 * (ceiling_height - 2.7);
  return price;
}

double Flat::Price() const {
  double price = PricePerMetre();
  if (floor == 1) price *= 0.91;
  if (floor > 1 && floor == floors_total) price *= 0.96;
  if (!lift && floor > 3) price *= 1 - 0.03 * (floor - 3);
  if (lift && floor > 10) price *= 1 + 0.002 * (floor - 10);
  price *= 1 + 0.006 * (std::min(kitchen_area, 20.0) - 9);
  if (apartment) price *= 0.86;
  price *= 1 - 0.015 * (rooms - 2);  // Few large rooms before many small ones.
  // Each metre beyond the first ones is cheaper: area to the power of 3/4, to scale at 50.
  return price * std::sqrt(total_area * std::sqrt(total_area * 50));
}

template <typename... Values>
void AppendRow(Table& table, Values... values) {
  static_assert(sizeof...(values) == kFlatColumns.size());
  (table.features.push_back(static_cast<float>(values)), ...);
}

}  // namespace

Table GenerateFlats(int rows, uint64_t seed) {
  Table table;
  table.columns = kFlatColumns;
  table.truth_column = {"price", "roubles"};
  table.features.reserve(rows * table.columns.size());
  table.truth.reserve(rows);

  Random random(seed);
  for (int row = 0; row < rows; ++row) {
    Flat f;
    f.DrawPlace(random);
    f.DrawBuilding(random);
    f.DrawFlat(random);
    AppendRow(table, f.building_type, f.latitude(), f.longitude(), f.ceiling_height, f.flats_count,
              f.floors_total, f.lift, f.floor, f.kitchen_area, f.living_area, f.rooms, f.apartment,
              f.total_area, f.build_year);
    table.truth.push_back(
        static_cast<float>(Rounded(f.Price() * (1 + kNoise * random.Normal()), 1000)));
  }
  return table;
}

}  // namespace weir
