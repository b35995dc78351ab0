// Ledger::Advance: what becomes of boots that fall silent.
#include <algorithm>
#include <utility>
#include <vector>

#include "gateway/ledger.h"

namespace weir {

void Ledger::Advance(absl::Time now) {
  // After a start, or a long sleep, servers have time to be heard again before they are forgotten.
  if (now - last_advance_ > options_.retire_after) listening_since_ = now;
  if (now < last_advance_) next_event_ = absl::InfinitePast();  // The clock was set back.
  last_advance_ = now;
  models_.Advance(now);
  if (now < next_event_) return;
  next_event_ = absl::InfiniteFuture();
  RetireAndExpire(now);
  ForgetOld(now);
  merged_.Sweep();
}

void Ledger::RetireAndExpire(absl::Time now) {
  absl::flat_hash_map<absl::string_view, absl::Time> newest;
  for (const auto& [id, boot] : boots_) {
    if (boot->state != Boot::State::kActive) continue;
    absl::Time& began = newest.try_emplace(boot->replica, absl::InfinitePast()).first->second;
    began = std::max(began, boot->began);
  }
  std::vector<Boot*> retire_later;
  for (const auto& [id, boot] : boots_) {
    if (boot->state != Boot::State::kActive) continue;
    boot->arrival = std::min(boot->arrival, now);
    if (now < boot->FallsSilent()) {
      next_event_ = std::min(next_event_, boot->FallsSilent());
      continue;
    }
    HideGauges(*boot);
    const absl::Time retires = boot->arrival + options_.retire_after;
    if (now >= retires || boot->push->last || boot->began < newest[boot->replica]) {
      if (boot->leaves_out) {
        retire_later.push_back(boot.get());
      } else {
        Retire(*boot);
      }
    } else {
      next_event_ = std::min(next_event_, retires);
    }
  }
  // A journal gives old boots back too, with families of another meaning than newer ones have. Once
  // they are retired there is a place.
  merged_.Sweep();
  for (const auto& [id, boot] : boots_) {
    if (HasPlaceForLeftOut(*boot)) LinkLeftOut(*boot);
  }
  for (Boot* const boot : retire_later) Retire(*boot);
}

void Ledger::Retire(Boot& boot) {
  PackedTotals totals;
  totals.AddAll(*boot.push, boot.links, merged_);
  totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kPlus); });
  TakeOut(boot);
  boot.totals = std::move(totals);
  boot.state = Boot::State::kRetired;
  ++num_retired_;
}

void Ledger::ForgetOld(absl::Time now) {
  const absl::Time earliest = listening_since_ + options_.retire_after;
  const absl::Time old = now - options_.forget_after;
  std::vector<std::pair<absl::Time, BootId>> retired;
  for (const auto& [id, boot] : boots_) {
    // Of an empty one the snapshot was lost; it will not come any more.
    if (boot->state != Boot::State::kActive) retired.emplace_back(boot->arrival, id);
  }
  std::sort(retired.begin(), retired.end());
  int64_t too_many = static_cast<int64_t>(retired.size()) - options_.max_retired;
  for (const auto& [arrival, id] : retired) {
    if (arrival > old && too_many <= 0) {
      next_event_ = std::min(next_event_, std::max(earliest, arrival + options_.forget_after));
      break;
    }
    if (now < earliest) {
      next_event_ = std::min(next_event_, earliest);
      break;
    }
    Forget(id);
    --too_many;
  }
}

void Ledger::Forget(const BootId& boot_id) {
  Boot& boot = *Find(boot_id);
  std::vector<MergedSeries*> of_replica;
  boot.totals.ForEach([&](const SeriesTotal& total) {
    forgotten_.totals.Add(total, Sign::kPlus, merged_);
    const std::vector<std::string>& labels = total.series->family->label_names;
    if (std::find(labels.begin(), labels.end(), "replica") != labels.end()) {
      of_replica.push_back(total.series);
    }
  });
  if (boot.state == Boot::State::kRetired) {
    boot.baseline.ForEach(
        [&](const SeriesTotal& total) { forgotten_.totals.Add(total, Sign::kMinus, merged_); });
    --num_retired_;
  }
  boot.totals.Clear(merged_);
  boot.baseline.Clear(merged_);
  for (MergedSeries* const series : of_replica) {
    // Nobody else has it: the replica is gone.
    if (series->owners == 1) forgotten_.totals.Remove(series, merged_);
  }
  forgotten_.AddId(boot_id, std::max(boot.seq, boot.baseline_seq));
  ++forgotten_.generation;
  boots_.erase(boot_id);
}

}  // namespace weir
