#include "gateway/json_writer.h"

#include <cmath>

#include "base/names.h"
#include "gateway/exposition.h"

namespace weir {

void JsonWriter::Comma() {
  if (needs_comma_) out_.Append(",");
  needs_comma_ = true;
}

void JsonWriter::Begin(absl::string_view bracket) {
  Comma();
  out_.Append(bracket);
  needs_comma_ = false;
}

void JsonWriter::End(absl::string_view bracket) {
  out_.Append(bracket);
  needs_comma_ = true;
}

void JsonWriter::Key(absl::string_view key) {
  Comma();
  Quoted(key);
  out_.Append(":");
  needs_comma_ = false;
}

void JsonWriter::String(absl::string_view value) {
  Comma();
  Quoted(value);
}

void JsonWriter::Number(double value) {
  if (!std::isfinite(value)) return Null();
  Comma();
  char number[kMaxNumberBytes];
  out_.Append({number, static_cast<size_t>(WriteNumber(value, number) - number)});
}

void JsonWriter::Bool(bool value) {
  Comma();
  out_.Append(value ? "true" : "false");
}

void JsonWriter::Null() {
  Comma();
  out_.Append("null");
}

void JsonWriter::Quoted(absl::string_view text) {
  constexpr absl::string_view kHex = "0123456789abcdef";
  const bool is_utf8 = IsUtf8(text);
  out_.Append("\"");
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out_.Append("\\");
      out_.Append({&c, 1});
    } else if (byte < 0x20 || byte == 0x7f) {
      out_.Append("\\u00");
      out_.Append(kHex.substr(byte >> 4, 1));
      out_.Append(kHex.substr(byte & 15, 1));
    } else if (byte < 0x80 || is_utf8) {
      out_.Append({&c, 1});
    } else {
      out_.Append("\xef\xbf\xbd");
    }
  }
  out_.Append("\"");
}

}  // namespace weir
