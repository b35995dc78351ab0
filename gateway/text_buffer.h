// Text that is put together from many small pieces.
//
// Like a string, but growing does not fill the new room with zeros, and what was written before can
// be thrown away without giving the memory back. Not thread-safe.
#ifndef WEIR_GATEWAY_TEXT_BUFFER_H_
#define WEIR_GATEWAY_TEXT_BUFFER_H_

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include "absl/strings/string_view.h"

namespace weir {

class TextBuffer {
 public:
  TextBuffer() = default;
  TextBuffer(TextBuffer&& other) noexcept
      : data_(std::move(other.data_)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  TextBuffer& operator=(TextBuffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    return *this;
  }

  absl::string_view text() const { return {data_.get(), size_}; }
  size_t size() const { return size_; }
  size_t capacity() const { return capacity_; }

  // Keeps the memory.
  void Clear() { size_ = 0; }

  void Append(absl::string_view piece) {
    if (piece.empty()) return;
    std::memcpy(Room(piece.size()), piece.data(), piece.size());
    size_ += piece.size();
  }

  // Where the next `bytes` bytes may be written. Holds until the buffer is used again.
  char* Room(size_t bytes) {
    if (capacity_ - size_ < bytes) Grow(bytes);
    return data_.get() + size_;
  }

  // What was written into Room ends at `end`.
  void SetEnd(const char* end) { size_ = end - data_.get(); }

 private:
  struct Free {
    void operator()(char* data) const { std::free(data); }
  };

  // realloc moves pages of large buffers instead of copying them.
  void Grow(size_t bytes) {
    const size_t capacity = (size_ + bytes) * 2;
    char* const data = static_cast<char*>(std::realloc(data_.get(), capacity));
    if (data == nullptr) throw std::bad_alloc();
    (void)data_.release();
    data_.reset(data);
    capacity_ = capacity;
  }

  std::unique_ptr<char, Free> data_;
  size_t size_ = 0;
  size_t capacity_ = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_TEXT_BUFFER_H_
