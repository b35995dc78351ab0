// A labelled data set of numeric rows, free of any tensor library.
#ifndef WEIR_MODELS_DATA_TABLE_H_
#define WEIR_MODELS_DATA_TABLE_H_

#include <span>
#include <string_view>
#include <vector>

namespace weir {

// What one feature means. Both strings are static.
struct Column {
  std::string_view name;
  std::string_view unit;  // Or the meaning of the values, for a code.
};

// Rows of `columns` features each, and one truth per row: a class index or a measured value.
struct Table {
  int columns = 0;
  std::vector<float> features;  // Row-major: rows() * columns values.
  std::vector<float> truth;     // rows() values.

  int rows() const { return static_cast<int>(truth.size()); }
  std::span<const float> row(int index) const {
    return std::span(features).subspan(static_cast<size_t>(index) * columns, columns);
  }
};

}  // namespace weir

#endif  // WEIR_MODELS_DATA_TABLE_H_
