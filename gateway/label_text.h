// The labels of a series as /metrics shows them: model="a",version="1". The text is the series' key
// as well, since different labels never have the same one.
#ifndef WEIR_GATEWAY_LABEL_TEXT_H_
#define WEIR_GATEWAY_LABEL_TEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

// Appends name="value", escaped, after a comma if `text` is longer than `begin`.
void AppendLabel(absl::string_view name, absl::string_view value, size_t begin, std::string& text);

// The value of a label, no longer escaped; nothing if there is no such label.
std::optional<std::string> LabelValue(absl::string_view text, absl::string_view name);

}  // namespace weir

#endif  // WEIR_GATEWAY_LABEL_TEXT_H_
