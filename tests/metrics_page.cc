#include "tests/metrics_page.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/files.h"

namespace weir {
namespace {

std::string Paragraph(const std::vector<std::string>& lines, size_t begin) {
  size_t end = begin;
  while (end < lines.size() && !lines[end].empty()) ++end;
  return absl::StrJoin(lines.begin() + begin, lines.begin() + end, " ");
}

MetricSection ReadSection(const std::vector<std::string>& lines) {
  MetricSection section;
  section.name = lines.at(0);
  section.facts = lines.at(2);
  section.help = Paragraph(lines, 4);
  bool inside = false;
  for (const std::string& line : lines) {
    if (line == "```promql") {
      section.queries.emplace_back();
      inside = true;
    } else if (line == "```") {
      inside = false;
    } else if (inside) {
      absl::StrAppend(&section.queries.back(), line, "\n");
    }
  }
  return section;
}

}  // namespace

std::vector<MetricSection> ReadMetricsPage() {
  const absl::StatusOr<std::string> page = ReadFile("docs/metrics.md");
  EXPECT_TRUE(page.ok()) << page.status();
  std::vector<MetricSection> sections;
  if (!page.ok()) return sections;
  for (const absl::string_view part : absl::StrSplit(*page, "\n### ")) {
    if (absl::StartsWith(part, "weir_"))
      sections.push_back(ReadSection(absl::StrSplit(part, '\n')));
  }
  return sections;
}

}  // namespace weir
