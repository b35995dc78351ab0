// weir-bench-ingest: how many pushes a second a gateway takes, beside Pushgateway with the same
// series.
//
// A thousand sources push in turn; all of them have pushed before, as in a system that runs. Both
// gateways then hold the same lines: Pushgateway adds each source's name to its lines, so weir's
// sources have models of their own. That many sources serve the same models is measured too.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "bench/exposed_totals.h"
#include "bench/gateway_under_test.h"
#include "bench/http_connection.h"
#include "bench/push_client.h"
#include "bench/push_source.h"
#include "bench/pushgateway.h"
#include "bench/repeats.h"
#include "bench/scratch_directory.h"

ABSL_FLAG(std::string, gateway, "bazel-bin/gateway/weir-gateway", "The gateway to measure.");
ABSL_FLAG(std::string, pushgateway, weir::Pushgateway::Options().program, "The one beside it.");
ABSL_FLAG(std::vector<std::string>, gateway_flags, {}, "More flags for the gateway.");
ABSL_FLAG(std::string, scratch, "/tmp", "Where directories for both gateways' files are made.");
ABSL_FLAG(int, sources, 1000, "How many servers push.");
ABSL_FLAG(int, models, 3, "Of each of them.");
ABSL_FLAG(double, seconds, 2, "How long weir-gateway is measured in each repeat.");
ABSL_FLAG(double, pushgateway_seconds, 8, "How long Pushgateway is.");
ABSL_FLAG(int, repeats, 5, "How often all is measured.");
ABSL_FLAG(int, connections, 4, "Between the client and weir-gateway.");
ABSL_FLAG(int, in_flight, 64, "Pushes to weir-gateway at a time.");
ABSL_FLAG(int, pushers, 16, "That push to Pushgateway at a time; one alone is measured as well.");

