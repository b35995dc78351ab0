// The model server, wired in the order in which a request flows through it.
#ifndef WEIR_SERVER_SERVER_H_
#define WEIR_SERVER_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/batching/batched_servable.h"
#include "server/batching/executor.h"
#include "server/http2/call_loop.h"
#include "server/model/repository.h"
#include "server/rpc/admin_service.h"
#include "server/rpc/echo_call.h"
#include "server/rpc/health_service.h"
#include "server/rpc/health_states.h"
#include "server/rpc/methods.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/predict_stream.h"
#include "server/rpc/reflection_service.h"
#include "server/rpc/request_gate.h"
#include "server/stats/gauges.h"
#include "server/stats/pusher.h"
#include "server/stats/recorder.h"

namespace weir {

// What is counted, and who gets it.
struct StatsOptions {
  bool record = true;     // False goes with neither a state_dir nor gateways.
  std::string replica;    // The server's stable name; empty: its host's name and its port.
  std::string state_dir;  // Where counts outlive a kill; empty: in memory only.
  std::vector<std::string> gateways;  // HOST:PORT; each gets everything. Empty: nobody does.
  absl::Duration push_interval = absl::Seconds(1);
  absl::Duration push_deadline = absl::Seconds(5);
  absl::Duration last_push_timeout = absl::Seconds(5);  // How long Drain waits for it; 1 h at most.
};

class Server {
 public:
  struct Options {
    std::string model_repository;
    std::vector<std::string> models;                        // Empty: all of the repository.
    absl::Duration repository_poll = absl::ZeroDuration();  // Zero: changes on demand only.
    std::string host = "0.0.0.0";
    int port = 8001;  // 0: any free one, which the log tells.
    int max_request_bytes = 8 << 20;
    int64_t max_bytes_in_flight = int64_t{1} << 30;  // Of all requests together.
    BatchingOptions batching;
    PredictionOptions prediction;
    PredictStreams::Options streams;
    StatsOptions stats;
  };

  // Listens and opens the repository. Models are not loaded yet: their health is NOT_SERVING and
  // requests for them are answered UNAVAILABLE.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const Options& options);
  ~Server();  // Cancels what is in flight.

  // Loads the models, until all have been tried or Drain is called; each one serves as soon as it
  // is ready, whatever happens to the others. An error only if none of them can serve.
  absl::Status LoadModels();

  // Turns health to NOT_SERVING, refuses new requests and lets those in flight finish, for at most
  // `timeout`; what is left then is cancelled. At last tells the gateways what was counted. May be
  // called while models load.
  void Drain(absl::Duration timeout);

 private:
  // Made once the port is known, which is part of the replica's name, and before models are loaded.
  struct Stats {
    std::unique_ptr<Recorder> recorder;  // Null: nothing is recorded.
    std::unique_ptr<Gauges> gauges;
    std::unique_ptr<Pusher> pusher;  // Null: nobody is told.
  };

  Server(const Options& options, std::unique_ptr<Stats> stats, std::unique_ptr<Executor> executor,
         std::unique_ptr<Repository> repository, std::unique_ptr<CallLoop> loop);

  absl::Status StartRecording();
  void StartServing();
  void StartPushing();
  void OnModelChange(const ModelStatus& model);
  void PushLast();

  // Each part outlives those that stand below it; the repository's thread, which uses the loop too,
  // has ended by the end of Drain.
  const Options options_;
  const std::unique_ptr<Stats> stats_;
  const std::unique_ptr<Executor> executor_;
  const std::unique_ptr<Repository> repository_;
  const std::unique_ptr<CallLoop> loop_;
  AdminService admin_service_;
  RequestGate gate_;
  PredictionOptions prediction_;
  PredictorContext predictor_context_;
  PredictStreams streams_;
  HealthStates health_;
  HealthService health_service_;
  ReflectionService reflection_;
  Methods methods_;
  std::map<std::string, int64_t> recorded_load_failures_;  // For the repository's thread.
  bool drained_ = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_SERVER_H_
