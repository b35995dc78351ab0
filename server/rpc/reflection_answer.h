// What reflection tells about the services of a server.
#ifndef WEIR_SERVER_RPC_REFLECTION_ANSWER_H_
#define WEIR_SERVER_RPC_REFLECTION_ANSWER_H_

#include <string>
#include <vector>

#include "google/protobuf/descriptor.h"
#include "grpc/reflection/v1/reflection.pb.h"

namespace weir {

// `services` are the full names to list; everything else is looked up in `pool`. A file comes with
// all that it imports, so that a caller need not ask for these one by one.
grpc::reflection::v1::ServerReflectionResponse ReflectionAnswer(
    const grpc::reflection::v1::ServerReflectionRequest& request,
    const std::vector<std::string>& services, const google::protobuf::DescriptorPool& pool);

}  // namespace weir

#endif  // WEIR_SERVER_RPC_REFLECTION_ANSWER_H_
