// Images as weir gets them and as a JSON service does.
#ifndef WEIR_BENCH_IMAGE_INPUTS_H_
#define WEIR_BENCH_IMAGE_INPUTS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/model/model_settings.h"

namespace weir {

// One image for each of the two.
struct ImageInput {
  std::string predict_request;  // A serialised PredictRequest.
  std::string json;
};

// The first `count` of Fashion-MNIST's test images, or all of them if there are fewer. An error if
// the model does not take such images.
absl::StatusOr<std::vector<ImageInput>> ImageInputs(const ModelSettings& settings, int count);

// {"image":[[[0,12,..],..]]} of the pixels, one byte each, line by line.
std::string ImageJson(std::string_view pixels);

// The HTTP/1.1 request that posts `json` to /predict.
std::string PostRequest(const std::string& json);

// The numbers in {"probabilities":[[0.1,..]]}.
absl::StatusOr<std::vector<float>> ProbabilitiesInJson(absl::string_view json);

}  // namespace weir

#endif  // WEIR_BENCH_IMAGE_INPUTS_H_
