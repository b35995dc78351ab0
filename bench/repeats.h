// What was measured again and again, and its table.
#ifndef WEIR_BENCH_REPEATS_H_
#define WEIR_BENCH_REPEATS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

// The middle value, or the mean of the two in the middle; NaN without values.
double Median(std::vector<double> values);

// Named quantities, each measured several times.
class Repeats {
 public:
  void Add(absl::string_view name, double value);

  // NaN for a quantity that was not measured.
  double MedianOf(absl::string_view name) const;

  // A line a quantity, in the order in which they came up:
  //
  //   title                          min     median        max
  //     echo, requests/s           61200      63400      64100
  std::string Table(absl::string_view title) const;

 private:
  struct Quantity {
    std::string name;
    std::vector<double> values;
  };
  std::vector<Quantity> quantities_;
};

}  // namespace weir

#endif  // WEIR_BENCH_REPEATS_H_
