#include "gateway/label_text.h"

#include "absl/strings/str_cat.h"

namespace weir {

void AppendLabel(absl::string_view name, absl::string_view value, size_t begin, std::string& text) {
  if (text.size() > begin) text.push_back(',');
  absl::StrAppend(&text, name, "=\"");
  for (const char c : value) {
    switch (c) {
      case '\\':
        text.append("\\\\");
        break;
      case '"':
        text.append("\\\"");
        break;
      case '\n':
        text.append("\\n");
        break;
      default:
        text.push_back(c);
    }
  }
  text.push_back('"');
}

std::optional<std::string> LabelValue(absl::string_view text, absl::string_view name) {
  // Each turn reads one label.
  for (size_t i = 0; i < text.size();) {
    const size_t equals = text.find('=', i);
    if (equals == absl::string_view::npos) return std::nullopt;
    const bool found = text.substr(i, equals - i) == name;
    std::string value;
    for (i = equals + 2; i < text.size() && text[i] != '"'; ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        if (found) value.push_back(text[i]);
        continue;
      }
      ++i;
      if (found) value.push_back(text[i] == 'n' ? '\n' : text[i]);
    }
    if (found) return value;
    i += 2;  // The quote and the comma.
  }
  return std::nullopt;
}

}  // namespace weir
