// Which pushes the committer takes together.
#ifndef WEIR_GATEWAY_COMMITTER_QUEUE_H_
#define WEIR_GATEWAY_COMMITTER_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "gateway/boot_id.h"
#include "gateway/push.h"

namespace weir {

struct SubmittedPush {
  std::shared_ptr<const Push> push;
  std::string bytes;  // That it was decoded from.
  absl::AnyInvocable<void(absl::StatusOr<uint64_t> acknowledged_seq) &&> done;
};

// Pushes that wait, in the order in which they came. Not thread-safe.
class CommitterQueue {
 public:
  struct Limits {
    int64_t max_pushes = 10'000;
    int64_t max_bytes = int64_t{256} << 20;
    int64_t max_round_bytes = int64_t{32} << 20;  // But a round has at least one push.
  };

  explicit CommitterQueue(const Limits& limits) : limits_(limits) {}

  // Takes it, if there is place for it.
  bool Add(SubmittedPush& push);

  // The oldest pushes, at most one of each boot: what the ledger says of the next one of a boot
  // depends on what becomes of this one.
  std::vector<SubmittedPush> TakeRound();

  // Those of a round for which there was no place in it come first in the next one.
  void PutBack(std::vector<SubmittedPush> pushes);

  std::vector<SubmittedPush> TakeAll();

  bool empty() const { return pushes_ == 0; }

 private:
  const Limits limits_;
  absl::flat_hash_map<BootId, std::deque<SubmittedPush>> by_boot_;  // None of them empty.
  std::deque<BootId> order_;                                        // Each boot once.
  int64_t pushes_ = 0;
  int64_t bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_COMMITTER_QUEUE_H_
