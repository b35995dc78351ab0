#include "base/grpc_message_reader.h"

#include <algorithm>

namespace weir {

std::array<char, MessageReader::kPrefixBytes> MessageReader::Prefix(size_t message_bytes) {
  return {0, static_cast<char>(message_bytes >> 24), static_cast<char>(message_bytes >> 16),
          static_cast<char>(message_bytes >> 8), static_cast<char>(message_bytes)};
}

MessageReader::State MessageReader::Read(absl::string_view& bytes, absl::string_view& message) {
  if (prefix_bytes_ == 0) partial_.clear();  // The message before was lent out.
  while (prefix_bytes_ < kPrefixBytes) {
    if (bytes.empty()) return State::kMore;
    prefix_[prefix_bytes_++] = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    if (prefix_bytes_ < kPrefixBytes) continue;
    message_bytes_ = size_t{prefix_[1]} << 24 | size_t{prefix_[2]} << 16 | size_t{prefix_[3]} << 8 |
                     size_t{prefix_[4]};
  }
  if (message_bytes_ > max_message_bytes_) return State::kTooLarge;
  if (partial_.empty() && bytes.size() >= message_bytes_) {
    message = bytes.substr(0, message_bytes_);
    bytes.remove_prefix(message_bytes_);
  } else {
    // No room is made for what is only promised.
    const size_t size = std::min(bytes.size(), message_bytes_ - partial_.size());
    partial_.append(bytes.data(), size);
    bytes.remove_prefix(size);
    if (partial_.size() < message_bytes_) return State::kMore;
    message = partial_;
  }
  prefix_bytes_ = 0;
  return prefix_[0] == 0 ? State::kMessage : State::kCompressed;
}

void MessageReader::Reset() {
  prefix_bytes_ = 0;
  partial_.clear();
  if (partial_.capacity() > kKeptBytes) partial_.shrink_to_fit();
}

}  // namespace weir
