#include "base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "base/names.h"

namespace weir {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Optional;

template <typename... Parts>
std::string Line(const Parts&... parts) {
  return FormatLogLine(LogSeverity::kInfo, absl::UnixEpoch(), "a.cc", 1, LogMessage(parts...));
}

std::string Start() { return "1970-01-01T00:00:00.000000Z INFO a.cc:1 "; }

TEST(LogTest, ALineHoldsTimeSeverityPlaceAndMessage) {
  EXPECT_EQ(FormatLogLine(LogSeverity::kWarning, absl::FromUnixMicros(1'500'000), "a/b.cc", 7,
                          LogMessage("hi ", 5)),
            "1970-01-01T00:00:01.500000Z WARNING a/b.cc:7 hi 5\n");
}

TEST(LogTest, AMessageCannotForgeALineOfItsOwn) {
  const std::string line = Line("x\n2026 ERROR y\x1b[31m", LogField("id", "a\nb"));
  EXPECT_EQ(line.find('\n'), line.size() - 1);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(LogTest, ControlCharactersBeyondAsciiAreEscapedToo) {
  EXPECT_EQ(Line("a\u009b31m"), Start() + "a\\xc2\\x9b31m\n") << "what begins a terminal's command";
  EXPECT_EQ(Line("a\u2028b"), Start() + "a\\xe2\\x80\\xa8b\n") << "a line separator";
  EXPECT_EQ(Line("a\u202eb"), Start() + "a\\xe2\\x80\\xaeb\n") << "right-to-left override";
  EXPECT_EQ(Line("a\u2066b"), Start() + "a\\xe2\\x81\\xa6b\n") << "an isolate";
}

TEST(LogTest, BytesThatAreNotUtf8AreEscapedAndTheirNeighboursStay) {
  EXPECT_EQ(Line("a\xff\xd0z"), Start() + "a\\xff\\xd0z\n");
  EXPECT_EQ(Line("ы\xe2\x82"), Start() + "ы\\xe2\\x82\n") << "a character that is cut off";
  EXPECT_EQ(Line(absl::string_view("\0", 1)), Start() + "\\x00\n");
}

TEST(LogTest, QuotesAndBackslashesOfAMessageStayAsTheyAre) {
  EXPECT_EQ(Line("model \"a\\b\" isn't here"), Start() + "model \"a\\b\" isn't here\n");
}

TEST(LogTest, TextInOtherScriptsStaysReadable) {
  EXPECT_EQ(Line("модель 模型 \xf0\x9f\x91\x95", LogField("name", "модель")),
            Start() + "модель 模型 \xf0\x9f\x91\x95 name=модель\n");
}

TEST(LogFieldTest, FieldsComeAfterTheTextWhereverTheyAreGiven) {
  EXPECT_EQ(Line("loaded ", LogField("model", "fast"), "in ", 5, " s", LogField("version", 3)),
            Start() + "loaded in 5 s model=fast version=3\n");
}

TEST(LogFieldTest, AValueThatIsNotOneWordIsQuoted) {
  EXPECT_EQ(LogMessage(LogField("a", "two words")).fields(), " a=\"two words\"");
  EXPECT_EQ(LogMessage(LogField("a", "")).fields(), " a=\"\"");
  EXPECT_EQ(LogMessage(LogField("a", "b=c")).fields(), " a=\"b=c\"");
  EXPECT_EQ(LogMessage(LogField("a", "say \"no\"")).fields(), " a=\"say \\\"no\\\"\"");
  EXPECT_EQ(LogMessage(LogField("a", "b\\")).fields(), " a=\"b\\\\\"");
  EXPECT_EQ(LogMessage(LogField("a", "b\nc")).fields(), " a=\"b\\x0ac\"");
  EXPECT_EQ(LogMessage(LogField("a", "\xff")).fields(), " a=\"\\xff\"");
}

TEST(LogFieldTest, NumbersAndPlainWordsAreNotQuoted) {
  EXPECT_EQ(LogMessage(LogField("a", -1.5), LogField("b", "x-y_z/7:[]")).fields(),
            " a=-1.5 b=x-y_z/7:[]");
}

TEST(LogLengthTest, ALineThatJustFitsIsNotCut) {
  const std::string text(kMaxLogLineBytes - Start().size() - 1, 'x');
  EXPECT_EQ(Line(text), Start() + text + "\n");
}

TEST(LogLengthTest, ALongTextIsCutWithAMarkAndItsFieldsStay) {
  const std::string line = Line(std::string(10'000, 'x'), LogField("id", "me"));
  EXPECT_LE(line.size(), kMaxLogLineBytes);
  EXPECT_GT(line.size(), kMaxLogLineBytes - 50);
  EXPECT_THAT(line, EndsWith(" bytes more) id=me\n"));
  const size_t kept = std::count(line.begin(), line.end(), 'x');
  EXPECT_THAT(line, HasSubstr(absl::StrCat("x...(", 10'000 - kept, " bytes more)")));
}

TEST(LogLengthTest, ACutNeverSplitsACharacterOrAnEscape) {
  for (int shift = 0; shift < 4; ++shift) {
    std::string text(shift, 'x');
    for (int i = 0; i < 2000; ++i) text += "模";
    EXPECT_TRUE(IsUtf8(Line(text)));
    EXPECT_THAT(Line(std::string(shift, 'x') + std::string(5000, '\x01')), HasSubstr("\\x01...("));
  }
}

TEST(LogLengthTest, LongValuesAreCutAndLeaveRoomForTheText) {
  const std::string value(5000, 'v');
  const std::string line = Line("the text", LogField("a", value), LogField("b", value),
                                LogField("c", value), LogField("d", value), LogField("e", value));
  EXPECT_LE(line.size(), kMaxLogLineBytes);
  EXPECT_THAT(line, HasSubstr(" the text a=\"vvv"));
  EXPECT_THAT(line, EndsWith(" bytes more)\" e=...\n"));
}

TEST(LogLengthTest, EvenTooManyFieldsMakeNoLongerLine) {
  LogMessage message("text");
  for (int i = 0; i < 1000; ++i) message.Add(LogField("key", i));
  const std::string line = FormatLogLine(LogSeverity::kInfo, absl::UnixEpoch(), "a.cc", 1, message);
  EXPECT_EQ(line.size(), kMaxLogLineBytes);
  EXPECT_THAT(line, EndsWith("\n"));
}

TEST(LogSeverityTest, LinesBelowTheLeastSeverityAreNeitherWrittenNorPutTogether) {
  const absl::Cleanup restore = [] { SetMinLogSeverity(LogSeverity::kInfo); };
  int pieces = 0;
  const auto piece = [&] { return absl::StrCat("piece ", ++pieces); };
  testing::internal::CaptureStderr();
  WEIR_LOG(kDebug, piece());
  WEIR_LOG(kInfo, piece());
  SetMinLogSeverity(LogSeverity::kError);
  WEIR_LOG(kWarning, piece());
  WEIR_LOG_EVERY(kWarning, absl::ZeroDuration(), piece());
  SetMinLogSeverity(LogSeverity::kDebug);
  WEIR_LOG(kDebug, piece());
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr(" INFO base/log_test.cc:"));
  EXPECT_THAT(written, HasSubstr(" piece 1\n"));
  EXPECT_THAT(written, HasSubstr(" DEBUG base/log_test.cc:"));
  EXPECT_THAT(written, HasSubstr(" piece 2\n"));
  EXPECT_EQ(pieces, 2);
}

TEST(LogSeverityTest, ItsFlagTakesNamesAndRefusesOthers) {
  LogSeverity severity = LogSeverity::kInfo;
  std::string error;
  for (const LogSeverity known :
       {LogSeverity::kDebug, LogSeverity::kInfo, LogSeverity::kWarning, LogSeverity::kError}) {
    EXPECT_TRUE(AbslParseFlag(AbslUnparseFlag(known), &severity, &error));
    EXPECT_EQ(severity, known);
  }
  EXPECT_FALSE(AbslParseFlag("loud", &severity, &error));
  EXPECT_EQ(error, "expected debug, info, warning or error");
}

TEST(RepeatLimitTest, OneReportAnIntervalSaysHowManyWereLeftOut) {
  RepeatLimit limit;
  const absl::Time start = absl::UnixEpoch() + absl::Hours(1);
  const absl::Duration interval = absl::Seconds(1);
  EXPECT_THAT(limit.Report(start, interval), Optional(0));
  EXPECT_EQ(limit.Report(start, interval), std::nullopt);
  EXPECT_EQ(limit.Report(start + absl::Milliseconds(999), interval), std::nullopt);
  EXPECT_THAT(limit.Report(start + absl::Seconds(1), interval), Optional(2));
  EXPECT_EQ(limit.Report(start + absl::Seconds(1), interval), std::nullopt);
  EXPECT_THAT(limit.Report(start + absl::Hours(1), interval), Optional(1));
  EXPECT_THAT(limit.Report(start + absl::Hours(2), interval), Optional(0));
}

TEST(RepeatLimitTest, ThreadsTogetherReportOnceAnIntervalAndLoseNoEvent) {
  constexpr int kThreads = 4;
  constexpr int kEvents = 20'000;
  constexpr int kEventsPerInterval = 100;
  RepeatLimit limit;
  std::atomic<int64_t> ticks = 0;
  std::atomic<int64_t> reports = 0;
  std::atomic<int64_t> left_out = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < kEvents; ++j) {
        const absl::Time now = absl::UnixEpoch() + absl::Seconds(ticks++ / kEventsPerInterval);
        const auto report = limit.Report(now, absl::Seconds(1));
        if (!report.has_value()) continue;
        ++reports;
        left_out += *report;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(reports, kThreads * kEvents / kEventsPerInterval);
  EXPECT_GT(reports, 0);
  const auto last = limit.Report(absl::InfiniteFuture(), absl::Seconds(1));
  ASSERT_TRUE(last.has_value());
  EXPECT_EQ(reports + left_out + *last, kThreads * kEvents);
}

TEST(LogEveryTest, APlaceWritesOnceAnIntervalAndThenSaysHowManyItLeftOut) {
  const auto log = [](absl::Duration interval) {
    WEIR_LOG_EVERY(kWarning, interval, "full", LogField("model", "fast"));
  };
  testing::internal::CaptureStderr();
  log(absl::InfiniteDuration());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), EndsWith(" full model=fast\n"));
  testing::internal::CaptureStderr();
  for (int i = 0; i < 3; ++i) log(absl::InfiniteDuration());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  log(absl::ZeroDuration());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), EndsWith(" full model=fast left_out=3\n"));
}

TEST(LogEveryTest, PlacesDoNotCountForEachOther) {
  testing::internal::CaptureStderr();
  WEIR_LOG_EVERY(kError, absl::InfiniteDuration(), "one");
  WEIR_LOG_EVERY(kError, absl::InfiniteDuration(), "another");
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, HasSubstr(" one\n"));
  EXPECT_THAT(written, EndsWith(" another\n"));
}

}  // namespace
}  // namespace weir
