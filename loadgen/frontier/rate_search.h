// Which rates to try, to find the highest that a model carries within its objectives. Policy only:
// what comes of a rate is told to it.
#ifndef WEIR_LOADGEN_FRONTIER_RATE_SEARCH_H_
#define WEIR_LOADGEN_FRONTIER_RATE_SEARCH_H_

#include <optional>

namespace weir {

// Bisects until it knows the answer to 3 % of it. A machine that others use spoils a trial now and
// then: so a rate is given up only when two trials at it have failed, and the answer has held in
// two of at most three. Not thread-safe.
class RateSearch {
 public:
  // `most` is where to look: what a closed loop was answered per second is more than an open loop
  // can sustain. It is no limit: if all below it holds, the search goes on above, up to ten times
  // as far.
  explicit RateSearch(double most);

  // The rate of the next trial; nothing once the answer is known.
  std::optional<double> Next() const;

  // What came of a trial at Next().
  void Add(bool held);

  // The highest rate that held; 0 if not even a fiftieth of `most` did. Requires !Next().
  double Answer() const { return held_at_; }

  // The lowest rate that was given up; none if all held. Requires !Next().
  std::optional<double> FailedAt() const;

 private:
  enum class Stage { kBisecting, kConfirming, kDone };

  void BeginRate(double rate);
  void Bisect();
  void Confirm(double rate);

  const double most_;
  Stage stage_ = Stage::kBisecting;
  double held_at_ = 0;  // The highest that held.
  double failed_at_;    // The lowest that did not; a guess until has_failed_.
  bool has_failed_ = false;
  double raise_;  // By how much the guess is raised next.

  // Of the rate that is tried now.
  double rate_ = 0;
  int held_ = 0;
  int failed_ = 0;
  int held_before_ = 0;  // Trials at held_at_ when it was left for a higher rate.
  int failed_before_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_FRONTIER_RATE_SEARCH_H_
