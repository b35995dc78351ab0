#include "gateway/huffman.h"

#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

std::vector<HuffmanCode> CodesOf(const std::vector<uint32_t>& counts) {
  std::vector<HuffmanCode> codes(counts.size());
  MakeHuffmanCodes(counts, absl::MakeSpan(codes));
  return codes;
}

// None begins another one, and none is missing.
void ExpectComplete(const std::vector<HuffmanCode>& codes) {
  uint32_t share = 0;
  std::set<std::pair<int, int>> seen;
  for (const HuffmanCode& code : codes) {
    ASSERT_GE(code.length, 1);
    ASSERT_LE(code.length, 15);
    share += uint32_t{1} << (15 - code.length);
    EXPECT_TRUE(seen.insert({code.length, code.bits}).second);
    for (int length = 1; length < code.length; ++length) {
      EXPECT_FALSE(seen.contains({length, code.bits & ((1 << length) - 1)}));
    }
  }
  EXPECT_EQ(share, uint32_t{1} << 15);
}

TEST(HuffmanTest, FrequentSymbolsHaveShortCodes) {
  const std::vector<HuffmanCode> codes = CodesOf({1, 4, 2, 1});
  EXPECT_EQ(codes[1].length, 1);
  EXPECT_EQ(codes[2].length, 2);
  EXPECT_EQ(codes[0].length, 3);
  EXPECT_EQ(codes[3].length, 3);
  EXPECT_EQ(codes[1].bits, 0b0);
  EXPECT_EQ(codes[2].bits, 0b01);  // Read from the lowest bit on: 1, then 0.
  EXPECT_EQ(codes[0].bits, 0b011);
  EXPECT_EQ(codes[3].bits, 0b111);
}

TEST(HuffmanTest, SymbolsThatDoNotOccurHaveCodesToo) {
  ExpectComplete(CodesOf({0, 0}));
  ExpectComplete(CodesOf({0, 1'000'000, 0}));
  ExpectComplete(CodesOf(std::vector<uint32_t>(286, 0)));
}

TEST(HuffmanTest, NoCodeIsTooLong) {
  std::vector<uint32_t> fibonacci = {1, 1};
  while (fibonacci.size() < 45) {
    fibonacci.push_back(fibonacci.end()[-1] + fibonacci.end()[-2]);
  }
  ExpectComplete(CodesOf(fibonacci));
  fibonacci.resize(286, UINT32_MAX);
  ExpectComplete(CodesOf(fibonacci));
}

TEST(HuffmanTest, CodesAreCompleteWhateverOccurs) {
  std::mt19937 random(1);
  for (int round = 0; round < 500; ++round) {
    std::vector<uint32_t> counts(2 + random() % 285);
    for (uint32_t& count : counts) count = random() >> (random() % 32);
    ExpectComplete(CodesOf(counts));
  }
}

}  // namespace
}  // namespace weir
