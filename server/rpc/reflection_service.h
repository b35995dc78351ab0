// grpc.reflection: tells tools such as grpcurl what the server offers.
#ifndef WEIR_SERVER_RPC_REFLECTION_SERVICE_H_
#define WEIR_SERVER_RPC_REFLECTION_SERVICE_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "server/http2/call_loop.h"
#include "server/rpc/methods.h"

namespace weir {

// Both versions of the protocol are served: new tools ask for v1, older ones know only v1alpha.
class ReflectionService {
 public:
  // `files` declare the server's other services. They are named by their descriptors, so that the
  // program holds these: the linker leaves out a file of which only a service is used.
  explicit ReflectionService(std::vector<const google::protobuf::FileDescriptor*> files);

  // A call lasts until its caller or the loop ends it. The service outlives the calls.
  void AddTo(CallLoop& loop, Methods& methods);

 private:
  std::vector<std::string> services_;  // Their full names.
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_REFLECTION_SERVICE_H_
