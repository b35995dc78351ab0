#include "loadgen/load/scripted_server.h"

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/security/server_credentials.h"
#include "grpcpp/server_builder.h"

namespace weir {

struct ScriptedServer::Call {
  enum class State { kRequested, kReading, kWaiting, kAnswering };

  State state = State::kRequested;
  grpc::GenericServerContext context;
  grpc::GenericServerAsyncReaderWriter stream{&context};
  grpc::ByteBuffer request;
};

namespace {

std::string ToString(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  if (!buffer.Dump(&slices).ok()) return "";
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return text;
}

}  // namespace

ScriptedServer::ScriptedServer(AnswerNow answer_now, grpc::Status status,
                               const std::string& listen_on)
    : answer_now_(std::move(answer_now)), status_(std::move(status)) {
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(listen_on, grpc::InsecureServerCredentials(), &port);
  builder.RegisterAsyncGenericService(&service_);
  queue_ = builder.AddCompletionQueue();
  server_ = builder.BuildAndStart();
  address_ = absl::StrCat("127.0.0.1:", port);
  RequestCall();
  thread_ = std::thread([this] { Run(); });
}

ScriptedServer::~ScriptedServer() {
  server_->Shutdown(std::chrono::system_clock::now());
  queue_->Shutdown();
  thread_.join();
  for (Call* const call : waiting_) delete call;
}

void ScriptedServer::RequestCall() {
  auto* const call = new Call;  // Comes back through the queue.
  service_.RequestCall(&call->context, &call->stream, queue_.get(), queue_.get(), call);
}

void ScriptedServer::Run() {
  void* tag = nullptr;
  bool ok = false;
  while (queue_->Next(&tag, &ok)) {
    Call& call = *static_cast<Call*>(tag);
    if (call.state == Call::State::kRequested && ok) {
      RequestCall();
      call.state = Call::State::kReading;
      call.stream.Read(&call.request, &call);
    } else if (call.state == Call::State::kReading && ok) {
      Arrive(call);
    } else {
      delete &call;
    }
  }
}

void ScriptedServer::Arrive(Call& call) {
  const std::string request = ToString(call.request);
  if (++arrived_ == 1) first_request_ = request;
  if (request != first_request_) all_alike_ = false;
  call.state = Call::State::kWaiting;
  waiting_.push_back(&call);
  if (!answer_now_(arrived_, waiting_.size())) return;
  for (Call* const waiting : std::exchange(waiting_, {})) {
    waiting->state = Call::State::kAnswering;
    ++answered_;
    if (status_.ok()) {
      waiting->stream.WriteAndFinish(waiting->request, grpc::WriteOptions(), status_, waiting);
    } else {
      waiting->stream.Finish(status_, waiting);
    }
  }
}

}  // namespace weir
