// What must have been counted, beside what was.
#ifndef WEIR_TESTS_FAULTS_ACCOUNT_H_
#define WEIR_TESTS_FAULTS_ACCOUNT_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/faults/scrape.h"

namespace weir {

// How much of something was counted, at least and at most. The two differ by what was in flight at
// a kill: nobody knows whether the server had counted it.
struct Bounds {
  double low = 0;
  double high = 0;
};

// A count that is not within its bounds.
struct Discrepancy {
  std::string what;
  Bounds expected;
  double counted = 0;

  double lost() const { return counted < expected.low ? expected.low - counted : 0; }
  double doubled() const { return counted > expected.high ? counted - expected.high : 0; }
  std::string Text() const;
};

// Thread-compatible.
class Account {
 public:
  // Adds to what is expected of the series that `selector` chooses.
  void Expect(const Selector& selector, Bounds more);
  void Merge(const Account& other);

  std::optional<Bounds> Expected(const Selector& selector) const;

  // How much `counted` says of each; none counts as 0.
  using Counted = std::function<std::optional<double>(const Selector&)>;
  std::vector<Discrepancy> Check(const Counted& counted) const;

  // What was counted from `before` to `after`.
  std::vector<Discrepancy> Check(const Scrape& before, const Scrape& after) const;

 private:
  struct Entry {
    Selector selector;
    Bounds bounds;
  };
  std::map<std::string, Entry> entries_;  // By the selector's text.
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_ACCOUNT_H_
