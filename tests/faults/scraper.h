// Reads /metrics again and again, as Prometheus would, and notes what falls.
#ifndef WEIR_TESTS_FAULTS_SCRAPER_H_
#define WEIR_TESTS_FAULTS_SCRAPER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/faults/scrape.h"

namespace weir {

// Scrapes until the end of the object. Thread-safe.
class Scraper {
 public:
  struct Options {
    int port = 0;
    absl::Duration interval = absl::Milliseconds(200);  // From one beginning to the next.
    absl::Duration timeout = absl::Seconds(2);
  };

  explicit Scraper(const Options& options);
  ~Scraper();
  Scraper(const Scraper&) = delete;
  Scraper& operator=(const Scraper&) = delete;

  // The first scrape for which `met` holds, of those that begin from now on; null if there is none
  // within `timeout`. Not from two threads at once.
  std::shared_ptr<const Scrape> Await(const std::function<bool(const Scrape&)>& met,
                                      absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  // The last one that succeeded; null if there is none.
  std::shared_ptr<const Scrape> last() const ABSL_LOCKS_EXCLUDED(mu_);

  // The gateway has forgotten what it had counted, as it may: whatever the next scrape says, it has
  // not fallen. Nobody serves /metrics meanwhile.
  void ExpectNewBeginning() ABSL_LOCKS_EXCLUDED(mu_);

  struct Findings {
    int64_t scrapes = 0;   // That succeeded.
    int64_t failures = 0;  // Nobody answered, or not wholly.
    int64_t malformed = 0;
    std::string last_error;
    std::vector<Fall> falls;
  };
  Findings findings() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void ScrapeOnce() ABSL_LOCKS_EXCLUDED(mu_);

  const Options options_;

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  int64_t begun_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t beginnings_ ABSL_GUARDED_BY(mu_) = 0;    // Calls of ExpectNewBeginning.
  int64_t last_number_ ABSL_GUARDED_BY(mu_) = 0;   // Of last_: its value of begun_.
  bool last_counts_ ABSL_GUARDED_BY(mu_) = false;  // Whether the next is compared with last_.
  std::shared_ptr<const Scrape> last_ ABSL_GUARDED_BY(mu_);
  Findings findings_ ABSL_GUARDED_BY(mu_);

  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_SCRAPER_H_
