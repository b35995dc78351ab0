#include "server/rpc/predict_stream.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"
#include "google/protobuf/arena.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"

namespace weir {

// Holds itself until it is over. Requests are read one after the other and answered on any
// thread; answers wait in a queue, for gRPC writes one at a time. Every method of gRPC is called
// under the lock, so that none follows Finish.
class PredictStream : public std::enable_shared_from_this<PredictStream> {
 public:
  static void AwaitOne(PredictStreams& streams, CallQueue& queue) {
    const auto stream = std::make_shared<PredictStream>(streams, queue);
    stream->self_ = stream;
    stream->Await();
  }

  PredictStream(PredictStreams& streams, CallQueue& queue)
      : ticket_(queue), streams_(streams), shared_(streams.context_), queue_(queue) {}

  ~PredictStream() {
    streams_.Remove(*this);
    if (inside_) shared_.gate.Leave(0);
  }

  void Drain() ABSL_LOCKS_EXCLUDED(mu_) {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    FinishIfAnswered();
  }

 private:
  void Await() {
    context_.AsyncNotifyWhenDone(&on_done_);
    shared_.service.RequestPredictStream(&context_, &stream_, &queue_.queue(), &queue_.queue(),
                                         &on_open_);
  }

  // One request until its answer waits to be written.
  struct Request {
    Request(std::shared_ptr<PredictStream> owner, int64_t bytes)
        : stream(std::move(owner)),
          bytes(bytes),
          prediction(stream->shared_.repository, stream->shared_.options, stream->cancellation_,
                     [this](const absl::Status& status) {
                       const std::shared_ptr<PredictStream> keep = stream;
                       keep->Answer(std::unique_ptr<Request>(this), status);
                     }) {}

    const std::shared_ptr<PredictStream> stream;
    const int64_t bytes;
    const absl::Time received = MonotonicNow();
    bool inside = false;  // Of the gate.
    Prediction prediction;
  };

  struct PendingAnswer {
    grpc::ByteBuffer message;
    int64_t bytes = 0;  // That the stream holds for it: the request's, or its own if it is larger.
    bool inside = false;  // Of the gate.
  };

  bool OnOpen(bool ok) {
    if (!ok) {
      self_.reset();  // The server shuts down; gRPC tells nothing more about this call.
      return false;
    }
    const std::shared_ptr<PredictStream> keep = shared_from_this();
    AwaitOne(streams_, queue_);
    inside_ = shared_.gate.Enter(0).ok();
    const bool open = streams_.Add(*this) && inside_;
    absl::MutexLock lock(&mu_);
    if (!open) draining_ = true;
    FinishIfAnswered();
    ReadNext();
    return false;
  }

  bool OnRead(bool ok) {
    const std::shared_ptr<PredictStream> keep = shared_from_this();
    std::unique_ptr<Request> request;
    grpc::ByteBuffer message;
    {
      absl::MutexLock lock(&mu_);
      reading_ = false;
      message.Swap(&message_);
      if (!ok || finishing_) {
        no_more_requests_ = true;
        FinishIfAnswered();
        EndIfOver();
        return false;
      }
      request = std::make_unique<Request>(keep, static_cast<int64_t>(message.Length()));
      ++in_flight_;
      bytes_ += request->bytes;
    }
    const bool submitted = Begin(std::move(request), message);
    absl::MutexLock lock(&mu_);
    ReadNext();
    return submitted;
  }

  // Returns whether something was submitted.
  bool Begin(std::unique_ptr<Request> request, const grpc::ByteBuffer& message) {
    Request& begun = *request.release();  // Answer takes it back.
    if (!begun.prediction.Parse(message)) return false;
    if (const absl::Status status = shared_.gate.Enter(begun.bytes); !status.ok()) {
      begun.prediction.Refuse(status);
      return false;
    }
    begun.inside = true;
    return begun.prediction.Start(begun.received, context_, queue_);
  }

  void Answer(std::unique_ptr<Request> request, const absl::Status& status) {
    Prediction& prediction = request->prediction;
    if (!prediction.is_request()) {
      // What is no request has no answer of its own.
      absl::MutexLock lock(&mu_);
      --in_flight_;
      bytes_ -= request->bytes;
      if (final_status_.ok()) final_status_ = status;
      no_more_requests_ = true;
      FinishIfAnswered();
      return;
    }
    auto* const answer =
        google::protobuf::Arena::CreateMessage<v1::PredictStreamResponse>(&prediction.arena());
    if (status.ok()) {
      answer->unsafe_arena_set_allocated_response(&prediction.response());
    } else {
      v1::RequestError& error = *answer->mutable_error();
      error.set_request_id(prediction.request().request_id());
      error.set_code(static_cast<int32_t>(status.code()));
      error.set_message(std::string(status.message()));
    }
    PendingAnswer pending{.message = Serialize(*answer)};
    pending.bytes = std::max<int64_t>(request->bytes, pending.message.Length());
    const int64_t request_bytes = request->bytes;
    pending.inside = request->inside;
    if (pending.inside && pending.bytes > request_bytes) {
      shared_.gate.Grow(pending.bytes - request_bytes);
    }
    request.reset();  // Gives the servable back before the drain goes on.
    absl::MutexLock lock(&mu_);
    bytes_ += pending.bytes - request_bytes;
    answers_.push_back(std::move(pending));
    WriteNext();
  }

