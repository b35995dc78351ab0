// A server in the same process for tests of streams: what it does with a request is the name of the
// request's model.
#ifndef WEIR_LOADGEN_LOAD_FAKE_PREDICTOR_H_
#define WEIR_LOADGEN_LOAD_FAKE_PREDICTOR_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/synchronization/notification.h"
#include "grpcpp/server.h"
#include "grpcpp/server_context.h"
#include "weir/v1/predictor.grpc.pb.h"

namespace weir {

// Requests for
//   answer   are answered with OK at once
//   refuse   with RESOURCE_EXHAUSTED
//   hold     are not answered before a request for another model
//   forge    are answered with a request_id that nobody sent
//   end      end the stream with INTERNAL
//   finish   end the stream with OK
//   stall    are answered after Resume(), and nothing is read meanwhile
class FakePredictor final : public v1::Predictor::Service {
 public:
  using Stream = grpc::ServerReaderWriter<v1::PredictStreamResponse, v1::PredictRequest>;

  FakePredictor();
  ~FakePredictor() override;

  const std::string& address() const { return address_; }
  int64_t streams() const { return streams_.load(); }
  int64_t streams_that_were_finished() const { return finished_.load(); }
  int64_t requests_on_streams() const { return requests_.load(); }
  int64_t last_timeout_us() const { return last_timeout_us_.load(); }
  void Resume() { resumed_.Notify(); }

  grpc::Status Predict(grpc::ServerContext* context, const v1::PredictRequest* request,
                       v1::PredictResponse* response) override;
  grpc::Status PredictStream(grpc::ServerContext* context, Stream* stream) override;

 private:
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  absl::Notification resumed_;

  // Counts that nothing is read with.
  std::atomic<int64_t> streams_{0};
  std::atomic<int64_t> finished_{0};
  std::atomic<int64_t> requests_{0};
  std::atomic<int64_t> last_timeout_us_{0};
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_FAKE_PREDICTOR_H_
