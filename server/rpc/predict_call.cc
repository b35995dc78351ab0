#include "server/rpc/predict_call.h"

#include <string>

#include "server/rpc/messages.h"
#include "server/rpc/unary_call.h"

namespace weir {
namespace {

class PredictCall : public UnaryCall {
 public:
  explicit PredictCall(const PredictorContext& context)
      : UnaryCall(context.loop, context.gate), shared_(context) {}

 private:
  void Refuse(absl::string_view request, const absl::Status& why) override {
    // One that the server has room for is looked into, so that it counts with its model.
    if (absl::IsUnavailable(why)) {
      prediction_.Take(request);
      if (!prediction_.Parse()) return;
    }
    prediction_.Refuse(why);
  }

  bool Read(absl::string_view request) override {
    prediction_.Take(request);
    return true;
  }

  bool Begin() override { return prediction_.Start(received_, head(), loop_); }

  void OnAnswer(const absl::Status& status, absl::string_view response) {
    Answer(status, status.ok() ? Framed(response) : std::string());
  }

  const PredictorContext& shared_;
  Prediction prediction_{shared_.repository, shared_.options, cancellation_,
                         [this](const absl::Status& status, absl::string_view response) {
                           OnAnswer(status, response);
                         }};
};

}  // namespace

void AddPredict(const PredictorContext& context, Methods& methods) {
  methods.Add("/weir.v1.Predictor/Predict", [&context] { return new PredictCall(context); });
}

}  // namespace weir
