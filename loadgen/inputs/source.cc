#include "loadgen/inputs/source.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "loadgen/inputs/file_start.h"
#include "models/data/flats.h"
#include "models/data/random.h"
#include "models/evaluate/held_out.h"

namespace weir {
namespace {

constexpr absl::string_view kFilePrefix = "file:";
constexpr int64_t kMaxRandomRows = 1024;
constexpr int64_t kMaxRandomBytes = int64_t{16} << 20;  // But for a row that is larger.
constexpr int kFlatRows = 64;

constexpr size_t FlatColumn(std::string_view name) {
  size_t column = 0;
  while (kFlatColumns[column].name != name) ++column;
  return column;
}

constexpr size_t kKitchenArea = FlatColumn("kitchen_area");
constexpr size_t kLivingArea = FlatColumn("living_area");
constexpr size_t kTotalArea = FlatColumn("total_area");
constexpr size_t kBuildYear = FlatColumn("build_year");

using FlatRow = std::array<float, kFlatColumns.size()>;

// A brick house of five floors near the centre, two rooms; in the order of kFlatColumns.
constexpr FlatRow kFirstFlat = {2, 55.78F, 37.6F, 2.7F, 80, 5, 0, 3, 6, 28, 2, 0, 44, 1960};

// Bytes of an element; 0 for types without a fixed size.
int64_t ElementBytes(v1::DataType type) {
  switch (type) {
    case v1::TYPE_BOOL:
    case v1::TYPE_UINT8:
    case v1::TYPE_INT8:
      return 1;
    case v1::TYPE_UINT16:
    case v1::TYPE_INT16:
    case v1::TYPE_FP16:
    case v1::TYPE_BF16:
      return 2;
    case v1::TYPE_UINT32:
    case v1::TYPE_INT32:
    case v1::TYPE_FP32:
      return 4;
    case v1::TYPE_UINT64:
    case v1::TYPE_INT64:
    case v1::TYPE_FP64:
      return 8;
    default:
      return 0;
  }
}

std::string TensorText(v1::DataType type, absl::Span<const int64_t> dims) {
  return absl::StrCat(v1::DataType_Name(type), " [", absl::StrJoin(dims, ", "), "]");
}

std::string TensorText(const v1::TensorDescription& tensor) {
  return TensorText(tensor.data_type(), {tensor.dims().data(), size_t(tensor.dims_size())});
}

// The product of `shape`, or 0 if it has a size below 1 or the product is above kMaxSourceBytes.
int64_t ElementsOf(absl::Span<const int64_t> shape) {
  int64_t elements = 1;
  for (const int64_t size : shape) {
    if (size < 1 || size > kMaxSourceBytes / elements) return 0;
    elements *= size;
  }
  return elements;
}

// `shape`'s elements as the model wants them: the sizes that it leaves open are filled in. Empty if
// they do not fit; a model's input may have no dimensions at all, but not one of many elements.
std::vector<int64_t> FitTo(const v1::TensorDescription& input, const std::vector<int64_t>& shape) {
  std::vector<int64_t> dims(input.dims().begin(), input.dims().end());
  const auto open = std::count(dims.begin(), dims.end(), -1);
  if (open > 1) {
    const auto fits = [](int64_t dim, int64_t size) { return dim == -1 || dim == size; };
    return std::equal(dims.begin(), dims.end(), shape.begin(), shape.end(), fits)
               ? shape
               : std::vector<int64_t>();
  }
  const int64_t elements = ElementsOf(shape);
  if (open == 1) {
    const auto the_open = std::find(dims.begin(), dims.end(), -1);
    *the_open = 1;
    const int64_t others = ElementsOf(dims);
    if (others == 0 || elements % others != 0) return {};
    *the_open = elements / others;
  }
  return ElementsOf(dims) == elements ? dims : std::vector<int64_t>();
}

absl::Status InvalidInput(absl::string_view input, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("input \"", absl::Utf8SafeCEscape(input), "\": ", why));
}

// The rows of a family, as the one input of a model.
absl::StatusOr<Source> FromHeldOut(absl::string_view name, v1::DataType type,
                                   const std::vector<int64_t>& shape, HeldOut held_out, Truth truth,
                                   const v1::ModelDescription& model) {
  const std::string rows_text =
      absl::StrCat("its rows are one tensor, ", TensorText(type, shape), "; the model takes ");
  if (model.inputs_size() != 1) {
    return InvalidInput(name, absl::StrCat(rows_text, model.inputs_size(), " inputs"));
  }
  std::vector<int64_t> fitted = FitTo(model.inputs(0), shape);
  if (model.inputs(0).data_type() != type || fitted.empty()) {
    return InvalidInput(name, absl::StrCat(rows_text, TensorText(model.inputs(0))));
  }
  Source source{.rows = held_out.rows(), .truth_is = truth, .truth = std::move(held_out.truth)};
  source.inputs.push_back(
      {.shape = std::move(fitted), .bytes = std::move(held_out.input), .row_bytes = 0});
  source.inputs[0].row_bytes = source.inputs[0].bytes.size() / source.rows;
  return source;
}

void ShiftImages(const v1::LoadShift& shift, std::string& pixels) {
  if (shift.brightness() == 0 && !shift.invert()) return;
  for (char& pixel : pixels) {
    int64_t value = static_cast<uint8_t>(pixel);
    if (shift.invert()) value = 255 - value;
    value = std::clamp<int64_t>(value + shift.brightness(), 0, 255);
    pixel = static_cast<char>(value);
  }
}

void ScaleAreas(double factor, std::string& rows) {
  for (size_t begin = 0; begin < rows.size(); begin += sizeof(FlatRow)) {
    FlatRow flat;
    std::memcpy(flat.data(), &rows[begin], sizeof(flat));
    for (const size_t column : {kKitchenArea, kLivingArea, kTotalArea}) {
      flat[column] = static_cast<float>(flat[column] * factor);
    }
    std::memcpy(&rows[begin], flat.data(), sizeof(flat));
  }
}

HeldOut RisingFlats(int rows) {
  HeldOut flats{.input = "", .truth = std::vector<float>(rows)};
  for (int i = 0; i < rows; ++i) {
    FlatRow flat = kFirstFlat;
    for (const size_t column : {kKitchenArea, kLivingArea, kTotalArea, kBuildYear}) {
      flat[column] += static_cast<float>(i);
    }
    flats.input.append(reinterpret_cast<const char*>(flat.data()), sizeof(flat));
  }
  return flats;
}

absl::StatusOr<Source> OpenFlats(absl::string_view name, const v1::LoadTraffic& traffic,
                                 const v1::ModelDescription& model, HeldOut flats, Truth truth) {
  const double factor = traffic.shift().area_factor();
  if (factor != 0 && factor != 1) {
    ScaleAreas(factor, flats.input);
    truth = Truth::kUnknown;
  }
  return FromHeldOut(name, v1::TYPE_FP32, {kFlatColumns.size()}, std::move(flats), truth, model);
}

// At least 0 and below 1 for floating point, 0 and 1 for BOOL, 0 to 255 for UINT8, 0 to 127 for
// other integers.
void AppendRandom(v1::DataType type, Random& random, std::string& out) {
  const auto append = [&out](auto value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  switch (type) {
    case v1::TYPE_FP64:
      return append(random.Uniform());
    case v1::TYPE_FP32:
      // A float has 24 bits; more of them could be rounded to 1.
      return append(static_cast<float>(random.Next() >> 40) * 0x1p-24F);
    case v1::TYPE_BF16:
      return append(static_cast<uint16_t>(
          std::bit_cast<uint32_t>(static_cast<float>(random.Next() >> 56) * 0x1p-8F) >> 16));
    case v1::TYPE_FP16: {
      // k / 1024: the highest bit of k gives the exponent, the others the mantissa.
      const auto k = static_cast<uint16_t>(random.Next() >> 54);
      if (k == 0) return append(k);
      const int high = std::bit_width(k) - 1;
      return append(static_cast<uint16_t>(((high + 5) << 10) | ((k << (10 - high)) & 0x3ff)));
    }
    case v1::TYPE_BOOL:
      return append(static_cast<uint8_t>(random.Integer(0, 1)));
    case v1::TYPE_UINT8:
      return append(static_cast<uint8_t>(random.Integer(0, 255)));
    default: {
      const int64_t value = random.Integer(0, 127);  // Little-endian: the first bytes are enough.
      out.append(reinterpret_cast<const char*>(&value), ElementBytes(type));
    }
  }
}

// Sizes that the model leaves open are 1.
absl::StatusOr<Source> MakeRandom(const v1::ModelDescription& model, uint64_t seed) {
  Source source;
  int64_t row_bytes = 0;
  for (const v1::TensorDescription& input : model.inputs()) {
    SourceInput& made = source.inputs.emplace_back();
    for (const int64_t dim : input.dims()) made.shape.push_back(dim == -1 ? 1 : dim);
    made.row_bytes = ElementsOf(made.shape) * ElementBytes(input.data_type());
    row_bytes += static_cast<int64_t>(made.row_bytes);
    if (made.row_bytes == 0 || row_bytes > kMaxSourceBytes) {
      return InvalidInput("random", absl::StrCat("rows cannot be made for the model's input \"",
                                                 input.name(), "\", ", TensorText(input)));
    }
  }
  source.rows = std::clamp<int64_t>(kMaxRandomBytes / row_bytes, 1, kMaxRandomRows);
  Random random(seed);
  for (int64_t row = 0; row < source.rows; ++row) {
    for (size_t i = 0; i < source.inputs.size(); ++i) {
      std::string& bytes = source.inputs[i].bytes;
      const size_t end = bytes.size() + source.inputs[i].row_bytes;
      const v1::DataType type = model.inputs(static_cast<int>(i)).data_type();
      while (bytes.size() < end) AppendRandom(type, random, bytes);
    }
  }
  return source;
}

absl::StatusOr<Source> ReadRows(const std::string& input, const v1::ModelDescription& model) {
  if (model.inputs_size() != 1) {
    return InvalidInput(input, absl::StrCat("a file holds one tensor; the model takes ",
                                            model.inputs_size(), " inputs"));
  }
  const v1::TensorDescription& tensor = model.inputs(0);
  Source source;
  SourceInput& read = source.inputs.emplace_back();
  read.shape.assign(tensor.dims().begin(), tensor.dims().end());
  read.row_bytes = ElementsOf(read.shape) * ElementBytes(tensor.data_type());
  if (read.row_bytes == 0) {
    return InvalidInput(input, absl::StrCat("the model's input is ", TensorText(tensor),
                                            ", whose rows are of no fixed size"));
  }
  const auto row_bytes = static_cast<int64_t>(read.row_bytes);
  WEIR_ASSIGN_OR_RETURN(FileStart file, ReadFileStart(input.substr(kFilePrefix.size()),
                                                      kMaxSourceBytes / row_bytes * row_bytes));
  if (file.file_bytes == 0 || file.file_bytes % row_bytes != 0) {
    return InvalidInput(
        input, absl::StrCat("the file has ", file.file_bytes, " bytes, expected a multiple of ",
                            row_bytes, ": a row is ", TensorText(tensor)));
  }
  read.bytes = std::move(file.bytes);
  source.rows = static_cast<int64_t>(read.bytes.size()) / row_bytes;
  source.rows_left_out = file.file_bytes / row_bytes - source.rows;
  return source;
}

std::string InputOf(const v1::LoadTraffic& traffic, const v1::ModelDescription& model) {
  if (!traffic.input().empty()) return traffic.input();
  const std::string& family = model.family();
  const bool known = family == "fashion" || family == "flats" || family == "accidents";
  return known ? family : "random";
}

absl::Status CheckShift(const v1::LoadShift& shift, absl::string_view input) {
  if (input != "fashion" && (shift.brightness() != 0 || shift.invert())) {
    return absl::InvalidArgumentError(
        absl::StrCat("shift.", shift.invert() ? "invert" : "brightness",
                     " is for input \"fashion\", not for \"", absl::Utf8SafeCEscape(input), "\""));
  }
  const bool scales = shift.area_factor() != 0 && shift.area_factor() != 1;
  if (scales && input != "flats" && input != "flat_rows") {
    return absl::InvalidArgumentError(
        absl::StrCat("shift.area_factor is for inputs \"flats\" and \"flat_rows\", not for \"",
                     absl::Utf8SafeCEscape(input), "\""));
  }
  return absl::OkStatus();
}

}  // namespace

void SourceInput::AppendRows(int64_t first, int64_t count, std::string& out) const {
  out.append(bytes, first * row_bytes, count * row_bytes);
}

absl::StatusOr<Source> OpenSource(const v1::LoadTraffic& traffic, const v1::ModelDescription& model,
                                  const SourceOptions& options) {
  const std::string input = InputOf(traffic, model);
  WEIR_RETURN_IF_ERROR(CheckShift(traffic.shift(), input));
  if (model.inputs().empty()) return InvalidInput(input, "the model has no inputs");
  if (absl::StartsWith(input, kFilePrefix)) return ReadRows(input, model);
  if (input == "random") return MakeRandom(model, options.seed);
  if (input == "flat_rows") {
    return OpenFlats(input, traffic, model, RisingFlats(std::max(kFlatRows, traffic.rows())),
                     Truth::kUnknown);
  }
  const bool known = input == "fashion" || input == "flats" || input == "accidents";
  if (!known) {
    return InvalidInput(input,
                        "expected fashion, flats, accidents, flat_rows, random or file:PATH");
  }
  WEIR_ASSIGN_OR_RETURN(HeldOut rows, LoadHeldOut(input, options.fashion_directory));
  if (input == "flats") {
    return OpenFlats(input, traffic, model, std::move(rows), Truth::kValue);
  }
  if (input == "accidents") {
    const auto columns = static_cast<int64_t>(rows.row_bytes() / sizeof(float));
    return FromHeldOut(input, v1::TYPE_FP32, {columns}, std::move(rows), Truth::kClass, model);
  }
  ShiftImages(traffic.shift(), rows.input);
  return FromHeldOut(input, v1::TYPE_UINT8, {kFashionSide, kFashionSide}, std::move(rows),
                     Truth::kClass, model);
}

}  // namespace weir
