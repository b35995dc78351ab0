// What the benchmarks send.
#ifndef WEIR_BENCH_REQUESTS_H_
#define WEIR_BENCH_REQUESTS_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "grpcpp/channel.h"
#include "models/evaluate/held_out.h"
#include "server/model/model_settings.h"

namespace weir {

inline constexpr char kPredictMethod[] = "/weir.v1.Predictor/Predict";
inline constexpr char kEchoMethod[] = "/weir.v1.Diagnostics/Echo";

// A serialised PredictRequest with `rows` held-out rows from `first` on, for a model with one
// input.
std::string PredictRequestBytes(const ModelSettings& settings, const HeldOut& held_out, int rows,
                                int first = 0);

// A serialised EchoRequest as large as `predict_request`, whose answer is as large as the one that
// the server at `channel` gives to that. The server's status, if it gives none.
absl::StatusOr<std::string> EchoRequestLike(const std::string& predict_request,
                                            const std::shared_ptr<grpc::Channel>& channel);

// Sends `echo_request` and waits for the answer, all on the thread that calls it.
std::function<absl::Status()> EchoCaller(const std::string& echo_request,
                                         const std::shared_ptr<grpc::Channel>& channel);

}  // namespace weir

#endif  // WEIR_BENCH_REQUESTS_H_
