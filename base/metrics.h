// The catalogue of metrics: every one that weir exposes, once, with all that is said of it.
//
// Servers push and the gateway exposes what stands here; docs/metrics.md, the alerts and the
// dashboards are checked against it. Names and meanings are an interface: a metric is never
// changed, only added.
#ifndef WEIR_BASE_METRICS_H_
#define WEIR_BASE_METRICS_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace weir {

enum class MetricType {
  kCounter,
  kGauge,
  kHistogram,
  kSummary,  // Of the gateway only; without _sum and _count.
};

// What a gauge is where several servers have it.
enum class GaugeMerge {
  kNone,  // Not a gauge, or not from servers.
  kSum,
  kMax,
  kLast,   // That of the server that began last.
  kUnion,  // 1, whoever has it.
};

struct Metric {
  absl::string_view name;
  MetricType type;
  absl::string_view help;
  absl::Span<const absl::string_view> labels;  // Without a histogram's `le`.
  GaugeMerge merge = GaugeMerge::kNone;
  // A histogram's values are also counted in the buckets of base/histogram.h, for quantiles.
  bool log_linear = false;
  // A histogram of values that may be negative has no _sum, which could fall.
  bool without_sum = false;
};

namespace metric_labels {

inline constexpr std::array<absl::string_view, 1> kModel = {"model"};
inline constexpr std::array<absl::string_view, 2> kVersion = {"model", "version"};
inline constexpr std::array<absl::string_view, 3> kCode = {"model", "version", "code"};
inline constexpr std::array<absl::string_view, 3> kStage = {"model", "version", "stage"};
inline constexpr std::array<absl::string_view, 3> kReason = {"model", "version", "reason"};
inline constexpr std::array<absl::string_view, 3> kClass = {"model", "version", "class"};
inline constexpr std::array<absl::string_view, 3> kSign = {"model", "version", "sign"};
inline constexpr std::array<absl::string_view, 6> kInfo = {"model",   "version", "family",
                                                           "variant", "device",  "digest"};
inline constexpr std::array<absl::string_view, 2> kSlo = {"model", "slo"};
inline constexpr std::array<absl::string_view, 2> kMetric = {"model", "metric"};
inline constexpr std::array<absl::string_view, 2> kLimit = {"model", "limit"};
inline constexpr std::array<absl::string_view, 1> kReplica = {"replica"};
inline constexpr std::array<absl::string_view, 1> kResult = {"result"};
inline constexpr std::array<absl::string_view, 3> kQuantile = {"model", "quantile", "window"};

}  // namespace metric_labels

