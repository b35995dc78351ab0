// Buffers that are used again, so that a page that is written over and over does not ask the system
// for its memory each time.
#ifndef WEIR_GATEWAY_BUFFER_POOL_H_
#define WEIR_GATEWAY_BUFFER_POOL_H_

#include <cstddef>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "gateway/text_buffer.h"

namespace weir {

// Thread-safe.
class BufferPool {
 public:
  // An empty one.
  TextBuffer Take() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    if (kept_.empty()) return TextBuffer();
    TextBuffer buffer = std::move(kept_.back());
    kept_.pop_back();
    return buffer;
  }

  void Give(TextBuffer buffer) ABSL_LOCKS_EXCLUDED(mu_) {
    buffer.Clear();
    absl::MutexLock lock(&mu_);
    if (kept_.size() < kKept) kept_.push_back(std::move(buffer));
  }

 private:
  static constexpr size_t kKept = 2;

  absl::Mutex mu_;
  std::vector<TextBuffer> kept_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_GATEWAY_BUFFER_POOL_H_
