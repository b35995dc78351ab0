// A gRPC server in the same process for tests: it takes any method, and sends each message back.
#ifndef WEIR_LOADGEN_CLIENT_GRPC_ECHO_SERVER_H_
#define WEIR_LOADGEN_CLIENT_GRPC_ECHO_SERVER_H_

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace weir {

// What a call asks of it, by its metadata:
//   "end-with": the number of a status, which comes at once, before the call's message is read.
//   "hold": no answer comes, until the client goes away.
//   "tell-timeout": the message is how many seconds the call had left.
class GrpcEchoServer {
 public:
  struct Options {
    int port = 0;
    int max_concurrent_streams = 0;  // 0: as many as they like.
  };

  explicit GrpcEchoServer(Options options);
  GrpcEchoServer() : GrpcEchoServer(Options()) {}
  ~GrpcEchoServer();  // Breaks what is open.

  // Takes no more calls; those that are open have `grace` to end.
  void Shutdown(absl::Duration grace);

  const std::string& address() const { return address_; }
  int port() const { return port_; }

  // How many calls have come, and how many of them their clients have given up.
  int arrived() const;
  bool AwaitArrived(int calls, absl::Duration patience);
  bool AwaitCancelled(int calls, absl::Duration patience);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  int port_ = 0;
  std::string address_;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_CLIENT_GRPC_ECHO_SERVER_H_
