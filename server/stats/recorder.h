// Counts what a server does, so that nothing is lost when it is killed, and makes pushes of it.
#ifndef WEIR_SERVER_STATS_RECORDER_H_
#define WEIR_SERVER_STATS_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "server/stats/stats_file.h"
#include "server/stats/stats_schema.h"
#include "server/stats/stats_snapshot.h"
#include "server/stats/version_stats.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// Thread-safe. All counts live in a file that is mapped into memory (docs/stats-file.md), one for
// each boot: when the process is killed, the next boot of the same replica finds it (orphans.h).
// Counts are never given back: a version that is unloaded and loaded again goes on counting.
class Recorder {
 public:
  struct Options {
    // Where the file of this boot is made; made itself if it is not there, but not its parents.
    // Empty: counts live in memory only.
    std::string state_dir;
    std::string replica;  // The stable name of this server, 1 to 128 bytes of UTF-8.

    // Threads that count without getting into each other's way; any others share one shard. A
    // version takes some 18 KB for each.
    int shards = 16;
  };

  // INVALID_ARGUMENT if the replica is no name; otherwise the system's reason why there can be no
  // file in state_dir. A full disk is no error: the log says so and counts live in memory.
  static absl::StatusOr<std::unique_ptr<Recorder>> Create(const Options& options);
  ~Recorder();  // Keeps the file. After the last Record.
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Finds or makes; not for each request. The result is valid as long as the recorder. A version
  // whose definition has changed gets counters of its own, and pushes add them up.
  VersionStats& ForVersion(const VersionDefinition& definition) ABSL_LOCKS_EXCLUDED(mu_);

  // For requests that did not get as far as a version: only their code and rejection are counted.
  // `model` is one that the repository has, or metric::kUnknownModel, which is there from the
  // start: whatever callers make up would be kept for good. Once it has been made, this is a
  // look-up that waits for nothing, neither a push nor the making of other counters.
  VersionStats& Unresolved(absl::string_view model) ABSL_LOCKS_EXCLUDED(mu_, unresolved_mu_);

  // A load of a version or of a configuration failed. Unresolved(model) makes the counter, with 0.
  void RecordLoadFailure(absl::string_view model) ABSL_LOCKS_EXCLUDED(mu_, unresolved_mu_);

  // A push was not taken, at the first try or a later one.
  void RecordPushFailure();

  // Processor time that the process used since it began; less than before changes nothing.
  void SetProcessCpu(absl::Duration used);

  // Makes `push` a snapshot with the next seq: replica, boot, dictionary and all counts. Left to
  // the caller: acknowledged_seq, interval_ms, last, and gauges, whose families may be appended to
  // the dictionary's bytes and their values to `values`. Counts that a thread recorded before it
  // let this one know are in it.
  void FillPush(v1::PushRequest& push) ABSL_LOCKS_EXCLUDED(push_mu_, mu_);

  // Remembers for the next boot what a gateway has, so that it can tell one that lost its journal.
  // Of up to 8 gateways.
  void NoteAcknowledged(absl::string_view gateway, uint64_t seq) ABSL_LOCKS_EXCLUDED(mu_);

  // Once all gateways have acknowledged the last push: the next boot has nothing to push of this
  // one. What is counted afterwards is lost.
  void DeleteFile() ABSL_LOCKS_EXCLUDED(mu_);

  const std::string& replica() const { return replica_; }
  const std::string& boot_id() const { return boot_id_; }  // 16 bytes.
  absl::Time boot_time() const { return boot_time_; }

 private:
  // As many shards as there are slots, and behind them one for the threads that have none. All but
  // the cells is constant once it is among blocks_.
  struct Block {
    StatsSchema schema;
    CellMemory memory;
    size_t stride = 0;
    int shards = 0;
  };

  Recorder(const Options& options, std::string boot_id, absl::Time boot_time,
           std::unique_ptr<StatsFile> file);

  Block& AddBlock(const StatsSchema& schema, int shards) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  VersionStats& Add(std::unique_ptr<VersionStats> version) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  VersionStats& AddUnresolved(absl::string_view model) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Null if there is none yet.
  VersionStats* FindUnresolved(absl::string_view model) ABSL_LOCKS_EXCLUDED(unresolved_mu_);
  static CellTotals Sum(const Block& block, int slots);

  const std::string replica_;
  const std::string boot_id_;
  const absl::Time boot_time_;
  const int shards_;

  // Of what belongs to the process and not to a model; constant after construction.
  uint64_t* cpu_cell_ = nullptr;
  uint64_t* push_failures_cell_ = nullptr;
  VersionStats* unknown_ = nullptr;  // Of metric::kUnknownModel.

  // Held while a push is filled, so that one with a larger seq never counts less.
  absl::Mutex push_mu_ ABSL_ACQUIRED_BEFORE(mu_);
  std::optional<SnapshotPlan> plan_ ABSL_GUARDED_BY(push_mu_);  // Of the first so many blocks.
  size_t planned_blocks_ ABSL_GUARDED_BY(push_mu_) = 0;

  // Held while a block is made, which may take the disk's time.
  absl::Mutex mu_;
  const std::unique_ptr<StatsFile> file_ ABSL_PT_GUARDED_BY(mu_);    // Null without a state_dir.
  std::vector<std::unique_ptr<Block>> blocks_ ABSL_GUARDED_BY(mu_);  // Only ever more.
  std::vector<std::unique_ptr<VersionStats>> versions_ ABSL_GUARDED_BY(mu_);
  uint64_t last_seq_ ABSL_GUARDED_BY(mu_) = 0;

  // Requests look here: held for that alone. After mu_ where both are.
  absl::Mutex unresolved_mu_ ABSL_ACQUIRED_AFTER(mu_);
  std::map<std::string, VersionStats*, std::less<>> unresolved_ ABSL_GUARDED_BY(unresolved_mu_);
};

}  // namespace weir

#endif  // WEIR_SERVER_STATS_RECORDER_H_
