// JSON as tests read and write it.
#ifndef WEIR_TESTS_FAULTS_JSON_H_
#define WEIR_TESTS_FAULTS_JSON_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/struct.pb.h"

namespace weir {

absl::StatusOr<google::protobuf::Value> ParseJson(absl::string_view text);

// Null if `value` is no object or has no such field.
const google::protobuf::Value& JsonField(const google::protobuf::Value& value,
                                         const std::string& name);

// An object of texts.
std::string JsonObject(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_JSON_H_
