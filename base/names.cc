#include "base/names.h"

#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weir {

std::string Printable(absl::string_view text) {
  constexpr size_t kMaxBytes = 80;
  if (text.size() <= kMaxBytes) return absl::CHexEscape(text);
  return absl::StrCat(absl::CHexEscape(text.substr(0, kMaxBytes)), "...");
}

bool IsUtf8(absl::string_view text) {
  // The least code point that needs a sequence of so many bytes.
  constexpr uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t bytes = lead < 0x80 ? 1 : lead >> 5 == 6 ? 2 : lead >> 4 == 14 ? 3 : 4;
    if (bytes == 4 && lead >> 3 != 30) return false;
    if (i + bytes > text.size()) return false;
    uint32_t code_point = bytes == 1 ? lead : lead & (0x7f >> bytes);
    for (size_t j = 1; j < bytes; ++j) {
      const auto next = static_cast<unsigned char>(text[i + j]);
      if (next >> 6 != 2) return false;
      code_point = code_point << 6 | (next & 0x3f);
    }
    const bool surrogate = code_point >= 0xd800 && code_point < 0xe000;
    if (code_point < kLeast[bytes] || code_point > 0x10ffff || surrogate) return false;
    i += bytes;
  }
  return true;
}

}  // namespace weir
