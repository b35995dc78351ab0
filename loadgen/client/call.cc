#include "loadgen/client/call.h"

#include "absl/strings/cord.h"

namespace weir {
namespace {

constexpr absl::string_view kNoAnswer = "weir/no-answer";

}  // namespace

bool IsAnswer(const absl::Status& status) { return !status.GetPayload(kNoAnswer).has_value(); }

absl::Status ClientError(absl::StatusCode code, absl::string_view message) {
  absl::Status status(code, message);
  status.SetPayload(kNoAnswer, absl::Cord());
  return status;
}

}  // namespace weir
