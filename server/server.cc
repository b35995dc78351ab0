#include "server/server.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/log.h"
#include "base/net.h"
#include "base/status_macros.h"
#include "grpc/health/v1/health.pb.h"
#include "server/model/formats.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/diagnostics.pb.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

// Threads that count each in a place of their own, on the largest machines.
constexpr int kMaxShards = 128;

std::string HostName() {
  char name[256] = "";
  return gethostname(name, sizeof(name) - 1) == 0 && name[0] != '\0' ? name : "localhost";
}

Pusher::Options PusherOptions(const StatsOptions& stats) {
  return {.gateways = stats.gateways,
          .interval = stats.push_interval,
          .deadline = stats.push_deadline,
          .state_dir = stats.state_dir};
}

absl::Status Check(const StatsOptions& stats) {
  if (!stats.record && !stats.gateways.empty()) {
    return absl::InvalidArgumentError(
        "--gateway is named but --record_stats is false: there is nothing to push");
  }
  if (!stats.record && !stats.state_dir.empty()) {
    return absl::InvalidArgumentError(
        "--state_dir is named but --record_stats is false: there is nothing to keep");
  }
  if (stats.last_push_timeout <= absl::ZeroDuration() || stats.last_push_timeout > absl::Hours(1)) {
    return absl::InvalidArgumentError(
        absl::StrCat("the timeout of the last push is positive and 1h at most, got ",
                     absl::FormatDuration(stats.last_push_timeout)));
  }
  return Pusher::Check(PusherOptions(stats));
}

