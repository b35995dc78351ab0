// The text of a page whose lines mostly begin as the line before them does.
//
// It is kept as steps: so many bytes of the step before, and what comes new. /metrics takes a third
// of its size so, and is written out in pieces that stay in the processor's cache.
#ifndef WEIR_GATEWAY_PAGE_TEXT_H_
#define WEIR_GATEWAY_PAGE_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gateway/text_buffer.h"

namespace weir {

// Pieces that are copied again and again go by whole blocks, which is faster than their exact
// length: up to a block more is read and written.
inline constexpr size_t kCopyBlock = 16;
inline char* CopyBlocks(const char* from, size_t size, char* to) {
  for (size_t i = 0; i < size; i += kCopyBlock) {
    char block[kCopyBlock];
    std::memcpy(block, from + i, kCopyBlock);
    std::memcpy(to + i, block, kCopyBlock);
  }
  return to + size;
}

// Not thread-safe.
class PageText {
 public:
  static constexpr size_t kMaxStepBytes = UINT16_MAX;

  PageText() = default;
  explicit PageText(TextBuffer memory) : steps_(std::move(memory)) { steps_.Clear(); }
  PageText(PageText&& other) noexcept { *this = std::move(other); }
  PageText& operator=(PageText&& other) noexcept {
    steps_ = std::move(other.steps_);
    size_ = std::exchange(other.size_, 0);
    last_step_ = std::exchange(other.last_step_, 0);
    return *this;
  }

  // Of the text.
  size_t size() const { return size_; }
  // That it takes.
  size_t memory_bytes() const { return steps_.size(); }

  std::string ToString() const;

  // For others to use.
  TextBuffer ReleaseMemory() && { return std::move(steps_); }

  void Append(absl::string_view text);
  void Append(const PageText& page);

  // The next step begins with the first `keep` bytes of the one before. What is new is written to
  // the result, at most `room` bytes and a block, and ends where EndStep is told. All of the step
  // is at most kMaxStepBytes long.
  char* BeginStep(size_t keep, size_t room) {
    keep_ = keep;
    return steps_.Room(sizeof(Step) + room + 2 * kCopyBlock) + sizeof(Step);
  }
  void EndStep(const char* end) {
    char* const begin = steps_.Room(0);
    const Step step = {static_cast<uint16_t>(keep_),
                       static_cast<uint16_t>(end - begin - sizeof(Step))};
    std::memcpy(begin, &step, sizeof(step));
    last_step_ = steps_.size();
    size_ += step.keep + step.add;
    steps_.SetEnd(end);
  }

  // Gives the text piece by piece. The page must outlive it and stay as it is.
  class Reader {
   public:
    static constexpr size_t kMinRoomBytes = 2 * kMaxStepBytes;

    explicit Reader(const PageText& page)
        : position_(page.steps_.text().data()), end_(position_ + page.steps_.size()) {}

    // Writes what fits into `room` bytes and returns how much; 0 at the end. The room has
    // kMinRoomBytes at least, or a block more than all of the page.
    size_t Read(char* to, size_t room);

    // The same, and for each step calls step(keep, text, size): the first `keep` bytes of what it
    // wrote to `text` were copied from the step before.
    template <typename OnStep>
    size_t Read(char* to, size_t room, OnStep step);

   private:
    const char* position_;
    const char* const end_;
    std::string last_;  // Step.
  };

 private:
  struct Step {
    uint16_t keep;
    uint16_t add;
  };

  // Of the last step, with a block to copy with it.
  static void Keep(const char* begin, const char* end, std::string& last) {
    last.assign(begin, end - begin);
    last.append(kCopyBlock, ' ');
  }

  TextBuffer steps_;
  size_t size_ = 0;
  size_t last_step_ = 0;  // Where it begins.
  size_t keep_ = 0;       // Of the step that is being written.
};

template <typename OnStep>
size_t PageText::Reader::Read(char* to, size_t room, OnStep on_step) {
  char* const begin = to;
  const char* const limit = to + room - kCopyBlock;
  const char* last = last_.data();
  while (position_ != end_) {
    Step step;
    std::memcpy(&step, position_, sizeof(step));
    if (limit - to < step.keep + step.add) break;
    position_ += sizeof(step);
    char* const step_begin = to;
    to = CopyBlocks(last, step.keep, to);
    to = CopyBlocks(position_, step.add, to);
    position_ += step.add;
    last = step_begin;
    on_step(step.keep, step_begin, static_cast<size_t>(to - step_begin));
  }
  if (to != begin) Keep(last, to, last_);
  return to - begin;
}

}  // namespace weir

#endif  // WEIR_GATEWAY_PAGE_TEXT_H_
