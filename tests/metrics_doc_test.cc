// docs/metrics.md says of each metric what base/metrics.h says, and shows a query that Prometheus
// can read.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/metrics.h"
#include "base/process.h"
#include "tests/metrics_page.h"

namespace weir {
namespace {

bool IsOfTheGateway(const Metric& metric) {
  return absl::StartsWith(metric.name, "weir_gateway_") ||
         metric.name == metric::kRequestDurationQuantile.name;
}

std::string MergeRule(const Metric& metric) {
  if (IsOfTheGateway(metric)) return "of the gateway itself";
  switch (metric.merge) {
    case GaugeMerge::kNone:
    case GaugeMerge::kSum:
      return "sum of all servers";
    case GaugeMerge::kMax:
      return "largest of all servers";
    case GaugeMerge::kLast:
      return "of the server that began last";
    case GaugeMerge::kUnion:
      return "1, whoever has it";
  }
  return "";
}

std::string Facts(const Metric& metric) {
  const char* const type = metric.type == MetricType::kCounter   ? "counter"
                           : metric.type == MetricType::kGauge   ? "gauge"
                           : metric.type == MetricType::kSummary ? "summary"
                                                                 : "histogram";
  const std::string labels = absl::StrJoin(
      metric.labels, ", ",
      [](std::string* out, absl::string_view label) { absl::StrAppend(out, "`", label, "`"); });
  return absl::StrCat(type, " · ", labels.empty() ? "no labels" : labels, " · ", MergeRule(metric));
}

// The metric whose series are called `name`; null if there is none.
const Metric* MetricOfSeries(absl::string_view name) {
  const Metric* const exact = FindMetric(name);
  if (exact != nullptr) return exact->type == MetricType::kHistogram ? nullptr : exact;
  for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
    absl::string_view family = name;
    const Metric* const found = absl::ConsumeSuffix(&family, suffix) ? FindMetric(family) : nullptr;
    if (found != nullptr && found->type == MetricType::kHistogram &&
        (suffix != "_sum" || !found->without_sum)) {
      return found;
    }
  }
  return nullptr;
}

// The words of `query` that begin as metrics do.
std::vector<std::string> SeriesOf(absl::string_view query) {
  std::vector<std::string> names;
  for (const absl::string_view word :
       absl::StrSplit(query, absl::ByAnyChar(" \n(){}[],+-*/<>=!"))) {
    if (absl::StartsWith(word, "weir_")) names.emplace_back(word);
  }
  return names;
}

TEST(MetricsDocTest, EachMetricOfTheCatalogueHasItsPartInOrder) {
  std::vector<std::string> documented;
  for (const MetricSection& section : ReadMetricsPage()) documented.push_back(section.name);
  std::vector<std::string> known;
  for (const Metric* metric : MetricCatalogue()) known.emplace_back(metric->name);
  EXPECT_EQ(documented, known);
}

TEST(MetricsDocTest, TypeLabelsMergeRuleAndMeaningAreThoseOfTheCatalogue) {
  for (const MetricSection& section : ReadMetricsPage()) {
    const Metric* const metric = FindMetric(section.name);
    if (metric == nullptr) continue;
    EXPECT_EQ(section.facts, Facts(*metric)) << section.name;
    EXPECT_EQ(section.help, metric->help) << section.name;
  }
}

TEST(MetricsDocTest, EachQueryAsksForItsMetricAndForNoneThatThereIsNot) {
  for (const MetricSection& section : ReadMetricsPage()) {
    ASSERT_EQ(section.queries.size(), 1) << section.name;
    bool asked = false;
    for (const std::string& series : SeriesOf(section.queries[0])) {
      const Metric* const metric = MetricOfSeries(series);
      EXPECT_NE(metric, nullptr) << section.name << ": there is no series " << series;
      if (metric != nullptr && metric->name == section.name) asked = true;
    }
    EXPECT_TRUE(asked) << section.name << ": its query is about something else";
  }
}

TEST(MetricsDocTest, PrometheusReadsTheQueries) {
  const std::string path = testing::TempDir() + "/rules.yml";
  std::ofstream file(path);
  file << "groups:\n- name: docs\n  rules:\n";
  for (const MetricSection& section : ReadMetricsPage()) {
    for (const std::string& query : section.queries) {
      file << "  - record: docs:" << section.name << "\n    expr: |\n      "
           << absl::StrReplaceAll(absl::StripSuffix(query, "\n"), {{"\n", "\n      "}}) << "\n";
    }
  }
  file.close();
  Process promtool({"/usr/bin/promtool", "check", "rules", path});
  EXPECT_EQ(promtool.Wait(), 0) << promtool.output();
}

}  // namespace
}  // namespace weir
