#include "bench/same_answers.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "bench/requests.h"
#include "loadgen/client/call_once.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

// How many images' answers are compared, and how far apart probabilities may be.
constexpr size_t kCompared = 64;
constexpr float kTolerance = 1e-4;

absl::StatusOr<std::vector<float>> AskWeir(const ServerUnderTest& server,
                                           const std::string& request) {
  WEIR_ASSIGN_OR_RETURN(const std::string bytes,
                        CallOnce(server.address(), kPredictMethod, request, absl::Seconds(30)));
  v1::PredictResponse response;
  if (!response.ParseFromString(bytes) || response.outputs_size() != 1) {
    return absl::InternalError("weir's answer has not one output");
  }
  const std::string& data = response.outputs(0).data();
  std::vector<float> probabilities(data.size() / sizeof(float));
  std::memcpy(probabilities.data(), data.data(), probabilities.size() * sizeof(float));
  return probabilities;
}

bool Alike(float a, float b) { return std::abs(a - b) <= kTolerance; }

}  // namespace

absl::Status CheckSameAnswers(const ServerUnderTest& server, PythonLoad& python,
                              const std::vector<std::string>& paths,
                              const std::vector<ImageInput>& inputs) {
  for (size_t i = 0; i < std::min(kCompared, inputs.size()); ++i) {
    WEIR_ASSIGN_OR_RETURN(const std::vector<float> ours,
                          AskWeir(server, inputs[i].predict_request));
    for (const std::string& path : paths) {
      WEIR_ASSIGN_OR_RETURN(const std::vector<float> theirs, python.Ask(path, inputs[i].json));
      const auto [our, their] =
          std::mismatch(ours.begin(), ours.end(), theirs.begin(), theirs.end(), Alike);
      if (our == ours.end() && their == theirs.end()) continue;
      return absl::InternalError(absl::StrCat("image ", i, ": weir and the Python service's ", path,
                                              " have ", ours.size(), " and ", theirs.size(),
                                              " probabilities, which differ from the class ",
                                              our - ours.begin(), " on"));
    }
  }
  return absl::OkStatus();
}

}  // namespace weir
