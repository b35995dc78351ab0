// What is counted of a version, and where in a shard.
#ifndef WEIR_SERVER_STATS_VERSION_LAYOUT_H_
#define WEIR_SERVER_STATS_VERSION_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/stats/duration_bounds.h"
#include "server/stats/stats_schema.h"

namespace weir {

// Why a request was turned away before the model ran.
enum class Rejection {
  kNone,
  kQueueFull,
  kUnreachableDeadline,
  kExpired,
  kCancelled,
  kInvalid,
  kDraining,
};

enum class Stage { kQueue, kAssemble, kInference, kRespond };
inline constexpr int kStages = 4;

// What has to be known of a version to count it.
struct VersionDefinition {
  std::string model;
  int64_t version = 0;
  absl::Duration slo_latency = absl::InfiniteDuration();  // A bound of durations, if finite.
  int64_t max_batch_rows = 0;

  // Of a classifier: the label of each class; one without a label goes by its number. Empty: no
  // classes are counted.
  std::vector<std::string> classes;

  // Of a regression: whether values are counted, and the bounds of their histogram, ascending.
  bool has_values = false;
  std::vector<double> value_bounds;

  bool operator==(const VersionDefinition&) const = default;
};

inline constexpr size_t kStatusCodes = 17;  // OK to UNAUTHENTICATED.
inline constexpr size_t kMaxClasses = 50;   // With a counter of their own.

// The first cells of what is counted; that of a histogram is its sum, and its buckets follow. 0 for
// what is not counted. The cell 0 itself counts the requests that came.
struct VersionLayout {
  // `bounds` are those of the definition's slo_latency.
  static VersionLayout Of(const VersionDefinition& definition, const DurationBounds& bounds);

  // Of requests that did not get as far as a version, and with `loads` of failed loads.
  static VersionLayout OfUnresolved(absl::string_view model, bool loads);

  StatsSchema schema;
  size_t requests = 0;    // One for each status code.
  size_t rejections = 0;  // One for each Rejection but kNone.
  size_t load_failures = 0;
  size_t rows = 0;
  size_t batches = 0;
  size_t busy = 0;
  size_t batch_rows = 0;
  size_t duration = 0;
  size_t log_linear = 0;    // Of duration.
  size_t stages = 0;        // One histogram for each Stage,
  size_t stage_stride = 0;  // with so many cells.
  size_t classes = 0;       // One for each class, and `other`.
  size_t confidence = 0;
  size_t values = 0;
  size_t value_sums = 0;  // Of values from 0 on, and of those below.
  int class_count = 0;    // Without `other`.
  int batch_rows_bounds = 0;
};

// The bounds of the score of a class, and a place behind them that no score exceeds. Scores are
// floats, so bounds are too: one that reads 0.99 is not above 0.99.
inline constexpr float kConfidenceBounds[] = {0.1F, 0.2F, 0.3F, 0.4F,  0.5F,  0.6F,
                                              0.7F, 0.8F, 0.9F, 0.95F, 0.99F, 1.0F};
inline constexpr int kConfidenceBoundCount = 11;

}  // namespace weir

#endif  // WEIR_SERVER_STATS_VERSION_LAYOUT_H_
