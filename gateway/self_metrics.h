// What the gateway tells of itself on /metrics, below the merged series: weir_gateway_* of
// base/metrics.h, but for those about sources, which come from the ledger (exposition.h).
#ifndef WEIR_GATEWAY_SELF_METRICS_H_
#define WEIR_GATEWAY_SELF_METRICS_H_

#include <memory>

#include "absl/time/time.h"
#include "gateway/committer.h"
#include "gateway/page_text.h"

namespace weir {

// Thread-safe.
class SelfMetrics {
 public:
  SelfMetrics();
  ~SelfMetrics();
  SelfMetrics(const SelfMetrics&) = delete;
  SelfMetrics& operator=(const SelfMetrics&) = delete;

  // How long it took to write /metrics, for weir_gateway_scrape_duration_seconds.
  void ObserveScrape(absl::Duration duration);

  // Appends them, in the order of the catalogue.
  void Render(const Committer::Counters& counters, PageText& out) const;

 private:
  struct Metrics;
  std::unique_ptr<Metrics> metrics_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_SELF_METRICS_H_
