#include "server/rpc/messages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "google/protobuf/arena.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using testing::HasSubstr;

std::string Repeat(absl::string_view text, int64_t times) {
  std::string repeated;
  repeated.reserve(text.size() * times);
  for (int64_t i = 0; i < times; ++i) repeated.append(text.data(), text.size());
  return repeated;
}

std::string Varint(size_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes.push_back(static_cast<char>(value | 0x80));
  bytes.push_back(static_cast<char>(value));
  return bytes;
}

// A field whose value is `bytes`.
std::string Field(int number, absl::string_view bytes) {
  return absl::StrCat(Varint(number << 3 | 2), Varint(bytes.size()), bytes);
}

absl::Status ParseRequest(const std::string& bytes) {
  v1::PredictRequest request;
  return Parse(bytes, request);
}

// Without the prefix of five bytes.
absl::string_view Unframed(const std::string& framed) {
  return absl::string_view(framed).substr(5);
}

v1::PredictRequest SomeRequest() {
  v1::PredictRequest request;
  request.mutable_model()->set_name("m");
  request.set_request_id("r");
  request.set_timeout_us(7);
  for (const char* name : {"a", "b"}) {
    v1::Tensor& tensor = *request.add_inputs();
    tensor.set_name(name);
    tensor.add_shape(1);
    tensor.add_values(2.5);
  }
  return request;
}

TEST(MessagesTest, AMessageComesBackAsItWasBehindAPrefix) {
  const v1::PredictRequest sent = SomeRequest();
  const std::string framed = Serialize(sent);
  v1::PredictRequest received;
  ASSERT_TRUE(Parse(Unframed(framed), received).ok());
  EXPECT_EQ(received.DebugString(), sent.DebugString());
  const auto size = static_cast<char>(sent.ByteSizeLong());
  EXPECT_EQ(framed.substr(0, 5), std::string({0, 0, 0, 0, size}));
}

TEST(MessagesTest, NoBytesAreAnEmptyMessage) {
  v1::PredictRequest request;
  EXPECT_TRUE(Parse("", request).ok());
  EXPECT_EQ(Unframed(Serialize(request)), "");
}

TEST(MessagesTest, BytesThatAreNoMessageAreRefused) {
  const std::string whole = SomeRequest().SerializeAsString();
  for (const std::string& bytes :
       {std::string("no message"), whole.substr(0, whole.size() - 1), std::string("\0", 1),
        Field(2, "\xff\xfe"), std::string("\x0c")}) {
    const absl::Status status = ParseRequest(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bytes;
    EXPECT_EQ(status.message(), "the message is no weir.v1.PredictRequest");
  }
}

TEST(MessagesTest, LargeBytesThatAreNoMessageAreRefusedInTheSameWords) {
  const std::string data = Field(3, Field(4, std::string(1 << 20, 'x')));
  for (const std::string& bytes :
       {std::string(1 << 20, '\0'), data.substr(0, data.size() - 1), data + '\0', data + "\x0c",
        data + Field(2, "\xff\xfe"), Field(3, "\x0b") + data, Field(3, "\x0c") + data,
        Field(1, Field(1, "x") + "\x0a\x7f") + data, std::string(1 << 20, '\x0b')}) {
    const absl::Status status = ParseRequest(bytes);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "the message is no weir.v1.PredictRequest");
  }
}

