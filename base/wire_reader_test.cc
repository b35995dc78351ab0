#include "base/wire_reader.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {
namespace {

using Type = WireReader::Field::Type;

std::string Bytes(const std::vector<int>& bytes) { return {bytes.begin(), bytes.end()}; }

// How many fields are read before the end, and whether that is the message's.
struct Outcome {
  int fields = 0;
  bool ok = false;

  bool operator==(const Outcome& other) const { return fields == other.fields && ok == other.ok; }
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << outcome.fields << (outcome.ok ? " fields" : " fields, then none");
}

Outcome ReadAll(const std::string& message) {
  WireReader reader(message);
  Outcome outcome;
  for (WireReader::Field field; reader.Next(field);) ++outcome.fields;
  outcome.ok = reader.ok();
  return outcome;
}

Outcome Read(const std::vector<int>& bytes) { return ReadAll(Bytes(bytes)); }

TEST(WireReaderTest, GivesEachFieldWithItsNumberItsTypeAndItsValue) {
  const std::string message =
      Bytes({0x08, 0x96, 0x01,                                    // 1: 150
             0x11, 1,    0,    0,    0,    0,    0,   0,   0x80,  // 2: 2^63 + 1 in eight bytes
             0x1a, 2,    'h',  'i',                               // 3: "hi"
             0x25, 0,    0,    0,    0x40,                        // 4: 2^30 in four bytes
             0xf8, 0xff, 0xff, 0xff, 0x0f, 0x00,                  // 2^29 - 1: 0
             0x08, 255,  255,  255,  255,  255,  255, 255, 255,  255, 1});  // 1: 2^64 - 1
  WireReader reader(message);
  WireReader::Field field;
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is(1, Type::kNumber));
  EXPECT_EQ(field.value, 150U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is(2, Type::kFixed64));
  EXPECT_EQ(field.value, (uint64_t{1} << 63) + 1);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is(3, Type::kBytes));
  EXPECT_EQ(field.bytes, "hi");
  EXPECT_EQ(field.bytes.data(), message.data() + message.find("hi")) << "where it lies";
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is(4, Type::kFixed32));
  EXPECT_EQ(field.value, uint64_t{1} << 30);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is((1U << 29) - 1, Type::kNumber));
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.value, ~uint64_t{0});
  EXPECT_FALSE(reader.Next(field));
  EXPECT_TRUE(reader.ok());
}

TEST(WireReaderTest, AnEmptyMessageHasNoFields) { EXPECT_EQ(ReadAll(""), (Outcome{0, true})); }

TEST(WireReaderTest, AMessageThatIsCutOffIsNone) {
  const std::string whole = Bytes({0x08, 0x96, 0x01, 0x11, 1,    2, 3, 4, 5, 6,    7,    8,
                                   0x1a, 2,    'h',  'i',  0x25, 1, 2, 3, 4, 0x80, 0x01, 0x00});
  // Where a field ends; what ends there is a message.
  const std::vector<size_t> ends = {0, 3, 12, 16, 21, 24};
  for (size_t size = 0; size <= whole.size(); ++size) {
    Outcome expected;
    for (const size_t end : ends) {
      if (end != 0 && end <= size) ++expected.fields;
      if (end == size) expected.ok = true;
    }
    EXPECT_EQ(ReadAll(whole.substr(0, size)), expected) << size << " bytes";
  }
}

TEST(WireReaderTest, BytesThatAreLongerThanTheMessageAreNone) {
  EXPECT_EQ(Read({0x0a, 5, 'a', 'b', 'c', 'd', 'e'}), (Outcome{1, true}));
  EXPECT_EQ(Read({0x0a, 6, 'a', 'b', 'c', 'd', 'e'}), (Outcome{0, false}));
  // 2^31, 2^32 - 1, 2^32 + 5, 2^64 - 1.
  EXPECT_EQ(Read({0x0a, 0x80, 0x80, 0x80, 0x80, 0x08, 'a', 'b', 'c', 'd', 'e'}),
            (Outcome{0, false}));
  EXPECT_EQ(Read({0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 'a', 'b', 'c', 'd', 'e'}),
            (Outcome{0, false}));
  EXPECT_EQ(Read({0x0a, 0x85, 0x80, 0x80, 0x80, 0x10, 'a', 'b', 'c', 'd', 'e'}),
            (Outcome{0, false}));
  EXPECT_EQ(Read({0x0a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 'a', 'b', 'c', 'd', 'e'}),
            (Outcome{0, false}));
}

