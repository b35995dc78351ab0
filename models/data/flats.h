// Synthetic flats of a large city: 14 features and the price asked for each. The data is invented
// by this program, not taken from any market: what raises and lowers a price here is plausible,
// nothing more. It stands in for the tabular data that regressions are usually fitted to: skewed
// sizes, codes, correlated columns, interactions and noise.
//
// A price is a product: roubles per square metre at the place (which falls with the distance from
// the centre, but for a favoured sector, two lively districts and an industrial one) x type and age
// of the building x floor and lift x ceiling x kitchen x legal status x the area, to a power below
// one, x noise with a standard deviation of 5 %. So no model can reach an R2 of 1; the best has
// 0.99.
#ifndef WEIR_MODELS_DATA_FLATS_H_
#define WEIR_MODELS_DATA_FLATS_H_

#include <array>
#include <cstdint>

#include "models/data/table.h"

namespace weir {

inline constexpr std::array<Column, 14> kFlatColumns = {{
    {"building_type", "0 panel, 1 block, 2 brick, 3 monolith"},
    {"latitude", "degrees north"},
    {"longitude", "degrees east"},
    {"ceiling_height", "metres"},
    {"flats_count", "in the building"},
    {"floors_total", "in the building"},
    {"lift", "0 none, 1 there is one"},
    {"floor", "1 .. floors_total"},
    {"kitchen_area", "square metres"},
    {"living_area", "square metres"},
    {"rooms", "1 .. 5"},
    {"apartment", "0 flat, 1 sold as apartments, where nobody can be registered"},
    {"total_area", "square metres"},
    {"build_year", "1930 .. 2025"},
}};

// The rows that flats-price is trained on, and the ones that its published quality is measured on,
// by the trainer and by every later check.
inline constexpr uint64_t kFlatsTrainingSeed = 1;
inline constexpr int kFlatsTrainingRows = 100'000;
inline constexpr uint64_t kFlatsHeldOutSeed = 2;
inline constexpr int kFlatsHeldOutRows = 10'000;

// `rows` flats; truth is the price in roubles. The same seed gives the same rows on every platform,
// and a longer table begins with the shorter one.
Table GenerateFlats(int rows, uint64_t seed);

}  // namespace weir

#endif  // WEIR_MODELS_DATA_FLATS_H_
