#include "server/rpc/reflection_service.h"

#include <atomic>

#include "absl/status/status.h"
#include "google/protobuf/descriptor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/async_stream.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/rpc/messages.h"
#include "server/rpc/reflection_answer.h"

namespace weir {

// Lives on the heap and ends itself. Reads a request, writes its answer, and so on: one operation
// of gRPC at a time. The versions differ in nothing but the name by which they are called.
template <typename Raw>
class ReflectionStream {
 public:
  static void AwaitOne(Raw& raw, const std::vector<std::string>& services, CallQueue& queue) {
    (new ReflectionStream(raw, services, queue))->Await();
  }

 private:
  ReflectionStream(Raw& raw, const std::vector<std::string>& services, CallQueue& queue)
      : ticket_(queue), queue_(queue), raw_(raw), services_(services) {}

  void Await() {
    context_.AsyncNotifyWhenDone(&on_done_);
    raw_.RequestServerReflectionInfo(&context_, &stream_, &queue_.queue(), &queue_.queue(),
                                     &on_open_);
  }

  bool OnOpen(bool ok) {
    if (!ok) {
      delete this;  // The server shuts down; gRPC tells nothing more about this call.
      return false;
    }
    AwaitOne(raw_, services_, queue_);
    stream_.Read(&message_, &on_read_);
    return false;
  }

  bool OnRead(bool ok) {
    if (!ok) {  // The caller has asked all, or is gone.
      stream_.Finish(grpc::Status::OK, &on_finished_);
      return false;
    }
    grpc::reflection::v1::ServerReflectionRequest request;
    const absl::Status status = Parse(message_, request);
    message_.Clear();
    if (status.ok()) {
      stream_.Write(Serialize(ReflectionAnswer(
                        request, services_, *google::protobuf::DescriptorPool::generated_pool())),
                    &on_written_);
    } else {
      stream_.Finish(ToGrpc(status), &on_finished_);
    }
    return false;
  }

  bool OnWritten(bool ok) {
    if (ok) {
      stream_.Read(&message_, &on_read_);
    } else {
      stream_.Finish(grpc::Status::CANCELLED, &on_finished_);
    }
    return false;
  }

  bool OnFinished(bool) {
    End();
    return false;
  }

  bool OnDone(bool) {
    End();
    return false;
  }

  void End() {
    if (awaited_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }

  const CallQueue::Ticket ticket_;  // Given back last.
  CallQueue& queue_;
  Raw& raw_;
  const std::vector<std::string>& services_;
  grpc::ServerContext context_;
  grpc::ByteBuffer message_;
  grpc::ServerAsyncReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer> stream_{&context_};
  MethodEvent<ReflectionStream, &ReflectionStream::OnOpen> on_open_{*this};
  MethodEvent<ReflectionStream, &ReflectionStream::OnRead> on_read_{*this};
  MethodEvent<ReflectionStream, &ReflectionStream::OnWritten> on_written_{*this};
  MethodEvent<ReflectionStream, &ReflectionStream::OnFinished> on_finished_{*this};
  MethodEvent<ReflectionStream, &ReflectionStream::OnDone> on_done_{*this};
  // OnDone and OnFinished are still to come. They may run on two threads; the last one ends the
  // call and has to see what the other did.
  std::atomic<int> awaited_ = 2;
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

void ReflectionService::Register(grpc::ServerBuilder& builder) {
  builder.RegisterService(&v1_);
  builder.RegisterService(&v1alpha_);
}

void ReflectionService::Await(CallQueue& queue, int count) {
  for (int i = 0; i < count; ++i) {
    ReflectionStream<RawV1>::AwaitOne(v1_, services_, queue);
    ReflectionStream<RawV1Alpha>::AwaitOne(v1alpha_, services_, queue);
  }
}

}  // namespace weir