TEST(WireReaderTest, ATagOfZeroOrWithoutANumberIsNone) {
  EXPECT_EQ(Read({0x08, 1, 0x00}), (Outcome{1, false}));
  EXPECT_EQ(Read({0x08, 1, 0x00, 0x08, 1}), (Outcome{1, false}));
  for (int type = 1; type < 8; ++type) {
    EXPECT_EQ(Read({0x08, 1, type, 0, 0, 0, 0, 0, 0, 0, 0}), (Outcome{1, false})) << type;
  }
}

TEST(WireReaderTest, ATagOfMoreThanFiveBytesIsNone) {
  EXPECT_EQ(Read({0x88, 0x80, 0x80, 0x80, 0x00, 1}), (Outcome{1, true}));
  EXPECT_EQ(Read({0x88, 0x80, 0x80, 0x80, 0x80, 0x01, 1}), (Outcome{0, false}));
}

TEST(WireReaderTest, BitsForWhichThereIsNoRoomAreLost) {
  const std::string message = Bytes({0x88, 0x80, 0x80, 0x80, 0x70, 5,  // The tag has 35 bits.
                                     0x08, 129, 128, 128, 128, 128, 128, 128, 128, 128, 0x7f});
  WireReader reader(message);
  WireReader::Field field;
  ASSERT_TRUE(reader.Next(field));
  EXPECT_TRUE(field.Is(1, Type::kNumber));
  EXPECT_EQ(field.value, 5U);
  ASSERT_TRUE(reader.Next(field));
  EXPECT_EQ(field.value, (uint64_t{1} << 63) + 1);
  EXPECT_FALSE(reader.Next(field));
  EXPECT_TRUE(reader.ok());
}

TEST(WireReaderTest, AVarintIsTakenOffTheFrontOrNotAtAll) {
  const std::string all = Bytes({0x96, 0x01, 0x07});
  absl::string_view left = all;
  uint64_t value = 0;
  EXPECT_FALSE(TakeVarint(left, 1, value));
  EXPECT_EQ(left, all);
  EXPECT_TRUE(TakeVarint(left, 2, value));
  EXPECT_EQ(value, 150U);
  EXPECT_TRUE(TakeVarint(left, kMaxVarintBytes, value));
  EXPECT_EQ(value, 7U);
  EXPECT_FALSE(TakeVarint(left, kMaxVarintBytes, value)) << "nothing is left";
}

TEST(WireReaderTest, ANumberOfMoreThanTenBytesIsNone) {
  EXPECT_EQ(Read({0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}), (Outcome{0, false}));
}

TEST(WireReaderTest, GroupsAndTypesThatAreNoneAreRefused) {
  EXPECT_EQ(Read({0x08, 1, 0x0b, 0x0c}), (Outcome{1, false})) << "a group";
  EXPECT_EQ(Read({0x08, 1, 0x0c}), (Outcome{1, false})) << "the end of one";
  EXPECT_EQ(Read({0x08, 1, 0x0e}), (Outcome{1, false}));
  EXPECT_EQ(Read({0x08, 1, 0x0f}), (Outcome{1, false}));
}

TEST(WireReaderTest, ALengthTakesFiveBytesAtMost) {
  EXPECT_EQ(Read({0x0a, 0x81, 0x80, 0x80, 0x80, 0x00, 'x'}), (Outcome{1, true}));
  EXPECT_EQ(Read({0x0a, 0x81, 0x80, 0x80, 0x80, 0x80, 0x00, 'x'}), (Outcome{0, false}));
}

}  // namespace
}  // namespace weir
