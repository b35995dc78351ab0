#include "server/stats/version_stats.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>

#include "base/histogram.h"
#include "server/stats/thread_slot.h"

namespace weir {
namespace {

// A sum stays finite.
double Plus(double sum, double value) {
  return std::min(sum + value, std::numeric_limits<double>::max());
}

// In both of these each cell stands for itself: a reader wants every cell's newest value that it
// may see, and nothing else by it. So relaxed operations are enough, but for answers: who sees one
// has to see that its request came (in_flight).

// Only this thread writes, so a load and a store will do, which cost a fifth of an atomic addition.
class OwnShard {
 public:
  explicit OwnShard(uint64_t* cells) : cells_(cells) {}

  void Add(size_t cell, uint64_t count, std::memory_order order = std::memory_order_relaxed) {
    std::atomic_ref ref(cells_[cell]);
    ref.store(ref.load(std::memory_order_relaxed) + count, order);
  }

  void AddDouble(size_t cell, double value) {
    std::atomic_ref ref(cells_[cell]);
    const auto sum = std::bit_cast<double>(ref.load(std::memory_order_relaxed));
    ref.store(std::bit_cast<uint64_t>(Plus(sum, value)), std::memory_order_relaxed);
  }

 private:
  uint64_t* const cells_;
};

class SharedShard {
 public:
  explicit SharedShard(uint64_t* cells) : cells_(cells) {}

  void Add(size_t cell, uint64_t count, std::memory_order order = std::memory_order_relaxed) {
    std::atomic_ref(cells_[cell]).fetch_add(count, order);
  }

  void AddDouble(size_t cell, double value) {
    std::atomic_ref ref(cells_[cell]);
    uint64_t before = ref.load(std::memory_order_relaxed);
    while (!ref.compare_exchange_weak(
        before, std::bit_cast<uint64_t>(Plus(std::bit_cast<double>(before), value)),
        std::memory_order_relaxed)) {
    }
  }

 private:
  uint64_t* const cells_;
};

uint64_t NotNegative(int64_t number) { return number > 0 ? static_cast<uint64_t>(number) : 0; }

size_t ConfidenceBucketOf(float score) {
  // The bound before the one that a tenth points to; from there it is three steps at most.
  size_t bucket = std::max(static_cast<int>(score * 10) - 1, 0);
  while (score > kConfidenceBounds[bucket]) ++bucket;
  return bucket;
}

}  // namespace

VersionStats::VersionStats(const VersionDefinition& definition)
    : definition_(definition),
      duration_bounds_(definition.slo_latency),
      layout_(VersionLayout::Of(definition, duration_bounds_)) {}

VersionStats::VersionStats(VersionLayout layout)
    : definition_{}, duration_bounds_(absl::InfiniteDuration()), layout_(std::move(layout)) {}

void VersionStats::Attach(uint64_t* cells, size_t stride, int shards) {
  cells_ = cells;
  stride_ = stride;
  shards_ = shards;
}

template <typename Fn>
void VersionStats::WithShard(Fn record) {
  // kNoThreadSlot is larger than any as well.
  const auto slot = static_cast<unsigned>(ThreadSlot());
  if (slot < shards_) {
    record(OwnShard(Shard(slot)));
  } else {
    record(SharedShard(Shard(shards_)));
  }
}

void VersionStats::RecordStart() {
  WithShard([](auto shard) { shard.Add(0, 1); });
}

void VersionStats::RecordAnswer(const AnswerRecord& answer) {
  WithShard([&](auto shard) {
    auto code = static_cast<size_t>(answer.code);
    if (code >= kStatusCodes) code = static_cast<size_t>(absl::StatusCode::kUnknown);
    shard.Add(layout_.requests + code, 1, std::memory_order_release);
    if (answer.rejection != Rejection::kNone) {
      shard.Add(layout_.rejections + static_cast<size_t>(answer.rejection) - 1, 1);
    }
    if (answer.code != absl::StatusCode::kOk || layout_.duration == 0) return;
    shard.Add(layout_.rows, NotNegative(answer.rows));
    const uint64_t total_ns = NotNegative(answer.total_ns);
    const int log_linear = HistogramBucketOf(total_ns);
    shard.Add(layout_.log_linear + log_linear, 1);
    shard.Add(layout_.duration, total_ns);
    shard.Add(layout_.duration + 1 + duration_bounds_.BucketOf(total_ns, log_linear), 1);
    size_t stage = layout_.stages;
    for (const int64_t stage_ns : answer.stage_ns) {
      const uint64_t ns = NotNegative(stage_ns);
      shard.Add(stage, ns);
      shard.Add(stage + 1 + duration_bounds_.BucketOf(ns, HistogramBucketOf(ns)), 1);
      stage += layout_.stage_stride;
    }
  });
}

void VersionStats::RecordBatch(int64_t rows, absl::Duration busy) {
  if (layout_.batches == 0) return;
  WithShard([&](auto shard) {
    shard.Add(layout_.batches, 1);
    shard.Add(layout_.busy, NotNegative(absl::ToInt64Nanoseconds(busy)));
    const uint64_t count = NotNegative(rows);
    // The bounds are 1, 2, 4 and so on.
    const int bucket = std::bit_width(std::max<uint64_t>(count, 1) - 1);
    shard.Add(layout_.batch_rows, count);
    shard.Add(layout_.batch_rows + 1 + std::min(bucket, layout_.batch_rows_bounds), 1);
  });
}

void VersionStats::RecordClass(int64_t index, float score) {
  if (layout_.classes == 0) return;
  const float confidence = score > 0 ? std::min(score, 1.0F) : 0.0F;  // NaN is not greater than 0.
  const bool known = index >= 0 && index < layout_.class_count;
  WithShard([&](auto shard) {
    shard.Add(layout_.classes + (known ? index : layout_.class_count), 1);
    shard.Add(layout_.confidence + 1 + ConfidenceBucketOf(confidence), 1);
    shard.AddDouble(layout_.confidence, confidence);
  });
}

void VersionStats::RecordValue(double value) {
  if (layout_.values == 0) return;
  const std::vector<double>& bounds = definition_.value_bounds;
  const size_t bucket =
      std::isnan(value) ? bounds.size()
                        : std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
  WithShard([&](auto shard) {
    shard.Add(layout_.values + 1 + bucket, 1);
    if (std::isfinite(value)) shard.AddDouble(layout_.value_sums + (value < 0), std::abs(value));
  });
}

void VersionStats::RecordLoadFailure() {
  if (layout_.load_failures == 0) return;
  WithShard([&](auto shard) { shard.Add(layout_.load_failures, 1); });
}

uint64_t VersionStats::Sum(size_t first, size_t count) const {
  uint64_t sum = 0;
  const unsigned used = std::min(static_cast<unsigned>(ThreadSlotsEnd()), shards_);
  for (unsigned i = 0; i <= used; ++i) {
    uint64_t* const cells = Shard(i < used ? i : shards_) + first;
    for (size_t cell = 0; cell < count; ++cell) {
      sum += std::atomic_ref(cells[cell]).load(std::memory_order_acquire);
    }
  }
  return sum;
}

int64_t VersionStats::in_flight() const {
  // In this order: a request that is answered in between counts as not answered, and one that comes
  // in between may count, but none is seen answered that was not seen to come.
  const uint64_t answered = Sum(layout_.requests, kStatusCodes);
  const uint64_t started = Sum(0, 1);
  return std::max<int64_t>(static_cast<int64_t>(started - answered), 0);
}

}  // namespace weir
