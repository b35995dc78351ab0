#include "tests/faults/scraper.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "tests/faults/http_get.h"

namespace weir {

Scraper::Scraper(const Options& options) : options_(options), thread_([this] { Run(); }) {}

Scraper::~Scraper() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void Scraper::Run() {
  absl::Time next = MonotonicNow();
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      const absl::Duration left = std::max(next - MonotonicNow(), absl::ZeroDuration());
      if (mu_.AwaitWithTimeout(absl::Condition(&stopping_), left)) return;
    }
    ScrapeOnce();
    // After a slow one the next comes at once, and not several.
    next = std::max(next + options_.interval, MonotonicNow());
  }
}

void Scraper::ScrapeOnce() {
  int64_t number = 0;
  int64_t beginnings = 0;
  {
    absl::MutexLock lock(&mu_);
    number = ++begun_;
    beginnings = beginnings_;
  }
  const absl::StatusOr<std::string> text = HttpGet(options_.port, "/metrics", options_.timeout);
  absl::StatusOr<Scrape> scrape = text.ok() ? Scrape::Parse(*text) : text.status();

  absl::MutexLock lock(&mu_);
  if (!scrape.ok()) {
    ++(text.ok() ? findings_.malformed : findings_.failures);
    findings_.last_error = std::string(scrape.status().message());
    return;
  }
  if (beginnings != beginnings_) return;  // Of the gateway before.
  ++findings_.scrapes;
  auto shared = std::make_shared<const Scrape>(*std::move(scrape));
  if (last_counts_) {
    const std::vector<Fall> falls = Falls(*last_, *shared);
    findings_.falls.insert(findings_.falls.end(), falls.begin(), falls.end());
  }
  last_ = std::move(shared);
  last_number_ = number;
  last_counts_ = true;
}

std::shared_ptr<const Scrape> Scraper::Await(const std::function<bool(const Scrape&)>& met,
                                             absl::Duration timeout) {
  const absl::Time deadline = MonotonicNow() + timeout;
  absl::MutexLock lock(&mu_);
  int64_t seen = begun_;
  const auto there_is_a_new_one = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return last_number_ > seen;
  };
  while (true) {
    const absl::Duration left = deadline - MonotonicNow();
    if (!mu_.AwaitWithTimeout(absl::Condition(&there_is_a_new_one), left)) return nullptr;
    seen = last_number_;
    std::shared_ptr<const Scrape> scrape = last_;
    mu_.Unlock();
    const bool is_met = met(*scrape);
    mu_.Lock();
    if (is_met) return scrape;
  }
}

std::shared_ptr<const Scrape> Scraper::last() const {
  absl::MutexLock lock(&mu_);
  return last_;
}

void Scraper::ExpectNewBeginning() {
  absl::MutexLock lock(&mu_);
  ++beginnings_;
  last_counts_ = false;
}

Scraper::Findings Scraper::findings() const {
  absl::MutexLock lock(&mu_);
  return findings_;
}

}  // namespace weir
