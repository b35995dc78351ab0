#include "bench/image_inputs.h"

#include <algorithm>
#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "bench/requests.h"
#include "models/data/fashion_mnist.h"
#include "models/evaluate/held_out.h"

namespace weir {
namespace {

constexpr int kImageSide = 28;

}  // namespace

absl::StatusOr<std::vector<ImageInput>> ImageInputs(const ModelSettings& settings, int count) {
  WEIR_ASSIGN_OR_RETURN(const HeldOut held_out,
                        LoadHeldOut(settings.family, kFashionMnistDirectory));
  if (held_out.row_bytes() != kImageSide * kImageSide) {
    return absl::InvalidArgumentError(absl::StrCat(settings.name, " is no model of images"));
  }
  std::vector<ImageInput> inputs;
  for (int i = 0; i < std::min(count, held_out.rows()); ++i) {
    inputs.push_back(
        {PredictRequestBytes(settings, held_out, 1, i), ImageJson(held_out.Rows(i, 1))});
  }
  return inputs;
}

std::string ImageJson(std::string_view pixels) {
  std::vector<std::string> lines;
  for (int i = 0; i < kImageSide; ++i) {
    const std::string_view line = pixels.substr(i * kImageSide, kImageSide);
    lines.push_back(absl::StrJoin(line, ",", [](std::string* out, char pixel) {
      absl::StrAppend(out, static_cast<uint8_t>(pixel));
    }));
  }
  return absl::StrCat("{\"image\":[[[", absl::StrJoin(lines, "],["), "]]]}");
}

std::string PostRequest(const std::string& json) {
  return absl::StrCat("POST /predict HTTP/1.1\r\nHost: localhost\r\n",
                      "Content-Type: application/json\r\nContent-Length: ", json.size(), "\r\n\r\n",
                      json);
}

absl::StatusOr<std::vector<float>> ProbabilitiesInJson(absl::string_view json) {
  const size_t begin = json.find("[[");
  const size_t end = json.find("]]");
  std::vector<float> numbers;
  if (begin != absl::string_view::npos && end != absl::string_view::npos && end > begin) {
    for (absl::string_view word : absl::StrSplit(json.substr(begin + 2, end - begin - 2), ',')) {
      float number = 0;
      if (!absl::SimpleAtof(word, &number)) {
        return absl::InternalError(absl::StrCat("no number: \"", word, "\" in ", json));
      }
      numbers.push_back(number);
    }
  }
  if (!numbers.empty()) return numbers;
  return absl::InternalError(absl::StrCat("the Python service answers ", json));
}

}  // namespace weir
