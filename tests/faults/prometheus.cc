#include "tests/faults/prometheus.h"

#include <fstream>
#include <optional>

#include "absl/memory/memory.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "google/protobuf/struct.pb.h"
#include "tests/faults/http_get.h"
#include "tests/faults/json.h"

namespace weir {
namespace {

constexpr char kProgram[] = "/usr/bin/prometheus";
constexpr absl::Duration kTimeout = absl::Seconds(10);
constexpr absl::string_view kRange = "[1h]";  // Longer than any run.

using google::protobuf::Value;

// A list of a time and a value, which is text.
absl::StatusOr<double> SampleValue(const Value& sample) {
  double value = 0;
  if (sample.list_value().values_size() != 2 ||
      !absl::SimpleAtod(sample.list_value().values(1).string_value(), &value)) {
    return absl::InternalError("a sample of Prometheus is no time and value");
  }
  return value;
}

}  // namespace

double IncreaseOver(const std::vector<double>& samples) {
  double increase = 0;
  for (size_t i = 1; i < samples.size(); ++i) {
    increase += samples[i] < samples[i - 1] ? samples[i] : samples[i] - samples[i - 1];
  }
  return increase;
}

absl::StatusOr<std::unique_ptr<Prometheus>> Prometheus::Start(const Options& options) {
  std::string config = options.config_file;
  if (config.empty()) {
    config = absl::StrCat(options.directory, "/prometheus.yml");
    std::ofstream(config) << "global: {scrape_interval: "
                          << absl::ToInt64Milliseconds(options.interval)
                          << "ms, scrape_timeout: " << absl::ToInt64Milliseconds(options.interval)
                          << "ms}\nscrape_configs:\n- job_name: weir\n  static_configs:\n"
                          << "  - targets: ['127.0.0.1:" << options.target_port << "']\n";
  }
  std::vector<std::string> command = {
      kProgram, "--config.file=" + config,
      absl::StrCat("--storage.tsdb.path=", options.directory, "/data"),
      absl::StrCat("--web.listen-address=127.0.0.1:", options.port)};
  command.insert(command.end(), options.flags.begin(), options.flags.end());
  auto prometheus = absl::WrapUnique(new Prometheus(command, options));
  if (!prometheus->process_.WaitForLine("Server is ready to receive web requests")) {
    return absl::UnavailableError(
        absl::StrCat("Prometheus does not get ready:\n", prometheus->output()));
  }
  return prometheus;
}

absl::StatusOr<double> Prometheus::Increase(const Selector& selector) {
  WEIR_ASSIGN_OR_RETURN(const auto series, Query(absl::StrCat(selector.Text(), kRange)));
  if (series.empty()) return absl::NotFoundError(selector.Text() + " has no samples");
  double increase = 0;
  for (const std::vector<double>& samples : series) increase += IncreaseOver(samples);
  return increase;
}

absl::StatusOr<double> Prometheus::ExtrapolatedIncrease(const Selector& selector) {
  WEIR_ASSIGN_OR_RETURN(const auto series,
                        Query(absl::StrCat("sum(increase(", selector.Text(), kRange, "))")));
  return series.empty() ? 0 : series[0].back();
}

absl::StatusOr<std::vector<std::vector<double>>> Prometheus::Query(absl::string_view query) {
  WEIR_ASSIGN_OR_RETURN(
      const std::string body,
      HttpGet(options_.port, absl::StrCat("/api/v1/query?query=", UrlEncoded(query)), kTimeout));
  WEIR_ASSIGN_OR_RETURN(const Value answer, ParseJson(body));
  std::vector<std::vector<double>> all;
  for (const Value& series : JsonField(JsonField(answer, "data"), "result").list_value().values()) {
    std::vector<double>& samples = all.emplace_back();
    const Value& one = JsonField(series, "value");
    if (one.has_list_value()) {
      WEIR_ASSIGN_OR_RETURN(samples.emplace_back(), SampleValue(one));
    }
    for (const Value& sample : JsonField(series, "values").list_value().values()) {
      WEIR_ASSIGN_OR_RETURN(samples.emplace_back(), SampleValue(sample));
    }
  }
  return all;
}

}  // namespace weir
