#include "loadgen/scenario/place.h"

#include "absl/strings/str_cat.h"

namespace weir {

using google::protobuf::FieldDescriptor;

Place Place::Nested(const std::string& field, int index) const {
  const FieldDescriptor& descriptor = Find(field);
  Place nested(*descriptor.message_type());
  nested.file_ = file_;
  nested.fields_ = absl::StrCat(fields_, field);
  if (descriptor.is_repeated()) absl::StrAppend(&nested.fields_, "[", index, "]");
  absl::StrAppend(&nested.fields_, ".");
  nested.location_ = LocationOf(descriptor, index);
  if (places_ != nullptr) {
    nested.places_ = places_->GetTreeForNested(&descriptor, descriptor.is_repeated() ? index : -1);
  }
  return nested;
}

absl::Status Place::Error(const std::string& field, absl::string_view what, int index) const {
  const Location location = LocationOf(Find(field), index);
  std::string where;
  if (!file_.empty()) where = absl::StrCat(file_, ":");
  if (location.line >= 0) {
    absl::StrAppend(&where, location.line + 1, ":", location.column + 1, ":");
  }
  if (!where.empty()) where += " ";
  return absl::InvalidArgumentError(absl::StrCat(where, fields_, field, ": ", what));
}

const FieldDescriptor& Place::Find(const std::string& field) const {
  return *message_.FindFieldByName(field);
}

Place::Location Place::LocationOf(const FieldDescriptor& field, int index) const {
  if (places_ == nullptr) return location_;
  Location location = places_->GetLocation(&field, field.is_repeated() ? index : -1);
  // Elements of a list in brackets share one place.
  if (location.line < 0 && field.is_repeated()) location = places_->GetLocation(&field, 0);
  return location.line < 0 ? location_ : location;
}

}  // namespace weir
