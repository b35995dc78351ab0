// weir.v1.Predictor/PredictStream: many requests in flight on one call.
#ifndef WEIR_SERVER_RPC_PREDICT_STREAM_H_
#define WEIR_SERVER_RPC_PREDICT_STREAM_H_

#include <cstdint>

#include "base/intrusive_list.h"
#include "server/http2/event.h"
#include "server/rpc/methods.h"
#include "server/rpc/predict_call.h"

namespace weir {

class PredictStream;
struct OpenStreamTag;

// The open streams of a server. For whoever has the loop's turn, but for Drain.
class PredictStreams {
 public:
  struct Options {
    // A stream with so many answers, or so many bytes of requests and answers, that its reader has
    // not taken yet, is not read further until it has: the sender is held back.
    int max_in_flight = 256;
    int64_t max_bytes_in_flight = 16 << 20;
  };

  // `context` has to outlive the streams.
  PredictStreams(const PredictorContext& context, const Options& options)
      : context_(context), options_(options) {}

  void AddTo(Methods& methods);

  // Ends each stream, with UNAVAILABLE, as soon as it has answered all that it took. After the gate
  // was closed, before the loop is shut down; from any thread.
  void Drain() { context_.loop.Post(on_drain_); }

 private:
  friend class PredictStream;

  bool OnDrain();

  const PredictorContext& context_;
  const Options options_;
  IntrusiveList<PredictStream, OpenStreamTag> open_;
  MethodEvent<PredictStreams, &PredictStreams::OnDrain> on_drain_{*this};
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_STREAM_H_
