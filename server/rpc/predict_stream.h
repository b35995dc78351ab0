// weir.v1.Predictor/PredictStream: many requests in flight on one call.
#ifndef WEIR_SERVER_RPC_PREDICT_STREAM_H_
#define WEIR_SERVER_RPC_PREDICT_STREAM_H_

#include <cstdint>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "server/rpc/call_queue.h"
#include "server/rpc/predict_call.h"

namespace weir {

class PredictStream;

// The open streams of a server. Thread-safe.
class PredictStreams {
 public:
  struct Options {
    // A stream with so many answers, or so many bytes of requests and answers, that its reader has
    // not taken yet, is not read further until it has: gRPC then holds the sender back.
    int max_in_flight = 256;
    int64_t max_bytes_in_flight = 16 << 20;
  };

  // `context` has to outlive the streams.
  PredictStreams(const PredictorContext& context, const Options& options)
      : context_(context), options_(options) {}

  // Makes `count` calls ready. As each one is taken, another takes its place.
  void Await(CallQueue& queue, int count);

  // Ends each stream, with UNAVAILABLE, as soon as it has answered all that it took.
  void Drain() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  friend class PredictStream;

  // False if the server drains.
  bool Add(PredictStream& stream) ABSL_LOCKS_EXCLUDED(mu_);
  void Remove(PredictStream& stream) ABSL_LOCKS_EXCLUDED(mu_);

  const PredictorContext& context_;
  const Options options_;
  absl::Mutex mu_;  // Before a stream's own lock.
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  std::set<PredictStream*> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_STREAM_H_
