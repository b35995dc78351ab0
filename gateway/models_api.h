// /api/models: the current figures of every model as JSON, for pages and scripts.
// docs/http-api.md has the schema.
#ifndef WEIR_GATEWAY_MODELS_API_H_
#define WEIR_GATEWAY_MODELS_API_H_

#include "absl/strings/string_view.h"
#include "gateway/ledger.h"
#include "gateway/page_text.h"

namespace weir {

inline constexpr absl::string_view kModelsContentType = "application/json";

// Appends one JSON object, of the ledger's time. Reads only.
void RenderModels(const Ledger& ledger, PageText& out);

}  // namespace weir

#endif  // WEIR_GATEWAY_MODELS_API_H_
