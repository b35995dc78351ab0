// Decides whose turn it is among models that want the same cores: pure policy, no threads, no
// clock.
#ifndef WEIR_SERVER_BATCHING_FAIR_SHARE_H_
#define WEIR_SERVER_BATCHING_FAIR_SHARE_H_

#include <map>
#include <optional>

#include "absl/time/time.h"

namespace weir {

// Not thread-safe. Weighted fair queueing of busy time: each member has a virtual time, which its
// busy time divided by its weight moves forward; the waiting member whose is least goes first. One
// that was idle saves nothing up: it rejoins at the virtual time of those that are at work. Each
// call takes time in proportion to the number of members at most.
class FairShare {
 public:
  using Member = int;

  // `weight` is above zero.
  Member Add(double weight);
  void Remove(Member member);

  // Whether the member has work that could run now.
  void SetWaiting(Member member, bool waiting);

  // The member has kept an instance busy for so long; `expected` may be charged when a batch begins
  // and the rest, which may be negative, when it ends.
  void Charge(Member member, absl::Duration busy);

  // The waiting member that goes first; of equals, the one that was added first.
  std::optional<Member> Next() const;

  // Whether the member may run now without taking from others: none that waits is more than `slack`
  // of virtual time behind it.
  bool MayGoAhead(Member member, absl::Duration slack) const;

  // The member's share of the machine, from 0 to 1, if it and all that wait now were busy for long.
  double Share(Member member) const;

 private:
  struct State {
    double weight = 1;
    double seconds = 0;  // Virtual time.
    bool waiting = false;
  };

  // Takes from one that was idle what it would have saved up.
  void Rejoin(State& state) const;

  std::map<Member, State> members_;
  Member next_member_ = 0;
  double rejoin_seconds_ = 0;  // Virtual time at which the work in progress began.
};

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_FAIR_SHARE_H_
