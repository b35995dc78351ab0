// The messages of a stream that are still to be sent, with gRPC's prefixes.
#ifndef WEIR_LOADGEN_CLIENT_MESSAGE_QUEUE_H_
#define WEIR_LOADGEN_CLIENT_MESSAGE_QUEUE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

class MessageQueue {
 public:
  // Copies the message. Its number: they are counted from 0.
  int64_t Push(absl::string_view message);

  // Forgets the message of this number, unless some of it was taken: then the rest has to follow.
  void Drop(int64_t number);

  // What is there to take.
  size_t bytes() const { return bytes_; }

  // Moves the next `size` bytes to the end of `output`; no more than there are.
  void Take(size_t size, std::string& output);

 private:
  struct Message {
    int64_t number = 0;
    std::string bytes;
  };

  std::deque<Message> messages_;  // By number.
  int64_t next_number_ = 0;
  size_t taken_ = 0;  // Of the first message.
  size_t bytes_ = 0;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_MESSAGE_QUEUE_H_
