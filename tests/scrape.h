// What a test reads over HTTP: an answer, and the numbers of a /metrics page.
#ifndef WEIR_TESTS_SCRAPE_H_
#define WEIR_TESTS_SCRAPE_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace weir {

struct HttpAnswer {
  int code = 0;
  std::map<std::string, std::string> headers;  // Names in lower case.
  std::string body;
};

// GET `path` (with its query) from `address`, such as 127.0.0.1:9400, on a connection of its own.
absl::StatusOr<HttpAnswer> HttpGet(const std::string& address, const std::string& path,
                                   absl::Duration timeout = absl::Seconds(30));

// The page of one scrape. Reads text format 0.0.4 as weir writes it: no timestamps.
class Scrape {
 public:
  using Labels = std::map<std::string, std::string>;
  struct Series {
    std::string name;
    Labels labels;
    double value = 0;
  };

  // INVALID_ARGUMENT with the line that is no sample, or that stands twice.
  static absl::StatusOr<Scrape> Parse(absl::string_view text);

  // The sum of the series called `name` that have all of `labels`, and maybe more; 0 without any.
  double Sum(const std::string& name, const Labels& labels = {}) const;

  // How many series that are.
  int Count(const std::string& name, const Labels& labels = {}) const;

  // By their text, such as weir_rows_total{model="m",version="1"}.
  const std::map<std::string, Series>& series() const { return series_; }

  // The TYPE of each family: counter, gauge, histogram.
  const std::map<std::string, std::string>& types() const { return types_; }

  // The family of a series: its name, without a histogram's _bucket, _sum or _count.
  std::string FamilyOf(const std::string& name) const;

 private:
  std::map<std::string, Series> series_;
  std::map<std::string, std::string> types_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SCRAPE_H_
