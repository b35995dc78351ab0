// A v1.PredictRequest, read where it lies.
#ifndef WEIR_SERVER_RPC_PREDICT_REQUEST_H_
#define WEIR_SERVER_RPC_PREDICT_REQUEST_H_

#include <cstdint>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weir/v1/tensor.pb.h"

namespace weir {

// What the fields mean stands in predictor.proto. Text and data point into the message.
struct PredictRequest {
  struct Input {
    absl::string_view name;
    v1::DataType type = v1::TYPE_INVALID;
    absl::InlinedVector<int64_t, 4> shape;
    absl::string_view data;
    std::vector<double> values;
  };

  struct Output {
    absl::string_view name;
    uint32_t top_k = 0;
  };

  absl::string_view model;
  int64_t version = 0;
  absl::string_view request_id;
  absl::InlinedVector<Input, 1> inputs;
  std::vector<Output> outputs;
  uint32_t priority = 0;
  int64_t timeout_us = 0;
};

// INVALID_ARGUMENT if `message` is none, or if it holds so many fields that it would take many
// times its size in memory.
absl::StatusOr<PredictRequest> ReadPredictRequest(absl::string_view message);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_REQUEST_H_
