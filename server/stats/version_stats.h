// What one version of one model counts: the hot path of the recorder.
#ifndef WEIR_SERVER_STATS_VERSION_STATS_H_
#define WEIR_SERVER_STATS_VERSION_STATS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

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

// Stages of a request.
enum class Stage { kQueue, kAssemble, kInference, kRespond };
inline constexpr int kStages = 4;

// How one request ended. Times are in nanoseconds; those below zero count as zero.
struct AnswerRecord {
  absl::StatusCode code = absl::StatusCode::kOk;
  Rejection rejection = Rejection::kNone;

  // These count if the code is OK.
  int64_t rows = 0;
  int64_t total_ns = 0;
  std::array<int64_t, kStages> stage_ns = {};  // By Stage.
};

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

// Thread-safe; made by a Recorder and valid as long as that lives. Nothing here locks, allocates or
// waits: each thread counts in a shard of its own, and those beyond the number of shards share one.
class VersionStats {
 public:
  // A request has come.
  void RecordStart();

  // Exactly once for each request, before its answer is handed to the transport.
  void RecordAnswer(const AnswerRecord& answer);

  // A batch ran, and kept its instance busy for so long.
  void RecordBatch(int64_t rows, absl::Duration busy);

  // One row of an answer. An index without a class, or beyond the first 50, counts as `other`.
  // A score that is not within 0 and 1 counts as the nearest of them, NaN as 0.
  void RecordClass(int64_t index, float score);

  // One row of an answer. NaN and infinity count in the histogram, not in the sum.
  void RecordValue(double value);

  // Requests that have come and are not answered. Not hot.
  int64_t in_flight() const;

 private:
  friend class Recorder;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_VERSION_STATS_H_
