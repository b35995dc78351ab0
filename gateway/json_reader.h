// Reads JSON as strictly as RFC 8259 has it, for tests of what writes it.
#ifndef WEIR_GATEWAY_JSON_READER_H_
#define WEIR_GATEWAY_JSON_READER_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// What stands where: {"a": [1, {"b": "x"}]} is {"a[0]": "1", "a[1].b": "\"x"}. Strings begin with a
// quote and are unescaped; empty objects and arrays are "{}" and "[]". INVALID_ARGUMENT for
// everything that is not JSON in UTF-8, or names a member twice.
absl::StatusOr<std::map<std::string, std::string>> ReadJson(absl::string_view json);

}  // namespace weir

#endif  // WEIR_GATEWAY_JSON_READER_H_
