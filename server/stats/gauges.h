// What a server is, has and waits for now: the part of a push that is no count.
#ifndef WEIR_SERVER_STATS_GAUGES_H_
#define WEIR_SERVER_STATS_GAUGES_H_

#include <cstdint>

#include "absl/time/time.h"
#include "server/model/catalog.h"
#include "server/stats/recorder.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// For one thread.
class Gauges {
 public:
  // Both outlive the gauges.
  Gauges(const Catalog& catalog, const Recorder& recorder)
      : catalog_(catalog), recorder_(recorder) {}

  // Adds to `push`, behind what the recorder filled in, the gauges of base/metrics.h: of the models
  // and their versions, and of this process.
  void AddTo(v1::PushRequest& push);

 private:
  void ReadLimits();

  const Catalog& catalog_;
  const Recorder& recorder_;
  // They seldom change, and to find them takes longer than all the rest.
  absl::Time limits_read_ = absl::InfinitePast();
  double cpu_limit_cores_ = 0;
  int64_t memory_limit_bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_GAUGES_H_
