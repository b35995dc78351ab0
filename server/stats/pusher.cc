#include "server/stats/pusher.h"

#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "server/stats/process_stats.h"

namespace weir {
namespace {

constexpr absl::Duration kMaxDeadline = absl::Hours(1);
constexpr size_t kMaxGateways = 8;  // Whose acknowledgements the recorder remembers.

// Of the last push, while nothing but it keeps the server from ending.
constexpr PushSchedule::Options kLastPush = {.interval = absl::Milliseconds(50),
                                             .max_backoff = absl::Milliseconds(500)};

}  // namespace

absl::Status Pusher::Check(const Options& options) {
  if (options.gateways.size() > kMaxGateways) {
    return absl::InvalidArgumentError(
        absl::StrCat("at most ", kMaxGateways, " gateways, got ", options.gateways.size()));
  }
  std::set<absl::string_view> seen;
  for (const std::string& address : options.gateways) {
    WEIR_RETURN_IF_ERROR(CheckGatewayAddress(address));
    if (!seen.insert(address).second) {
      return absl::InvalidArgumentError(absl::StrCat("gateway \"", address, "\" is named twice"));
    }
  }
  if (options.interval < absl::Milliseconds(1) || options.interval > absl::Hours(1)) {
    return absl::InvalidArgumentError(absl::StrCat("the push interval is 1ms to 1h, got ",
                                                   absl::FormatDuration(options.interval)));
  }
  if (options.deadline <= absl::ZeroDuration() || options.deadline > kMaxDeadline) {
    return absl::InvalidArgumentError(
        absl::StrCat("the deadline of pushes is positive and 1h at most, got ",
                     absl::FormatDuration(options.deadline)));
  }
  return absl::OkStatus();
}

Pusher::Pusher(Options options, Recorder& recorder)
    : options_(std::move(options)),
      recorder_(recorder),
      search_({.interval = options_.search_interval}, MonotonicNow()) {
  const PushSchedule::Options live = {.interval = options_.interval,
                                      .max_backoff = options_.max_backoff};
  const absl::Time now = MonotonicNow();
  for (const std::string& address : options_.gateways) {
    links_.push_back(std::make_unique<GatewayLink>(address, live, now));
  }
  thread_ = std::thread([this] { Run(); });
  pthread_setname_np(thread_.native_handle(), "weir-pusher");
}

Pusher::~Pusher() { Stop({}); }

bool Pusher::Finish(absl::Duration timeout) {
  Stop({.push_last = true, .at_latest = MonotonicNow() + timeout});
  const bool all =
      std::all_of(links_.begin(), links_.end(), [](const auto& link) { return link->has_last; });
  if (all) recorder_.DeleteFile();
  return all;
}

void Pusher::Stop(const End& end) {
  if (!thread_.joinable()) return;
  {
    absl::MutexLock lock(&mu_);
    end_ = end;
  }
  thread_.join();
}

std::optional<Pusher::End> Pusher::end() {
  absl::MutexLock lock(&mu_);
  return end_;
}

void Pusher::Run() {
  PushUntilEnd();
  CancelAll();
  const End end = *this->end();
  if (!end.push_last) return;
  PushLast(end.at_latest);
  CancelAll();
}

void Pusher::PushUntilEnd() {
  while (!end().has_value()) {
    if (Searches() && search_.due() <= MonotonicNow()) LookForOrphans();
    PushWhatIsDue();
    Await(NextDue(), /*or_end=*/true);
    TakeAnswers();
  }
}

void Pusher::PushLast(absl::Time at_latest) {
  const PushSnapshot last = TakeSnapshot(/*last=*/true);
  for (const auto& link : links_) link->live = PushSchedule(kLastPush, MonotonicNow());
  while (true) {
    const absl::Time now = MonotonicNow();
    absl::Time next = at_latest;
    bool all = true;
    for (const auto& link : links_) {
      if (link->has_last || link->refused_last) continue;
      all = false;
      if (link->busy()) continue;
      if (link->live.due() <= now && now < at_latest) {
        Send(*link, last, {.acknowledged_seq = link->acknowledged_seq, .last = true},
             std::min(options_.deadline, at_latest - now));
      } else {
        next = std::min(next, link->live.due());
      }
    }
    if (all || now >= at_latest) return;
    Await(next, /*or_end=*/false);
    TakeAnswers();
  }
}

void Pusher::CancelAll() {
  for (const auto& link : links_) {
    if (link->busy()) link->Cancel();
  }
  const auto busy = [](const auto& link) { return link->busy(); };
  while (std::any_of(links_.begin(), links_.end(), busy)) {
    Await(absl::InfiniteFuture(), /*or_end=*/false);
    TakeAnswers();
  }
}

void Pusher::Await(absl::Time until, bool or_end) {
  absl::MutexLock lock(&mu_);
  const auto news = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return !answers_.empty() || (or_end && end_.has_value());
  };
  mu_.AwaitWithTimeout(absl::Condition(&news), until - MonotonicNow());
}

