#include "server/http2/decompress.h"

#include <zlib.h>

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

constexpr size_t kLimit = 1 << 20;

std::string Compressed(absl::string_view bytes, absl::string_view encoding) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, encoding == "gzip" ? 31 : 15,
                         /*memLevel=*/8, Z_DEFAULT_STRATEGY),
            Z_OK);
  std::string compressed(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(compressed.data());
  stream.avail_out = static_cast<uInt>(compressed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  compressed.resize(stream.total_out);
  deflateEnd(&stream);
  return compressed;
}

// Does not become much smaller.
std::string Noise(size_t size) {
  std::string noise(size, '\0');
  uint32_t state = 1;
  for (char& c : noise) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return noise;
}

TEST(AcceptedEncodingsTest, TheyAreTheOnesThatAreTold) {
  EXPECT_EQ(kAcceptedEncodings, "identity,deflate,gzip");
  for (const char* encoding : {"identity", "deflate", "gzip"}) {
    EXPECT_TRUE(IsAcceptedEncoding(encoding)) << encoding;
  }
  for (const char* encoding : {"", "GZIP", "gzip,deflate", "snappy"}) {
    EXPECT_FALSE(IsAcceptedEncoding(encoding)) << encoding;
  }
}

class DecompressTest : public ::testing::TestWithParam<const char*> {
 protected:
  absl::StatusOr<std::string> Unpack(absl::string_view bytes, size_t max_bytes = kLimit) {
    return Decompress(bytes, GetParam(), max_bytes);
  }
  absl::StatusOr<std::string> ThereAndBack(absl::string_view bytes, size_t max_bytes = kLimit) {
    return Unpack(Compressed(bytes, GetParam()), max_bytes);
  }
};

TEST_P(DecompressTest, WhatWasCompressedComesBack) {
  // Around the sizes to which the room for it grows.
  for (const size_t size : {1, 100, 4095, 4096, 4097, 8192, 100'000}) {
    EXPECT_EQ(*ThereAndBack(Noise(size)), Noise(size)) << size;
    EXPECT_EQ(*ThereAndBack(std::string(size, 'x')), std::string(size, 'x')) << size;
  }
}

TEST_P(DecompressTest, AMessageMayBeEmpty) { EXPECT_EQ(*ThereAndBack(""), ""); }

TEST_P(DecompressTest, AsMuchAsIsAllowedIsUnpackedAndNotAByteMore) {
  for (const size_t size : {1, 4095, 4096, 4097, 50'000}) {
    EXPECT_EQ(ThereAndBack(Noise(size), size)->size(), size);
    const absl::Status status = ThereAndBack(Noise(size), size - 1).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << size;
    EXPECT_THAT(std::string(status.message()), HasSubstr(std::to_string(size - 1)));
  }
  EXPECT_EQ(*ThereAndBack("", 0), "");
}

TEST_P(DecompressTest, ABombIsRefusedWithoutBeingUnpacked) {
  std::string bomb = Compressed(std::string(64 << 20, '\0'), GetParam());
  EXPECT_LT(bomb.size(), 100'000u);
  // What follows the limit is not looked at: broken, it is still too large.
  bomb.resize(bomb.size() / 2);
  EXPECT_EQ(Unpack(bomb).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST_P(DecompressTest, WhatIsCutOffAnywhereIsRefused) {
  const std::string whole = Compressed(Noise(300), GetParam());
  for (size_t size = 0; size < whole.size(); ++size) {
    const absl::Status status = Unpack(absl::string_view(whole).substr(0, size)).status();
    ASSERT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << size;
    EXPECT_THAT(std::string(status.message()), HasSubstr(GetParam()));
  }
}

TEST_P(DecompressTest, BrokenBytesAreRefused) {
  EXPECT_EQ(Unpack("no such thing").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Unpack(Noise(5000)).status().code(), absl::StatusCode::kInvalidArgument);
  // The checksum, of four bytes from the end of deflate's or eight from that of gzip's.
  std::string changed = Compressed("the message", GetParam());
  changed[changed.size() - (GetParam() == absl::string_view("gzip") ? 8 : 4)] ^= 1;
  EXPECT_EQ(Unpack(changed).status().code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Encodings, DecompressTest, ::testing::Values("gzip", "deflate"));

TEST(DecompressOtherTest, OneIsNotTheOther) {
  EXPECT_EQ(Decompress(Compressed("x", "gzip"), "deflate", kLimit).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Decompress(Compressed("x", "deflate"), "gzip", kLimit).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(DecompressOtherTest, ACompressedMessageWithoutAnEncodingIsAnErrorOfTheClient) {
  for (const char* encoding : {"", "identity"}) {
    EXPECT_EQ(Decompress(Compressed("x", "gzip"), encoding, kLimit).status().code(),
              absl::StatusCode::kInternal);
  }
}

}  // namespace
}  // namespace weir