namespace weir {
namespace {

constexpr absl::Duration kWarmUp = absl::Milliseconds(300);

using Sources = std::vector<std::unique_ptr<PushSource>>;

// A gateway and those that push to it.
struct Ingest {
  std::string name;
  Sources sources;
  std::unique_ptr<GatewayUnderTest> gateway;
  std::unique_ptr<PushClient> client;
};

Sources MakeSources(bool share_models) {
  const int models = absl::GetFlag(FLAGS_models);
  Sources sources;
  for (int i = 0; i < absl::GetFlag(FLAGS_sources); ++i) {
    sources.push_back(std::make_unique<PushSource>(
        PushSource::Options{.replica = absl::StrCat("server-", i, ":8001"),
                            .first_model = share_models ? 0 : i * models,
                            .models = models,
                            .seed = static_cast<uint32_t>(i + 1)}));
  }
  return sources;
}

absl::StatusOr<Ingest> StartIngest(std::string name, bool share_models) {
  Ingest ingest = {.name = std::move(name), .sources = MakeSources(share_models)};
  WEIR_ASSIGN_OR_RETURN(
      ingest.gateway, GatewayUnderTest::Start({.program = absl::GetFlag(FLAGS_gateway),
                                               .state_parent = absl::GetFlag(FLAGS_scratch),
                                               .more_flags = absl::GetFlag(FLAGS_gateway_flags)}));
  WEIR_ASSIGN_OR_RETURN(ingest.client,
                        PushClient::Create({.address = ingest.gateway->push_address(),
                                            .connections = absl::GetFlag(FLAGS_connections),
                                            .in_flight = absl::GetFlag(FLAGS_in_flight)}));
  WEIR_RETURN_IF_ERROR(ingest.client->PushAll(ingest.sources));
  return ingest;
}

absl::Status MeasureIngest(Ingest& ingest, Repeats& repeats) {
  const absl::Duration cpu = ingest.gateway->Cpu();
  WEIR_ASSIGN_OR_RETURN(
      const PushReport report,
      ingest.client->Run(ingest.sources, kWarmUp, absl::Seconds(absl::GetFlag(FLAGS_seconds))));
  const auto pushes = static_cast<double>(report.pushes);
  const double all_pushes = static_cast<double>(report.all_pushes);
  const auto add = [&](absl::string_view what, double value) {
    repeats.Add(absl::StrCat(ingest.name, ", ", what), value);
  };
  add("pushes/s", report.PushesPerSecond());
  add("p50 ms", report.latency_ns.Quantile(0.5) / 1e6);
  add("p99 ms", report.latency_ns.Quantile(0.99) / 1e6);
  add("bytes a push", static_cast<double>(report.request_bytes) / pushes);
  add("gateway's processor us/push",
      absl::ToDoubleMicroseconds(ingest.gateway->Cpu() - cpu) / all_pushes);
  add("client's processor us/push", absl::ToDoubleMicroseconds(report.client_cpu) / pushes);
  return absl::OkStatus();
}

// That what is exposed is what the sources have counted.
absl::Status CheckTotals(Ingest& ingest) {
  WEIR_RETURN_IF_ERROR(ingest.client->PushAll(ingest.sources));
  WEIR_ASSIGN_OR_RETURN(const auto connection,
                        HttpConnection::Connect(ingest.gateway->http_address()));
  std::string page;
  WEIR_RETURN_IF_ERROR(connection->Get("/metrics", /*accept_gzip=*/false, &page).status());
  ExposedTotals expected;
  for (const auto& source : ingest.sources) AddTotals(source->Text(), expected);
  ExposedTotals exposed;
  AddTotals(page, exposed);
  WEIR_RETURN_IF_ERROR(CompareTotals(expected, exposed));
  std::cout << absl::StreamFormat("  (%s: %d lines, of which %d counters and buckets are right)\n",
                                  ingest.name, CountLines(page), expected.size());
  return absl::OkStatus();
}

absl::Status MeasurePushgateway(const Pushgateway& pushgateway, const Sources& sources, int pushers,
                                absl::string_view name, Repeats& repeats) {
  const absl::Duration cpu = pushgateway.Cpu();
  WEIR_ASSIGN_OR_RETURN(
      const Pushgateway::Report report,
      pushgateway.Push(sources, pushers, absl::Seconds(absl::GetFlag(FLAGS_pushgateway_seconds))));
  repeats.Add(absl::StrCat(name, ", pushes/s"), report.per_second);
  repeats.Add(
      absl::StrCat(name, ", its processor ms/push"),
      absl::ToDoubleMilliseconds(pushgateway.Cpu() - cpu) / static_cast<double>(report.pushes));
  return absl::OkStatus();
}

absl::StatusOr<std::string> Measure() {
  WEIR_ASSIGN_OR_RETURN(Ingest own, StartIngest("weir", /*share_models=*/false));
  WEIR_ASSIGN_OR_RETURN(Ingest shared, StartIngest("weir, same models", /*share_models=*/true));
  const ScratchDirectory state(absl::GetFlag(FLAGS_scratch));
  WEIR_ASSIGN_OR_RETURN(
      const auto pushgateway,
      Pushgateway::Start({.program = absl::GetFlag(FLAGS_pushgateway), .state_dir = state.path()}));
  WEIR_RETURN_IF_ERROR(pushgateway->Fill(own.sources));
  const int pushers = std::min<int>(absl::GetFlag(FLAGS_pushers), own.sources.size());
  const std::string one = "Pushgateway, 1 pusher";
  const std::string several = absl::StrCat("Pushgateway, ", pushers, " pushers");
  Repeats repeats;
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    WEIR_RETURN_IF_ERROR(MeasureIngest(own, repeats));
    WEIR_RETURN_IF_ERROR(MeasureIngest(shared, repeats));
    WEIR_RETURN_IF_ERROR(MeasurePushgateway(*pushgateway, own.sources, 1, one, repeats));
    WEIR_RETURN_IF_ERROR(MeasurePushgateway(*pushgateway, own.sources, pushers, several, repeats));
  }
  WEIR_RETURN_IF_ERROR(pushgateway->Restart(Pushgateway::Check::kNone));
  WEIR_RETURN_IF_ERROR(MeasurePushgateway(*pushgateway, own.sources, pushers,
                                          absl::StrCat(several, ", no check"), repeats));
  std::cout << repeats.Table(absl::StrFormat("%d sources, %d models, %d lines each",
                                             own.sources.size(), absl::GetFlag(FLAGS_models),
                                             own.sources[0]->TextLines()));
  for (Ingest* ingest : {&own, &shared}) {
    WEIR_RETURN_IF_ERROR(CheckTotals(*ingest));
    WEIR_RETURN_IF_ERROR(ingest->gateway->Stop());
  }
  const double rate = repeats.MedianOf("weir, pushes/s");
  const double reference = std::max(repeats.MedianOf(absl::StrCat(one, ", pushes/s")),
                                    repeats.MedianOf(absl::StrCat(several, ", pushes/s")));
  return absl::StrFormat("\nBENCH ingest pushes_per_s=%.0f pushgateway_ratio=%.0f", rate,
                         rate / reference);
}

int Main() {
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-ingest: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures how many pushes a second a gateway takes");
  return weir::Main();
}
