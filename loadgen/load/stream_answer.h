// What a PredictStream call carries, read and written without making messages of it: a load of
// streams should cost its server and not its client.
#ifndef WEIR_LOADGEN_LOAD_STREAM_ANSWER_H_
#define WEIR_LOADGEN_LOAD_STREAM_ANSWER_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

// Adds to a serialised PredictRequest its request_id, which says `id`, and its timeout_us, at least
// 1; none if `timeout` is infinite. They take the place of those that it has.
void AppendRequestFields(uint64_t id, absl::Duration timeout, std::string& request);

// One answer to one request.
struct StreamAnswer {
  uint64_t id = 0;
  absl::Status status;         // What its RequestError says.
  absl::string_view response;  // The PredictResponse, serialised; a part of the message.
};

// Reads a serialised PredictStreamResponse. INTERNAL if it is none, or if its request_id is none
// that AppendRequestFields writes. `message` must outlive the answer.
absl::StatusOr<StreamAnswer> ParseStreamAnswer(absl::string_view message);

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_STREAM_ANSWER_H_
