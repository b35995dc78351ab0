// What the ledger has of one boot of a server.
#ifndef WEIR_GATEWAY_BOOT_H_
#define WEIR_GATEWAY_BOOT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "gateway/boot_id.h"
#include "gateway/merged.h"
#include "gateway/model_windows.h"
#include "gateway/push.h"
#include "gateway/totals.h"

namespace weir {

// Where it has a snapshot, that counts; where it is retired, its totals do. Where it has neither,
// only its baseline has come back from a journal yet.
struct Boot {
  enum class State { kEmpty, kActive, kRetired };

  BootId id;
  std::string replica;
  absl::Time began;
  uint64_t seq = 0;
  absl::Time arrival;
  State state = State::kEmpty;

  // Of an active one.
  std::shared_ptr<const Push> push;
  std::vector<MergedSeries*> links;  // By the push's series; null for what is left out.
  bool leaves_out = false;           // Any of them.
  ModelFeed feed;
  bool shows_gauges = false;

  // Of a retired one.
  PackedTotals totals;

  // What does not count, of the push with that seq; 0 for none.
  uint64_t baseline_seq = 0;
  PackedTotals baseline;

  absl::Time FallsSilent() const { return arrival + 3 * push->interval; }
};

}  // namespace weir

#endif  // WEIR_GATEWAY_BOOT_H_
