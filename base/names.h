// Text from outside.
#ifndef WEIR_BASE_NAMES_H_
#define WEIR_BASE_NAMES_H_

#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// `text` fit for a message: without control characters, and not longer than a name should be.
std::string Printable(absl::string_view text);

// Whether `text` may go into a protobuf string: no overlong forms, no surrogates, nothing beyond
// U+10FFFF.
bool IsUtf8(absl::string_view text);

}  // namespace weir

#endif  // WEIR_BASE_NAMES_H_
