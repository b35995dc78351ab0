// Pushes of many sources at a weir-gateway, as fast as it takes them.
#ifndef WEIR_BENCH_PUSH_CLIENT_H_
#define WEIR_BENCH_PUSH_CLIENT_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/histogram.h"
#include "bench/push_source.h"

namespace weir {

struct PushReport {
  int64_t pushes = 0;      // That were acknowledged in `duration`.
  int64_t all_pushes = 0;  // Also those outside of it.
  absl::Duration duration;
  absl::Duration client_cpu;
  Histogram latency_ns;
  int64_t request_bytes = 0;  // Of all of those pushes.

  double PushesPerSecond() const {
    return static_cast<double>(pushes) / absl::ToDoubleSeconds(duration);
  }
};

// One run at a time.
class PushClient {
 public:
  struct Options {
    std::string address;
    int connections = 4;  // Each has its own socket.
    int in_flight = 64;   // At most one push of each source.
  };

  // Connects; UNAVAILABLE if nobody listens.
  static absl::StatusOr<std::unique_ptr<PushClient>> Create(Options options);
  ~PushClient();
  PushClient(const PushClient&) = delete;
  PushClient& operator=(const PushClient&) = delete;

  // The sources take turns; each serves before it pushes. An error if a push is not acknowledged.
  absl::StatusOr<PushReport> Run(absl::Span<const std::unique_ptr<PushSource>> sources,
                                 absl::Duration warm_up, absl::Duration duration);

  // Each source once, as it is.
  absl::Status PushAll(absl::Span<const std::unique_ptr<PushSource>> sources);

 private:
  struct Call;
  class Connections;

  // Which pushes to start, and which of them to measure.
  struct Pushes {
    bool serve = false;  // Sources serve before they push.
    int64_t most = std::numeric_limits<int64_t>::max();
    absl::Time begin = absl::InfiniteFuture();
    absl::Time end = absl::InfiniteFuture();
  };

  explicit PushClient(Options options);

  absl::StatusOr<PushReport> Push(absl::Span<const std::unique_ptr<PushSource>> sources,
                                  const Pushes& pushes);
  static absl::Status TakeAnswer(Call& call);

  const Options options_;
  std::unique_ptr<Connections> connections_;
};

}  // namespace weir

#endif  // WEIR_BENCH_PUSH_CLIENT_H_
