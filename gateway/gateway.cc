#include "gateway/gateway.h"

#include <chrono>
#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/net.h"
#include "base/status_macros.h"
#include "gateway/exposition.h"
#include "gateway/journal_format.h"
#include "gateway/models_api.h"
#include "grpcpp/ext/health_check_service_server_builder_option.h"
#include "grpcpp/health_check_service_interface.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace weir {
namespace {

constexpr absl::string_view kStartPage = R"(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>weir</title>
<h1>weir</h1>
<p>What the servers of this gateway count, all together:
<ul>
<li><a href="/metrics">/metrics</a>, for Prometheus
<li><a href="/api/models">/api/models</a>, the current figures of every model as JSON
<li><a href="/healthz">/healthz</a>: the gateway runs; <a href="/readyz">/readyz</a>: it takes pushes
</ul>
</html>
)";

HttpHandler FixedText(absl::string_view content_type, absl::string_view text) {
  return [content_type, text](HttpResponse& response) {
    response.content_type = content_type;
    response.body.Append(text);
  };
}

absl::Status CheckOptions(const Gateway::Options& options) {
  for (const int port : {options.grpc_port, options.http_port}) {
    if (port < 0 || port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat("port ", port, " is not 0 to 65535"));
    }
  }
  const Ledger::Options& ledger = options.committer.ledger;
  const std::map<std::string, int64_t> limits = {
      {"compact_min_bytes", options.committer.compaction.min_bytes},
      {"max_push_bytes", options.push.max_push_bytes},
      {"max_label_bytes", options.push.dictionary.max_label_bytes},
      {"max_sources", ledger.max_sources},
      {"max_series", ledger.max_series},
      {"max_series_per_source", ledger.max_series_per_source},
  };
  for (const auto& [name, value] : limits) {
    if (value < 1) {
      return absl::InvalidArgumentError(absl::StrCat(name, " is not positive: ", value));
    }
  }
  if (options.push.max_push_bytes > int64_t{kMaxJournalPayloadBytes}) {
    return absl::InvalidArgumentError(
        absl::StrCat("max_push_bytes is ", options.push.max_push_bytes, ", over the ",
                     kMaxJournalPayloadBytes, " that the journal takes in one piece"));
  }
  if (ledger.retire_after <= absl::ZeroDuration() || ledger.forget_after < ledger.retire_after) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected 0 < retire_after <= forget_after, got ",
                     absl::FormatDuration(ledger.retire_after), " and ",
                     absl::FormatDuration(ledger.forget_after)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Gateway>> Gateway::Create(const Options& options) {
  WEIR_RETURN_IF_ERROR(CheckOptions(options));
  auto gateway = absl::WrapUnique(new Gateway(options));
  WEIR_RETURN_IF_ERROR(gateway->ListenForPushes());
  WEIR_RETURN_IF_ERROR(gateway->ListenForHttp());
  return gateway;
}

Gateway::Gateway(const Options& options) : options_(options), push_service_(options.push) {}

Gateway::~Gateway() { Drain(); }

absl::Status Gateway::ListenForPushes() {
  grpc::EnableDefaultHealthCheckService(true);
  grpc::ServerBuilder builder;
  // Otherwise a second gateway on the port would take half of the connections, without a word.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  push_service_.AddTo(builder);
  int port = 0;
  const std::string address = HostPort(options_.host, options_.grpc_port);
  builder.AddListeningPort(address, grpc::InsecureServerCredentials(), &port);
  grpc_server_ = builder.BuildAndStart();
  if (grpc_server_ == nullptr || port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen on ", address, ": ",
                                               WhyNotListen(options_.host, options_.grpc_port)));
  }
  grpc_server_->GetHealthCheckService()->SetServingStatus(false);
  WEIR_LOG(kInfo, "listening for pushes on ", HostPort(options_.host, port));
  return absl::OkStatus();
}

absl::Status Gateway::ListenForHttp() {
  HttpServer::Options http = {.host = options_.host, .port = options_.http_port};
  http.routes["/"].handler = FixedText("text/html; charset=utf-8", kStartPage);
  http.routes["/healthz"].handler = FixedText("text/plain; charset=utf-8", "ok\n");
  http.routes["/readyz"].handler = [this](HttpResponse& response) {
    const bool ready = ready_.load(std::memory_order_relaxed);
    response.code = ready ? 200 : 503;
    response.body.Append(ready ? "ready\n" : "the gateway begins or ends\n");
  };
  http.routes["/metrics"] = {
      .handler = OnceLoaded([this](const Committer& committer, HttpResponse& response) {
        response.content_type = kMetricsContentType;
        committer.WithLedger([&](const Ledger& ledger) { RenderLedger(ledger, response.body); });
        self_metrics_.Render(committer.counters(), response.body);
      }),
      .is_large = true,
      .observe = [this](absl::Duration took) { self_metrics_.ObserveScrape(took); }};
  http.routes["/api/models"] = {
      .handler = OnceLoaded([](const Committer& committer, HttpResponse& response) {
        response.content_type = kModelsContentType;
        committer.WithLedger([&](const Ledger& ledger) { RenderModels(ledger, response.body); });
      }),
      .is_large = true};
  WEIR_ASSIGN_OR_RETURN(http_server_, HttpServer::Create(std::move(http)));
  WEIR_LOG(kInfo, "listening for HTTP on ", HostPort(options_.host, http_server_->port()));
  return absl::OkStatus();
}

HttpHandler Gateway::OnceLoaded(
    std::function<void(const Committer&, HttpResponse&)> handler) const {
  return [this, handler = std::move(handler)](HttpResponse& response) {
    const Committer* const committer = loaded_.load(std::memory_order_acquire);
    if (committer == nullptr) {
      response.code = 503;
      response.body.Append("the journal is being loaded\n");
      return;
    }
    handler(*committer, response);
  };
}

absl::Status Gateway::Load() {
  const absl::Time began = MonotonicNow();
  WEIR_ASSIGN_OR_RETURN(committer_, Committer::Create(options_.committer));
  loaded_.store(committer_.get(), std::memory_order_release);
  push_service_.Open(*committer_);
  ready_.store(true, std::memory_order_relaxed);
  grpc_server_->GetHealthCheckService()->SetServingStatus(true);
  WEIR_LOG(kInfo, "ready: the journal is loaded",
           LogField("took", absl::FormatDuration(
                                absl::Trunc(MonotonicNow() - began, absl::Milliseconds(1)))));
  return absl::OkStatus();
}

void Gateway::Drain() {
  if (grpc_server_ == nullptr) return;
  ready_.store(false, std::memory_order_relaxed);
  grpc_server_->GetHealthCheckService()->Shutdown();
  push_service_.Close();
  if (committer_ != nullptr) committer_->Stop();
  // All pushes have their answer by now; who watches health is sent away.
  grpc_server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  grpc_server_->Wait();
  grpc_server_ = nullptr;
}

}  // namespace weir
