#include "gateway/window.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/histogram.h"

namespace weir {
namespace {

// The middle of a bucket, in seconds.
double MiddleOf(uint32_t bucket) {
  const uint64_t begin = HistogramBucketBegin(static_cast<int>(bucket));
  const uint64_t next =
      bucket + 1 < kHistogramBuckets ? HistogramBucketBegin(static_cast<int>(bucket) + 1) : 0;
  const double middle = static_cast<double>(begin) + static_cast<double>(next - begin - 1) / 2;
  return middle / 1e9;
}

}  // namespace

void SparseCounts::Add(absl::Span<const Entry> entries) {
  size_t added = 0;
  size_t i = 0;
  for (const Entry& entry : entries) {
    while (i < entries_.size() && entries_[i].key < entry.key) ++i;
    if (i < entries_.size() && entries_[i].key == entry.key) {
      entries_[i].count += entry.count;
    } else {
      ++added;
    }
  }
  if (added == 0) return;
  // From the back, so that nothing is overwritten before it is moved.
  size_t from = entries_.size();
  size_t other = entries.size();
  entries_.resize(entries_.size() + added);
  for (size_t to = entries_.size(); to > from;) {
    if (from > 0 && entries_[from - 1].key >= entries[other - 1].key) {
      if (entries_[from - 1].key == entries[other - 1].key) --other;
      entries_[--to] = entries_[--from];
    } else {
      entries_[--to] = entries[--other];
    }
  }
}

void SparseCounts::Subtract(absl::Span<const Entry> entries) {
  size_t i = 0;
  bool emptied = false;
  for (const Entry& entry : entries) {
    while (i < entries_.size() && entries_[i].key < entry.key) ++i;
    if (i == entries_.size() || entries_[i].key != entry.key) continue;
    entries_[i].count -= entry.count;
    emptied = emptied || entries_[i].count == 0;
  }
  if (emptied) std::erase_if(entries_, [](const Entry& entry) { return entry.count == 0; });
}

uint64_t SparseCounts::Total() const {
  uint64_t total = 0;
  for (const Entry& entry : entries_) total += entry.count;
  return total;
}

void ModelWindows::Advance(absl::Time now) {
  const int64_t number = std::max<int64_t>((now - absl::UnixEpoch()) / kSlot, kSlots);
  if (std::abs(number - newest_) >= kSlots) {  // All is old, or the clock was set back.
    slots_ = {};
    sums_ = {};
    newest_ = number;
  }
  while (newest_ < number) {
    ++newest_;
    for (size_t window = 0; window < kWindows.size(); ++window) {
      const Slot& old = slots_[(newest_ - kWindows[window].length / kSlot - 1 + kSlots) % kSlots];
      sums_[window].durations.Subtract(old.durations.entries());
      sums_[window].requests -= old.requests;
      sums_[window].ok_requests -= old.ok_requests;
    }
    Slot& slot = slots_[newest_ % kSlots];
    slot.durations.Clear();
    slot.requests = 0;
    slot.ok_requests = 0;
  }
}

void ModelWindows::AddDurations(absl::Time now, absl::Span<const SparseCounts::Entry> entries) {
  Advance(now);
  slots_[newest_ % kSlots].durations.Add(entries);
  for (Slot& sum : sums_) sum.durations.Add(entries);
}

void ModelWindows::AddRequests(absl::Time now, bool ok, uint64_t count) {
  Advance(now);
  const auto add = [&](Slot& slot) {
    slot.requests += count;
    if (ok) slot.ok_requests += count;
  };
  add(slots_[newest_ % kSlots]);
  for (Slot& sum : sums_) add(sum);
}

double ModelWindows::Quantile(int window, double q) const {
  const SparseCounts& durations = sums_[window].durations;
  const uint64_t total = durations.Total();
  if (total == 0) return std::numeric_limits<double>::quiet_NaN();
  // The product may come out a little above the whole number that it is.
  const double rank = std::ceil(q * static_cast<double>(total) - 1e-6);
  auto left = static_cast<int64_t>(std::clamp(rank, 1.0, static_cast<double>(total)));
  for (const SparseCounts::Entry& entry : durations.entries()) {
    left -= static_cast<int64_t>(entry.count);
    if (left <= 0) return MiddleOf(entry.key);
  }
  return MiddleOf(durations.entries().back().key);
}

}  // namespace weir
