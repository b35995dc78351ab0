// Whatever comes as a message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "google/protobuf/arena.h"
#include "server/rpc/messages.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

// More than Parse takes without counting fields.
constexpr size_t kCounted = 10'000;

// What Parse takes is what protobuf takes, but for messages that would take too much memory.
void Check(const uint8_t* data, size_t size) {
  google::protobuf::Arena arena;
  auto* const request = google::protobuf::Arena::CreateMessage<v1::PredictRequest>(&arena);
  const absl::Status status = Parse({reinterpret_cast<const char*>(data), size}, *request);
  v1::PredictRequest expected;
  const bool parses = expected.ParseFromArray(data, static_cast<int>(size));
  if (status.ok()) {
    if (!parses || request->SerializeAsString() != expected.SerializeAsString()) abort();
    if (arena.SpaceAllocated() + request->SpaceUsedLong() > (1 << 20) + 8 * size) abort();
  } else if (parses && status.message().find("more than") == absl::string_view::npos) {
    abort();
  }
}

}  // namespace
}  // namespace weir

// The input alone, and repeated as often as makes it large.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::vector<uint8_t> many(data, data + size);
  while (size > 0 && many.size() < weir::kCounted) many.insert(many.end(), data, data + size);
  weir::Check(data, size);
  weir::Check(many.data(), many.size());
  return 0;
}
