// /metrics: what the ledger knows, in Prometheus' text format 0.0.4.
//
// No timestamps; HELP and TYPE once a family; families in the order of the catalogue and series in
// that of their labels, so that two scrapes differ in numbers only. Numbers are as short as they
// can be without loss. Rendering allocates nothing for each line.
#ifndef WEIR_GATEWAY_EXPOSITION_H_
#define WEIR_GATEWAY_EXPOSITION_H_

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "gateway/ledger.h"
#include "gateway/merged.h"
#include "gateway/page_text.h"

namespace weir {

inline constexpr absl::string_view kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

// Appends the merged families, the models' quantiles, and what is said of the sources. Reads only.
void RenderLedger(const Ledger& ledger, PageText& out);

// The parts of it. A family without exposed series has no HELP either. Large pages are rendered by
// two threads.
inline constexpr size_t kMinLinesForTwoThreads = 20'000;
void RenderFamilies(absl::Span<const MergedFamily* const> families, PageText& out);
void RenderQuantiles(absl::Span<const Ledger::Model> models, PageText& out);
void RenderSources(const Ledger& ledger, PageText& out);

// Writes the shortest text that reads as the same number; "+Inf", "-Inf", "NaN". Returns its end.
inline constexpr size_t kMaxNumberBytes = 40;
char* WriteNumber(double value, char* to);

}  // namespace weir

#endif  // WEIR_GATEWAY_EXPOSITION_H_
