// What a server is, has and waits for now: the part of a push that is no count.
#ifndef WEIR_SERVER_STATS_GAUGES_H_
#define WEIR_SERVER_STATS_GAUGES_H_

#include "server/model/catalog.h"
#include "server/stats/recorder.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Adds to `push`, behind what the recorder filled in, the gauges of the catalogue (base/metrics.h):
// of the models and their versions, and of this process.
void AddGauges(const Catalog& catalog, const Recorder& recorder, v1::PushRequest& push);

}  // namespace weir

#endif  // WEIR_SERVER_STATS_GAUGES_H_
