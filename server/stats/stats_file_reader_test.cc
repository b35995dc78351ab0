#include "server/stats/stats_file_reader.h"

#include <cstring>
#include <string>

#include "base/files.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/stats/decoded_push.h"
#include "server/stats/recorder.h"
#include "server/stats/stats_directory.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

// A file of a boot that has answered two requests.
std::string StatsFileBytes() {
  const StatsDirectory directory;
  {
    const auto recorder =
        *Recorder::Create({.state_dir = directory.path(), .replica = "r", .shards = 2});
    VersionStats& stats = recorder->ForVersion(
        {.model = "m", .version = 1, .has_values = true, .value_bounds = {1, 2}});
    recorder->Unresolved("m").RecordAnswer({.code = absl::StatusCode::kNotFound});
    stats.RecordAnswer({.rows = 1, .total_ns = 5});
    stats.RecordAnswer({.rows = 1, .total_ns = 5});
    stats.RecordValue(1.5);
    v1::PushRequest push;
    recorder->FillPush(push);
    recorder->NoteAcknowledged("gateway:1", 1);
  }
  return *ReadFile(directory.OnlyFile(".stats"));
}

StatsFileHeader HeaderOf(const std::string& bytes) {
  StatsFileHeader header;
  memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

void SetHeader(std::string& bytes, StatsFileHeader header) {
  header.crc = 0;
  header.crc = StatsCrc({reinterpret_cast<const char*>(&header), kStatsFixedBytes});
  memcpy(bytes.data(), &header, sizeof(header));
}

absl::Status StatusOf(const std::string& bytes) { return ReadStatsFile(bytes).status(); }

TEST(StatsFileReaderTest, ReadsWhatABootHasCounted) {
  const auto contents = ReadStatsFile(StatsFileBytes());
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->replica, "r");
  EXPECT_EQ(contents->last_seq, 1u);
  EXPECT_TRUE(contents->Matters());
  const auto push = contents->LastPush();
  ASSERT_TRUE(push.ok()) << push.status();
  EXPECT_EQ(push->seq(), 2u);
  EXPECT_EQ(push->boot_id(), contents->boot_id);
  EXPECT_GT(push->boot_unix_ns(), 0);
  EXPECT_TRUE(push->last());
  EXPECT_TRUE(push->recovered());
  const DecodedPush decoded(*push);
  EXPECT_EQ(decoded.Value("weir_requests_total", {"m", "1", "OK"}), 2);
  EXPECT_EQ(decoded.Value("weir_requests_total", {"m", "", "NOT_FOUND"}), 1);
  EXPECT_EQ(decoded.Value("weir_request_duration_seconds", {"m", "1"}), 1e-8);
  EXPECT_EQ(decoded.Value("weir_prediction_value_sum_total", {"m", "1", "positive"}), 1.5);
}

TEST(StatsFileReaderTest, AFileThatWasNotBegunHasNothing) {
  EXPECT_TRUE(absl::IsNotFound(StatusOf("")));
  EXPECT_TRUE(absl::IsNotFound(StatusOf(std::string(4096, '\0'))));
}

TEST(StatsFileReaderTest, AForeignFileIsNamed) {
  const absl::Status status = StatusOf(std::string(10'000, 'x'));
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("not a stats file"));
}

TEST(StatsFileReaderTest, AnotherFormatIsNamed) {
  std::string bytes = StatsFileBytes();
  StatsFileHeader header = HeaderOf(bytes);
  header.version = 2;
  SetHeader(bytes, header);
  const absl::Status status = StatusOf(bytes);
  EXPECT_TRUE(absl::IsUnimplemented(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("format is 2, this is 1"));
}

TEST(StatsFileReaderTest, AFileIsRefusedWhereverItIsCutOff) {
  const std::string bytes = StatsFileBytes();
  const size_t committed = HeaderOf(bytes).committed_bytes;
  for (size_t size = 1; size < committed; size += size < 5000 ? 1 : 97) {
    const absl::Status status = StatusOf(bytes.substr(0, size));
    ASSERT_TRUE(absl::IsDataLoss(status)) << size << " " << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("cut off"));
  }
}

TEST(StatsFileReaderTest, WhatIsNotCommittedYetIsNotRead) {
  std::string bytes = StatsFileBytes();
  const auto before = ReadStatsFile(bytes);
  bytes.append(10'000, 'x');
  const auto after = ReadStatsFile(bytes);
  ASSERT_TRUE(after.ok()) << after.status();
  EXPECT_EQ(after->totals, before->totals);
}

TEST(StatsFileReaderTest, AChangeOfWhatIsWrittenOnceIsFound) {
  const std::string bytes = StatsFileBytes();
  for (size_t i = 0; i < kStatsFixedBytes; ++i) {
    std::string torn = bytes;
    torn[i] ^= 1;
    EXPECT_FALSE(StatusOf(torn).ok()) << i;
  }
  StatsBlockHeader block;
  memcpy(&block, bytes.data() + kStatsPageBytes, sizeof(block));
  for (size_t i = 0; i < sizeof(block) + block.schema_bytes; ++i) {
    std::string torn = bytes;
    torn[kStatsPageBytes + i] ^= 1;
    EXPECT_TRUE(absl::IsDataLoss(StatusOf(torn))) << i;
  }
}

TEST(StatsFileReaderTest, ALengthThatEndsWithinABlockIsRefused) {
  std::string bytes = StatsFileBytes();
  for (const uint64_t committed : {uint64_t{0}, uint64_t{1}, uint64_t{4097}, UINT64_MAX,
                                   HeaderOf(bytes).committed_bytes - 2 * kStatsPageBytes}) {
    StatsFileHeader header = HeaderOf(bytes);
    header.committed_bytes = committed;
    SetHeader(bytes, header);
    EXPECT_TRUE(absl::IsDataLoss(StatusOf(bytes))) << committed;
  }
}

TEST(StatsFileReaderTest, ASumThatIsNoNumberIsRefusedByName) {
  std::string bytes = StatsFileBytes();
  const double sum = 1.5;
  const size_t at = bytes.find(std::string(reinterpret_cast<const char*>(&sum), sizeof(sum)),
                               bytes.find("weir_prediction_value_sum_total"));
  ASSERT_NE(at, std::string::npos);
  memset(bytes.data() + at, 0xff, sizeof(sum));
  const absl::Status status = StatusOf(bytes);
  EXPECT_TRUE(absl::IsDataLoss(status)) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("weir_prediction_value_sum_total"));
}

}  // namespace
}  // namespace weir
