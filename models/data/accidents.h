// Synthetic road accidents: 28 numeric features and whether somebody was killed or badly hurt.
// The data is invented by this program, not drawn from any register: its rates and effects are
// plausible, nothing more. It stands in for the tabular data that forests are usually fitted to:
// mixed units, codes, skewed counts, correlated columns, interactions and noise.
#ifndef WEIR_MODELS_DATA_ACCIDENTS_H_
#define WEIR_MODELS_DATA_ACCIDENTS_H_

#include <array>
#include <cstdint>

#include "models/data/table.h"

namespace weir {

inline constexpr std::array<Column, 28> kAccidentColumns = {{
    {"hour", "0..23, local time"},
    {"weekday", "0 Monday .. 6 Sunday"},
    {"month", "1..12"},
    {"temperature", "degrees Celsius"},
    {"light", "0 day, 1 dusk or dawn, 2 dark with street lamps, 3 dark"},
    {"weather", "0 clear, 1 rain, 2 snow, 3 fog"},
    {"surface", "0 dry, 1 wet, 2 snow or ice"},
    {"visibility", "metres"},
    {"urban", "0 outside, 1 inside a settlement"},
    {"road_type", "0 motorway, 1 main road, 2 country road, 3 street"},
    {"speed_limit", "kilometres per hour"},
    {"lanes", "in both directions together"},
    {"curvature", "1 / kilometre, 0 where straight"},
    {"gradient", "per cent"},
    {"junction", "0 none, 1 T-junction, 2 crossing, 3 roundabout"},
    {"traffic", "vehicles per hour and lane"},
    {"vehicles", "vehicles involved"},
    {"vehicle_type", "0 car, 1 motorcycle, 2 van, 3 lorry, 4 bus, 5 bicycle"},
    {"vehicle_age", "years"},
    {"engine", "cubic centimetres, 0 where there is none"},
    {"mass", "kilograms"},
    {"driver_age_band", "0 under 18, 1 18-24, 2 25-34, 3 35-49, 4 50-64, 5 65-74, 6 75 and over"},
    {"driver_experience", "years"},
    {"alcohol", "grams per litre of blood"},
    {"belted", "share of the occupants, 0..1"},
    {"casualties", "people hurt, at least 1"},
    {"pedestrians", "pedestrians involved"},
    {"collision", "0 rear-end, 1 side, 2 head-on, 3 left the road, 4 pedestrian"},
}};

// The rows that accidents-forest is trained on, and the ones that its published quality is
// measured on, by the trainer and by every later check.
inline constexpr uint64_t kAccidentsTrainingSeed = 1;
inline constexpr int kAccidentsTrainingRows = 40'000;
inline constexpr uint64_t kAccidentsHeldOutSeed = 2;
inline constexpr int kAccidentsHeldOutRows = 10'000;

// `rows` accidents; truth is 1 where severe (about three in ten), else 0. The same seed gives the
// same rows on every platform, and a longer table begins with the shorter one.
Table GenerateAccidents(int rows, uint64_t seed);

}  // namespace weir

#endif  // WEIR_MODELS_DATA_ACCIDENTS_H_
