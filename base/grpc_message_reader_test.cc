#include "base/grpc_message_reader.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace weir {
namespace {

using ::testing::ElementsAre;
using State = MessageReader::State;

std::string Framed(absl::string_view message) {
  const auto prefix = MessageReader::Prefix(message.size());
  return std::string(prefix.data(), prefix.size()) + std::string(message);
}

std::vector<std::string> ReadAll(MessageReader& reader, absl::string_view bytes) {
  std::vector<std::string> messages;
  absl::string_view message;
  while (true) {
    const State state = reader.Read(bytes, message);
    if (state != State::kMessage) {
      EXPECT_EQ(state, State::kMore);
      return messages;
    }
    messages.emplace_back(message);
  }
}

TEST(MessageReaderTest, MessagesComeOutHoweverTheirBytesCome) {
  const std::string large(300, 'x');
  const std::string bytes = Framed("a") + Framed("") + Framed(large) + Framed("bc");
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    MessageReader reader;
    std::vector<std::string> messages;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      for (std::string& message : ReadAll(reader, absl::string_view(bytes).substr(at, piece))) {
        messages.push_back(std::move(message));
      }
    }
    EXPECT_THAT(messages, ElementsAre("a", "", large, "bc")) << piece;
    EXPECT_FALSE(reader.within_message());
  }
}

TEST(MessageReaderTest, APartOfAMessageIsNone) {
  MessageReader reader;
  EXPECT_THAT(ReadAll(reader, absl::string_view("\0\0\0", 3)), ElementsAre());
  EXPECT_TRUE(reader.within_message());
  reader.Reset();
  EXPECT_FALSE(reader.within_message());
  EXPECT_THAT(ReadAll(reader, Framed("whole")), ElementsAre("whole"));
  EXPECT_THAT(ReadAll(reader, Framed("half").substr(0, 7)), ElementsAre());
  EXPECT_TRUE(reader.within_message());
}

TEST(MessageReaderTest, CompressedAndTooLargeOnesAreRefused) {
  absl::string_view message;
  std::string compressed = Framed("a");
  compressed[0] = 1;
  absl::string_view bytes = compressed;
  EXPECT_EQ(MessageReader().Read(bytes, message), State::kCompressed);
  const std::string too_large = Framed("a").replace(1, 4, {4, 0, 0, 1});
  bytes = too_large;
  EXPECT_EQ(MessageReader().Read(bytes, message), State::kTooLarge);
  const std::string largest = Framed("a").replace(1, 4, {4, 0, 0, 0});
  bytes = largest;
  EXPECT_EQ(MessageReader().Read(bytes, message), State::kMore);
}

}  // namespace
}  // namespace weir
