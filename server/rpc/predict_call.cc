#include "server/rpc/predict_call.h"

#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"

namespace weir {
namespace {

class PredictCall : public UnaryCall {
 public:
  static void AwaitOne(const PredictorContext& context, CallQueue& queue) {
    (new PredictCall(context, queue))->Await();
  }

 private:
  PredictCall(const PredictorContext& context, CallQueue& queue)
      : UnaryCall(queue, context.gate), shared_(context) {}

  void Request(void* tag) override {
    shared_.service.RequestPredict(&context_, &request_, &writer_, &queue_.queue(), &queue_.queue(),
                                   tag);
  }

  void AwaitAnother() override { AwaitOne(shared_, queue_); }

  void Refuse(const absl::Status& why) override {
    // One that the server has room for is looked into, so that it counts with its model.
    if (absl::IsUnavailable(why) && !prediction_.Parse(request_)) return;
    prediction_.Refuse(why);
  }

  bool Begin() override {
    return prediction_.Parse(request_) && prediction_.Start(received_, context_, queue_);
  }

  void OnAnswer(const absl::Status& status) {
    Answer(ToGrpc(status), status.ok() ? Serialize(prediction_.response()) : grpc::ByteBuffer());
  }

  const PredictorContext& shared_;
  Prediction prediction_{shared_.repository, shared_.options, cancellation_,
                         [this](const absl::Status& status) { OnAnswer(status); }};
};

}  // namespace

void AwaitPredictCalls(const PredictorContext& context, CallQueue& queue, int count) {
  for (int i = 0; i < count; ++i) PredictCall::AwaitOne(context, queue);
}

}  // namespace weir
