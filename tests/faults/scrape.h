// One reading of /metrics, and what must never be seen between two of them.
#ifndef WEIR_TESTS_FAULTS_SCRAPE_H_
#define WEIR_TESTS_FAULTS_SCRAPE_H_

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

// Series of one name: those that have all of these labels, whatever others they have.
struct Selector {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;

  std::string Text() const;  // In PromQL.
};

// Thread-compatible.
class Scrape {
 public:
  struct Sample {
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
    bool cumulative = false;  // A counter, or a bucket, the sum or the count of a histogram.
  };

  // Of the text format 0.0.4. INVALID_ARGUMENT with the line that is not of it, or that stands
  // there twice.
  static absl::StatusOr<Scrape> Parse(absl::string_view text);

  // By what stands before the value.
  const std::map<std::string, Sample>& samples() const { return samples_; }

  // None if there is no such series.
  std::optional<double> Sum(const Selector& selector) const;

 private:
  std::map<std::string, Sample> samples_;
};

// A counter that went down: `after` is none if it is gone.
struct Fall {
  std::string series;
  double before = 0;
  std::optional<double> after;

  std::string Text() const;
};

// What fell from one scrape to a later one. The gateway's own metrics begin anew with its process
// and are left out.
std::vector<Fall> Falls(const Scrape& before, const Scrape& after);

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_SCRAPE_H_
