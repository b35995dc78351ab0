// Rounds of load and faults on one site, and whether all was counted once.
#ifndef WEIR_TESTS_FAULTS_TRIAL_H_
#define WEIR_TESTS_FAULTS_TRIAL_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "tests/faults/account.h"
#include "tests/faults/faults.h"
#include "tests/faults/load.h"
#include "tests/faults/prometheus.h"
#include "tests/faults/scraper.h"
#include "tests/faults/site.h"

namespace weir {

// Says on stdout what happens. Not thread-safe; used by one thread only.
class Trial {
 public:
  struct Options {
    std::string directory;  // For the state of all processes; must exist.
    uint64_t seed = 0;      // Of all that is random, but for when things happen to be done.
  };

  explicit Trial(const Options& options);
  ~Trial();

  // All processes, until the first pushes have come.
  absl::Status Start();

  // Load, with the fault meanwhile; then all is put right, and what was counted is compared with
  // what was sent. An error if that cannot be, because something does not work at all.
  absl::Status RunRound(const Fault& fault);

  // Compares what a Prometheus saw of all rounds so far with what was sent.
  absl::Status CheckPrometheus();

  struct Totals {
    int kills = 0;
    double lost = 0;     // Of what had to be counted.
    double doubled = 0;  // Beyond what could be.
    int64_t decreases = 0;
    int64_t late = 0;  // Rounds of which not all was counted once it was quiet, but soon after.
    int64_t bad_pages = 0;  // That could not be read, and had to.
    bool all_zero() const {
      return lost == 0 && doubled == 0 && decreases == 0 && late == 0 && bad_pages == 0;
    }
  };
  const Totals& totals() const { return totals_; }

  void WriteLogs(const std::string& directory) const;

 private:
  // Waits until every server has pushed all that it has counted, and no earlier boot of it is left.
  absl::StatusOr<std::shared_ptr<const Scrape>> AwaitQuiet();

  // The same, and then until nothing is missing, but not for long.
  absl::StatusOr<std::shared_ptr<const Scrape>> AwaitCounted(const Account& expected);

  void Report(absl::string_view where, const std::vector<Discrepancy>& discrepancies);
  // `before`: what had been found when the round began.
  void ReportScrapes(const Scraper::Findings& before, bool gateway_was_away);

  const Options options_;
  std::mt19937_64 random_;
  std::unique_ptr<Site> site_;
  std::unique_ptr<Scraper> scraper_;
  std::unique_ptr<Prometheus> prometheus_;
  absl::Time seen_from_;  // By Prometheus.

  int round_ = 0;
  std::shared_ptr<const Scrape> quiet_;  // At the end of the last round.
  Account all_rounds_;
  Totals totals_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_TRIAL_H_
