#include "models/data/accidents.h"

#include <algorithm>
#include <cstdlib>

#include "models/data/random.h"

namespace weir {
namespace {

enum Light { kDay, kDusk, kLamps, kDark };
enum Weather { kClear, kRain, kSnow, kFog };
enum Surface { kDry, kWet, kIcy };
enum Road { kMotorway, kMainRoad, kCountryRoad, kStreet };
enum Vehicle { kCar, kMotorcycle, kVan, kLorry, kBus, kBicycle };
enum Collision { kRearEnd, kSide, kHeadOn, kLeftRoad, kPedestrian };

// Whole numbers, so that the rows stay readable; values beyond the ends move to them.
int Rounded(double value, int low, int high) {
  const double clamped = std::clamp<double>(value, low, high);
  return static_cast<int>(clamped + (clamped < 0 ? -0.5 : 0.5));
}

// A skewed positive value: squares of a normal variable pile up near zero.
double Skewed(Random& random, double scale) {
  const double normal = random.Normal();
  return scale * normal * normal;
}

// Draws of one accident, in the order in which the world decides them: when, where, who, what.
// Members are the columns of the table; the initial values are never read.
struct Accident {
  int hour = 0, weekday = 0, month = 0, temperature = 0;
  int light = kDay, weather = kClear, surface = kDry, visibility = 0;
  int urban = 0, road_type = kStreet, speed_limit = 0, lanes = 0;
  double curvature = 0;
  int gradient = 0, junction = 0, traffic = 0;
  int vehicles = 0, vehicle_type = kCar, vehicle_age = 0, engine = 0, mass = 0;
  int driver_age_band = 0, driver_experience = 0;
  double alcohol = 0, belted = 0;
  int casualties = 0, pedestrians = 0, collision = kRearEnd;

