// Lets requests in, counts those that are inside, and closes when the server drains.
#ifndef WEIR_SERVER_RPC_REQUEST_GATE_H_
#define WEIR_SERVER_RPC_REQUEST_GATE_H_

#include <cstdint>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace weir {

// Thread-safe. The lock is held for a few instructions only.
class RequestGate {
 public:
  // A request is not let in if the messages of those inside, be it requests or answers that are not
  // taken yet, and its own are larger than `max_bytes` together.
  explicit RequestGate(int64_t max_bytes) : max_bytes_(max_bytes) {}

  // Whether a request of so many bytes may begin: OK, and Leave has to follow; UNAVAILABLE if the
  // server drains, RESOURCE_EXHAUSTED if those inside hold too much memory for one with any bytes.
  absl::Status Enter(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

  // One that is inside has got an answer that holds so many bytes more than its request: it leaves
  // with them all.
  void Grow(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);
  void Leave(int64_t bytes) ABSL_LOCKS_EXCLUDED(mu_);

  // From now on refuses new requests.
  void Close() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until all have left. False if some have not when `timeout` is over.
  bool AwaitEmpty(absl::Duration timeout) const ABSL_LOCKS_EXCLUDED(mu_);

  // After Close: waits until no request has been refused for as long as `silence`, but no longer
  // than `at_most`.
  void AwaitSilence(absl::Duration silence, absl::Duration at_most) const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  const int64_t max_bytes_;
  mutable absl::Mutex mu_;
  bool closed_ ABSL_GUARDED_BY(mu_) = false;
  int64_t inside_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t refused_ ABSL_GUARDED_BY(mu_) = 0;  // Since it was closed.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_REQUEST_GATE_H_
