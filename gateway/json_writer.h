// Writes JSON piece by piece; commas come by themselves.
//
// What stands within braces and brackets is up to the caller. Strings may hold any bytes: what is
// not UTF-8 becomes U+FFFD.
#ifndef WEIR_GATEWAY_JSON_WRITER_H_
#define WEIR_GATEWAY_JSON_WRITER_H_

#include "absl/strings/string_view.h"
#include "gateway/page_text.h"

namespace weir {

// Appends to `out`, which has to outlive it. Not thread-safe.
class JsonWriter {
 public:
  explicit JsonWriter(PageText& out) : out_(out) {}

  void BeginObject() { Begin("{"); }
  void EndObject() { End("}"); }
  void BeginArray() { Begin("["); }
  void EndArray() { End("]"); }

  // Of an object: what comes next is its value.
  void Key(absl::string_view key);

  void String(absl::string_view value);
  void Number(double value);  // What is not finite is null.
  void Bool(bool value);
  void Null();

 private:
  void Begin(absl::string_view bracket);
  void End(absl::string_view bracket);
  void Comma();
  void Quoted(absl::string_view text);

  PageText& out_;
  bool needs_comma_ = false;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_JSON_WRITER_H_
