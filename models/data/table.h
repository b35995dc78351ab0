// A labelled data set of numeric rows, free of any tensor library.
#ifndef WEIR_MODELS_DATA_TABLE_H_
#define WEIR_MODELS_DATA_TABLE_H_

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace weir {

// What one column holds. Both strings are static.
struct Column {
  std::string_view name;
  std::string_view unit;  // Or the meaning of each value, for a code.
};

// Rows of features, and the truth about each: a class index or a measured value.
struct Table {
  std::span<const Column> columns;  // One per feature; static.
  Column truth_column;
  std::vector<float> features;  // Row-major: rows() * columns.size() values.
  std::vector<float> truth;     // rows() values.

  int rows() const { return static_cast<int>(truth.size()); }
  std::span<const float> row(int index) const {
    return std::span(features).subspan(index * columns.size(), columns.size());
  }
};

}  // namespace weir

#endif  // WEIR_MODELS_DATA_TABLE_H_
