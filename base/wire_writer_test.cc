#include "base/wire_writer.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/wire_numbers.h"
#include "base/wire_reader.h"

namespace weir {
namespace {

using Field = WireReader::Field;

std::vector<Field> ReadAll(absl::string_view message) {
  std::vector<Field> fields;
  WireReader reader(message);
  for (Field field; reader.Next(field);) fields.push_back(field);
  EXPECT_TRUE(reader.ok());
  return fields;
}

TEST(WireWriterTest, FieldsAreReadAsTheyWereWritten) {
  WireWriter writer;
  writer.Number(1, 150);
  writer.Number(2, std::numeric_limits<uint64_t>::max());
  writer.Number((1 << 29) - 1, 127);
  writer.Double(3, -2.5);
  writer.Bytes(4, "hi");
  writer.Bytes(5, std::string(300, 'x'));
  const std::vector<Field> fields = ReadAll(writer.bytes());
  ASSERT_EQ(fields.size(), 6U);
  EXPECT_TRUE(fields[0].Is(1, Field::Type::kNumber));
  EXPECT_EQ(fields[0].value, 150U);
  EXPECT_EQ(fields[1].value, std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(fields[2].number, (1U << 29) - 1);
  EXPECT_TRUE(fields[3].Is(3, Field::Type::kFixed64));
  std::vector<double> doubles;
  EXPECT_TRUE(AppendDoubles(fields[3], 1, doubles));
  EXPECT_EQ(doubles, std::vector<double>({-2.5}));
  EXPECT_TRUE(fields[4].Is(4, Field::Type::kBytes));
  EXPECT_EQ(fields[4].bytes, "hi");
  EXPECT_EQ(fields[5].bytes, std::string(300, 'x'));
}

TEST(WireWriterTest, WhatAFieldIsAnywayIsNotWritten) {
  WireWriter writer;
  writer.Number(1, 0);
  writer.Double(2, 0);
  writer.Bytes(3, "");
  writer.PackedNumbers(4, {});
  EXPECT_EQ(writer.bytes(), "");
  writer.Double(2, -0.0);
  EXPECT_NE(writer.bytes(), "") << "minus zero is not zero";
}

TEST(WireWriterTest, NumbersArePacked) {
  WireWriter writer;
  const std::vector<int64_t> written = {0, 1, 300, -1};
  writer.PackedNumbers(7, written);
  const std::vector<Field> fields = ReadAll(writer.bytes());
  ASSERT_EQ(fields.size(), 1U);
  EXPECT_EQ(fields[0].number, 7U);
  std::vector<int64_t> read;
  EXPECT_TRUE(AppendNumbers(fields[0], 10, read));
  EXPECT_EQ(read, written);
}

TEST(WireWriterTest, AMessageMayHoldOthersOfAnySize) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{119}, size_t{125}, size_t{126},
                            size_t{127}, size_t{20'000}, size_t{3'000'000}}) {
    const std::string data(size, 'x');
    WireWriter writer;
    {
      const WireWriter::Message outer(writer, 1);
      writer.Number(1, 1);
      {
        const WireWriter::Message inner(writer, 2);
        writer.Bytes(1, data);
      }
      writer.Number(3, 3);
    }
    writer.Number(4, 4);
    const std::vector<Field> fields = ReadAll(writer.bytes());
    ASSERT_EQ(fields.size(), 2U) << size;
    EXPECT_EQ(fields[1].value, 4U);
    const std::vector<Field> outer = ReadAll(fields[0].bytes);
    ASSERT_EQ(outer.size(), 3U) << size;
    EXPECT_EQ(outer[2].value, 3U);
    const std::vector<Field> inner = ReadAll(outer[1].bytes);
    ASSERT_EQ(inner.size(), size == 0 ? 0U : 1U);
    EXPECT_EQ(size == 0 ? "" : inner[0].bytes, data);
  }
}

TEST(WireWriterTest, ItBeginsAnewWhateverItHasWritten) {
  WireWriter writer;
  for (const size_t size : {10, 100'000, 10, 300, 100'000}) {
    const std::string data(size, 'x');
    writer.Clear(/*kept_bytes=*/1000);
    EXPECT_EQ(writer.bytes(), "");
    writer.Bytes(1, data);
    const std::vector<Field> fields = ReadAll(writer.bytes());
    ASSERT_EQ(fields.size(), 1U);
    EXPECT_EQ(fields[0].bytes, data);
  }
}

}  // namespace
}  // namespace weir
