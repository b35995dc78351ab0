#include "loadgen/client/message_queue.h"

#include <algorithm>

#include "base/grpc_message_reader.h"

namespace weir {

int64_t MessageQueue::Push(absl::string_view message) {
  const auto prefix = MessageReader::Prefix(message.size());
  Message& added = messages_.emplace_back();
  added.number = next_number_++;
  added.bytes.reserve(prefix.size() + message.size());
  added.bytes.append(prefix.data(), prefix.size());
  added.bytes.append(message.data(), message.size());
  bytes_ += added.bytes.size();
  return added.number;
}

// Messages are dropped about in the order in which they came: at the front, where that is cheap.
void MessageQueue::Drop(int64_t number) {
  const auto found =
      std::lower_bound(messages_.begin(), messages_.end(), number,
                       [](const Message& message, int64_t n) { return message.number < n; });
  if (found == messages_.end() || found->number != number) return;
  if (found == messages_.begin() && taken_ > 0) return;
  bytes_ -= found->bytes.size();
  messages_.erase(found);
}

void MessageQueue::Take(size_t size, std::string& output) {
  bytes_ -= size;
  while (size > 0) {
    const std::string& message = messages_.front().bytes;
    const size_t taken = std::min(size, message.size() - taken_);
    output.append(message, taken_, taken);
    taken_ += taken;
    size -= taken;
    if (taken_ < message.size()) continue;
    messages_.pop_front();
    taken_ = 0;
  }
}

}  // namespace weir
