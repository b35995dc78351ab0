// Where the rows of requests come from.
#ifndef WEIR_LOADGEN_INPUTS_SOURCE_H_
#define WEIR_LOADGEN_INPUTS_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "models/data/fashion_mnist.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

struct SourceOptions {
  std::string fashion_directory = kFashionMnistDirectory;
  uint64_t seed = 1;  // Of random rows.
};

// What the truth about rows is.
enum class Truth { kUnknown, kClass, kValue };

// One input of a model, for all rows.
struct SourceInput {
  std::vector<int64_t> shape;  // Of a row.
  std::string bytes;           // The rows, one after the other.

  // Requires first + count <= rows.
  void AppendRows(int64_t first, int64_t count, std::string& out) const;
  size_t row_bytes = 0;
};

struct Source {
  int64_t rows = 0;                 // At least 1.
  int64_t rows_left_out = 0;        // Of a file: those after them, beyond kMaxSourceBytes.
  std::vector<SourceInput> inputs;  // Of the model, in its order.
  Truth truth_is = Truth::kUnknown;
  std::vector<float> truth;  // Of each row, unless it is unknown.
};

// The most that the bytes of all rows may take.
inline constexpr int64_t kMaxSourceBytes = int64_t{64} << 20;

// Rows of traffic.input, or of what the model's family suggests, shifted as the traffic says: of
// images first black to white and then the brightness. Flats whose areas are changed have no known
// price. INVALID_ARGUMENT, naming the field, if they do not fit the model; an error of the system
// if a file cannot be read.
absl::StatusOr<Source> OpenSource(const v1::LoadTraffic& traffic, const v1::ModelDescription& model,
                                  const SourceOptions& options);

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_SOURCE_H_
