#include "tests/faults/trial.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "base/status_macros.h"
#include "tests/faults/request_kinds.h"

namespace weir {
namespace {

constexpr absl::Duration kLoadDuration = absl::Milliseconds(1500);
constexpr absl::Duration kQuietTimeout = absl::Seconds(30);
constexpr absl::Duration kCountedTimeout = absl::Seconds(10);
// increase() takes it that a counter rose as fast for half an interval more at both ends of a run,
// so that it is wrong by an interval's share of the run, and by this where scrapes are missing.
constexpr double kMissingScrapes = 0.03;

bool IsLost(const Discrepancy& discrepancy) { return discrepancy.lost() > 0; }

}  // namespace

Trial::Trial(const Options& options) : options_(options), random_(options.seed) {}
Trial::~Trial() = default;

absl::Status Trial::Start() {
  const std::string prometheus_directory = options_.directory + "/prometheus";
  std::filesystem::create_directories(prometheus_directory);
  site_ = std::make_unique<Site>(options_.directory, random_);
  scraper_ = std::make_unique<Scraper>(Scraper::Options{.port = site_->http_port()});
  WEIR_ASSIGN_OR_RETURN(prometheus_, Prometheus::Start({.directory = prometheus_directory,
                                                        .port = FreePort(random_),
                                                        .target_port = site_->http_port()}));
  WEIR_RETURN_IF_ERROR(site_->Start());
  WEIR_ASSIGN_OR_RETURN(quiet_, AwaitQuiet());
  // It can say how much a counter rose only once it has seen it; its first scrape is 5 s late.
  const auto seen = [&](const Scrape&) {
    return std::all_of(RequestKinds().begin(), RequestKinds().end(), [&](const RequestKind& kind) {
      return prometheus_->Increase({std::string(metric::kRequests.name), {{"model", kind.model}}})
          .ok();
    });
  };
  if (scraper_->Await(seen, kQuietTimeout) == nullptr) {
    return absl::InternalError("Prometheus sees no requests\n" + prometheus_->output());
  }
  seen_from_ = MonotonicNow();
  return absl::OkStatus();
}

absl::Status Trial::RunRound(const Fault& fault) {
  ++round_;
  Scene scene{.site = *site_, .scraper = *scraper_, .random = random_};
  const Scraper::Findings found_before = scraper_->findings();
  std::cout << "round " << round_ << " " << fault.name << std::flush;
  if (fault.gateway_forgets) WEIR_RETURN_IF_ERROR(CheckPrometheus());
  if (fault.before != nullptr) WEIR_RETURN_IF_ERROR(fault.before(scene));
  if (fault.gateway_forgets) {
    WEIR_ASSIGN_OR_RETURN(quiet_, AwaitQuiet());
  }
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<Load> load,
                        Load::Start(*site_, kLoadDuration, random_()));
  scene.load = load.get();
  if (fault.during != nullptr) {
    absl::Status status = fault.during(scene);
    if (!status.ok()) {
      WEIR_RETURN_IF_ERROR(site_->Heal());  // The load cannot end otherwise.
      return status;
    }
  }
  if (fault.after != nullptr) {
    load->WaitForEnd(absl::InfiniteDuration());
    WEIR_RETURN_IF_ERROR(fault.after(scene));
  }
  WEIR_RETURN_IF_ERROR(site_->Heal());
  const Account expected = load->Expected(scene.broke);
  std::cout << ": " << load->Text() << "; kills so far: " << totals_.kills + scene.kills
            << std::endl;
  WEIR_ASSIGN_OR_RETURN(const auto counted, AwaitCounted(expected));
  Report(absl::StrCat("round ", round_, " ", fault.name), expected.Check(*quiet_, *counted));
  ReportScrapes(found_before, scene.gateway_was_away);
  all_rounds_.Merge(expected);
  quiet_ = counted;
  if (fault.at_end != nullptr) WEIR_RETURN_IF_ERROR(fault.at_end(scene));
  totals_.kills += scene.kills;
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<const Scrape>> Trial::AwaitQuiet() {
  // A push that is taken later than this began after all had been counted.
  const double since =
      absl::ToDoubleSeconds(absl::Now() + kPushInterval + kPushDeadline - absl::UnixEpoch());
  const std::string last_push(metric::kGatewaySourceLastPush.name);
  const Selector writable{std::string(metric::kGatewayJournalWritable.name), {}};
  std::string missing;
  const auto quiet = [&](const Scrape& scrape) {
    missing.clear();
    for (int i = 0; i < Site::kServers; ++i) {
      const std::string replica = Site::Replica(i);
      if (scrape.Sum({last_push, {{"replica", replica}}}).value_or(0) <= since) {
        absl::StrAppend(&missing, "a push of ", replica, "; ");
      }
      const absl::StatusOr<int> files = site_->StatsFiles(i);
      if (files.ok() && *files > 1) {
        absl::StrAppend(&missing, replica, " has ", *files, " files with counts; ");
      }
    }
    if (scrape.Sum(writable) != 1) absl::StrAppend(&missing, "a journal that can be written; ");
    return missing.empty();
  };
  const std::shared_ptr<const Scrape> scrape = scraper_->Await(quiet, kQuietTimeout);
  for (int i = 0; i < Site::kServers; ++i) WEIR_RETURN_IF_ERROR(site_->StatsFiles(i).status());
  if (scrape != nullptr) return scrape;
  return absl::DeadlineExceededError(absl::StrCat("it does not get quiet; missing: ", missing,
                                                  "last error: ", scraper_->findings().last_error));
}

absl::StatusOr<std::shared_ptr<const Scrape>> Trial::AwaitCounted(const Account& expected) {
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<const Scrape> first, AwaitQuiet());
  const auto nothing_is_missing = [&](const Scrape& scrape) {
    const std::vector<Discrepancy> found = expected.Check(*quiet_, scrape);
    return std::none_of(found.begin(), found.end(), IsLost);
  };
  if (nothing_is_missing(*first)) return first;
  const auto later = scraper_->Await(nothing_is_missing, kCountedTimeout);
  if (later != nullptr) {
    // It came, but nobody could have known when.
    ++totals_.late;
    std::cout << "  WRONG, round " << round_ << " (seed " << options_.seed
              << "): counted later than it was quiet" << std::endl;
    return later;
  }
  return scraper_->last();
}

