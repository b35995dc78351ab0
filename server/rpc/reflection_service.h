// grpc.reflection: tells tools such as grpcurl what the server offers.
#ifndef WEIR_SERVER_RPC_REFLECTION_SERVICE_H_
#define WEIR_SERVER_RPC_REFLECTION_SERVICE_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/server_builder.h"
#include "server/rpc/call_queue.h"

namespace weir {

// On a completion queue for the same reason as HealthService. Both versions of the protocol are
// served: new tools ask for v1, older ones know only v1alpha.
class ReflectionService {
 public:
  // `files` declare the server's other services. They are named by their descriptors, so that the
  // program holds these: the linker leaves out a file of which only a service is used.
  explicit ReflectionService(std::vector<const google::protobuf::FileDescriptor*> files);

  void Register(grpc::ServerBuilder& builder);

  // Makes `count` calls of each version ready. As each one is taken, another takes its place. A
  // call lasts until its caller or gRPC's server ends it. The service outlives the calls.
  void Await(CallQueue& queue, int count);

 private:
  using RawV1 = grpc::reflection::v1::ServerReflection::WithRawMethod_ServerReflectionInfo<
      grpc::reflection::v1::ServerReflection::Service>;
  using RawV1Alpha =
      grpc::reflection::v1alpha::ServerReflection::WithRawMethod_ServerReflectionInfo<
          grpc::reflection::v1alpha::ServerReflection::Service>;

  std::vector<std::string> services_;  // Their full names.
  RawV1 v1_;
  RawV1Alpha v1alpha_;
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_REFLECTION_SERVICE_H_
