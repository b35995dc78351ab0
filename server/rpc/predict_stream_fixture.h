// Streams as their callers see them, for tests.
#ifndef WEIR_SERVER_RPC_PREDICT_STREAM_FIXTURE_H_
#define WEIR_SERVER_RPC_PREDICT_STREAM_FIXTURE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/support/sync_stream.h"
#include "gtest/gtest.h"
#include "server/rpc/rpc_fixture.h"

namespace weir {

// A caller's end of one stream.
class ClientStream {
 public:
  explicit ClientStream(RpcServer& server,
                        const std::map<std::string, std::string>& metadata = {}) {
    for (const auto& [key, value] : metadata) context_.AddMetadata(key, value);
    stream_ = server.stub().PredictStream(&context_);
  }

  // A caller that does not end its stream goes away.
  ~ClientStream() {
    if (!ended_) context_.TryCancel();
    End();
  }

  grpc::ClientContext& context() { return context_; }

  void Send(const std::string& request_id) { Send(TwoRows(request_id)); }
  void Send(const v1::PredictRequest& request) { EXPECT_TRUE(stream_->Write(request)); }
  void HalfClose() { EXPECT_TRUE(stream_->WritesDone()); }

  // "r1: AB", or "r1: 8 the queue is full", or "none" if no more comes.
  std::string Receive() {
    v1::PredictStreamResponse answer;
    if (!stream_->Read(&answer)) return "none";
    if (answer.has_error()) {
      const v1::RequestError& error = answer.error();
      return absl::StrCat(error.request_id(), ": ", error.code(), " ", error.message());
    }
    return absl::StrCat(answer.response().request_id(), ": ",
                        answer.response().outputs(0).data().substr(0, 10));
  }

  // What the stream ended with.
  grpc::Status End() {
    if (!std::exchange(ended_, true)) status_ = stream_->Finish();
    return status_;
  }

 private:
  TestContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::PredictRequest, v1::PredictStreamResponse>> stream_;
  bool ended_ = false;
  grpc::Status status_;
};

// The result of two rows that is so large that gRPC does not hold two of them for a slow reader.
inline constexpr int64_t kLargeRow = 1 << 20;
inline TaskResult LargeResults() {
  static const auto* const data = new std::string(2 * kLargeRow, 'z');
  static constexpr int64_t kShape[] = {2, kLargeRow};
  return {.outputs = {{v1::TYPE_UINT8, kShape, *data}}};
}

}  // namespace weir

#endif  // WEIR_SERVER_RPC_PREDICT_STREAM_FIXTURE_H_
