// What is shown while a run goes on. Pure: times and sizes are arguments, and texts come out.
#ifndef WEIR_LOADGEN_REPORT_PROGRESS_H_
#define WEIR_LOADGEN_REPORT_PROGRESS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "loadgen/report/tally.h"

namespace weir {

class LoadProgress {
 public:
  struct Phase {
    std::string name;
    bool warm_up = false;
    absl::Duration length;  // Infinite if it is not known.
  };
  struct Terminal {
    int width = 80;
    int height = 24;
    bool colours = true;
  };

  // Times are MonotonicNow()'s.
  LoadProgress(std::string title, std::vector<Phase> phases, absl::Time start);

  // When to look at the tally next: in the middle between two of its seconds, so that each is seen
  // once.
  absl::Time NextLook(absl::Time now) const;

  // A block for a terminal that takes the place of the last one: a bar with the time left, the
  // phase, and a line for each model. To be written at once.
  std::string Block(const LiveView& live, absl::Time now, const Terminal& terminal);

  // Takes the last block away.
  std::string Clear();

  // A line for each model, for programs; none before the first second is over:
  //   at=12 phase=steady model=fashion-fast sent=33 answered=33 failed=0 in_flight=1 p50_ms=0.311
  //   p99_ms=0.522
  // Counts are since the line before, percentiles of the last second; `at` is in seconds since the
  // start. phase=drain while the last answers are waited for. Names with blanks are quoted.
  std::string Lines(const LiveView& live, absl::Time now) const;

 private:
  std::string BarLine(const LiveView& live, absl::Time now, const Terminal& terminal) const;
  std::string PhaseLine(const LiveView& live) const;

  const std::string title_;
  const std::vector<Phase> phases_;
  const absl::Time start_;
  int height_ = 0;  // Of the block that is on the terminal.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_PROGRESS_H_
