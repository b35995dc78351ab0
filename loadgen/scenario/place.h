// Where a message stands: among the fields of others, and in the file that it was read from.
#ifndef WEIR_LOADGEN_SCENARIO_PLACE_H_
#define WEIR_LOADGEN_SCENARIO_PLACE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/text_format.h"

namespace weir {

class Place {
 public:
  using Places = google::protobuf::TextFormat::ParseInfoTree;

  // Of the outermost message, which came from no file, or from `path`. `places` must outlive this
  // and all places made from it.
  explicit Place(const google::protobuf::Descriptor& message) : message_(message) {}
  Place(const google::protobuf::Descriptor& message, absl::string_view path, const Places& places)
      : message_(message), file_(path), places_(&places) {}

  // Of a field that is a message and is set.
  Place Nested(const std::string& field, int index = 0) const;

  // INVALID_ARGUMENT: "<file>:<line>:<column>: <fields>: <what>". The line is that of the field, or
  // of this message if the field is not set.
  absl::Status Error(const std::string& field, absl::string_view what, int index = 0) const;

 private:
  using Location = google::protobuf::TextFormat::ParseLocation;

  const google::protobuf::FieldDescriptor& Find(const std::string& field) const;
  Location LocationOf(const google::protobuf::FieldDescriptor& field, int index) const;

  const google::protobuf::Descriptor& message_;
  std::string file_;
  const Places* places_ = nullptr;
  std::string fields_;  // Those that lead here, with a dot behind each.
  Location location_;   // -1 for the outermost message.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_SCENARIO_PLACE_H_
