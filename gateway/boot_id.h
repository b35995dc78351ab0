// Which start of a server's process something is of.
#ifndef WEIR_GATEWAY_BOOT_ID_H_
#define WEIR_GATEWAY_BOOT_ID_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"

namespace weir {

struct BootId {
  static constexpr size_t kBytes = 16;

  std::array<uint8_t, kBytes> bytes = {};

  // `text` has kBytes bytes.
  static BootId FromBytes(absl::string_view text) {
    BootId id;
    std::copy(text.begin(), text.end(), id.bytes.begin());
    return id;
  }

  absl::string_view AsBytes() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  // Its first bytes, for messages.
  std::string Short() const { return absl::BytesToHexString(AsBytes().substr(0, 4)); }

  friend bool operator==(const BootId&, const BootId&) = default;
  friend bool operator<(const BootId& a, const BootId& b) { return a.bytes < b.bytes; }
  template <typename H>
  friend H AbslHashValue(H h, const BootId& id) {
    return H::combine(std::move(h), id.bytes);
  }
};

}  // namespace weir

#endif  // WEIR_GATEWAY_BOOT_ID_H_
