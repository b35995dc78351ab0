#include "server/model/batching_settings.h"

#include <algorithm>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr uint64_t kMaxMicroseconds = uint64_t{24} * 3600 * 1'000'000;  // A day.
constexpr uint64_t kMaxPriorityLevels = 1000;
constexpr int kMaxInstances = 256;

absl::Status Invalid(absl::string_view field, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(field, " ", what));
}

absl::StatusOr<absl::Duration> ParseMicroseconds(absl::string_view field, uint64_t value) {
  if (value <= kMaxMicroseconds) return absl::Microseconds(static_cast<int64_t>(value));
  return Invalid(field, absl::StrCat("is ", value, ", expected at most ", kMaxMicroseconds,
                                     ", which is a day"));
}

absl::StatusOr<QueueLevel> ParseQueuePolicy(absl::string_view field,
                                            const v1::ModelQueuePolicy& policy) {
  QueueLevel level;
  level.max_rows = policy.max_queue_size();
  level.delay_on_timeout = policy.timeout_action() == v1::ModelQueuePolicy::DELAY;
  if (policy.default_timeout_microseconds() > 0) {
    WEIR_ASSIGN_OR_RETURN(level.default_timeout,
                          ParseMicroseconds(absl::StrCat(field, ".default_timeout_microseconds"),
                                            policy.default_timeout_microseconds()));
  }
  return level;
}

absl::StatusOr<std::vector<int64_t>> ParsePreferred(const v1::ModelDynamicBatching& batching,
                                                    int64_t max_batch_size) {
  std::set<int64_t> sizes;
  for (const int64_t size : batching.preferred_batch_size()) {
    if (size < 1 || size > max_batch_size) {
      return Invalid("dynamic_batching.preferred_batch_size",
                     absl::StrCat("holds ", size, ", expected 1 to max_batch_size, which is ",
                                  max_batch_size));
    }
    sizes.insert(size);
  }
  return std::vector<int64_t>(sizes.begin(), sizes.end());
}

// Levels and their policies.
absl::Status ParsePriorities(const v1::ModelDynamicBatching& batching, BatchingSettings& settings) {
  WEIR_ASSIGN_OR_RETURN(
      const QueueLevel default_policy,
      ParseQueuePolicy("dynamic_batching.default_queue_policy", batching.default_queue_policy()));
  const uint64_t levels = batching.priority_levels();
  if (levels > kMaxPriorityLevels) {
    return Invalid("dynamic_batching.priority_levels",
                   absl::StrCat("is ", levels, ", expected at most ", kMaxPriorityLevels));
  }
  const uint64_t default_level = batching.default_priority_level();
  if (levels == 0 && default_level != 0) {
    return Invalid("dynamic_batching.default_priority_level", "needs priority_levels");
  }
  if (levels > 0 && (default_level < 1 || default_level > levels)) {
    return Invalid(
        "dynamic_batching.default_priority_level",
        absl::StrCat("is ", default_level, ", expected 1 to priority_levels, which is ", levels));
  }
  settings.levels.assign(std::max<uint64_t>(1, levels), default_policy);
  settings.default_level = static_cast<uint32_t>(std::max<uint64_t>(1, default_level));
  for (const auto& [level, policy] : batching.priority_queue_policy()) {
    const std::string field = absl::StrCat("dynamic_batching.priority_queue_policy[", level, "]");
    if (level < 1 || level > levels) {
      return Invalid(field, absl::StrCat("is of no level; priority_levels is ", levels));
    }
    WEIR_ASSIGN_OR_RETURN(settings.levels[level - 1], ParseQueuePolicy(field, policy));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<BatchingSettings> ParseBatching(const v1::ModelConfig& config) {
  BatchingSettings settings;
  if (!config.has_dynamic_batching()) return settings;
  const v1::ModelDynamicBatching& batching = config.dynamic_batching();
  if (config.max_batch_size() == 0) {
    return Invalid("dynamic_batching", "needs a max_batch_size above 0");
  }
  if (batching.preserve_ordering()) {
    return Invalid("dynamic_batching.preserve_ordering",
                   "is not supported: weir answers each request as soon as its batch is finished");
  }
  WEIR_ASSIGN_OR_RETURN(settings.preferred_rows, ParsePreferred(batching, config.max_batch_size()));
  WEIR_ASSIGN_OR_RETURN(settings.max_delay,
                        ParseMicroseconds("dynamic_batching.max_queue_delay_microseconds",
                                          batching.max_queue_delay_microseconds()));
  WEIR_RETURN_IF_ERROR(ParsePriorities(batching, settings));
  return settings;
}

absl::StatusOr<int> ParseInstances(const v1::ModelConfig& config) {
  int64_t sum = 0;
  for (int i = 0; i < config.instance_group_size(); ++i) {
    const v1::ModelInstanceGroup& group = config.instance_group(i);
    const std::string field = absl::StrCat("instance_group[", i, "]");
    if (group.kind() == v1::ModelInstanceGroup::KIND_GPU) {
      return Invalid(field,
                     "has kind KIND_GPU, but weir runs models on the CPU; expected KIND_CPU");
    }
    if (group.count() < 0) {
      return Invalid(field, absl::StrCat("has count ", group.count(), ", expected at least 1"));
    }
    sum += std::max(1, group.count());  // A group without a count has one.
  }
  if (sum > kMaxInstances) {
    return Invalid("instance_group",
                   absl::StrCat("has ", sum, " instances, expected at most ", kMaxInstances));
  }
  return static_cast<int>(sum);
}

}  // namespace weir
