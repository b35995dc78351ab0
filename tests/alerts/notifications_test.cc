// What people get to read: a real Alertmanager with the repository's configuration, and a stand-in
// for Telegram.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "tests/alerts/alertmanager.h"
#include "tests/alerts/fake_telegram.h"
#include "tests/alerts/post_server.h"
#include "tests/faults/free_port.h"

namespace weir {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::StartsWith;

// The wait for others of a group takes a third of a second, and what is over is told after one.
constexpr double kSpeed = 60;
constexpr absl::Duration kTimeout = absl::Seconds(20);

const absl::Time kBegin = absl::FromUnixSeconds(1'600'000'000);

std::string RandomDirectory() {
  return absl::StrCat(testing::TempDir(), "/alertmanager-", std::random_device()());
}

class NotificationsTest : public testing::Test {
 protected:
  NotificationsTest() : random_(std::random_device()()) {}

  std::vector<std::string> TelegramSettings(const std::string& url) const {
    return {absl::StrCat("WEIR_TELEGRAM_TOKEN=", FakeTelegram::kToken),
            absl::StrCat("WEIR_TELEGRAM_CHAT=", FakeTelegram::kChat), "WEIR_TELEGRAM_API=" + url};
  }

  void Start(const std::vector<std::string>& settings) {
    auto started = Alertmanager::Start({.directory = RandomDirectory(),
                                        .port = FreePort(random_),
                                        .speed = kSpeed,
                                        .settings = settings});
    ASSERT_TRUE(started.ok()) << started.status();
    alertmanager_ = *std::move(started);
  }

  void StartWithTelegram() { Start(TelegramSettings(telegram_.url())); }

  // An alert as a rule of ours would give it.
  static Alertmanager::Alert Alert(const std::string& name, const std::string& severity,
                                   const std::string& model) {
    return {.labels = {{"alertname", name},
                       {"severity", severity},
                       {"scope", "model"},
                       {"model", model}},
            .annotations = {{"summary", "requests are slow"}},
            .starts = kBegin};
  }

  void Post(const std::vector<Alertmanager::Alert>& alerts) {
    const absl::Status posted = alertmanager_->Post(alerts);
    ASSERT_TRUE(posted.ok()) << posted;
  }

  // The first message with `text`.
  std::string MessageWith(const std::string& text) {
    std::string message;
    EXPECT_TRUE(telegram_.Await(
        [&](const FakeTelegram::Message& candidate) {
          message = candidate.text;
          return absl::StrContains(message, text);
        },
        kTimeout))
        << text << "\n"
        << alertmanager_->process().output();
    return message;
  }

  std::vector<std::string> AllTexts() const {
    std::vector<std::string> texts;
    for (const FakeTelegram::Message& message : telegram_.messages()) texts.push_back(message.text);
    return texts;
  }

  std::mt19937_64 random_;
  FakeTelegram telegram_;
  std::unique_ptr<Alertmanager> alertmanager_;
};

TEST_F(NotificationsTest, AMessageSaysWhatIsWrongSinceWhenAndWhereToReadOn) {
  StartWithTelegram();
  Alertmanager::Alert alert = Alert("LatencySLOViolated", "critical", "fashion-balanced");
  alert.annotations = {{"summary", "fashion-balanced is slow"},
                       {"description", "95 % of requests took up to 2.41 s, allowed are 1 s"},
                       {"runbook_url", "https://weir.example/LatencySLOViolated.md"}};
  Post({alert});
  EXPECT_EQ(MessageWith("Latency"),
            "🔴 LatencySLOViolated\n"
            "Model: fashion-balanced\n"
            "fashion-balanced is slow\n"
            "95 % of requests took up to 2.41 s, allowed are 1 s\n"
            "Since: 2020-09-13 12:26:40 UTC\n"
            "Runbook: https://weir.example/LatencySLOViolated.md\n\n");
  alert.ends = kBegin + absl::Minutes(5);
  Post({alert});
  EXPECT_EQ(MessageWith("is over"),
            "✅ LatencySLOViolated is over\n"
            "Model: fashion-balanced\n"
            "From: 2020-09-13 12:26:40 UTC\n"
            "To: 2020-09-13 12:31:40 UTC\n\n");
  EXPECT_THAT(telegram_.messages(), SizeIs(2));
}

TEST_F(NotificationsTest, TheSignTellsTheSeverity) {
  StartWithTelegram();
  Post({Alert("A", "warning", "m"), Alert("B", "info", "m"), Alert("C", "", "m")});
  EXPECT_THAT(MessageWith(" A\n"), StartsWith("🟠 A\n"));
  EXPECT_THAT(MessageWith(" B\n"), StartsWith("🔵 B\n"));
  EXPECT_THAT(MessageWith(" C\n"), StartsWith("🔵 C\n"));
}

TEST_F(NotificationsTest, MarkupInLabelsArrivesAsItIs) {
  StartWithTelegram();
  const std::string hostile = "<b>&amp;_*[x](http://y)`</b> {{ .Labels }} \\ \"' %s";
  Alertmanager::Alert alert = Alert("Hostile", "critical", hostile);
  alert.annotations = {{"description", "of " + hostile}};
  Post({alert});
  EXPECT_THAT(MessageWith("Hostile"),
              AllOf(HasSubstr("Model: " + hostile + "\n"), HasSubstr("\nof " + hostile + "\n")));
  EXPECT_THAT(telegram_.refusals(), IsEmpty());
}

TEST_F(NotificationsTest, ALabelCannotForgeALine) {
  StartWithTelegram();
  Post({Alert("Forged", "critical", "m\n\n✅ Forged is over\r\u2028\u202e\tTo: 2020")});
  EXPECT_THAT(MessageWith("Forged"), HasSubstr("\nModel: m ✅ Forged is over To: 2020\n"));
}

TEST_F(NotificationsTest, LongTextsAreCutSoThatTheRestIsThere) {
  StartWithTelegram();
  std::vector<Alertmanager::Alert> alerts;
  for (int i = 0; i < 8; ++i) {
    std::string wide;  // 5000 characters of four bytes.
    for (int j = 0; j < 5000; ++j) wide += "🜁";
    Alertmanager::Alert alert = Alert("Long", "critical", wide);
    alert.labels.emplace_back("replica", wide);
    alert.labels.emplace_back("version", absl::StrCat(i));
    alert.annotations = {{"summary", wide}, {"description", wide}, {"runbook_url", "https://r/L"}};
    alerts.push_back(alert);
  }
  Post(alerts);
  const std::string firing = MessageWith("In all, 8 fire and 0 are over.");
  EXPECT_THAT(firing, AllOf(StartsWith("🔴 Long\nModel: 🜁"), HasSubstr("🜁…\n"),
                            HasSubstr("Runbook: https://r/L\n")));
  for (int i = 0; i < 4; ++i) alerts[i].ends = kBegin + absl::Minutes(1);
  Post(alerts);
  const std::string mixed = MessageWith("In all, 4 fire and 4 are over.");
  EXPECT_THAT(mixed, AllOf(HasSubstr("🔴 Long\n"), HasSubstr("✅ Long is over\n")));
  EXPECT_LT(CountCharacters(mixed), 4096);
  EXPECT_GT(CountCharacters(mixed), 2048) << "so that this was about long ones";
  EXPECT_THAT(telegram_.refusals(), IsEmpty());
  EXPECT_THAT(alertmanager_->process().output(), Not(HasSubstr("runcated")));
}

TEST_F(NotificationsTest, AModelsAlertsOfOneNameAreOneMessage) {
  StartWithTelegram();
  std::vector<Alertmanager::Alert> alerts = {Alert("A", "warning", "m"), Alert("A", "warning", "m"),
                                             Alert("A", "warning", "n"),
                                             Alert("B", "warning", "n")};
  alerts[0].labels.emplace_back("version", "1");
  alerts[1].labels.emplace_back("version", "2");
  Post(alerts);
  MessageWith("A\nModel: m");
  MessageWith("A\nModel: n");
  MessageWith("B\nModel: n");
  EXPECT_THAT(telegram_.messages(), SizeIs(3));
}

// Prometheus says for 15 minutes of each alert that it is over, each at a time of its own.
TEST_F(NotificationsTest, WhatIsOverIsToldOnceWhateverElseFires) {
  StartWithTelegram();
  const auto server_down = [](const std::string& replica) {
    Alertmanager::Alert alert = Alert("ServerDown", "critical", "");
    alert.labels.emplace_back("replica", replica);
    return alert;
  };
  std::vector<Alertmanager::Alert> over = {server_down("fast"), server_down("balanced")};
  Post({over[0], over[1], server_down("accurate")});
  for (const char* server : {"fast", "balanced", "accurate"}) {
    MessageWith(absl::StrCat("ServerDown\nServer: ", server));
  }
  for (auto& alert : over) {
    alert.ends = kBegin + absl::Minutes(1);
    Post({alert});
    MessageWith(absl::StrCat("is over\nServer: ", alert.labels.back().second));
  }
  const size_t told = telegram_.count();
  // Another alert's message comes after a wait for others, of which three are an interval.
  for (int i = 0; i < 12; ++i) {
    Post({over[i / 3 % 2], Alert(absl::StrCat("Clock", i), "warning", "m")});
    MessageWith(absl::StrCat("Clock", i, "\n"));
  }
  EXPECT_EQ(telegram_.count(), told + 12) << testing::PrintToString(AllTexts());
}

TEST_F(NotificationsTest, OfAModelThatIsCriticalNoWarningsAreTold) {
  StartWithTelegram();
  Alertmanager::Alert server = Alert("CriticalMemoryUsage", "critical", "");
  server.labels.emplace_back("replica", "fast");
  Post({Alert("CriticalErrorRate", "critical", "m"), server});
  MessageWith("CriticalErrorRate");
  MessageWith("CriticalMemoryUsage");
  Alertmanager::Alert same_server = Alert("HighMemoryUsage", "warning", "");
  same_server.labels.emplace_back("replica", "fast");
  Post({Alert("HighErrorRate", "warning", "m"), same_server});
  // These come later, and no earlier.
  Alertmanager::Alert other_server = Alert("HighMemoryUsage", "warning", "");
  other_server.labels.emplace_back("replica", "balanced");
  Post({Alert("HighErrorRate", "warning", "n"), other_server});
  EXPECT_THAT(MessageWith("HighErrorRate"), HasSubstr("Model: n\n"));
  EXPECT_THAT(MessageWith("HighMemoryUsage"), HasSubstr("Server: balanced\n"));
  EXPECT_THAT(AllTexts(), Not(Contains(HasSubstr("HighErrorRate\nModel: m"))));
  EXPECT_THAT(AllTexts(), Not(Contains(HasSubstr("HighMemoryUsage\nServer: fast"))));
}

TEST_F(NotificationsTest, WithoutTheGatewayOnlyThatIsTold) {
  StartWithTelegram();
  Post({Alert("GatewayDown", "critical", "")});
  MessageWith("GatewayDown");
  Post({Alert("ModelNotLoaded", "critical", "m")});
  Alertmanager::Alert other = Alert("DiskFull", "critical", "");
  other.labels[2].second = "";  // It is not ours.
  Post({other});
  MessageWith("DiskFull");
  EXPECT_THAT(AllTexts(), Not(Contains(HasSubstr("ModelNotLoaded"))));
}

TEST_F(NotificationsTest, WhileTheJournalCannotBeWrittenNothingIsToldOfModels) {
  StartWithTelegram();
  Alertmanager::Alert journal = Alert("JournalNotWritable", "critical", "");
  journal.labels[2].second = "gateway";
  Post({journal});
  MessageWith("JournalNotWritable");
  Post({Alert("ModelNotLoaded", "critical", "m")});
  Alertmanager::Alert pushes = Alert("PushesRejected", "warning", "");
  pushes.labels[2].second = "gateway";
  Post({pushes});
  MessageWith("PushesRejected");
  EXPECT_THAT(AllTexts(), Not(Contains(HasSubstr("ModelNotLoaded"))));
}

TEST_F(NotificationsTest, ABudgetThatBurnsFastMutesTheSlowOneOnly) {
  StartWithTelegram();
  Post({Alert("ErrorBudgetBurnFast", "critical", "m")});
  MessageWith("ErrorBudgetBurnFast");
  Post({Alert("ErrorBudgetBurnSlow", "warning", "m")});
  Post({Alert("LatencyBudgetBurnSlow", "warning", "m"), Alert("HighErrorRate", "warning", "m")});
  MessageWith("LatencyBudgetBurnSlow");
  MessageWith("HighErrorRate");
  EXPECT_THAT(AllTexts(), Not(Contains(HasSubstr("ErrorBudgetBurnSlow"))));
}

TEST_F(NotificationsTest, InformationComesWithoutASound) {
  StartWithTelegram();
  Post({Alert("A", "warning", "m")});
  MessageWith("A");
  Post({Alert("B", "info", "m")});
  MessageWith("B");
  const auto messages = telegram_.messages();
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_FALSE(messages[0].silent);
  EXPECT_TRUE(messages[1].silent);
}

TEST_F(NotificationsTest, AWebhookGetsTheAlertsAsJson) {
  absl::Mutex mu;
  std::vector<std::string> bodies;
  const PostServer webhook([&](const std::string& path, const std::string& body) {
    absl::MutexLock lock(&mu);
    bodies.push_back(path + " " + body);
    return PostServer::Answer();
  });
  Start({"WEIR_ALERT_WEBHOOK=" + webhook.url() + "/alerts?key=k"});
  Post({Alert("A", "warning", "m")});
  const auto came = [&] { return !bodies.empty(); };
  absl::MutexLock lock(&mu);
  ASSERT_TRUE(mu.AwaitWithTimeout(absl::Condition(&came), kTimeout));
  EXPECT_THAT(bodies, ElementsAre(AllOf(StartsWith("/alerts {"), HasSubstr(R"("status":"firing")"),
                                        HasSubstr(R"("model":"m")"))));
}

TEST_F(NotificationsTest, TheLogHidesTheTokenThatAlertmanagerWrites) {
  const std::string nobody = absl::StrCat("http://127.0.0.1:", FreePort(random_));
  std::vector<std::string> settings = TelegramSettings(nobody);
  settings.push_back("WEIR_ALERT_WEBHOOK=" + nobody + "/secret-path");
  Start(settings);
  Post({Alert("A", "warning", "m")});
  EXPECT_TRUE(alertmanager_->process().WaitForLine("/bot<token>/sendMessage", kTimeout));
  EXPECT_TRUE(alertmanager_->process().WaitForLine("<webhook>", kTimeout));
  EXPECT_THAT(alertmanager_->process().output(),
              AllOf(Not(HasSubstr("AAF-weir")), Not(HasSubstr("secret-path"))));
}

}  // namespace
}  // namespace weir
