// gRPC's messages within the bytes of a stream: a flag, four bytes of length, and the message.
#ifndef WEIR_BASE_GRPC_MESSAGE_READER_H_
#define WEIR_BASE_GRPC_MESSAGE_READER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

class MessageReader {
 public:
  static constexpr size_t kPrefixBytes = 5;
  static constexpr size_t kMaxMessageBytes = 64 << 20;

  explicit MessageReader(size_t max_message_bytes = kMaxMessageBytes)
      : max_message_bytes_(max_message_bytes) {}

  static std::array<char, kPrefixBytes> Prefix(size_t message_bytes);

  enum class State {
    kMore,        // All bytes are used.
    kMessage,     // A message is whole.
    kCompressed,  // The same, and its sender has compressed it.
    kTooLarge,    // From here on nothing can be read.
  };

  // Takes from `bytes` what belongs to the next message. `message` lies in `bytes`, or in the
  // reader until it is used again.
  State Read(absl::string_view& bytes, absl::string_view& message);

  // Whether a message has begun that is not whole.
  bool within_message() const { return prefix_bytes_ > 0; }

  // What is kept of it.
  size_t partial_bytes() const { return within_message() ? partial_.size() : 0; }

  // Begins anew, and keeps little of the memory of a large message.
  void Reset();

 private:
  static constexpr size_t kKeptBytes = 64 << 10;

  size_t max_message_bytes_;
  std::array<uint8_t, kPrefixBytes> prefix_ = {};
  size_t prefix_bytes_ = 0;  // Of the prefix, how many are there.
  size_t message_bytes_ = 0;
  std::string partial_;
};

}  // namespace weir

#endif  // WEIR_BASE_GRPC_MESSAGE_READER_H_