  bool OnWritten(bool ok) {
    const std::shared_ptr<PredictStream> keep = shared_from_this();
    absl::MutexLock lock(&mu_);
    writing_ = false;
    Forget(answers_.front());
    answers_.pop_front();
    if (!ok) broken_ = true;
    WriteNext();
    ReadNext();
    FinishIfAnswered();
    EndIfOver();
    return false;
  }

  bool OnFinished(bool) {
    const std::shared_ptr<PredictStream> keep = shared_from_this();
    absl::MutexLock lock(&mu_);
    finished_ = true;
    EndIfOver();
    return false;
  }

  bool OnDone(bool) {
    const std::shared_ptr<PredictStream> keep = shared_from_this();
    if (context_.IsCancelled()) cancellation_.Cancel();
    absl::MutexLock lock(&mu_);
    done_ = true;
    EndIfOver();
    return false;
  }

  void ReadNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (reading_ || finishing_ || no_more_requests_ || draining_ || broken_) return;
    if (in_flight_ >= streams_.options_.max_in_flight ||
        bytes_ >= streams_.options_.max_bytes_in_flight) {
      return;
    }
    reading_ = true;
    stream_.Read(&message_, &on_read_);
  }

  void WriteNext() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    // Nobody takes answers any more.
    while (broken_ && !writing_ && !answers_.empty()) {
      Forget(answers_.front());
      answers_.pop_front();
    }
    if (broken_) FinishIfAnswered();
    if (writing_ || answers_.empty()) return;
    writing_ = true;
    stream_.Write(answers_.front().message, &on_written_);
  }

  void Forget(const PendingAnswer& answer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    --in_flight_;
    bytes_ -= answer.bytes;
    if (answer.inside) shared_.gate.Leave(answer.bytes);
  }

  void FinishIfAnswered() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    const bool ending = no_more_requests_ || draining_ || broken_;
    if (finishing_ || !ending || in_flight_ > 0) return;
    finishing_ = true;
    // Who has sent all, and got all, need not hear of the drain.
    if (!no_more_requests_ && draining_) {
      final_status_ = absl::UnavailableError("the server is draining");
      AddRetryHint(context_);
    }
    stream_.Finish(ToGrpc(final_status_), &on_finished_);
  }

  // Lets go of the stream when gRPC will tell nothing more about it. Callers keep it meanwhile.
  void EndIfOver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (finished_ && done_ && !reading_ && !writing_) self_.reset();
  }

  const CallQueue::Ticket ticket_;  // Given back last.
  PredictStreams& streams_;
  const PredictorContext& shared_;
  CallQueue& queue_;
  grpc::ServerContext context_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  MethodEvent<PredictStream, &PredictStream::OnOpen> on_open_{*this};
  MethodEvent<PredictStream, &PredictStream::OnRead> on_read_{*this};
  MethodEvent<PredictStream, &PredictStream::OnWritten> on_written_{*this};
  MethodEvent<PredictStream, &PredictStream::OnFinished> on_finished_{*this};
  MethodEvent<PredictStream, &PredictStream::OnDone> on_done_{*this};
  Cancellation cancellation_;
  bool inside_ = false;                  // Of the gate, from OnOpen on.
  grpc::ByteBuffer message_;             // Of the read that is under way or was the last.
  std::shared_ptr<PredictStream> self_;  // Until gRPC will tell nothing more.
  absl::Mutex mu_;
  bool reading_ ABSL_GUARDED_BY(mu_) = false;
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool no_more_requests_ ABSL_GUARDED_BY(mu_) = false;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  bool broken_ ABSL_GUARDED_BY(mu_) = false;  // A write failed: the caller is gone.
  bool finishing_ ABSL_GUARDED_BY(mu_) = false;
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
  bool done_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status final_status_ ABSL_GUARDED_BY(mu_);  // But for the drain.
  int in_flight_ ABSL_GUARDED_BY(mu_) = 0;          // Requests whose answers are not written yet.
  int64_t bytes_ ABSL_GUARDED_BY(mu_) = 0;          // Theirs.
  std::deque<PendingAnswer> answers_ ABSL_GUARDED_BY(mu_);  // The first one is being written.
};

void PredictStreams::Await(CallQueue& queue, int count) {
  for (int i = 0; i < count; ++i) PredictStream::AwaitOne(*this, queue);
}

void PredictStreams::Drain() {
  absl::MutexLock lock(&mu_);
  draining_ = true;
  for (PredictStream* stream : open_) stream->Drain();
}

bool PredictStreams::Add(PredictStream& stream) {
  absl::MutexLock lock(&mu_);
  open_.insert(&stream);
  return !draining_;
}

void PredictStreams::Remove(PredictStream& stream) {
  absl::MutexLock lock(&mu_);
  open_.erase(&stream);
}

}  // namespace weir
