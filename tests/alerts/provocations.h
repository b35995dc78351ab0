// What is done to a site so that each alert has a reason.
#ifndef WEIR_TESTS_ALERTS_PROVOCATIONS_H_
#define WEIR_TESTS_ALERTS_PROVOCATIONS_H_

#include "tests/alerts/trial.h"
#include "tests/alerts/watched_site.h"

namespace weir {

// Each has `site`, which outlives it, to itself, but for those that say what else may run.

// The scenario slow_model: one variant answers 2 s late, the others as ever.
Provocation SlowModel(WatchedSite& site);

// The scenario errors: of all requests a sixth is failed.
Provocation Errors(WatchedSite& site);

// The scenario silence: nobody asks one variant. The server of tables may have trouble meanwhile.
Provocation Silence(WatchedSite& site);

// Of the server of tables: a model is unloaded, and loaded again.
Provocation UnloadedModel(WatchedSite& site);

// The server of tables is killed, and started again.
Provocation KilledServer(WatchedSite& site);

// The gateway is stopped, and started again.
Provocation StoppedGateway(WatchedSite& site);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_PROVOCATIONS_H_
