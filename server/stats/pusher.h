// Sends what a server counts to its gateways, again and again.
#ifndef WEIR_SERVER_STATS_PUSHER_H_
#define WEIR_SERVER_STATS_PUSHER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"
#include "server/stats/gateway_link.h"
#include "server/stats/orphans.h"
#include "server/stats/push_schedule.h"
#include "server/stats/recorder.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Each gateway gets everything. A gateway that is away, hangs, refuses or answers nonsense costs
// neither the others nor the server's requests anything: every push has a deadline, there is at
// most one at a time for each gateway, and a thread of the pusher's own does all the work but for
// the answers' way in. Policy is in PushSchedule.
//
// What earlier boots had counted when they were killed goes first. They are looked for again and
// again: one that is just ending still holds its file.
class Pusher {
 public:
  struct Options {
    std::vector<std::string> gateways;                   // HOST:PORT, at most 8 of them.
    absl::Duration interval = absl::Seconds(1);          // 1 ms to 1 h.
    absl::Duration deadline = absl::Seconds(5);          // Of one push.
    absl::Duration max_backoff = absl::Seconds(5);       // Between tries.
    std::string state_dir;                               // Of earlier boots; empty: there are none.
    absl::Duration search_interval = absl::Seconds(10);  // Between looks for them.
    std::function<void(v1::PushRequest&)> add_gauges;    // On the pusher's thread; may be null.
  };

  // INVALID_ARGUMENT that names what is wrong with the options.
  static absl::Status Check(const Options& options);

  // Of options that pass Check; begins to push. The recorder outlives the pusher.
  Pusher(Options options, Recorder& recorder);
  ~Pusher();  // Without a last push, unless there was one.

  // Once nothing is recorded any more: pushes a last time, until all gateways have acknowledged or
  // refused it, but no longer than `timeout`. Returns whether all have acknowledged it; the
  // recorder's file is deleted then, and otherwise left to the next boot. Once.
  bool Finish(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

 private:
  struct Answer {
    GatewayLink* link = nullptr;
    grpc::Status status;
    grpc::ByteBuffer response;
  };

  struct End {
    bool push_last = false;
    absl::Time at_latest;
  };

  void Run() ABSL_LOCKS_EXCLUDED(mu_);
  void PushUntilEnd() ABSL_LOCKS_EXCLUDED(mu_);
  void PushLast(absl::Time at_latest) ABSL_LOCKS_EXCLUDED(mu_);
  void CancelAll() ABSL_LOCKS_EXCLUDED(mu_);

  // Waits for an answer or, if `or_end`, the end, but not beyond `until`.
  void Await(absl::Time until, bool or_end) ABSL_LOCKS_EXCLUDED(mu_);
  std::optional<End> end() ABSL_LOCKS_EXCLUDED(mu_);
  void Stop(const End& end) ABSL_LOCKS_EXCLUDED(mu_);

  void TakeAnswers() ABSL_LOCKS_EXCLUDED(mu_);
  void Take(const Answer& answer);
  void TakeOfOrphan(GatewayLink& link, const absl::Status& status, absl::Time now);
  void PushWhatIsDue();
  absl::Time NextDue() const;
  void Send(GatewayLink& link, const PushSnapshot& snapshot, const GatewayLink::Push& push,
            absl::Duration deadline);
  void SendOrphan(GatewayLink& link, Orphan& orphan);
  PushSnapshot TakeSnapshot(bool last);

  Orphan* OrphanFor(const GatewayLink& link) const;
  bool IsDone(const Orphan& orphan) const;
  bool Searches() const { return orphans_.empty() && !options_.state_dir.empty(); }
  void LookForOrphans();
  double Draw() { return std::uniform_real_distribution<double>()(random_); }

  const Options options_;
  Recorder& recorder_;

  absl::Mutex mu_;
  std::vector<Answer> answers_ ABSL_GUARDED_BY(mu_);
  std::optional<End> end_ ABSL_GUARDED_BY(mu_);

  // For the thread alone, as long as it runs.
  std::vector<std::unique_ptr<GatewayLink>> links_;
  std::vector<std::unique_ptr<Orphan>> orphans_;
  PushSchedule search_;  // When to look for more, while there are none.
  std::minstd_rand random_{std::random_device()()};
  uint64_t last_seq_ = 0;  // Of this boot.

  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_PUSHER_H_
