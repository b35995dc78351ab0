#include "server/rpc/reflection_service.h"

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "grpc/reflection/v1/reflection.pb.h"
#include "grpc/reflection/v1alpha/reflection.pb.h"
#include "server/rpc/messages.h"
#include "server/rpc/reflection_answer.h"
#include "server/rpc/stream_call.h"

namespace weir {

// Takes a request, sends its answer, and so on. The versions differ in nothing but the name by
// which they are called.
class ReflectionStream : public StreamCall {
 public:
  ReflectionStream(const std::vector<std::string>& services, CallLoop& loop)
      : StreamCall(loop), services_(services) {}

 private:
  void OnOpen() override { LimitMessages(kMaxNameRequestBytes); }

  bool OnMessage(absl::string_view message) override {
    grpc::reflection::v1::ServerReflectionRequest request;
    if (const absl::Status status = Parse(message, request); !status.ok()) {
      Finish(status);
      return false;
    }
    Pause();  // Until the answer is out.
    Send(Serialize(
        ReflectionAnswer(request, services_, *google::protobuf::DescriptorPool::generated_pool())));
    return false;
  }

  void OnSent() override { PostStep(); }
  bool Step() override { return Resume(); }

  bool OnHalfClose() override {
    Finish(absl::OkStatus());
    return false;
  }

  const std::vector<std::string>& services_;
};

ReflectionService::ReflectionService(std::vector<const google::protobuf::FileDescriptor*> files) {
  files.push_back(grpc::reflection::v1::ServerReflectionRequest::descriptor()->file());
  files.push_back(grpc::reflection::v1alpha::ServerReflectionRequest::descriptor()->file());
  for (const google::protobuf::FileDescriptor* file : files) {
    for (int i = 0; i < file->service_count(); ++i) {
      services_.push_back(file->service(i)->full_name());
    }
  }
}

void ReflectionService::AddTo(CallLoop& loop, Methods& methods) {
  for (const char* const path :
       {"/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"}) {
    methods.Add(path, [this, &loop] { return new ReflectionStream(services_, loop); });
  }
}

}  // namespace weir
