// What boots counted that nobody remembers any more: their totals together, and for a while their
// ids, so that old records of them in a journal do not count again.
#ifndef WEIR_GATEWAY_FORGOTTEN_BOOTS_H_
#define WEIR_GATEWAY_FORGOTTEN_BOOTS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "gateway/boot_id.h"
#include "gateway/totals.h"

namespace weir {

class ForgottenBoots {
 public:
  // A journal is compacted long before so many boots are forgotten.
  static constexpr size_t kMaxIds = size_t{1} << 18;

  // The largest seq of a boot that is in the totals; 0 if the id is not known.
  uint64_t SeqOf(const BootId& boot_id) const {
    const auto found = seqs_.find(boot_id);
    return found == seqs_.end() ? 0 : found->second;
  }

  void AddId(const BootId& boot_id, uint64_t seq) {
    if (!seqs_.insert_or_assign(boot_id, seq).second) return;
    order_.push_back(boot_id);
    if (order_.size() <= kMaxIds) return;
    seqs_.erase(order_.front());
    order_.pop_front();
  }

  void ClearIds() {
    seqs_.clear();
    order_.clear();
  }

  const std::deque<BootId>& ids() const { return order_; }  // Oldest first.

  TotalsSum totals;
  uint64_t generation = 0;  // Rises whenever a boot is forgotten.

 private:
  absl::flat_hash_map<BootId, uint64_t> seqs_;
  std::deque<BootId> order_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_FORGOTTEN_BOOTS_H_
