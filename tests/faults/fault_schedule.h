// What becomes of pushes on a bad network.
#ifndef WEIR_TESTS_FAULTS_FAULT_SCHEDULE_H_
#define WEIR_TESTS_FAULTS_FAULT_SCHEDULE_H_

#include <cstdint>
#include <random>
#include <vector>

#include "absl/time/time.h"

namespace weir {

// Of one push. As it was made, nothing happens to it.
struct PushFate {
  enum class Answer {
    kPassedOn,
    kLost,         // The sender waits in vain.
    kUnavailable,  // The sender is told that the connection broke.
  };

  bool delivered = true;                        // False: `answer` is not kPassedOn.
  absl::Duration delay = absl::ZeroDuration();  // Before it is delivered.
  Answer answer = Answer::kPassedOn;
  // It is delivered again, so much later than the first time or instead of it; with other pushes in
  // between, that is a push which comes out of order.
  std::vector<absl::Duration> copies;
};

// How often what happens, and how long it takes.
struct FaultOdds {
  double lose_request = 0;
  double lose_answer = 0;
  double delay = 0;
  double copy = 0;
  absl::Duration max_delay = absl::ZeroDuration();
};

// Decides, and does nothing. The same seed gives the same fates. Thread-compatible.
class FaultSchedule {
 public:
  FaultSchedule(const FaultOdds& odds, uint64_t seed) : odds_(odds), random_(seed) {}

  PushFate Next();

 private:
  bool Happens(double odds) { return std::bernoulli_distribution(odds)(random_); }
  absl::Duration SomeDelay();

  const FaultOdds odds_;
  std::mt19937_64 random_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_FAULT_SCHEDULE_H_
