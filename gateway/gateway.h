// The metrics gateway, wired in the order in which a number flows through it.
#ifndef WEIR_GATEWAY_GATEWAY_H_
#define WEIR_GATEWAY_GATEWAY_H_

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gateway/committer.h"
#include "gateway/http_server.h"
#include "gateway/push.h"
#include "gateway/push_service.h"
#include "gateway/self_metrics.h"
#include "grpcpp/server.h"

namespace weir {

class Gateway {
 public:
  struct Options {
    std::string host = "0.0.0.0";
    int grpc_port = 9401;  // 0: any free one, which the log tells; so with http_port.
    int http_port = 9400;
    PushLimits push;
    Committer::Options committer;
  };

  // Listens. The journal is not loaded yet: health is NOT_SERVING, pushes are answered with
  // UNAVAILABLE, and pages that show what was counted with 503.
  static absl::StatusOr<std::unique_ptr<Gateway>> Create(const Options& options);
  ~Gateway();  // Drains.

  // Loads the journal, which may take seconds, and takes pushes from then on. Once.
  absl::Status Load();

  // Refuses pushes, which their servers keep, and finishes those that are being written. Pages are
  // shown until the end. Not while Load is at work.
  void Drain();

 private:
  explicit Gateway(const Options& options);

  absl::Status ListenForPushes();
  absl::Status ListenForHttp();
  HttpHandler OnceLoaded(std::function<void(const Committer&, HttpResponse&)> handler) const;

  // Each part outlives those that stand below it.
  const Options options_;
  std::unique_ptr<Committer> committer_;  // Made by Load.

  // The same for pages, null before. Who sees the committer must see it whole: released by Load,
  // acquired by pages.
  std::atomic<const Committer*> loaded_ = nullptr;
  // Whether pushes are taken. Says nothing of other data, so relaxed is enough.
  std::atomic<bool> ready_ = false;

  SelfMetrics self_metrics_;
  PushService push_service_;
  std::unique_ptr<grpc::Server> grpc_server_;  // None once drained.
  std::unique_ptr<HttpServer> http_server_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_GATEWAY_H_
