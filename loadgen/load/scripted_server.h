// A server in the same process for tests of clients: it takes any method and does as it is told.
#ifndef WEIR_LOADGEN_LOAD_SCRIPTED_SERVER_H_
#define WEIR_LOADGEN_LOAD_SCRIPTED_SERVER_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "grpcpp/completion_queue.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/server.h"
#include "grpcpp/support/status.h"

namespace weir {

class ScriptedServer {
 public:
  // Asked at each arrival, of which there have been `arrived` by now, whether all of the `waiting`
  // requests, the new one among them, shall be answered.
  using AnswerNow = std::function<bool(int64_t arrived, size_t waiting)>;

  explicit ScriptedServer(AnswerNow answer_now, grpc::Status status = grpc::Status::OK,
                          const std::string& listen_on = "127.0.0.1:0");
  ~ScriptedServer();

  const std::string& address() const { return address_; }
  int64_t answered() const { return answered_.load(); }

  // Whether all requests so far had the same bytes.
  bool all_alike() const { return all_alike_.load(); }

 private:
  struct Call;

  void Run();
  void RequestCall();
  void Arrive(Call& call);

  const AnswerNow answer_now_;
  const grpc::Status status_;
  grpc::AsyncGenericService service_;
  std::unique_ptr<grpc::ServerCompletionQueue> queue_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
  std::atomic<int64_t> answered_{0};
  std::atomic<bool> all_alike_{true};

  // Of the thread.
  int64_t arrived_ = 0;
  std::string first_request_;
  std::vector<Call*> waiting_;

  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_SCRIPTED_SERVER_H_
