#include "server/rpc/predict_stream.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/wire_writer.h"
#include "server/rpc/cancellation.h"
#include "server/rpc/messages.h"
#include "server/rpc/stream_call.h"
#include "weir/v1/predictor.pb.h"

namespace weir {

// Requests are looked into and answered on any thread; all else happens on the one that has the
// turn.
class PredictStream : public StreamCall, public ListLink<OpenStreamTag> {
 public:
  explicit PredictStream(PredictStreams& streams)
      : StreamCall(streams.context_.loop), streams_(streams), shared_(streams.context_) {}

  ~PredictStream() override {
    ListLink<OpenStreamTag>::Unlink();
    if (inside_) shared_.gate.Leave(0);
  }

  void Drain() {
    draining_ = true;  // What still comes is refused by the gate, one by one.
    FinishIfAnswered();
  }

 private:
  // One request until its answer is handed to the call.
  struct Request : Event {
    Request(PredictStream& stream, absl::string_view message)
        : stream(stream),
          bytes(static_cast<int64_t>(message.size())),
          prediction(stream.shared_.repository, stream.shared_.options, stream.cancellation_,
                     [this](const absl::Status& status, absl::string_view response) {
                       Answer(status, response);
                     }) {}

    bool Begin(absl::string_view message);
    void Answer(const absl::Status& status, absl::string_view response);  // On any thread.
    bool Happened() override;

    PredictStream& stream;
    const int64_t bytes;  // Of the message.
    const absl::Time received = MonotonicNow();
    bool inside = false;  // Of the gate.
    Prediction prediction;

    // Once it is answered.
    std::string answer;
    int64_t answer_bytes = 0;
    absl::Status
        refused;  // What is no request has no answer of its own; the stream ends with this.
  };

  // An answer that is not written yet.
  struct PendingAnswer {
    int64_t bytes = 0;  // That the stream holds for it: the request's, or its own if it is larger.
    bool inside = false;  // Of the gate.
  };

  void OnOpen() override {
    streams_.open_.push_back(*this);
    inside_ = shared_.gate.Enter(0).ok();
    if (!inside_) Drain();
  }

  bool OnMessage(absl::string_view message) override {
    auto* const request = new Request(*this, message);  // Its event takes it back.
    ++unanswered_;
    bytes_ += request->bytes;
    if (IsFull()) Pause();
    return request->Begin(message);
  }

  bool OnHalfClose() override {
    no_more_requests_ = true;
    FinishIfAnswered();
    return false;
  }

  void TakeNoMore() {
    no_more_requests_ = true;
    Pause();
  }

  void OnAnswer(std::unique_ptr<Request> request) {
    --unanswered_;
    const int64_t request_bytes = request->bytes;
    const PendingAnswer answer = {.bytes = std::max(request_bytes, request->answer_bytes),
                                  .inside = request->inside};
    std::string message = std::move(request->answer);
    const absl::Status refused = request->refused;
    request.reset();  // Gives the servable back before the drain goes on.
    bytes_ -= request_bytes;
    if (refused.ok()) {
      bytes_ += answer.bytes;
      unsent_.push_back(answer);
      if (IsFull()) Pause();
      Send(std::move(message));
    } else if (final_status_.ok()) {
      final_status_ = refused;
    }
    if (closed()) ForgetAll();
    FinishIfAnswered();
    EndIfOver();
  }

  void OnSent() override {
    Forget();
    if (paused() && !IsFull()) PostStep();
  }

  bool Step() override {
    const bool stays_paused = no_more_requests_ || closed() || IsFull();
    return paused() && !stays_paused && Resume();
  }

  void OnOver() override {
    cancellation_.Cancel();
    ForgetAll();
  }

  bool awaits_something() const override { return unanswered_ > 0; }

  bool IsFull() const {
    return unanswered_ + static_cast<int>(unsent_.size()) >= streams_.options_.max_in_flight ||
           bytes_ >= streams_.options_.max_bytes_in_flight;
  }

  void Forget() {
    const PendingAnswer answer = unsent_.front();
    unsent_.pop_front();
    bytes_ -= answer.bytes;
    if (answer.inside) shared_.gate.Leave(answer.bytes);
  }

  void ForgetAll() {
    while (!unsent_.empty()) Forget();
  }

  void FinishIfAnswered() {
    if (unanswered_ > 0 || !(no_more_requests_ || draining_)) return;
    // Who has sent all, and got all, need not hear of the drain.
    if (!no_more_requests_) {
      final_status_ = absl::UnavailableError("the server is draining");
      AddRetryHint();
    }
    Finish(final_status_);
  }

  PredictStreams& streams_;
  const PredictorContext& shared_;
  Cancellation cancellation_;
  bool inside_ = false;  // Of the gate.
  bool no_more_requests_ = false;
  bool draining_ = false;
  absl::Status final_status_;         // But for the drain.
  int unanswered_ = 0;                // Requests.
  int64_t bytes_ = 0;                 // Of these, and of unsent_.
  std::deque<PendingAnswer> unsent_;  // In the order in which they are sent.
};

bool PredictStream::Request::Begin(absl::string_view message) {
  prediction.Take(message);
  if (!prediction.Parse()) {
    stream.TakeNoMore();
    return false;
  }
  if (const absl::Status status = stream.shared_.gate.Enter(bytes); !status.ok()) {
    prediction.Refuse(status);
    return false;
  }
  inside = true;
  return prediction.Start(received, stream.head(), stream.loop_);
}

void PredictStream::Request::Answer(const absl::Status& status, absl::string_view response) {
  if (!prediction.is_request()) {
    refused = status;
  } else {
    WireWriter writer;
    if (status.ok()) {
      writer.Bytes(v1::PredictStreamResponse::kResponseFieldNumber, response);
    } else {
      const WireWriter::Message error(writer, v1::PredictStreamResponse::kErrorFieldNumber);
      writer.Bytes(v1::RequestError::kRequestIdFieldNumber, prediction.request().request_id);
      writer.Number(v1::RequestError::kCodeFieldNumber, static_cast<uint64_t>(status.code()));
      writer.Bytes(v1::RequestError::kMessageFieldNumber, status.message());
    }
    answer = Framed(writer.bytes());
    answer_bytes = static_cast<int64_t>(answer.size());
    const int64_t more_bytes = answer_bytes - bytes;
    if (inside && more_bytes > 0) stream.shared_.gate.Grow(more_bytes);
  }
  stream.loop_.Post(*this);
}

bool PredictStream::Request::Happened() {
  stream.OnAnswer(std::unique_ptr<Request>(this));
  return false;
}

void PredictStreams::AddTo(Methods& methods) {
  methods.Add("/weir.v1.Predictor/PredictStream", [this] { return new PredictStream(*this); });
}

bool PredictStreams::OnDrain() {
  for (PredictStream* stream = open_.front(); stream != nullptr; stream = open_.next(*stream)) {
    stream->Drain();
  }
  return false;
}

}  // namespace weir
