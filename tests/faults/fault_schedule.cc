#include "tests/faults/fault_schedule.h"

namespace weir {

PushFate FaultSchedule::Next() {
  PushFate fate;
  fate.delivered = !Happens(odds_.lose_request);
  if (Happens(odds_.delay)) fate.delay = SomeDelay();
  if (!fate.delivered || Happens(odds_.lose_answer)) {
    fate.answer = Happens(0.5) ? PushFate::Answer::kLost : PushFate::Answer::kUnavailable;
  }
  while (fate.copies.size() < 3 && Happens(odds_.copy)) fate.copies.push_back(SomeDelay());
  return fate;
}

absl::Duration FaultSchedule::SomeDelay() {
  return odds_.max_delay * std::uniform_real_distribution<double>(0, 1)(random_);
}

}  // namespace weir
