// What is done to a site so that each alert has a reason.
#ifndef WEIR_TESTS_ALERTS_PROVOCATIONS_H_
#define WEIR_TESTS_ALERTS_PROVOCATIONS_H_

#include "tests/alerts/trial.h"
#include "tests/alerts/watched_site.h"

namespace weir {

// Each has `site`, which outlives it, to itself, but for those that say what else may run.

// ---- Loads, each a scenario of the same name.

// One variant answers 2 s late, the others as ever.
Provocation SlowModel(WatchedSite& site);
// Of all requests to the variants of fashion a sixth is failed.
Provocation Errors(WatchedSite& site);
// Nobody asks one variant. The server "tables" may have trouble meanwhile.
Provocation Silence(WatchedSite& site);

Provocation Outage(WatchedSite& site);
Provocation SparseTrouble(WatchedSite& site);
Provocation FarTooSlow(WatchedSite& site);
Provocation FullQueue(WatchedSite& site);  // On one processor.
Provocation Hopeless(WatchedSite& site);
Provocation LargeFlats(WatchedSite& site);

// The same with the alerts on budgets, which burn on for half an hour after their cause has ended.
Provocation WithBudgets(Provocation load);

// ---- Trouble with processes.

Provocation UnloadedModel(WatchedSite& site);  // Of "tables".
Provocation BrokenVersion(WatchedSite& site);  // Of a model of "tables".
Provocation KilledServer(WatchedSite& site);   // "tables".
Provocation LittleMemory(WatchedSite& site);   // Of "tables"; UNIMPLEMENTED where it cannot be.
Provocation NoMemory(WatchedSite& site);       // The same, and less.
Provocation StoppedGateway(WatchedSite& site);
Provocation FullDisk(WatchedSite& site);      // Of the gateway.
Provocation GreedyServer(WatchedSite& site);  // It brings more series than the gateway takes.

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_PROVOCATIONS_H_
