#include "loadgen/report/html_report.h"

#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "weir/v1/load_report.pb.h"

namespace weir {
namespace {

int CountOf(const std::string& page, const std::string& part) {
  int count = 0;
  for (size_t at = page.find(part); at != std::string::npos; at = page.find(part, at + 1)) ++count;
  return count;
}

// The text of the data element `id`, as a browser sees it: up to the first end of a script.
std::string DataOf(const std::string& page, const std::string& id) {
  const std::string begin = "<script type=\"application/json\" id=\"" + id + "\">";
  const size_t from = page.find(begin);
  if (from == std::string::npos) return "";
  return page.substr(from + begin.size(), page.find("</script>", from) - from - begin.size());
}

template <typename Message>
Message Parsed(const std::string& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json, &message);
  EXPECT_TRUE(status.ok()) << status.ToString() << ": " << json;
  return message;
}

v1::LoadReport Report(const std::string& model) {
  v1::LoadReport report;
  report.set_scenario("hello");
  report.mutable_generator()->set_kept_up(true);
  v1::LoadModel& entry = *report.add_models();
  entry.set_model(model);
  entry.set_sent(1200);
  entry.mutable_latency()->set_p99(0.0125);
  return report;
}

TEST(HtmlReportTest, ThePageHoldsTheWholeReportAndTheFrontier) {
  const v1::LoadReport report = Report("fashion-fast");
  v1::Frontier frontier;
  frontier.set_family("fashion");
  frontier.add_variants()->set_capacity_per_second(2210.5);
  const std::string page = *HtmlReport(report, &frontier);
  EXPECT_EQ(Parsed<v1::LoadReport>(DataOf(page, "report")).SerializeAsString(),
            report.SerializeAsString());
  EXPECT_EQ(Parsed<v1::Frontier>(DataOf(page, "frontier")).SerializeAsString(),
            frontier.SerializeAsString());
  // The page's script reads fields by the names that they have in load_report.proto.
  EXPECT_TRUE(absl::StrContains(DataOf(page, "report"), "\"kept_up\":true"));
}

TEST(HtmlReportTest, WithoutAFrontierThereIsNone) {
  EXPECT_EQ(DataOf(*HtmlReport(Report("m"), nullptr), "frontier"), "");
}

TEST(HtmlReportTest, TextsThatLookLikeMarkupStayData) {
  const int scripts = CountOf(*HtmlReport(Report("m"), nullptr), "<script");
  for (const std::string text : {"</script><script>alert(1)</script>", "<!--<script>", "]]>", "-->",
                                 "<img src=x onerror=alert(1)>", "&lt;/script&gt;", "@script@",
                                 "@data@", "a\"b\\c\n\t", "\u2028\u2029", ")~~~\""}) {
    v1::LoadReport report = Report(text);
    report.set_scenario(text);
    report.add_warnings(text);
    report.add_requirements()->set_text(text);
    const std::string page = *HtmlReport(report, nullptr);
    EXPECT_EQ(CountOf(page, "<script"), scripts) << text;
    EXPECT_EQ(CountOf(page, "</script"), scripts) << text;
    const std::string data = DataOf(page, "report");
    EXPECT_EQ(data.find_first_of("<>&"), std::string::npos) << data;
    EXPECT_EQ(Parsed<v1::LoadReport>(data).SerializeAsString(), report.SerializeAsString());
  }
}

TEST(HtmlReportTest, ThePageNeedsNothingFromElsewhere) {
  const std::string page = *HtmlReport(v1::LoadReport(), nullptr);
  EXPECT_TRUE(absl::StrContains(page, "content=\"default-src 'none';"));
  // The one address is a name of a vocabulary, not of a place.
  const std::string rest = absl::StrReplaceAll(page, {{"http://www.w3.org/2000/svg", ""}});
  for (const char* part : {"http:", "https:", "src=", "@import", "<link", "fetch("}) {
    EXPECT_FALSE(absl::StrContains(rest, part)) << part;
  }
}

TEST(HtmlReportTest, EveryPartOfThePageIsThere) {
  const std::string page = *HtmlReport(v1::LoadReport(), nullptr);
  EXPECT_TRUE(absl::StartsWith(page, "<!DOCTYPE html>")) << page.substr(0, 40);
  EXPECT_TRUE(absl::EndsWith(page, "</html>\n"));
  for (const char* part : {"--paper:", "function showShare(", "function drawPlot(",
                           "function percentilePlot(", "function modelTable(", "\nbuildPage();"}) {
    EXPECT_TRUE(absl::StrContains(page, part)) << part;
  }
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    EXPECT_FALSE(absl::StartsWith(line, "@") && absl::EndsWith(line, "@")) << line;
  }
}

}  // namespace
}  // namespace weir
