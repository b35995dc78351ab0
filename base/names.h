// Text from outside, made fit for a message.
#ifndef WEIR_BASE_NAMES_H_
#define WEIR_BASE_NAMES_H_

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weir {

// `text` without control characters, and not longer than a name should be.
inline std::string Printable(absl::string_view text) {
  constexpr size_t kMaxBytes = 80;
  if (text.size() <= kMaxBytes) return absl::CHexEscape(text);
  return absl::StrCat(absl::CHexEscape(text.substr(0, kMaxBytes)), "...");
}

}  // namespace weir

#endif  // WEIR_BASE_NAMES_H_