absl::Status Trial::CheckPrometheus() {
  const auto increase = [&](const Selector& selector) -> std::optional<double> {
    const absl::StatusOr<double> seen = prometheus_->Increase(selector);
    if (!seen.ok()) return std::nullopt;
    return *seen;
  };
  std::vector<Discrepancy> found;
  const auto nothing_is_missing = [&](const Scrape&) {
    found = all_rounds_.Check(increase);
    return std::none_of(found.begin(), found.end(), IsLost);
  };
  scraper_->Await(nothing_is_missing, kCountedTimeout);
  Report("Prometheus, by its samples", found);
  found.clear();
  const double most_wrong = kMissingScrapes + absl::FDivDuration(Prometheus::Options().interval,
                                                                 MonotonicNow() - seen_from_);
  for (const RequestKind& kind : RequestKinds()) {
    const Selector requests{std::string(metric::kRequests.name), {{"model", kind.model}}};
    const Bounds bounds = all_rounds_.Expected(requests).value_or(Bounds());
    WEIR_ASSIGN_OR_RETURN(const double seen, prometheus_->ExtrapolatedIncrease(requests));
    if (seen < bounds.low * (1 - most_wrong) || seen > bounds.high * (1 + most_wrong)) {
      found.push_back({requests.Text(), bounds, seen});
    }
  }
  Report("Prometheus, by increase()", found);
  return absl::OkStatus();
}

void Trial::Report(absl::string_view where, const std::vector<Discrepancy>& discrepancies) {
  for (const Discrepancy& discrepancy : discrepancies) {
    std::cout << "  WRONG, " << where << " (seed " << options_.seed << "): " << discrepancy.Text()
              << std::endl;
    totals_.lost += discrepancy.lost();
    totals_.doubled += discrepancy.doubled();
  }
}

void Trial::ReportScrapes(const Scraper::Findings& before, bool gateway_was_away) {
  const Scraper::Findings findings = scraper_->findings();
  for (size_t i = totals_.decreases; i < findings.falls.size(); ++i) {
    std::cout << "  WRONG, round " << round_ << " (seed " << options_.seed
              << "): " << findings.falls[i].Text() << std::endl;
  }
  totals_.decreases = static_cast<int64_t>(findings.falls.size());
  int64_t bad_pages = findings.malformed - before.malformed;
  if (!gateway_was_away) bad_pages += findings.failures - before.failures;
  if (bad_pages == 0) return;
  totals_.bad_pages += bad_pages;
  std::cout << "  WRONG, round " << round_ << " (seed " << options_.seed << "): " << bad_pages
            << " pages could not be read; the last error: " << findings.last_error << std::endl;
}

void Trial::WriteLogs(const std::string& directory) const {
  if (site_ != nullptr) site_->WriteLogs(directory);
  if (prometheus_ != nullptr) std::ofstream(directory + "/prometheus.log") << prometheus_->output();
}

}  // namespace weir
