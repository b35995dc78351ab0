#include "loadgen/client/message_queue.h"

#include <algorithm>
#include <string>

#include "gtest/gtest.h"

namespace weir {
namespace {

std::string Taken(MessageQueue& queue, size_t size) {
  std::string output;
  queue.Take(size, output);
  return output;
}

TEST(MessageQueueTest, MessagesComeInOrderInPiecesOfAnySize) {
  for (size_t piece = 1; piece < 20; ++piece) {
    MessageQueue queue;
    EXPECT_EQ(queue.Push("one"), 0);
    EXPECT_EQ(queue.Push(""), 1);
    EXPECT_EQ(queue.Push("three"), 2);
    std::string output;
    while (queue.bytes() > 0) queue.Take(std::min(piece, queue.bytes()), output);
    EXPECT_EQ(output, std::string("\0\0\0\0\3one\0\0\0\0\0\0\0\0\0\5three", 23)) << piece;
    EXPECT_EQ(queue.Push("four"), 3);
  }
}

TEST(MessageQueueTest, WhatHasNotBegunCanBeDropped) {
  MessageQueue queue;
  for (const char* const message : {"a", "b", "c", "d"}) queue.Push(message);
  EXPECT_EQ(Taken(queue, 2), std::string("\0\0", 2));
  queue.Drop(0);  // Has begun.
  queue.Drop(2);
  queue.Drop(2);
  queue.Drop(1);
  EXPECT_EQ(queue.bytes(), 4U + 6U);
  EXPECT_EQ(Taken(queue, 10), std::string("\0\0\1a\0\0\0\0\1d", 10));
  queue.Drop(3);  // Is gone.
  queue.Drop(7);
  queue.Drop(-1);
  EXPECT_EQ(queue.bytes(), 0U);
  EXPECT_EQ(queue.Push("e"), 4);
  queue.Drop(4);
  EXPECT_EQ(queue.bytes(), 0U);
  queue.Push("f");
  EXPECT_EQ(Taken(queue, 6), std::string("\0\0\0\0\1f", 6));
}

}  // namespace
}  // namespace weir