absl::StatusOr<std::unique_ptr<CallLoop>> Listen(const Server::Options& options) {
  if (options.port < 0 || options.port > 65535) {
    return absl::InvalidArgumentError(absl::StrCat("port ", options.port, " is not 0 to 65535"));
  }
  if (options.max_request_bytes < 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_request_bytes is not positive: ", options.max_request_bytes));
  }
  absl::StatusOr<std::unique_ptr<CallLoop>> loop =
      CallLoop::Listen({.host = options.host,
                        .port = options.port,
                        .max_message_bytes = static_cast<size_t>(options.max_request_bytes),
                        .max_partial_bytes = options.max_bytes_in_flight});
  if (loop.ok()) return loop;
  return absl::UnavailableError(absl::StrCat(
      "cannot listen on ", HostPort(options.host, options.port), ": ", loop.status().message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Server>> Server::Create(const Options& options) {
  WEIR_RETURN_IF_ERROR(Check(options.stats));
  auto stats = std::make_unique<Stats>();
  auto executor = std::make_unique<Executor>(options.batching.usable_cpus);
  WEIR_ASSIGN_OR_RETURN(std::unique_ptr<CallLoop> loop, Listen(options));
  WEIR_ASSIGN_OR_RETURN(
      std::unique_ptr<Repository> repository,
      Repository::Open(
          {.root = options.model_repository,
           .models = options.models,
           .poll_interval = options.repository_poll},
          [&loop = *loop, &executor = *executor, &stats = *stats, batching = options.batching](
              ModelSettings settings, int64_t version, const std::string& path) {
            // Callers of other models are not to notice.
            const CallLoop::Apart apart(loop);
            return MakeBatchedServable(executor, batching, std::move(settings), version, path,
                                       LoadModel, stats.recorder.get());
          }));
  auto server = absl::WrapUnique(new Server(options, std::move(stats), std::move(executor),
                                            std::move(repository), std::move(loop)));
  WEIR_RETURN_IF_ERROR(server->StartRecording());
  server->StartServing();
  return server;
}

Server::Server(const Options& options, std::unique_ptr<Stats> stats,
               std::unique_ptr<Executor> executor, std::unique_ptr<Repository> repository,
               std::unique_ptr<CallLoop> loop)
    : options_(options),
      stats_(std::move(stats)),
      executor_(std::move(executor)),
      repository_(std::move(repository)),
      loop_(std::move(loop)),
      admin_service_(*repository_),
      gate_(options.max_bytes_in_flight),
      prediction_(options_.prediction),
      predictor_context_{*loop_, *repository_, gate_, prediction_},
      streams_(predictor_context_, options_.streams),
      health_service_(health_),
      reflection_({v1::PredictRequest::descriptor()->file(), v1::EchoRequest::descriptor()->file(),
                   v1::LoadModelRequest::descriptor()->file(),
                   grpc::health::v1::HealthCheckRequest::descriptor()->file()}) {}

Server::~Server() {
  if (!drained_) Drain(absl::ZeroDuration());
}

// A request goes from here to the executor, and its answer comes back on the thread that ran it.
void Server::StartServing() {
  for (const ModelStatus& model : repository_->catalog().List()) OnModelChange(model);
  AddPredict(predictor_context_, methods_);
  streams_.AddTo(methods_);
  AddEcho(*loop_, gate_, methods_);
  admin_service_.AddTo(*loop_, methods_);
  health_service_.AddTo(*loop_, methods_);
  reflection_.AddTo(*loop_, methods_);
  loop_->Start(
      options_.batching.pollers, [this](absl::string_view path) { return methods_.Make(path); },
      [this](absl::FunctionRef<void()> before_long_work) {
        return executor_->RunInline(before_long_work);
      });
  StartPushing();
  WEIR_LOG(kInfo, "listening on ", HostPort(options_.host, loop_->port()));
}

absl::Status Server::StartRecording() {
  const StatsOptions& stats = options_.stats;
  if (!stats.record) return absl::OkStatus();
  const BatchingOptions& batching = options_.batching;
  WEIR_ASSIGN_OR_RETURN(
      stats_->recorder,
      Recorder::Create({.state_dir = stats.state_dir,
                        .replica = stats.replica.empty()
                                       ? absl::StrCat(HostName(), ":", loop_->port())
                                       : stats.replica,
                        .shards = std::min(batching.pollers + batching.usable_cpus, kMaxShards)}));
  prediction_.recorder = stats_->recorder.get();
  return absl::OkStatus();
}

void Server::StartPushing() {
  if (stats_->recorder == nullptr) return;
  if (options_.stats.gateways.empty()) {
    // The files stay for the day when a gateway is named.
    if (!options_.stats.state_dir.empty()) {
      WEIR_LOG(kWarning, "counts are kept on disk but there is no --gateway that gets them",
               LogField("state_dir", options_.stats.state_dir));
    }
    return;
  }
  Pusher::Options options = PusherOptions(options_.stats);
  stats_->gauges = std::make_unique<Gauges>(repository_->catalog(), *stats_->recorder);
  options.add_gauges = [this](v1::PushRequest& push) { stats_->gauges->AddTo(push); };
  stats_->pusher = std::make_unique<Pusher>(std::move(options), *stats_->recorder);
}

void Server::OnModelChange(const ModelStatus& model) {
  health_.Set(model.name, !model.ReadyVersions().empty());
  if (stats_->recorder == nullptr) return;
  stats_->recorder->Unresolved(model.name);  // From now on it counts, be it nothing.
  int64_t& recorded = recorded_load_failures_[model.name];
  for (; recorded < model.load_failures; ++recorded) {
    stats_->recorder->RecordLoadFailure(model.name);
  }
}

absl::Status Server::LoadModels() {
  absl::Status loaded;
  absl::Notification all_tried;
  repository_->Start([this](const ModelStatus& model) { OnModelChange(model); },
                     [&](const absl::Status& status) {
                       loaded = status;
                       all_tried.Notify();
                     });
  all_tried.WaitForNotification();
  // The server as a whole is healthy once all have been tried; models have a health of their own.
  if (loaded.ok()) health_.Set("", true);
  return loaded;
}

void Server::Drain(absl::Duration timeout) {
  drained_ = true;
  // Models that get ready from here on do not turn health back.
  health_.Shutdown();
  repository_->Stop();
  gate_.Close();
  streams_.Drain();
  if (!gate_.AwaitEmpty(timeout)) {
    WEIR_LOG(kWarning, "requests still in flight after ", absl::FormatDuration(timeout),
             " are cancelled");
  }
  // Callers are refused until they have heard it and none comes any more; then the door closes.
  gate_.AwaitSilence(absl::Milliseconds(100), absl::Seconds(1));
  // Not earlier: who watches health comes back as soon as the watch ends.
  health_.EndWatches();
  // What is left are streams that end with the server, such as reflection, and calls that are
  // cancelled; their models still end what they are at.
  loop_->Shutdown();
  repository_->Join();  // A load that fails is counted; meanwhile pushes go on.
  PushLast();           // Every answer is out too, so everything is counted.
}

void Server::PushLast() {
  if (stats_->pusher == nullptr) return;
  if (!stats_->pusher->Finish(options_.stats.last_push_timeout)) {
    WEIR_LOG(kWarning, "not every gateway has acknowledged the last statistics",
             LogField("state_dir", options_.stats.state_dir));
  }
  stats_->pusher = nullptr;
}

}  // namespace weir
