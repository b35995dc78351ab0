#include "base/processors.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <memory>

namespace weir {
namespace {

// Of any size, as the kernel's may be.
class Mask {
 public:
  explicit Mask(int processors)
      : processors_(processors),
        bytes_(CPU_ALLOC_SIZE(processors)),
        set_(CPU_ALLOC(processors), [](cpu_set_t* set) { CPU_FREE(set); }) {
    CPU_ZERO_S(bytes_, set_.get());
  }

  void Add(int processor) { CPU_SET_S(processor, bytes_, set_.get()); }
  int GetFrom(pthread_t thread) { return pthread_getaffinity_np(thread, bytes_, set_.get()); }
  int SetFor(pthread_t thread) const { return pthread_setaffinity_np(thread, bytes_, set_.get()); }

  std::vector<int> Members() const {
    std::vector<int> members;
    for (int i = 0; i < processors_; ++i) {
      if (CPU_ISSET_S(i, bytes_, set_.get())) members.push_back(i);
    }
    return members;
  }

 private:
  const int processors_;
  const size_t bytes_;
  const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set_;
};

}  // namespace

std::vector<int> AllowedProcessors() { return ProcessorsOf(pthread_self()); }

std::vector<int> ProcessorsOf(pthread_t thread) {
  // The mask has to be as large as the kernel's, and nothing tells how large that is.
  for (int processors = 1024; processors <= 1 << 20; processors *= 2) {
    Mask mask(processors);
    const int error = mask.GetFrom(thread);
    if (error == 0) return mask.Members();
    if (error != EINVAL) break;
  }
  return {};
}

absl::Status StayOn(const std::vector<int>& processors) {
  return KeepOn(pthread_self(), processors);
}

absl::Status KeepOn(pthread_t thread, const std::vector<int>& processors) {
  Mask mask(processors.empty() ? 1 : *std::max_element(processors.begin(), processors.end()) + 1);
  for (const int processor : processors) mask.Add(processor);
  const int error = mask.SetFor(thread);
  return error == 0 ? absl::OkStatus() : absl::ErrnoToStatus(error, "pthread_setaffinity_np");
}

}  // namespace weir
