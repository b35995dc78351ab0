// Tells one file from another.
#ifndef WEIR_SERVER_MODEL_FILE_DIGEST_H_
#define WEIR_SERVER_MODEL_FILE_DIGEST_H_

#include <string>

#include "absl/status/statusor.h"

namespace weir {

// The CRC-32 of the whole file, as the usual tools write it: "9ae0daaf". Files that differ by
// chance have the same once in four thousand million cases; it is no protection against forgery.
absl::StatusOr<std::string> FileDigest(const std::string& path);

}  // namespace weir

#endif  // WEIR_SERVER_MODEL_FILE_DIGEST_H_