  void DrawTime(Random& random);
  void DrawPlace(Random& random);
  void DrawPeople(Random& random);
  void DrawImpact(Random& random);
  bool DrawSeverity(Random& random) const;
};

void Accident::DrawTime(Random& random) {
  hour = random.Choose({2, 1, 1, 1, 1, 2, 4, 7, 8, 5, 5, 5, 6, 6, 6, 8, 9, 10, 8, 6, 4, 3, 3, 3});
  weekday = random.Choose({14, 14, 14, 14, 17, 14, 13});
  month = random.Integer(1, 12);
  const int months_from_july = std::abs(month - 7);  // January is as cold as December.
  const bool winter = months_from_july >= 4;
  temperature = Rounded(22 - 4.0 * months_from_july + 5 * random.Normal(), -35, 40);

  const int sunrise = winter ? 8 : 5, sunset = winter ? 17 : 21;
  if (hour > sunrise && hour < sunset) {
    light = kDay;
  } else if (hour == sunrise || hour == sunset) {
    light = kDusk;
  } else {
    light = kDark;  // DrawPlace may find street lamps.
  }
  weather = temperature > 1 ? random.Choose({72, 22, 0, 6}) : random.Choose({66, 3, 26, 5});
  if (weather == kSnow || (temperature < 0 && random.Chance(0.4))) {
    surface = kIcy;
  } else {
    surface = weather == kRain || random.Chance(0.1) ? kWet : kDry;
  }
  const double clearest[] = {2000, 900, 500, 150};
  visibility = Rounded(clearest[weather] * random.Uniform(0.3, 1.0), 20, 2000) / 10 * 10;
}

void Accident::DrawPlace(Random& random) {
  urban = random.Chance(0.62);
  road_type = urban ? random.Choose({3, 37, 0, 60}) : random.Choose({22, 35, 43, 0});
  if (light == kDark && random.Chance(urban ? 0.9 : 0.15)) light = kLamps;
  switch (road_type) {
    case kMotorway:
      speed_limit = random.Chance(0.6) ? 130 : 110;
      lanes = random.Chance(0.4) ? 6 : 4;
      break;
    case kMainRoad:
      speed_limit = urban ? (random.Chance(0.7) ? 60 : 80) : (random.Chance(0.6) ? 90 : 70);
      lanes = random.Chance(urban ? 0.5 : 0.2) ? 4 : 2;
      break;
    case kCountryRoad:
      speed_limit = random.Chance(0.75) ? 90 : 60;
      lanes = 2;
      break;
    default:
      speed_limit = random.Chance(0.3) ? 30 : 50;
      lanes = random.Chance(0.15) ? 1 : 2;
  }
  const double winding[] = {0.2, 0.8, 2.5, 1.0};
  curvature = Rounded(10 * Skewed(random, winding[road_type]), 0, 300) / 10.0;
  gradient = Rounded(3 * random.Normal(), -12, 12);
  junction = road_type == kMotorway ? 0 : random.Choose({urban ? 40.0 : 65.0, 22, 28, 10});
  const bool rush = (hour >= 7 && hour <= 9) || (hour >= 15 && hour <= 18);
  const double flow = (rush && weekday < 5 ? 900 : 400) * (hour < 6 ? 0.15 : 1.0);
  traffic = Rounded(flow * random.Uniform(0.4, 1.6), 1, 2000);
}

void Accident::DrawPeople(Random& random) {
  vehicle_type = urban ? random.Choose({66, 6, 9, 5, 4, 10}) : random.Choose({70, 8, 8, 11, 1, 2});
  const bool powered = vehicle_type != kBicycle;
  vehicle_age = Rounded(random.Chance(0.2) ? 1 : 4 + Skewed(random, 6), 0, 40);
  const double engines[] = {1600, 600, 2200, 11000, 8000, 0};
  engine = Rounded(engines[vehicle_type] * random.Uniform(0.6, 1.4), 0, 20000) / 50 * 50;
  const double masses[] = {1350, 220, 2100, 18000, 13000, 90};
  mass = Rounded(masses[vehicle_type] * random.Uniform(0.75, 1.25), 60, 40000);

  driver_age_band = powered ? random.Choose({1, 17, 24, 28, 19, 7, 4})
                            : random.Choose({20, 14, 16, 20, 16, 9, 5});
  const double youngest[] = {14, 18, 25, 35, 50, 65, 75};
  const double years_driving = youngest[driver_age_band] + random.Uniform(0, 10) - 18;
  driver_experience = powered ? Rounded(years_driving * random.Uniform(0.3, 1.0), 0, 65) : 0;
  const bool night = hour >= 21 || hour <= 4;
  const bool weekend = weekday >= 4;
  if (random.Chance(night ? (weekend ? 0.30 : 0.14) : 0.025)) {
    alcohol = Rounded(10 * (0.4 + Skewed(random, 0.8)), 1, 40) / 10.0;
  }
  const bool has_belts = powered && vehicle_type != kMotorcycle;
  if (has_belts) belted = random.Choose({alcohol > 0.5 ? 30.0 : 7.0, 10, 83}) * 0.5;
}

void Accident::DrawImpact(Random& random) {
  const double alone = 6 + 1.5 * curvature + (surface == kIcy ? 14 : 0) + 12 * alcohol +
                       (light == kDark ? 8 : 0) + (traffic < 150 ? 10 : 0);
  collision = random.Choose({traffic / 18.0, junction > 0 ? 55.0 : 12.0,
                             lanes <= 2 ? 5 + 2 * curvature : 1.0, alone, urban ? 22.0 : 2.0});
  pedestrians = collision == kPedestrian ? (random.Chance(0.1) ? 2 : 1) : 0;
  if (collision <= kHeadOn) {
    vehicles = 2 + Rounded(Skewed(random, collision == kRearEnd ? 0.5 : 0.25), 0, 6);
  } else {
    vehicles = 1;
  }
  casualties =
      1 + Rounded(Skewed(random, 0.35 * vehicles + (vehicle_type == kBus ? 2.0 : 0.0)), 0, 20);
}

bool Accident::DrawSeverity(Random& random) const {
  // Speed at impact, from what was allowed and what slowed or hurried the driver. Never a feature.
  const double hurry = 1 + 0.12 * alcohol + (driver_age_band <= 1 ? 0.12 : 0) +
                       (traffic < 150 ? 0.1 : 0) - (traffic > 900 ? 0.25 : 0) -
                       (surface == kIcy ? 0.15 : 0) - (visibility < 150 ? 0.1 : 0) -
                       0.01 * gradient * (gradient > 0 ? 1 : 0.5);
  const double share_kept[] = {0.35, 0.55, 1.0, 0.85, 0.6};
  const double junction_slows[] = {1, 0.85, 0.8, 0.5};
  const double impact = speed_limit * hurry * share_kept[collision] * junction_slows[junction];

  const bool bare = vehicle_type == kMotorcycle || vehicle_type == kBicycle;
  const bool heavy = vehicle_type == kLorry || vehicle_type == kBus;
  double score = -3.0 + impact * impact / 1400;  // Energy grows with the square.
  if (bare || pedestrians > 0) score = -1.6 + impact / 18 + (heavy ? 0.8 : 0);
  if (!bare && belted < 1) score += (1 - belted) * (0.4 + impact / 45);
  if (driver_age_band >= 5) score += 0.5 + 0.5 * (driver_age_band == 6);  // Frailty.
  if (heavy && collision <= kHeadOn) score += 0.9;                        // Bad for the other side.
  if (!bare && mass < 1100 && collision == kHeadOn) score += 0.7;
  if (!bare) score += 0.03 * std::min(vehicle_age, 25) - 0.15;
  if (light == kDark) score += 0.5;  // Found and reached later.
  if (!urban && (hour <= 5 || hour >= 22)) score += 0.4;
  score += 0.15 * std::min(casualties - 1, 6);  // More people, more chances.
  return score + 0.8 * random.Normal() > 0;
}

template <typename... Values>
void AppendRow(Table& table, Values... values) {
  static_assert(sizeof...(values) == kAccidentColumns.size());
  (table.features.push_back(static_cast<float>(values)), ...);
}

}  // namespace

Table GenerateAccidents(int rows, uint64_t seed) {
  Table table;
  table.columns = kAccidentColumns;
  table.truth_column = {"severe", "0 slight, 1 severe"};
  table.features.reserve(rows * table.columns.size());
  table.truth.reserve(rows);

  Random random(seed);
  for (int row = 0; row < rows; ++row) {
    Accident a;
    a.DrawTime(random);
    a.DrawPlace(random);
    a.DrawPeople(random);
    a.DrawImpact(random);
    AppendRow(table, a.hour, a.weekday, a.month, a.temperature, a.light, a.weather, a.surface,
              a.visibility, a.urban, a.road_type, a.speed_limit, a.lanes, a.curvature, a.gradient,
              a.junction, a.traffic, a.vehicles, a.vehicle_type, a.vehicle_age, a.engine, a.mass,
              a.driver_age_band, a.driver_experience, a.alcohol, a.belted, a.casualties,
              a.pedestrians, a.collision);
    table.truth.push_back(a.DrawSeverity(random) ? 1.0f : 0.0f);
  }
  return table;
}

}  // namespace weir
