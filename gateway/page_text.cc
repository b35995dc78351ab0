#include "gateway/page_text.h"

#include <algorithm>
#include <vector>

namespace weir {

void PageText::Append(absl::string_view text) {
  // Small pieces are added to the last step as long as it is all new.
  if (steps_.size() > 0) {
    char* const last = const_cast<char*>(steps_.text().data()) + last_step_;
    Step step;
    std::memcpy(&step, last, sizeof(step));
    if (step.keep == 0 && step.add + text.size() <= kMaxStepBytes) {
      step.add += static_cast<uint16_t>(text.size());
      std::memcpy(last, &step, sizeof(step));
      steps_.Append(text);
      size_ += text.size();
      steps_.Room(2 * kCopyBlock);
      return;
    }
  }
  while (!text.empty()) {
    const size_t size = std::min(text.size(), kMaxStepBytes);
    char* const to = BeginStep(0, size);
    std::memcpy(to, text.data(), size);
    EndStep(to + size);
    text.remove_prefix(size);
  }
}

size_t PageText::Reader::Read(char* to, size_t room) {
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
  }
  if (to != begin) {
    last_.assign(last, to - last);
    last_.append(kCopyBlock, ' ');  // Copied with it.
  }
  return to - begin;
}

std::string PageText::ToString() const {
  std::string text;
  std::vector<char> piece(Reader::kMinRoomBytes);
  Reader reader(*this);
  while (const size_t size = reader.Read(piece.data(), piece.size())) {
    text.append(piece.data(), size);
  }
  return text;
}

}  // namespace weir
