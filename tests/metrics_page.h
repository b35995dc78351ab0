// docs/metrics.md as tests read it.
#ifndef WEIR_TESTS_METRICS_PAGE_H_
#define WEIR_TESTS_METRICS_PAGE_H_

#include <string>
#include <vector>

namespace weir {

// One metric's part of the page.
struct MetricSection {
  std::string name;
  std::string facts;  // The line below the heading.
  std::string help;   // The paragraph below that, as one line.
  std::vector<std::string> queries;
};

// In the page's order; fails the test if there is no page.
std::vector<MetricSection> ReadMetricsPage();

}  // namespace weir

#endif  // WEIR_TESTS_METRICS_PAGE_H_
