// Which services of the server are healthy, and who wants to know when that changes.
#ifndef WEIR_SERVER_RPC_HEALTH_STATES_H_
#define WEIR_SERVER_RPC_HEALTH_STATES_H_

#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "grpc/health/v1/health.pb.h"

namespace weir {

// A service here is what health is asked for: a model, or "" for the server as a whole, which is
// known and NOT_SERVING from the start. Thread-safe.
class HealthStates {
 public:
  using State = grpc::health::v1::HealthCheckResponse::ServingStatus;

  // Is called under the lock of the states: it must not call them back, nor wait.
  class Watcher {
   public:
    virtual ~Watcher() = default;
    virtual void Changed(State state) = 0;
    virtual void Ended() = 0;  // Nothing changes any more.
  };

  // From now on the service is known.
  void Set(const std::string& service, bool serving) ABSL_LOCKS_EXCLUDED(mu_);

  // Turns all to NOT_SERVING, for good: from now on Set makes services known and no more.
  void Shutdown() ABSL_LOCKS_EXCLUDED(mu_);

  // SERVICE_UNKNOWN if it was never set.
  State Find(const std::string& service) const ABSL_LOCKS_EXCLUDED(mu_);

  // Tells the watcher the state at once and whenever it changes, until Unwatch has returned. A
  // service that is not known may become so.
  void Watch(const std::string& service, Watcher& watcher) ABSL_LOCKS_EXCLUDED(mu_);
  void Unwatch(const std::string& service, Watcher& watcher) ABSL_LOCKS_EXCLUDED(mu_);

  // Tells all watchers, and those still to come, that it is over.
  void EndWatches() ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Service {
    State state = grpc::health::v1::HealthCheckResponse::SERVICE_UNKNOWN;
    std::set<Watcher*> watchers;
  };

  static void Change(Service& service, State state);

  mutable absl::Mutex mu_;
  bool shut_down_ ABSL_GUARDED_BY(mu_) = false;
  bool ended_ ABSL_GUARDED_BY(mu_) = false;
  // Those that are known or watched.
  std::map<std::string, Service> services_ ABSL_GUARDED_BY(mu_) = {
      {"", {.state = grpc::health::v1::HealthCheckResponse::NOT_SERVING, .watchers = {}}}};
};

}  // namespace weir

#endif  // WEIR_SERVER_RPC_HEALTH_STATES_H_
