#include "server/http2/idle_resets.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"

namespace weir {
namespace {

constexpr size_t kHeaderBytes = 9;
constexpr size_t kResetBytes = kHeaderBytes + 4;
constexpr uint8_t kReset = 3;

// Of the frame with this header.
int32_t StreamId(const uint8_t* header) {
  return static_cast<int32_t>((uint32_t{header[5]} & 0x7f) << 24 | uint32_t{header[6]} << 16 |
                              uint32_t{header[7]} << 8 | header[8]);
}

}  // namespace

absl::Status IdleResets::Filter(absl::string_view bytes, absl::FunctionRef<int32_t()> last_opened,
                                absl::FunctionRef<absl::Status(absl::string_view)> pass) {
  std::string joined;
  if (!held_.empty()) {
    joined = std::exchange(held_, {});
    joined.append(bytes.data(), bytes.size());
    bytes = joined;
  }
  size_t passed = 0;
  size_t at = 0;
  while (true) {
    const size_t skipped = std::min(frame_left_, bytes.size() - at);
    at += skipped;
    frame_left_ -= skipped;
    const absl::string_view rest = bytes.substr(at);
    if (rest.size() < kHeaderBytes) break;
    const auto* const header = reinterpret_cast<const uint8_t*>(rest.data());
    const size_t length = (size_t{header[0]} << 16) | (size_t{header[1]} << 8) | header[2];
    if (header[3] != kReset || length != kResetBytes - kHeaderBytes) {
      at += kHeaderBytes;
      frame_left_ = length;
      continue;
    }
    if (rest.size() < kResetBytes) break;
    if (at > passed) WEIR_RETURN_IF_ERROR(pass(bytes.substr(passed, at - passed)));
    passed = at;
    at += kResetBytes;
    if (StreamId(header) > last_opened()) passed = at;
  }
  if (at > passed) WEIR_RETURN_IF_ERROR(pass(bytes.substr(passed, at - passed)));
  held_ = std::string(bytes.substr(at));
  return absl::OkStatus();
}

}  // namespace weir
