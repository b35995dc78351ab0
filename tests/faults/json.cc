#include "tests/faults/json.h"

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"

namespace weir {

using google::protobuf::Value;

absl::StatusOr<Value> ParseJson(absl::string_view text) {
  Value value;
  if (!google::protobuf::util::JsonStringToMessage(std::string(text), &value).ok()) {
    return absl::InvalidArgumentError(absl::StrCat("this is not JSON: ", text));
  }
  return value;
}

const Value& JsonField(const Value& value, const std::string& name) {
  const auto field = value.struct_value().fields().find(name);
  return field == value.struct_value().fields().end() ? Value::default_instance() : field->second;
}

std::string JsonObject(const std::vector<std::pair<std::string, std::string>>& fields) {
  google::protobuf::Struct object;
  for (const auto& [name, text] : fields) (*object.mutable_fields())[name].set_string_value(text);
  std::string json;
  (void)google::protobuf::util::MessageToJsonString(object, &json);
  return json;
}

}  // namespace weir
