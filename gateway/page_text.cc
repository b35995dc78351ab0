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

void PageText::Append(const PageText& page) {
  if (page.steps_.size() == 0) return;
  last_step_ = steps_.size() + page.last_step_;
  steps_.Append(page.steps_.text());
  size_ += page.size_;
  // A reader may read a block more.
  steps_.Room(2 * kCopyBlock);
}

size_t PageText::Reader::Read(char* to, size_t room) {
  return Read(to, room, [](size_t, const char*, size_t) {});
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