// Of servers. The version is empty where a request did not get as far as one, and the model is
// kUnknownModel where it did not name one that is served.
namespace metric {

// No model can be called so.
inline constexpr absl::string_view kUnknownModel = "(unknown)";

inline constexpr Metric kRequests = {
    .name = "weir_requests_total",
    .type = MetricType::kCounter,
    .help = "Requests that were answered, by gRPC status code.",
    .labels = metric_labels::kCode,
};
inline constexpr Metric kRows = {
    .name = "weir_rows_total",
    .type = MetricType::kCounter,
    .help = "Rows of requests that were answered with OK.",
    .labels = metric_labels::kVersion,
};
inline constexpr Metric kBatches = {
    .name = "weir_batches_total",
    .type = MetricType::kCounter,
    .help = "Batches that the model ran.",
    .labels = metric_labels::kVersion,
};
inline constexpr Metric kRequestDuration = {
    .name = "weir_request_duration_seconds",
    .type = MetricType::kHistogram,
    .help =
        "From a request's receipt to its answer, of requests that were answered with OK. The "
        "model's SLO latency is one of the bounds.",
    .labels = metric_labels::kVersion,
    .log_linear = true,
};
inline constexpr Metric kStageDuration = {
    .name = "weir_stage_duration_seconds",
    .type = MetricType::kHistogram,
    .help = "Where the time of requests went that were answered with OK.",
    .labels = metric_labels::kStage,
};
inline constexpr Metric kBatchRows = {
    .name = "weir_batch_rows",
    .type = MetricType::kHistogram,
    .help = "Rows that ran together in one batch.",
    .labels = metric_labels::kVersion,
};
inline constexpr Metric kRejections = {
    .name = "weir_rejections_total",
    .type = MetricType::kCounter,
    .help = "Requests that were turned away before the model ran.",
    .labels = metric_labels::kReason,
};
inline constexpr Metric kRequestsInFlight = {
    .name = "weir_requests_in_flight",
    .type = MetricType::kGauge,
    .help = "Requests that have come and are not answered yet.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kQueueRows = {
    .name = "weir_queue_rows",
    .type = MetricType::kGauge,
    .help = "Rows that wait for the model.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kQueueCapacityRows = {
    .name = "weir_queue_capacity_rows",
    .type = MetricType::kGauge,
    .help = "Rows that may wait before requests are refused.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kInstances = {
    .name = "weir_instances",
    .type = MetricType::kGauge,
    .help = "Batches of the model that may run at once.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kInstanceBusy = {
    .name = "weir_instance_busy_seconds_total",
    .type = MetricType::kCounter,
    .help = "Time that instances spent with batches.",
    .labels = metric_labels::kVersion,
};
inline constexpr Metric kModelInfo = {
    .name = "weir_model_info",
    .type = MetricType::kGauge,
    .help = "1 for each version that is served, with what it is.",
    .labels = metric_labels::kInfo,
    .merge = GaugeMerge::kUnion,
};
inline constexpr Metric kModelLoaded = {
    .name = "weir_model_loaded",
    .type = MetricType::kGauge,
    .help = "How many servers have a version of the model ready; 0 where it should be and is not.",
    .labels = metric_labels::kModel,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kModelLoadTimestamp = {
    .name = "weir_model_load_timestamp_seconds",
    .type = MetricType::kGauge,
    .help = "When the version was last loaded, since 1970.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kMax,
};
inline constexpr Metric kModelLoadDuration = {
    .name = "weir_model_load_duration_seconds",
    .type = MetricType::kGauge,
    .help = "How long the version's last load took, its warm-up included.",
    .labels = metric_labels::kVersion,
    .merge = GaugeMerge::kMax,
};
inline constexpr Metric kModelLoadFailures = {
    .name = "weir_model_load_failures_total",
    .type = MetricType::kCounter,
    .help = "Loads of versions and configurations that failed.",
    .labels = metric_labels::kModel,
};
inline constexpr Metric kModelSloLatency = {
    .name = "weir_model_slo_latency_seconds",
    .type = MetricType::kGauge,
    .help = "The latency that requests shall meet (weir.slo_latency).",
    .labels = metric_labels::kModel,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kModelSloObjective = {
    .name = "weir_model_slo_objective_ratio",
    .type = MetricType::kGauge,
    .help =
        "The share of requests that shall meet an SLO (weir.slo_objective, weir.slo_availability).",
    .labels = metric_labels::kSlo,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kModelQuality = {
    .name = "weir_model_quality_ratio",
    .type = MetricType::kGauge,
    .help = "Quality measured on held-out data (weir.quality.*).",
    .labels = metric_labels::kMetric,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kModelValueLimit = {
    .name = "weir_model_value_limit_ratio",
    .type = MetricType::kGauge,
    .help = "The share of predicted values that may lie above the limit (weir.value_limits).",
    .labels = metric_labels::kLimit,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kPredictions = {
    .name = "weir_predictions_total",
    .type = MetricType::kCounter,
    .help = "Rows by the class that the model found; classes beyond the first 50 are `other`.",
    .labels = metric_labels::kClass,
};
inline constexpr Metric kPredictionConfidence = {
    .name = "weir_prediction_confidence_ratio",
    .type = MetricType::kHistogram,
    .help = "The score of the class that the model found.",
    .labels = metric_labels::kVersion,
};
inline constexpr Metric kPredictionValue = {
    .name = "weir_prediction_value",
    .type = MetricType::kHistogram,
    .help =
        "Predicted values (bounds: weir.value_buckets). Their sum is "
        "weir_prediction_value_sum_total.",
    .labels = metric_labels::kVersion,
    .without_sum = true,
};
inline constexpr Metric kPredictionValueSum = {
    .name = "weir_prediction_value_sum_total",
    .type = MetricType::kCounter,
    .help = "The sum of predicted values, of those below zero by their size.",
    .labels = metric_labels::kSign,
};
inline constexpr Metric kProcessCpu = {
    .name = "weir_process_cpu_seconds_total",
    .type = MetricType::kCounter,
    .help = "Processor time that the server used.",
    .labels = metric_labels::kReplica,
};
inline constexpr Metric kProcessCpuLimit = {
    .name = "weir_process_cpu_limit_cores",
    .type = MetricType::kGauge,
    .help = "Processors that the server may use.",
    .labels = metric_labels::kReplica,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kProcessResidentMemory = {
    .name = "weir_process_resident_memory_bytes",
    .type = MetricType::kGauge,
    .help = "Memory that the server holds.",
    .labels = metric_labels::kReplica,
    .merge = GaugeMerge::kSum,
};
inline constexpr Metric kProcessMemoryLimit = {
    .name = "weir_process_memory_limit_bytes",
    .type = MetricType::kGauge,
    .help = "Memory that the server may hold.",
    .labels = metric_labels::kReplica,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kProcessStartTime = {
    .name = "weir_process_start_time_seconds",
    .type = MetricType::kGauge,
    .help = "When the server began, since 1970.",
    .labels = metric_labels::kReplica,
    .merge = GaugeMerge::kLast,
};
inline constexpr Metric kPushFailures = {
    .name = "weir_push_failures_total",
    .type = MetricType::kCounter,
    .help = "Pushes of the server that a gateway did not take, at the first try or a later one.",
    .labels = metric_labels::kReplica,
};

// Of the gateway itself.

inline constexpr Metric kRequestDurationQuantile = {
    .name = "weir_request_duration_quantile_seconds",
    .type = MetricType::kSummary,  // Which alone may have a label `quantile`, promtool says.
    .help =
        "Quantiles of weir_request_duration_seconds over the last 1m and 5m, over all versions "
        "and servers, to within 1.6 %. NaN where there was no request.",
    .labels = metric_labels::kQuantile,
};
inline constexpr Metric kGatewayPushes = {
    .name = "weir_gateway_pushes_total",
    .type = MetricType::kCounter,
    .help = "Pushes that came, by what became of them.",
    .labels = metric_labels::kResult,
};
inline constexpr Metric kGatewaySourceUp = {
    .name = "weir_gateway_source_up",
    .type = MetricType::kGauge,
    .help = "1 while the server pushes, 0 when it fell silent without saying that it ends.",
    .labels = metric_labels::kReplica,
};
inline constexpr Metric kGatewaySourceLastPush = {
    .name = "weir_gateway_source_last_push_timestamp_seconds",
    .type = MetricType::kGauge,
    .help = "When the server last pushed, since 1970.",
    .labels = metric_labels::kReplica,
};
inline constexpr Metric kGatewaySources = {
    .name = "weir_gateway_sources",
    .type = MetricType::kGauge,
    .help = "Servers that push.",
};
inline constexpr Metric kGatewaySeries = {
    .name = "weir_gateway_series",
    .type = MetricType::kGauge,
    .help = "Series that are exposed, the gateway's own left out.",
};
inline constexpr Metric kGatewaySeriesDropped = {
    .name = "weir_gateway_series_dropped_total",
    .type = MetricType::kCounter,
    .help = "Series of pushes that were refused because there would be too many.",
};
inline constexpr Metric kGatewayJournalBytes = {
    .name = "weir_gateway_journal_bytes",
    .type = MetricType::kGauge,
    .help = "Size of the journal on disk.",
};
inline constexpr Metric kGatewayJournalWritable = {
    .name = "weir_gateway_journal_writable",
    .type = MetricType::kGauge,
    .help = "1 if the last write to the journal succeeded; while it is 0 pushes are refused.",
};
inline constexpr Metric kGatewayJournalSync = {
    .name = "weir_gateway_journal_sync_seconds",
    .type = MetricType::kHistogram,
    .help = "How long it took to make pushes safe in the journal.",
};
inline constexpr Metric kGatewayScrapeDuration = {
    .name = "weir_gateway_scrape_duration_seconds",
    .type = MetricType::kHistogram,
    .help = "How long it took to write /metrics.",
};

}  // namespace metric

// All of them, in the order in which they stand above.
absl::Span<const Metric* const> MetricCatalogue();

// Null if there is none of that name.
const Metric* FindMetric(absl::string_view name);

// A bound of a histogram as its label `le` has it: as Prometheus's own libraries write it, so that
// what asks for le="0.0001" finds it.
std::string BoundText(double bound);

}  // namespace weir

#endif  // WEIR_BASE_METRICS_H_