void Pusher::TakeAnswers() {
  std::vector<Answer> answers;
  {
    absl::MutexLock lock(&mu_);
    answers.swap(answers_);
  }
  for (const Answer& answer : answers) Take(answer);
}

void Pusher::Take(const Answer& answer) {
  GatewayLink& link = *answer.link;
  const GatewayLink::Push& push = link.push();
  // Of an earlier boot the gateway may have got more from another one that found it.
  const uint64_t max_seq =
      push.orphan == nullptr ? last_seq_ : std::numeric_limits<uint64_t>::max();
  const absl::Status status = link.Take(answer.status, answer.response, max_seq);
  if (absl::IsCancelled(status)) return;
  if (!status.ok()) recorder_.RecordPushFailure();
  const absl::Time now = MonotonicNow();
  if (push.orphan != nullptr) {
    TakeOfOrphan(link, status, now);
  } else if (status.ok()) {
    link.Succeeded(now);
    recorder_.NoteAcknowledged(link.address(), link.acknowledged_seq);
  } else {
    link.Failed(status, now, Draw());
  }
}

void Pusher::TakeOfOrphan(GatewayLink& link, const absl::Status& status, absl::Time now) {
  Orphan& orphan = *link.push().orphan;
  if (status.ok()) {
    orphan.NoteAcknowledged(link.address());
  } else if (IsRefusal(status)) {
    orphan.NoteRefused(link.address(), status);
  } else {
    link.orphans.Failed(now, Draw());
  }
  const auto done = std::remove_if(orphans_.begin(), orphans_.end(),
                                   [this](const auto& each) { return IsDone(*each); });
  if (done == orphans_.end()) return;
  orphans_.erase(done, orphans_.end());
  if (orphans_.empty()) LookForOrphans();  // There may have been too many for one look.
}

bool Pusher::IsDone(const Orphan& orphan) const {
  return std::none_of(links_.begin(), links_.end(), [&](const auto& link) {
    return orphan.IsOwedTo(link->address()) || (link->busy() && link->push().orphan == &orphan);
  });
}

void Pusher::LookForOrphans() {
  orphans_ = FindOrphans(options_.state_dir, recorder_.replica(), options_.gateways);
  search_.Succeeded(MonotonicNow());
}

Orphan* Pusher::OrphanFor(const GatewayLink& link) const {
  for (const auto& orphan : orphans_) {
    if (orphan->IsOwedTo(link.address())) return orphan.get();
  }
  return nullptr;
}

void Pusher::PushWhatIsDue() {
  std::optional<PushSnapshot> snapshot;
  const absl::Time now = MonotonicNow();
  for (const auto& link : links_) {
    if (link->busy()) continue;
    Orphan* const orphan = OrphanFor(*link);
    if (orphan != nullptr && link->orphans.due() <= now) {
      SendOrphan(*link, *orphan);
    } else if (link->live.due() <= now) {
      if (!snapshot.has_value()) snapshot = TakeSnapshot(/*last=*/false);
      Send(*link, *snapshot, {.acknowledged_seq = link->acknowledged_seq}, options_.deadline);
    }
  }
}

absl::Time Pusher::NextDue() const {
  absl::Time next = Searches() ? search_.due() : absl::InfiniteFuture();
  for (const auto& link : links_) {
    if (link->busy()) continue;
    next = std::min(next, link->live.due());
    if (OrphanFor(*link) != nullptr) next = std::min(next, link->orphans.due());
  }
  return next;
}

PushSnapshot Pusher::TakeSnapshot(bool last) {
  v1::PushRequest push;
  recorder_.SetProcessCpu(ProcessCpu());
  recorder_.FillPush(push);
  push.set_interval_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.interval)));
  push.set_last(last);
  if (!last && options_.add_gauges) options_.add_gauges(push);
  last_seq_ = push.seq();
  return PushSnapshot::Of(push);
}

void Pusher::SendOrphan(GatewayLink& link, Orphan& orphan) {
  v1::PushRequest push = orphan.push();
  push.set_interval_ms(static_cast<uint32_t>(absl::ToInt64Milliseconds(options_.interval)));
  Send(link, PushSnapshot::Of(push),
       {.acknowledged_seq = orphan.AcknowledgedSeq(link.address()), .orphan = &orphan},
       options_.deadline);
}

void Pusher::Send(GatewayLink& link, const PushSnapshot& snapshot, const GatewayLink::Push& push,
                  absl::Duration deadline) {
  link.Send(snapshot, push, deadline,
            [this, &link](const grpc::Status& status, const grpc::ByteBuffer& response) {
              absl::MutexLock lock(&mu_);
              answers_.push_back({&link, status, response});
            });
}

}  // namespace weir
