#include "loadgen/inputs/answer.h"

#include <cstddef>
#include <cstring>

#include "base/wire_reader.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using Field = WireReader::Field;

// Visits the bytes of each field `number` of `message`. False if one of them or the message is not
// what it should be.
template <typename Visit>
bool ForEach(absl::string_view message, uint32_t number, Visit visit) {
  WireReader reader(message);
  for (Field field; reader.Next(field);) {
    if (field.Is(number, Field::Type::kBytes) && !visit(field.bytes)) return false;
  }
  return reader.ok();
}

bool ReadIndex(absl::string_view scored_class, int32_t& index) {
  index = 0;
  WireReader reader(scored_class);
  for (Field field; reader.Next(field);) {
    if (field.Is(v1::ScoredClass::kIndexFieldNumber, Field::Type::kNumber)) {
      index = static_cast<int32_t>(field.value);
    }
  }
  return reader.ok();
}

bool ReadBestClass(absl::string_view ranked_classes, int32_t& index) {
  bool found = false;
  const bool read = ForEach(ranked_classes, v1::RankedClasses::kClassesFieldNumber,
                            [&](absl::string_view scored_class) {
                              int32_t other = 0;
                              const bool is_first = !found;
                              found = true;
                              return ReadIndex(scored_class, is_first ? index : other);
                            });
  return read && found;
}

template <typename T>
bool Append(absl::string_view bytes, absl::Span<double> values, size_t& filled) {
  const size_t count = bytes.size() / sizeof(T);
  if (count * sizeof(T) != bytes.size() || count > values.size() - filled) return false;
  for (size_t i = 0; i < count; ++i) {
    T value = 0;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    values[filled++] = value;
  }
  return true;
}

}  // namespace

bool ReadClasses(absl::string_view response, absl::Span<int32_t> classes) {
  size_t rows = 0;
  const auto read_row = [&](absl::string_view row) {
    return rows < classes.size() && ReadBestClass(row, classes[rows++]);
  };
  const auto read_output = [&](absl::string_view classification) {
    return ForEach(classification, v1::Classification::kRowsFieldNumber, read_row);
  };
  return ForEach(response, v1::PredictResponse::kClassificationsFieldNumber, read_output) &&
         rows == classes.size();
}

bool ReadValues(absl::string_view response, v1::DataType type, absl::Span<double> values) {
  size_t filled = 0;
  const auto read_data = [&](absl::string_view data) {
    return type == v1::TYPE_FP64 ? Append<double>(data, values, filled)
                                 : Append<float>(data, values, filled);
  };
  const auto read_output = [&](absl::string_view tensor) {
    return ForEach(tensor, v1::Tensor::kDataFieldNumber, read_data);
  };
  return ForEach(response, v1::PredictResponse::kOutputsFieldNumber, read_output) &&
         filled == values.size();
}

}  // namespace weir
