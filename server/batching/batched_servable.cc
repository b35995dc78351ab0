#include "server/batching/batched_servable.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/log.h"
#include "base/status_macros.h"
#include "server/batching/batch_cost.h"
#include "server/model/answer_stats.h"
#include "server/model/file_digest.h"
#include "server/model/warm_up.h"

namespace weir {
namespace {

class BatchedServable : public Servable {
 public:
  BatchedServable(Executor& executor, std::shared_ptr<Executor::Lane> lane,
                  std::shared_ptr<const ModelSettings> settings, int64_t version,
                  const Executor::LaneOptions& lane_options, std::string description,
                  std::string digest)
      : executor_(executor),
        lane_(std::move(lane)),
        settings_(std::move(settings)),
        version_(version),
        stats_(lane_options.stats),
        instances_(lane_options.instances),
        description_(std::move(description)),
        digest_(std::move(digest)) {}

  ~BatchedServable() override { executor_.RemoveLane(lane_); }

  const ModelSettings& settings() const override { return *settings_; }
  int64_t version() const override { return version_; }
  void Submit(Task& task) override { executor_.Submit(*lane_, task); }
  ServableCounts counts() const override { return executor_.Counts(*lane_); }
  std::string Description() const override { return description_; }
  VersionStats* stats() const override { return stats_; }
  int instances() const override { return instances_; }
  absl::string_view digest() const override { return digest_; }

 private:
  Executor& executor_;
  const std::shared_ptr<Executor::Lane> lane_;
  const std::shared_ptr<const ModelSettings> settings_;
  const int64_t version_;
  VersionStats* const stats_;
  const int instances_;
  const std::string description_;
  const std::string digest_;
};

struct Choice {
  Executor::LaneOptions lane;
  std::string why;
};

// How many batches run at once on the workers.
int PooledInstances(const BatchingOptions& options, const ModelSettings& settings) {
  if (settings.instances > 0) return settings.instances;
  return std::max(1, options.usable_cpus / settings.intra_op_threads);
}

Choice Choose(const BatchingOptions& options, const ModelSettings& settings,
              const std::vector<BatchTime>& measured) {
  const absl::Duration one_row = measured.empty() ? absl::ZeroDuration() : measured.front().time;
  Choice choice{.lane = {.max_inline_time = options.max_inline_time}};
  const std::string took = absl::StrCat("one row takes ", absl::FormatDuration(one_row));
  switch (settings.execution) {
    case Execution::kInline:
      choice.lane.run_inline = true;
      choice.why = "inline, as configured";
      break;
    case Execution::kPooled:
      choice.why = "pooled, as configured";
      break;
    case Execution::kAuto:
      if (settings.batching.max_delay > absl::ZeroDuration()) {
        choice.why = "pooled, because batches wait for more rows";
      } else if (settings.intra_op_threads > 1) {
        choice.why = "pooled, because a batch has several threads";
      } else if (one_row <= options.inline_threshold) {
        choice.lane.run_inline = true;
        choice.why = absl::StrCat("inline, because ", took);
      } else {
        choice.why = absl::StrCat("pooled, because ", took);
      }
      break;
  }
  choice.lane.instances = choice.lane.run_inline && settings.instances == 0
                              ? options.pollers
                              : PooledInstances(options, settings);
  // A preference of the config's own holds; so does its limit.
  choice.lane.max_batch_rows = settings.batching.preferred_rows.empty()
                                   ? WorthwhileRows(measured, settings.max_batch_rows)
                                   : settings.max_batch_rows;
  if (settings.max_batch_rows > 0) {
    absl::StrAppend(&choice.why, "; rows in a batch: at most ", choice.lane.max_batch_rows);
  }
  absl::StrAppend(&choice.why, "; instances: ", choice.lane.instances,
                  settings.instances > 0 ? " as configured" : "");
  return choice;
}

}  // namespace

absl::StatusOr<std::shared_ptr<Servable>> MakeBatchedServable(
    Executor& executor, const BatchingOptions& options, ModelSettings settings, int64_t version,
    const std::string& path, LoadModelFn load, Recorder* recorder) {
  if (settings.execution == Execution::kInline &&
      settings.batching.max_delay > absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        "weir.execution inline and max_queue_delay_microseconds exclude each other");
  }
  const auto shared = std::make_shared<const ModelSettings>(std::move(settings));
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<Model> model, load(*shared, path));
  WEIR_ASSIGN_OR_RETURN(WarmUpReport report, WarmUp(*model, *shared,
                                                    {.instances = PooledInstances(options, *shared),
                                                     .at_most = options.max_warm_up}));
  if (!report.complete) {
    WEIR_LOG(kWarning, "model ", shared->name, " version ", version,
             ": warm-up ended before every batch size had run; the rest run cold once");
  }
  Choice choice = Choose(options, *shared, report.times);
  WEIR_LOG(kInfo, "model ", shared->name, " version ", version, " runs ", choice.why);
  if (recorder != nullptr) {
    choice.lane.stats = &recorder->ForVersion(DefineVersion(*shared, version));
  }
  std::shared_ptr<Executor::Lane> lane =
      executor.AddLane(shared, version, std::move(model), std::move(report.times), choice.lane);
  return std::make_shared<BatchedServable>(executor, std::move(lane), shared, version, choice.lane,
                                           choice.why, FileDigest(path).value_or(""));
}

}  // namespace weir