TEST(MessagesTest, AHundredThousandEmptyFieldsAreRefused) {
  const absl::Status status = ParseRequest(Repeat(Field(3, ""), 100'000));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the message holds more than 10346 fields in its 200000 bytes");
}

TEST(MessagesTest, ManyFieldsAreRefusedWhereverTheyAre) {
  const std::string empty_fields = Repeat(Field(99, ""), 100'000);
  const std::string empty_groups = Repeat("\x0b\x0c", 100'000);
  for (const std::string& bytes :
       {empty_fields, empty_groups, Field(1, empty_fields), Field(3, empty_fields),
        Field(3, empty_groups), Field(4, empty_fields), "\x0b" + empty_fields + "\x0c",
        Field(3, Field(3, std::string(4'000'000, '\1'))), Repeat("\x28\1", 100'000),
        Field(3, Repeat("\x18\1", 100'000)), Field(3, Field(1, "x")) + Field(3, empty_fields)}) {
    EXPECT_THAT(std::string(ParseRequest(bytes).message()),
                HasSubstr("the message holds more than"));
  }
}

TEST(MessagesTest, ALargeMessageFullOfDataIsTaken) {
  v1::PredictRequest request = SomeRequest();
  request.mutable_inputs(0)->set_data(Repeat("\x1a\0", 2'000'000));
  request.mutable_inputs(1)->mutable_values()->Resize(500'000, 1.5);
  v1::PredictRequest received;
  ASSERT_TRUE(Parse(request.SerializeAsString(), received).ok());
  EXPECT_EQ(received.SerializeAsString(), request.SerializeAsString());
}

TEST(MessagesTest, AThousandInputsAreTaken) {
  v1::PredictRequest request;
  for (int i = 0; i < 1000; ++i) {
    v1::Tensor& tensor = *request.add_inputs();
    tensor.set_name(absl::StrCat("feature_", i));
    tensor.set_data_type(v1::TYPE_FP32);
    tensor.add_shape(32);
    tensor.set_data(std::string(128, 'x'));
  }
  v1::PredictRequest received;
  EXPECT_TRUE(Parse(request.SerializeAsString(), received).ok());
  EXPECT_EQ(received.inputs_size(), 1000);
}

// The memory of the request that `bytes` are, or -1 if they are refused. What lies on the arena may
// be counted twice.
int64_t MemoryTaken(const std::string& bytes) {
  google::protobuf::Arena arena;
  auto* const request = google::protobuf::Arena::CreateMessage<v1::PredictRequest>(&arena);
  if (!Parse(bytes, *request).ok()) return -1;
  return static_cast<int64_t>(arena.SpaceAllocated() + request->SpaceUsedLong());
}

TEST(MessagesTest, NoMessageTakesManyTimesItsSize) {
  struct Kind {
    const char* name;
    std::string field;
    int within;  // The field that holds them; 0 if they stand in the request itself.
  };
  const std::vector<Kind> kinds = {
      {"inputs", Field(3, ""), 0},
      {"outputs", Field(4, ""), 0},
      {"unknown_bytes", Field(99, ""), 0},
      {"unknown_bytes_in_an_input", Field(99, ""), 3},
      {"unknown_groups_in_an_input", "\x0b\x0c", 3},
      {"unknown_numbers", "\x78\1", 0},
      {"sizes_of_a_shape", "\x18\1", 3},
      {"long_unknown_bytes", Field(99, std::string(16, 'x')), 0},
  };
  constexpr int64_t kSmall = 8 << 10;
  constexpr int64_t kLarge = 2 << 20;
  for (const Kind& kind : kinds) {
    const auto message = [&kind](int64_t fields, int64_t size) {
      std::string bytes = Repeat(kind.field, fields);
      if (kind.within > 0) bytes = Field(kind.within, bytes);
      const int64_t rest = size - static_cast<int64_t>(bytes.size());
      return rest > 16 ? bytes + Field(3, Field(4, std::string(rest, 'x'))) : bytes;
    };
    const auto field_bytes = static_cast<int64_t>(kind.field.size());
    // A small message made of nothing else, and a large one with as many as get through.
    EXPECT_LT(MemoryTaken(message(kSmall / field_bytes, 0)), 1 << 20) << kind.name;
    int64_t accepted = 0;
    for (int64_t refused = kLarge / field_bytes; refused - accepted > 1;) {
      const int64_t fields = (accepted + refused) / 2;
      (MemoryTaken(message(fields, kLarge)) < 0 ? refused : accepted) = fields;
    }
    const int64_t taken = MemoryTaken(message(accepted, kLarge));
    RecordProperty(kind.name, absl::StrCat(taken / kLarge, " times"));
    EXPECT_LT(taken, (1 << 20) + 8 * kLarge) << kind.name << ": " << accepted << " fields";
  }
}

}  // namespace
}  // namespace weir
