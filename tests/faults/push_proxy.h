// A network between servers and their gateway that can be made a bad one: it takes pushes as bytes
// and loses, delays, repeats and reorders them, and loses their answers.
#ifndef WEIR_TESTS_FAULTS_PUSH_PROXY_H_
#define WEIR_TESTS_FAULTS_PUSH_PROXY_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/generic/generic_stub.h"
#include "grpcpp/server.h"
#include "tests/faults/fault_schedule.h"
#include "weir/v1/stats.grpc.pb.h"

namespace weir {

// A good network at first. Thread-safe.
class PushProxy {
 public:
  // Listens on a free port and passes pushes on to `gateway`, who may come and go.
  explicit PushProxy(const std::string& gateway);
  ~PushProxy();  // Drops what has not been delivered.
  PushProxy(const PushProxy&) = delete;
  PushProxy& operator=(const PushProxy&) = delete;

  const std::string& address() const { return address_; }

  // From now on.
  void Disturb(const FaultOdds& odds, uint64_t seed) ABSL_LOCKS_EXCLUDED(mu_);

  // From now on each push comes a second time, as if another boot had counted the same. No network
  // does so: what comes of it has to be noticed.
  void ForgeBoots() ABSL_LOCKS_EXCLUDED(mu_);

  // A good network again: delivers at once what is held back, and waits until it has come; false if
  // `timeout` passes before.
  bool Settle(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  struct Counts {
    int64_t pushes = 0;
    int64_t lost_requests = 0;
    int64_t lost_answers = 0;
    int64_t delayed = 0;
    int64_t copies = 0;
    std::string Text() const;
  };
  Counts counts() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  class Service;
  class Sender;
  struct Delivery;

  void Take(const std::shared_ptr<Sender>& sender, const grpc::ByteBuffer& request)
      ABSL_LOCKS_EXCLUDED(mu_);
  void Deliver(std::unique_ptr<Delivery> delivery) ABSL_LOCKS_EXCLUDED(mu_);
  void RunTimer() ABSL_LOCKS_EXCLUDED(mu_);

  grpc::GenericStub gateway_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;

  mutable absl::Mutex mu_;
  std::optional<FaultSchedule> schedule_ ABSL_GUARDED_BY(mu_);
  bool forging_ ABSL_GUARDED_BY(mu_) = false;
  std::multimap<absl::Time, std::unique_ptr<Delivery>> held_ ABSL_GUARDED_BY(mu_);
  int on_the_way_ ABSL_GUARDED_BY(mu_) = 0;  // Taken off held_, and not answered yet.
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  Counts counts_ ABSL_GUARDED_BY(mu_);

  std::thread timer_;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_PUSH_PROXY_H_
