#include "loadgen/report/report_json.h"

#include "google/protobuf/util/json_util.h"

namespace weir {

std::string ReportJson(const v1::LoadReport& report) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  // Fails only for messages that cannot be known, such as an Any.
  (void)google::protobuf::util::MessageToJsonString(report, &json, options);
  return json;
}

}  // namespace weir
