// weir-bench-scrape: how long a gateway takes for /metrics, and what a line of it costs in memory,
// beside Pushgateway with as many lines.
//
// A scrape is timed from the connection to the last byte, by a client that throws away what it
// reads.
#include <algorithm>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "base/clock.h"
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
ABSL_FLAG(std::vector<std::string>, lines, std::vector<std::string>({"10000", "100000", "1000000"}),
          "How many lines are exposed, about, with commas between; the last line is of 100000, or "
          "else of the first.");
ABSL_FLAG(int64_t, pushgateway_max_lines, 100'000, "More are measured of weir-gateway alone.");
ABSL_FLAG(double, seconds, 2, "How long scrapes are measured while pushes come in.");
ABSL_FLAG(int, repeats, 11, "How often all else is measured.");

namespace weir {
namespace {

constexpr int64_t kHeadline = 100'000;
constexpr int kModelsPerSource = 3;
constexpr int kQuantileLinesPerModel = 10;  // That weir-gateway works out itself.

using Sources = std::vector<std::unique_ptr<PushSource>>;

// What was measured with so many lines.
struct Result {
  int64_t lines = 0;  // As exposed by weir-gateway.
  double ms = 0;
  double pushgateway_ratio = 0;  // Its time over weir's, for each line; 0 if not measured.
  double bytes_per_line = 0;     // Beside the snapshots.
};

// As many sources as have `lines` lines if each has models of its own.
Sources MakeSources(int64_t lines, bool share_models) {
  Sources sources;
  while (lines > 0) {
    const int i = static_cast<int>(sources.size());
    sources.push_back(std::make_unique<PushSource>(
        PushSource::Options{.replica = absl::StrCat("server-", i, ":8001"),
                            .first_model = share_models ? 0 : i * kModelsPerSource,
                            .models = kModelsPerSource,
                            .seed = static_cast<uint32_t>(i + 1)}));
    lines -= sources.back()->TextLines() + kModelsPerSource * kQuantileLinesPerModel;
  }
  return sources;
}

// One scrape, in milliseconds. Scrapes of one reader go over one connection, as those of Prometheus
// do.
absl::StatusOr<double> Scrape(HttpConnection& reader, bool gzip, std::string* body = nullptr) {
  const absl::Time begin = MonotonicNow();
  WEIR_ASSIGN_OR_RETURN(const HttpConnection::Response response,
                        reader.Get("/metrics", gzip, body));
  if (response.status != 200) {
    return absl::InternalError(absl::StrCat("/metrics answers ", response.status));
  }
  return absl::ToDoubleMilliseconds(MonotonicNow() - begin);
}

absl::Status MeasureScrape(absl::string_view name, HttpConnection& reader, bool gzip,
                           Repeats& repeats) {
  WEIR_ASSIGN_OR_RETURN(const double ms, Scrape(reader, gzip));
  repeats.Add(absl::StrCat(name, gzip ? ", gzip, ms" : ", ms"), ms);
  return absl::OkStatus();
}

// Scrapes while `sources` push as fast as they can.
absl::Status MeasureScrapesUnderLoad(const GatewayUnderTest& gateway, const Sources& sources,
                                     Repeats& repeats) {
  const absl::Duration duration = absl::Seconds(absl::GetFlag(FLAGS_seconds));
  WEIR_ASSIGN_OR_RETURN(const auto reader, HttpConnection::Connect(gateway.http_address()));
  WEIR_ASSIGN_OR_RETURN(const auto client, PushClient::Create({.address = gateway.push_address()}));
  absl::StatusOr<PushReport> report;
  std::thread pusher([&] { report = client->Run(sources, absl::ZeroDuration(), duration); });
  absl::Status status;
  const absl::Time end = MonotonicNow() + duration;
  while (status.ok() && MonotonicNow() < end) {
    status = MeasureScrape("weir, under pushes", *reader, false, repeats);
  }
  pusher.join();
  WEIR_RETURN_IF_ERROR(status);
  WEIR_RETURN_IF_ERROR(report.status());
  repeats.Add("weir, pushes/s meanwhile", report->PushesPerSecond());
  return absl::OkStatus();
}

absl::Status MeasurePushgateway(const Sources& sources, const GatewayUnderTest& gateway,
                                Repeats& repeats) {
  const ScratchDirectory state(absl::GetFlag(FLAGS_scratch));
  WEIR_ASSIGN_OR_RETURN(
      const auto pushgateway,
      Pushgateway::Start({.program = absl::GetFlag(FLAGS_pushgateway), .state_dir = state.path()}));
  WEIR_RETURN_IF_ERROR(pushgateway->Fill(sources));
  WEIR_ASSIGN_OR_RETURN(const auto of_weir, HttpConnection::Connect(gateway.http_address()));
  WEIR_ASSIGN_OR_RETURN(const auto of_pushgateway, HttpConnection::Connect(pushgateway->address()));
  std::string page;
  WEIR_RETURN_IF_ERROR(Scrape(*of_pushgateway, /*gzip=*/false, &page).status());
  for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
    for (const bool gzip : {false, true}) {
      WEIR_RETURN_IF_ERROR(MeasureScrape("weir", *of_weir, gzip, repeats));
      WEIR_RETURN_IF_ERROR(MeasureScrape("Pushgateway", *of_pushgateway, gzip, repeats));
    }
  }
  const auto lines = static_cast<double>(CountLines(page));
  repeats.Add("Pushgateway, lines", lines);
  repeats.Add("Pushgateway, memory bytes/line",
              static_cast<double>(pushgateway->ResidentBytes()) / lines);
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<GatewayUnderTest>> StartGateway() {
  return GatewayUnderTest::Start({.program = absl::GetFlag(FLAGS_gateway),
                                  .state_parent = absl::GetFlag(FLAGS_scratch),
                                  .more_flags = absl::GetFlag(FLAGS_gateway_flags)});
}

// What a gateway holds of these sources, and how many lines it exposes.
struct Held {
  double bytes = 0;
  double lines = 0;
};

absl::StatusOr<Held> MeasureHeld(const Sources& sources) {
  WEIR_ASSIGN_OR_RETURN(const auto gateway, StartGateway());
  WEIR_ASSIGN_OR_RETURN(const auto client,
                        PushClient::Create({.address = gateway->push_address()}));
  WEIR_ASSIGN_OR_RETURN(const auto reader, HttpConnection::Connect(gateway->http_address()));
  std::string page;
  // More than once, with scrapes between: what is kept for the next time counts.
  for (int round = 0; round < 3; ++round) {
    for (const auto& source : sources) source->Serve();
    WEIR_RETURN_IF_ERROR(client->PushAll(sources));
    WEIR_RETURN_IF_ERROR(Scrape(*reader, /*gzip=*/false, &page).status());
  }
  const Held held = {.bytes = static_cast<double>(gateway->ResidentBytes()),
                     .lines = static_cast<double>(CountLines(page))};
  WEIR_RETURN_IF_ERROR(gateway->Stop());
  return held;
}

// What a line costs beside the snapshots, which the gateway keeps as they come: as many sources
// push as much, once all of the same models and once each of its own. So there are as many
// snapshots, and what the second gateway holds more is for its lines.
absl::Status MeasureMemory(int64_t wanted_lines, Repeats& repeats) {
  const Sources own = MakeSources(wanted_lines, /*share_models=*/false);
  WEIR_ASSIGN_OR_RETURN(const Held all, MeasureHeld(own));
  WEIR_ASSIGN_OR_RETURN(const Held few,
                        MeasureHeld(MakeSources(wanted_lines, /*share_models=*/true)));
  repeats.Add("weir, memory MB", all.bytes / 1e6);
  repeats.Add("weir, the same without the lines, MB", few.bytes / 1e6);
  repeats.Add("weir, memory bytes/line", (all.bytes - few.bytes) / (all.lines - few.lines));
  return absl::OkStatus();
}

absl::StatusOr<Result> MeasureLines(int64_t wanted_lines) {
  Repeats repeats;
  WEIR_RETURN_IF_ERROR(MeasureMemory(wanted_lines, repeats));
  WEIR_ASSIGN_OR_RETURN(const auto gateway, StartGateway());
  WEIR_ASSIGN_OR_RETURN(const auto client,
                        PushClient::Create({.address = gateway->push_address()}));
  const Sources sources = MakeSources(wanted_lines, /*share_models=*/false);
  WEIR_RETURN_IF_ERROR(client->PushAll(sources));
  WEIR_ASSIGN_OR_RETURN(const auto reader, HttpConnection::Connect(gateway->http_address()));
  std::string page;
  WEIR_RETURN_IF_ERROR(Scrape(*reader, /*gzip=*/false, &page).status());
  const auto lines = static_cast<double>(CountLines(page));
  if (wanted_lines <= absl::GetFlag(FLAGS_pushgateway_max_lines)) {
    WEIR_RETURN_IF_ERROR(MeasurePushgateway(sources, *gateway, repeats));
  } else {
    for (int repeat = 0; repeat < absl::GetFlag(FLAGS_repeats); ++repeat) {
      for (const bool gzip : {false, true}) {
        WEIR_RETURN_IF_ERROR(MeasureScrape("weir", *reader, gzip, repeats));
      }
    }
  }
  WEIR_RETURN_IF_ERROR(MeasureScrapesUnderLoad(*gateway, sources, repeats));
  WEIR_RETURN_IF_ERROR(gateway->Stop());

  const double ms = repeats.MedianOf("weir, ms");
  const double pushgateway_ms = repeats.MedianOf("Pushgateway, ms");
  const double bytes = static_cast<double>(page.size());
  repeats.Add("weir, ns/line", ms * 1e6 / lines);
  repeats.Add("weir, text bytes/line", bytes / lines);
  repeats.Add("weir, text MB/s", bytes / ms / 1e3);
  std::cout << repeats.Table(absl::StrFormat("%.0f lines", lines)) << "\n" << std::flush;
  return Result{
      .lines = wanted_lines,
      .ms = ms,
      .pushgateway_ratio = pushgateway_ms / repeats.MedianOf("Pushgateway, lines") / (ms / lines),
      .bytes_per_line = repeats.MedianOf("weir, memory bytes/line")};
}

absl::StatusOr<std::string> Measure() {
  std::vector<Result> results;
  for (const std::string& text : absl::GetFlag(FLAGS_lines)) {
    int64_t lines = 0;
    if (!absl::SimpleAtoi(text, &lines) || lines < 1) {
      return absl::InvalidArgumentError(absl::StrCat("--lines: no number of lines: ", text));
    }
    WEIR_ASSIGN_OR_RETURN(results.emplace_back(), MeasureLines(lines));
  }
  const auto headline = std::find_if(results.begin(), results.end(),
                                     [](const Result& r) { return r.lines == kHeadline; });
  const Result& result = headline == results.end() ? results.at(0) : *headline;
  return absl::StrFormat(
      "BENCH scrape series=%d ms=%.2f pushgateway_ratio=%.1f bytes_per_series=%.0f", result.lines,
      result.ms, result.pushgateway_ratio, result.bytes_per_line);
}

int Main() {
  const absl::StatusOr<std::string> line = Measure();
  if (!line.ok()) {
    std::cerr << "weir-bench-scrape: " << line.status().message() << "\n";
    return 1;
  }
  std::cout << *line << "\n";
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  weir::ParseFlags(argc, argv, "measures how long a gateway takes for /metrics");
  return weir::Main();
}
