// A server that does not exist, as a gateway sees it: what it pushes, growing from push to push.
#ifndef WEIR_BENCH_PUSH_SOURCE_H_
#define WEIR_BENCH_PUSH_SOURCE_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "bench/served_series.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Not thread-safe.
class PushSource {
 public:
  struct Options {
    std::string replica;

    // It serves "model-<first_model>" and those that follow.
    int first_model = 0;
    int models = 3;

    // Those with the same seed count the same.
    uint32_t seed = 1;
  };

  explicit PushSource(const Options& options);

  const std::string& replica() const { return options_.replica; }

  // What a second of serving adds to the counters and histograms.
  void Serve();

  // A serialised PushRequest in two parts, one behind the other: what is the same in each push of
  // the source, and the rest. Each TakeSnapshot has the next seq.
  const std::string& FixedPart() const { return fixed_part_; }
  std::string TakeSnapshot();

  // A gateway has acknowledged `seq`.
  void Acknowledge(uint64_t seq) { snapshot_.set_acknowledged_seq(seq); }

  // The same in Prometheus' text format, with # TYPE and # HELP.
  std::string Text();

  // How many lines the text has that are no comments.
  int TextLines();

 private:
  struct HistogramCells {
    int series = 0;
    int first_bucket = 0;  // In the snapshot's bucket_counts.
    int log_linear = -1;   // In the snapshot's log_linear.
  };

  // What comes before the value of a line, and where the value is.
  struct TextLine {
    std::string prefix;
    enum Kind { kComment, kValue, kBucket, kFirstBucket, kCount } kind = kComment;
    int index = 0;
  };

  void AddHistogram(int index);
  void Observe(const HistogramCells& histogram, int samples, int64_t times);
  void MakeFixedPart();
  void MakeTextLines();

  const Options options_;
  std::minstd_rand random_;
  const std::vector<ServedSeries> series_;
  std::vector<int> growing_counters_;  // In series_.
  std::vector<HistogramCells> histograms_;
  v1::PushRequest snapshot_;  // What changes from push to push; also where it is counted.
  std::string fixed_part_;
  std::vector<TextLine> text_lines_;
};

}  // namespace weir

#endif  // WEIR_BENCH_PUSH_SOURCE_H_
