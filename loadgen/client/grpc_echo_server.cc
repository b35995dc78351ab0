#include "loadgen/client/grpc_echo_server.h"

#include <atomic>
#include <chrono>
#include <cstdlib>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "grpc/grpc.h"
#include "grpcpp/generic/async_generic_service.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"

namespace weir {
namespace {

grpc::ByteBuffer BufferOf(const std::string& text) {
  const grpc::Slice slice(text);
  return {&slice, 1};
}

struct Counts {
  void Add(int Counts::*count) {
    const absl::MutexLock lock(&mu);
    ++(this->*count);
  }
  bool Await(int Counts::*count, int least, absl::Duration patience) {
    const absl::MutexLock lock(&mu);
    const auto reached = [&] { return this->*count >= least; };
    return mu.AwaitWithTimeout(absl::Condition(&reached), patience);
  }

  absl::Mutex mu;
  int arrived ABSL_GUARDED_BY(mu) = 0;
  int cancelled ABSL_GUARDED_BY(mu) = 0;
};

class Reactor final : public grpc::ServerGenericBidiReactor {
 public:
  Reactor(const grpc::GenericCallbackServerContext& context, Counts& counts)
      : context_(context), counts_(counts) {
    counts.Add(&Counts::arrived);
    const std::string* const end_with = Metadata("end-with");
    if (end_with != nullptr) {
      FinishOnce(grpc::Status(static_cast<grpc::StatusCode>(std::atoi(end_with->c_str())),
                              "because 100 % of \xc3\xa9 is\nit"));
    } else {
      StartRead(&message_);
    }
  }

  void OnReadDone(bool ok) override {
    if (!ok) return FinishOnce(grpc::Status::OK);
    if (Metadata("hold") != nullptr) return;
    if (Metadata("tell-timeout") != nullptr) {
      const auto left = context_.deadline() - std::chrono::system_clock::now();
      message_ = BufferOf(absl::StrCat(std::chrono::duration<double>(left).count()));
    }
    StartWrite(&message_);
  }

  void OnWriteDone(bool ok) override {
    if (ok) StartRead(&message_);
  }

  void OnCancel() override {
    counts_.Add(&Counts::cancelled);
    FinishOnce(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

 private:
  const std::string* Metadata(const char* key) {
    const auto found = context_.client_metadata().find(key);
    if (found == context_.client_metadata().end()) return nullptr;
    value_ = std::string(found->second.data(), found->second.size());
    return &value_;
  }

  // A cancellation comes on a thread of its own.
  void FinishOnce(const grpc::Status& status) {
    if (!finished_.exchange(true)) Finish(status);
  }

  const grpc::GenericCallbackServerContext& context_;
  Counts& counts_;
  std::atomic<bool> finished_{false};
  std::string value_;
  grpc::ByteBuffer message_;
};

}  // namespace

struct GrpcEchoServer::Impl : grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    return new Reactor(*context, counts);
  }

  Counts counts;
  std::unique_ptr<grpc::Server> server;
};

GrpcEchoServer::GrpcEchoServer(Options options) : impl_(std::make_unique<Impl>()) {
  // Never shut down: gRPC's end may wait ten seconds for a thread of its own.
  grpc_init();
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("127.0.0.1:", options.port),
                           grpc::InsecureServerCredentials(), &port_);
  builder.RegisterCallbackGenericService(impl_.get());
  builder.SetMaxReceiveMessageSize(-1);
  if (options.max_concurrent_streams > 0) {
    builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, options.max_concurrent_streams);
  }
  impl_->server = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port_);
}

GrpcEchoServer::~GrpcEchoServer() { Shutdown(absl::ZeroDuration()); }

void GrpcEchoServer::Shutdown(absl::Duration grace) {
  impl_->server->Shutdown(std::chrono::system_clock::now() + absl::ToChronoNanoseconds(grace));
}

int GrpcEchoServer::arrived() const {
  const absl::MutexLock lock(&impl_->counts.mu);
  return impl_->counts.arrived;
}

bool GrpcEchoServer::AwaitArrived(int calls, absl::Duration patience) {
  return impl_->counts.Await(&Counts::arrived, calls, patience);
}

bool GrpcEchoServer::AwaitCancelled(int calls, absl::Duration patience) {
  return impl_->counts.Await(&Counts::cancelled, calls, patience);
}

}  // namespace weir
