// What happened in the last minutes, per model: how long requests took and how they ended.
//
// Time goes by slots of five seconds. A window is the slot that runs and as many before it as make
// up its length; so it covers up to five seconds more than its name says.
#ifndef WEIR_GATEWAY_WINDOW_H_
#define WEIR_GATEWAY_WINDOW_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace weir {

struct Window {
  absl::string_view name;
  absl::Duration length;
};

inline constexpr std::array<Window, 2> kWindows = {
    Window{"1m", absl::Minutes(1)},
    Window{"5m", absl::Minutes(5)},
};
inline constexpr int kWindow1m = 0;
inline constexpr int kWindow5m = 1;

struct WindowQuantile {
  absl::string_view name;
  double q;
};

inline constexpr std::array<WindowQuantile, 5> kWindowQuantiles = {
    WindowQuantile{"0.5", 0.5},   WindowQuantile{"0.9", 0.9},     WindowQuantile{"0.95", 0.95},
    WindowQuantile{"0.99", 0.99}, WindowQuantile{"0.999", 0.999},
};

// How many of each of some things there are, few of which occur.
class SparseCounts {
 public:
  struct Entry {
    uint32_t key;
    uint64_t count;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  // Both ascending in their keys. Subtract only what was added.
  void Add(absl::Span<const Entry> entries);
  void Subtract(absl::Span<const Entry> entries);
  void Clear() { entries_.clear(); }

  absl::Span<const Entry> entries() const { return entries_; }
  uint64_t Total() const;

 private:
  std::vector<Entry> entries_;
};

// The windows of one model. Reading is thread-safe while nobody writes.
class ModelWindows {
 public:
  // Times that go back a little count as the latest one seen.
  // Entries: buckets of base/histogram.h, of nanoseconds.
  void AddDurations(absl::Time now, absl::Span<const SparseCounts::Entry> entries);
  void AddRequests(absl::Time now, bool ok, uint64_t count);

  // Forgets what is older than the longest window.
  void Advance(absl::Time now);

  // In seconds, to within 1.6 %; NaN if there was no request in that window.
  double Quantile(int window, double q) const;
  uint64_t Requests(int window) const { return sums_[window].requests; }
  uint64_t OkRequests(int window) const { return sums_[window].ok_requests; }

  // How much time a window covers.
  static absl::Duration Covered(int window, absl::Time now) {
    return kWindows[window].length + (now - absl::UnixEpoch()) % kSlot;
  }

 private:
  static constexpr absl::Duration kSlot = absl::Seconds(5);
  static constexpr int kSlots = 61;  // Of five minutes, and the one that runs.

  struct Slot {
    SparseCounts durations;  // By bucket.
    uint64_t requests = 0;
    uint64_t ok_requests = 0;  // Of them.
  };

  int64_t newest_ = 0;  // Slot number; slots_[n % kSlots].
  std::array<Slot, kSlots> slots_;
  std::array<Slot, kWindows.size()> sums_;  // Of the slots of each window.
};

}  // namespace weir

#endif  // WEIR_GATEWAY_WINDOW_H_
