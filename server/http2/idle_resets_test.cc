#include "server/http2/idle_resets.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

const std::string kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string Frame(uint8_t type, uint8_t stream, const std::string& payload) {
  std::string frame = {0, 0, static_cast<char>(payload.size()), static_cast<char>(type), 0, 0,
                       0, 0, static_cast<char>(stream)};
  return frame + payload;
}

std::string Headers(uint8_t stream) { return Frame(1, stream, "headers"); }
std::string Data(uint8_t stream, const std::string& payload) { return Frame(0, stream, payload); }
std::string Reset(uint8_t stream) { return Frame(3, stream, {0, 0, 0, 8}); }

class IdleResetsTest : public ::testing::Test {
 protected:
  // What is passed of `bytes` if they come in pieces of `piece`.
  std::string Passed(absl::string_view bytes, size_t piece) {
    IdleResets resets;
    std::string passed;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      EXPECT_TRUE(resets
                      .Filter(
                          bytes.substr(at, piece), [&] { return last_opened_; },
                          [&](absl::string_view more) {
                            absl::StrAppend(&passed, more);
                            return absl::OkStatus();
                          })
                      .ok());
    }
    return passed;
  }

  int32_t last_opened_ = 5;
};

TEST_F(IdleResetsTest, TakesOutThoseOfStreamsThatWereNotOpened) {
  const std::string before = kPreface + Headers(5) + Data(5, std::string(100, 'x')) + Reset(3);
  const std::string after = Reset(5) + Data(5, "") + Frame(8, 0, std::string(4, '\1'));
  const std::string all = before + Reset(7) + Reset(99) + after + Reset(7);
  for (size_t piece = 1; piece <= all.size(); ++piece) {
    ASSERT_EQ(Passed(all, piece), before + after) << piece;
  }
}

TEST_F(IdleResetsTest, WhatLooksLikeOneWithinAFrameIsPassed) {
  const std::string all = kPreface + Data(5, Reset(7)) + Data(5, "x" + Reset(7));
  for (size_t piece = 1; piece <= all.size(); ++piece) ASSERT_EQ(Passed(all, piece), all) << piece;
}

TEST_F(IdleResetsTest, AResetOfAWrongSizeIsPassed) {
  const std::string all = kPreface + Frame(3, 7, "abc") + Frame(3, 7, "abcde");
  for (size_t piece = 1; piece <= all.size(); ++piece) ASSERT_EQ(Passed(all, piece), all) << piece;
}

TEST_F(IdleResetsTest, WhatComesBeforeAResetIsPassedBeforeItIsJudged) {
  IdleResets resets;
  std::vector<std::string> passed;
  last_opened_ = 0;
  const absl::Status status = resets.Filter(
      kPreface + Headers(7) + Reset(7) + Headers(9), [&] { return last_opened_; },
      [&](absl::string_view more) {
        passed.emplace_back(more);
        last_opened_ = 7;
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok());
  EXPECT_THAT(passed, ElementsAre(kPreface + Headers(7), Reset(7) + Headers(9)));
}

TEST_F(IdleResetsTest, AnErrorEndsIt) {
  IdleResets resets;
  int passed = 0;
  const absl::Status status = resets.Filter(
      kPreface + Reset(5) + Reset(5), [&] { return last_opened_; },
      [&](absl::string_view) {
        ++passed;
        return absl::UnavailableError("broken");
      });
  EXPECT_TRUE(absl::IsUnavailable(status));
  EXPECT_EQ(passed, 1);
}

}  // namespace
}  // namespace weir
