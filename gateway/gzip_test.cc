#include "gateway/gzip.h"

#include <zlib.h>

#include <algorithm>
#include <random>
#include <string>

#include "absl/strings/str_cat.h"
#include "gateway/page_text.h"
#include "gateway/text_buffer.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

void AddStep(size_t keep, absl::string_view text, PageText& page) {
  char* const to = page.BeginStep(keep, text.size());
  std::copy(text.begin(), text.end(), to);
  page.EndStep(to + text.size());
}

// As zlib reads it: one member, and nothing behind it.
std::string Gunzip(absl::string_view gzip) {
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, 15 + 16), Z_OK);  // gzip only.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = gzip.size();
  std::string text;
  std::string piece(1 << 16, '\0');
  int result = Z_OK;
  while (result == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = piece.size();
    result = inflate(&stream, Z_NO_FLUSH);
    text.append(piece, 0, piece.size() - stream.avail_out);
  }
  EXPECT_EQ(result, Z_STREAM_END) << (stream.msg == nullptr ? "" : stream.msg);
  EXPECT_EQ(stream.avail_in, 0);
  inflateEnd(&stream);
  return text;
}

std::string Compressed(const PageText& page) {
  TextBuffer out;
  Gzip(page, out);
  return std::string(out.text());
}

TEST(GzipTest, AnEmptyPageIsAnEmptyMember) { EXPECT_EQ(Gunzip(Compressed(PageText())), ""); }

TEST(GzipTest, LinesOfMetricsBecomeSmall) {
  PageText page;
  std::string text;
  for (int i = 0; i < 50'000; ++i) {
    const std::string begin = "weir_request_duration_seconds_bucket{model=\"fashion-fast\",le=\"";
    const std::string end = absl::StrCat(i % 17, "\"} ", i * 37 % 1000, "\n");
    if (i == 0) {
      AddStep(0, begin + end, page);
    } else {
      AddStep(begin.size(), end, page);
    }
    absl::StrAppend(&text, begin, end);
  }
  const std::string gzip = Compressed(page);
  EXPECT_TRUE(Gunzip(gzip) == text);
  EXPECT_LT(gzip.size(), text.size() / 10);
}

TEST(GzipTest, WhatRepeatsWithinTextIsFound) {
  PageText page;
  for (int i = 0; i < 1000; ++i) page.Append("{\"model\":\"fashion-fast\",\"rows\":null},");
  const std::string gzip = Compressed(page);
  EXPECT_TRUE(Gunzip(gzip) == page.ToString());
  EXPECT_LT(gzip.size(), page.size() / 20);
}

TEST(GzipTest, MatchesOfAllLengthsAndDistances) {
  PageText page;
  std::mt19937 random(2);
  std::string last;
  for (size_t keep = 0; keep < 1200; ++keep) {
    std::string add(keep < 600 ? 2 : 1 + random() % 40'000, '\0');
    for (char& c : add) c = static_cast<char>('a' + random() % 26);
    const size_t kept = std::min(keep, last.size());
    AddStep(kept, add, page);
    last.resize(kept);
    last += add;
  }
  EXPECT_TRUE(Gunzip(Compressed(page)) == page.ToString());
}

TEST(GzipTest, AnyBytesComeBack) {
  std::mt19937 random(3);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n)(random); };
  for (int round = 0; round < 40; ++round) {
    PageText page;
    size_t last = 0;
    const int alphabet = 1 << below(8);
    for (int i = 0; i < 400; ++i) {
      std::string add(below(below(30) == 0 ? PageText::kMaxStepBytes : 60), '\0');
      for (char& c : add) c = static_cast<char>(below(alphabet - 1));
      const size_t keep = below(std::min(last, PageText::kMaxStepBytes - add.size()));
      AddStep(keep, add, page);
      last = keep + add.size();
    }
    ASSERT_TRUE(Gunzip(Compressed(page)) == page.ToString());
  }
}

}  // namespace
}  // namespace weir
