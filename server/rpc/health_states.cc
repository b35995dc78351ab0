#include "server/rpc/health_states.h"

namespace weir {

using grpc::health::v1::HealthCheckResponse;

void HealthStates::Set(const std::string& service, bool serving) {
  absl::MutexLock lock(&mu_);
  Change(services_[service],
         serving && !shut_down_ ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING);
}

void HealthStates::Shutdown() {
  absl::MutexLock lock(&mu_);
  shut_down_ = true;
  for (auto& [name, service] : services_) {
    if (service.state == HealthCheckResponse::SERVING) {
      Change(service, HealthCheckResponse::NOT_SERVING);
    }
  }
}

HealthStates::State HealthStates::Find(const std::string& service) const {
  absl::MutexLock lock(&mu_);
  const auto found = services_.find(service);
  return found == services_.end() ? HealthCheckResponse::SERVICE_UNKNOWN : found->second.state;
}

void HealthStates::Watch(const std::string& service, Watcher& watcher) {
  absl::MutexLock lock(&mu_);
  Service& watched = services_[service];
  watched.watchers.insert(&watcher);
  watcher.Changed(watched.state);
  if (ended_) watcher.Ended();
}

void HealthStates::Unwatch(const std::string& service, Watcher& watcher) {
  absl::MutexLock lock(&mu_);
  const auto found = services_.find(service);
  if (found == services_.end()) return;
  Service& watched = found->second;
  watched.watchers.erase(&watcher);
  // Callers ask for any name; only those with a meaning are kept.
  if (watched.watchers.empty() && watched.state == HealthCheckResponse::SERVICE_UNKNOWN) {
    services_.erase(found);
  }
}

void HealthStates::EndWatches() {
  absl::MutexLock lock(&mu_);
  ended_ = true;
  for (const auto& [name, service] : services_) {
    for (Watcher* const watcher : service.watchers) watcher->Ended();
  }
}

void HealthStates::Change(Service& service, State state) {
  if (service.state == state) return;
  service.state = state;
  for (Watcher* const watcher : service.watchers) watcher->Changed(state);
}

}  // namespace weir
