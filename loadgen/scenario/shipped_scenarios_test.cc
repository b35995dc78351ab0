// The scenarios that ship with weir, and what docs/load-scenarios.md says of them and of each
// field.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "loadgen/scenario/rate_curve.h"
#include "loadgen/scenario/scenario.h"

namespace weir {
namespace {

using testing::Contains;
using testing::ElementsAreArray;
using testing::Key;

constexpr char kDirectory[] = "loadgen/scenarios";
constexpr char kPage[] = "docs/load-scenarios.md";

v1::LoadScenario Shipped(const std::string& name) {
  const auto scenario = ReadScenario(name, kDirectory);
  EXPECT_TRUE(scenario.ok()) << scenario.status();
  return scenario.ok() ? *scenario : v1::LoadScenario();
}

std::vector<std::pair<std::string, std::string>> List() {
  const auto list = ListScenarios(kDirectory);
  EXPECT_TRUE(list.ok()) << list.status();
  return list.ok() ? *list : std::vector<std::pair<std::string, std::string>>();
}

std::string Page() {
  const auto page = ReadFile(kPage);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.ok() ? *page : "";
}

// The first two cells of the rows of tables, without the backquotes, by the heading above them.
std::map<std::string, std::vector<std::pair<std::string, std::string>>> Tables(
    const std::string& page) {
  std::map<std::string, std::vector<std::pair<std::string, std::string>>> tables;
  std::string heading;
  for (const absl::string_view line : absl::StrSplit(page, '\n')) {
    if (absl::StartsWith(line, "#")) {
      heading = std::string(line);
    } else if (absl::StartsWith(line, "| `")) {
      const std::vector<std::string> cells = absl::StrSplit(line, " | ");
      const absl::string_view name = absl::StripSuffix(absl::StripPrefix(cells[0], "| `"), "`");
      tables[heading].emplace_back(name, absl::StripSuffix(cells[1], " |"));
    }
  }
  return tables;
}

void AddMessages(const google::protobuf::Descriptor& message,
                 std::map<std::string, std::vector<std::string>>& fields) {
  std::vector<std::string>& names = fields[message.name()];
  if (!names.empty()) return;
  for (int i = 0; i < message.field_count(); ++i) names.push_back(message.field(i)->name());
  for (int i = 0; i < message.field_count(); ++i) {
    const auto* nested = message.field(i)->message_type();
    if (nested != nullptr) AddMessages(*nested, fields);
  }
}

TEST(ShippedScenariosTest, AllAreReadAndSayInALineWhatTheyDo) {
  for (const auto& [name, description] : List()) {
    EXPECT_FALSE(description.empty()) << name;
    EXPECT_LE(description.size(), 90u) << name;  // As long as a terminal is wide.
  }
}

TEST(ShippedScenariosTest, ThoseThatWereAnnouncedAreThere) {
  for (const char* name : {"steady", "hello", "ramp", "spike", "soak", "slow_model", "errors",
                           "drift", "silence", "overload"}) {
    EXPECT_THAT(List(), Contains(Key(name)));
  }
}

TEST(ShippedScenariosTest, AllStillFitWhenTheyAreMadeShort) {
  for (const auto& [name, description] : List()) {
    v1::LoadScenario scenario = Shipped(name);
    ScaleTo(absl::Seconds(3), scenario);
    const auto again = ParseScenario(scenario.DebugString(), name);
    EXPECT_TRUE(again.ok()) << again.status();
  }
}

TEST(ShippedScenariosTest, HelloIsAHundredRequestsPerSecondOverThreeVariants) {
  const v1::LoadScenario hello = Shipped("hello");
  ASSERT_EQ(hello.phases_size(), 1);
  const std::vector<RatePiece> curve = CurveOf(hello.phases(0));
  ASSERT_EQ(curve.size(), 1u);
  EXPECT_EQ(curve[0].from, 100);
  EXPECT_EQ(hello.traffic_size(), 3);
}

TEST(ShippedScenariosTest, AQuarterOfErrorsFails) {
  const v1::LoadScenario errors = Shipped("errors");
  for (const v1::LoadTraffic& traffic : errors.traffic()) {
    const v1::LoadFaults& faults = traffic.faults();
    EXPECT_NEAR(1 - (1 - faults.malformed_ratio()) * (1 - faults.fail_ratio()), 0.25, 0.001);
  }
}

TEST(ShippedScenariosTest, TheSlowModelIsSlowForMoreThanATwentiethOfItsRequests) {
  double slow_seconds = 0;
  double seconds = 0;
  const v1::LoadScenario scenario = Shipped("slow_model");
  for (const v1::LoadPhase& phase : scenario.phases()) {
    const double length = absl::ToDoubleSeconds(DurationOf(phase.duration(), absl::Duration()));
    seconds += length;
    for (const v1::LoadTraffic& traffic : phase.traffic()) {
      const absl::Duration delay = DurationOf(traffic.faults().delay(), absl::Duration());
      EXPECT_GT(TimeoutOf(traffic), delay);
      if (delay > absl::Seconds(1)) slow_seconds += length;
    }
  }
  EXPECT_GT(slow_seconds, 0.05 * seconds);  // So that its p95 is above a second.
}

TEST(ShippedScenariosTest, ThePageListsAllWithTheirDescriptions) {
  EXPECT_THAT(Tables(Page())["## Those that ship with weir"], ElementsAreArray(List()));
}

TEST(ShippedScenariosTest, ThePageHasEachFieldOfEachMessage) {
  std::map<std::string, std::vector<std::string>> fields;
  AddMessages(*v1::LoadScenario::descriptor(), fields);
  std::map<std::string, std::vector<std::string>> on_page;
  for (const auto& [heading, rows] : Tables(Page())) {
    const size_t colon = heading.rfind(": ");
    if (colon == std::string::npos) continue;
    for (const auto& [field, meaning] : rows) {
      on_page[heading.substr(colon + 2)].push_back(field);
    }
  }
  EXPECT_EQ(on_page, fields);
}

TEST(ShippedScenariosTest, TheExampleOfThePageIsAScenario) {
  const std::vector<std::string> parts = absl::StrSplit(Page(), "```textproto\n");
  ASSERT_EQ(parts.size(), 2u);
  const std::string example = parts[1].substr(0, parts[1].find("```"));
  const auto scenario = ParseScenario(example, "example.textproto");
  EXPECT_TRUE(scenario.ok()) << scenario.status();
}

TEST(ShippedScenariosTest, TheMistakeOfThePageIsFoundWhereItSays) {
  const std::string page = Page();
  const size_t begin = page.find("mine.textproto:");
  ASSERT_NE(begin, std::string::npos);
  std::string example = std::vector<std::string>(absl::StrSplit(page, "```textproto\n"))[1];
  example.resize(example.find("```"));
  const size_t duration = example.find("\"1m\"");
  ASSERT_NE(duration, std::string::npos);
  example.replace(duration, 4, "\"1 m\"");
  EXPECT_EQ(ParseScenario(example, "mine.textproto").status().message(),
            page.substr(begin, page.find('\n', begin) - begin));
}

}  // namespace
}  // namespace weir
