// Messages of a server that may be anything, on a PredictStream call.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "loadgen/load/stream_answer.h"
#include "weir/v1/predictor.pb.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto answer = weir::ParseStreamAnswer(text);
  weir::v1::PredictStreamResponse message;
  // Both find the same in what is a message; what is none deep inside is not looked at here.
  if (!answer.ok() || !message.ParseFromArray(data, static_cast<int>(size))) return 0;
  if (answer->status.ok() != message.has_response()) std::abort();
  return 0;
}
