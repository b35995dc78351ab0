// The models of a server as a table for people.
#ifndef WEIR_CLIENT_ADMIN_TABLE_H_
#define WEIR_CLIENT_ADMIN_TABLE_H_

#include <string>

#include "google/protobuf/repeated_field.h"
#include "weir/v1/admin.pb.h"

namespace weir {

// A line for each version, below it why it failed; columns are as wide as what is in them.
std::string ModelTable(const google::protobuf::RepeatedPtrField<v1::ModelState>& models);

}  // namespace weir

#endif  // WEIR_CLIENT_ADMIN_TABLE_H_
