// Early return on error for functions that return absl::Status or StatusOr.
#ifndef WEIR_BASE_STATUS_MACROS_H_
#define WEIR_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define WEIR_RETURN_IF_ERROR(expr)             \
  do {                                         \
    absl::Status weir_status = (expr);         \
    if (!weir_status.ok()) return weir_status; \
  } while (false)

// WEIR_ASSIGN_OR_RETURN(auto value, MakeValue());
#define WEIR_ASSIGN_OR_RETURN(lhs, expr) \
  WEIR_ASSIGN_OR_RETURN_(WEIR_CONCAT_(weir_status_or_, __LINE__), lhs, expr)

#define WEIR_ASSIGN_OR_RETURN_(result, lhs, expr)      \
  auto result = (expr);                                \
  if (!result.ok()) return std::move(result).status(); \
  lhs = *std::move(result)

#define WEIR_CONCAT_(a, b) WEIR_CONCAT_INNER_(a, b)
#define WEIR_CONCAT_INNER_(a, b) a##b

#endif  // WEIR_BASE_STATUS_MACROS_H_
