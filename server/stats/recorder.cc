#include "server/stats/recorder.h"

#include <sys/random.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/names.h"
#include "server/stats/stats_file.h"
#include "server/stats/stats_snapshot.h"
#include "server/stats/thread_slot.h"

namespace weir {
namespace {

constexpr int kMaxShards = 512;
constexpr absl::string_view kWhatMemoryMeans =
    "if this process is killed, those that it has not pushed yet are lost";

absl::StatusOr<std::string> RandomBootId() {
  std::string id(kBootIdBytes, '\0');
  // So few bytes come at once or not at all.
  if (getrandom(id.data(), id.size(), 0) != static_cast<ssize_t>(id.size())) {
    return absl::ErrnoToStatus(errno, "cannot make a boot id");
  }
  return id;
}

// Each cell stands for itself, so relaxed operations are enough.
std::atomic_ref<uint64_t> Cell(uint64_t& cell) { return std::atomic_ref(cell); }

}  // namespace

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Create(const Options& options) {
  if (options.replica.empty() || options.replica.size() > kMaxReplicaBytes ||
      !IsUtf8(options.replica)) {
    return absl::InvalidArgumentError("a replica's name has 1 to 128 bytes of UTF-8");
  }
  if (options.shards < 0 || options.shards > kMaxShards) {
    return absl::InvalidArgumentError("there cannot be so many shards");
  }
  absl::StatusOr<std::string> boot_id = RandomBootId();
  if (!boot_id.ok()) return boot_id.status();
  const absl::Time boot_time = absl::Now();
  std::unique_ptr<StatsFile> file;
  if (options.state_dir.empty()) {
    WEIR_LOG(kInfo,
             "counts are kept in memory only, for there is no --state_dir: ", kWhatMemoryMeans);
  } else {
    absl::StatusOr<std::unique_ptr<StatsFile>> made =
        StatsFile::Create(options.state_dir, {options.replica, *boot_id, boot_time});
    if (made.ok()) {
      file = *std::move(made);
      WEIR_LOG(kInfo, "counts are kept in a file", LogField("path", file->path()));
    } else if (absl::IsResourceExhausted(made.status())) {
      WEIR_LOG(kWarning, "there is no room for a stats file, so counts are kept in memory only: ",
               kWhatMemoryMeans, LogField("reason", made.status().message()));
    } else {
      return made.status();
    }
  }
  return std::unique_ptr<Recorder>(
      new Recorder(options, *std::move(boot_id), boot_time, std::move(file)));
}

Recorder::Recorder(const Options& options, std::string boot_id, absl::Time boot_time,
                   std::unique_ptr<StatsFile> file)
    : replica_(options.replica),
      boot_id_(std::move(boot_id)),
      boot_time_(boot_time),
      shards_(options.shards),
      file_(std::move(file)) {
  StatsSchemaBuilder builder;
  const size_t cpu = builder.Add(metric::kProcessCpu, {replica_}, v1::CELL_KIND_NANOSECONDS);
  const size_t failures = builder.Add(metric::kPushFailures, {replica_}, v1::CELL_KIND_COUNT);
  absl::MutexLock lock(&mu_);
  uint64_t* const cells = AddBlock(std::move(builder).Build(), 0).memory.cells();
  cpu_cell_ = cells + cpu;
  push_failures_cell_ = cells + failures;
  unknown_ = &AddUnresolved(metric::kUnknownModel);
}

Recorder::~Recorder() = default;

Recorder::Block& Recorder::AddBlock(const StatsSchema& schema, int shards) {
  auto block = std::make_unique<Block>(Block{.schema = schema, .shards = shards});
  block->stride =
      StatsRoundUp(schema.cells() * sizeof(uint64_t), kStatsCellsAlignment) / sizeof(uint64_t);
  if (file_ != nullptr) {
    absl::StatusOr<CellMemory> memory =
        file_->Append(schema.Serialize(), shards + 1, block->stride);
    if (memory.ok()) {
      block->memory = *std::move(memory);
    } else {
      WEIR_LOG(kWarning, "some counts are kept in memory only: ", kWhatMemoryMeans,
               LogField("reason", memory.status().message()));
    }
  }
  if (block->memory.cells() == nullptr) {
    block->memory = CellMemory::Anonymous((shards + 1) * block->stride);
  }
  blocks_.push_back(std::move(block));
  return *blocks_.back();
}

VersionStats& Recorder::Add(std::unique_ptr<VersionStats> version) {
  const Block& block = AddBlock(version->layout_.schema, shards_);
  version->Attach(block.memory.cells(), block.stride, shards_);
  versions_.push_back(std::move(version));
  return *versions_.back();
}

VersionStats& Recorder::ForVersion(const VersionDefinition& definition) {
  absl::MutexLock lock(&mu_);
  for (const auto& version : versions_) {
    if (version->definition_ == definition) return *version;
  }
  return Add(std::unique_ptr<VersionStats>(new VersionStats(definition)));
}

VersionStats& Recorder::Unresolved(absl::string_view model) {
  if (model == metric::kUnknownModel) return *unknown_;
  if (VersionStats* const found = FindUnresolved(model); found != nullptr) return *found;
  absl::MutexLock lock(&mu_);
  // Another thread may have made it meanwhile.
  if (VersionStats* const found = FindUnresolved(model); found != nullptr) return *found;
  VersionStats& made = AddUnresolved(model);
  absl::MutexLock unresolved_lock(&unresolved_mu_);
  unresolved_.emplace(model, &made);
  return made;
}

VersionStats& Recorder::AddUnresolved(absl::string_view model) {
  VersionLayout layout = VersionLayout::OfUnresolved(model, model != metric::kUnknownModel);
  return Add(std::unique_ptr<VersionStats>(new VersionStats(std::move(layout))));
}

VersionStats* Recorder::FindUnresolved(absl::string_view model) {
  absl::MutexLock lock(&unresolved_mu_);
  const auto found = unresolved_.find(model);
  return found == unresolved_.end() ? nullptr : found->second;
}

void Recorder::RecordLoadFailure(absl::string_view model) { Unresolved(model).RecordLoadFailure(); }

void Recorder::RecordPushFailure() {
  Cell(*push_failures_cell_).fetch_add(1, std::memory_order_relaxed);
}

void Recorder::SetProcessCpu(absl::Duration used) {
  const auto used_ns = static_cast<uint64_t>(std::max<int64_t>(absl::ToInt64Nanoseconds(used), 0));
  uint64_t before = Cell(*cpu_cell_).load(std::memory_order_relaxed);
  while (before < used_ns &&
         !Cell(*cpu_cell_).compare_exchange_weak(before, used_ns, std::memory_order_relaxed)) {
  }
}

// Shards that no thread has had yet are not read: that would give them memory.
CellTotals Recorder::Sum(const Block& block, int slots) {
  CellTotals sum(block.schema.cells());
  std::vector<uint64_t> shard(sum.size());
  const int used = std::min(slots, block.shards);
  for (int i = 0; i <= used; ++i) {
    uint64_t* const cells = block.memory.cells() + (i < used ? i : block.shards) * block.stride;
    for (size_t cell = 0; cell < shard.size(); ++cell) {
      shard[cell] = Cell(cells[cell]).load(std::memory_order_relaxed);
    }
    AddShard(block.schema, shard, sum);
  }
  return sum;
}

void Recorder::FillPush(v1::PushRequest& push) {
  absl::MutexLock push_lock(&push_mu_);
  std::vector<const Block*> blocks;
  {
    absl::MutexLock lock(&mu_);
    for (const auto& block : blocks_) blocks.push_back(block.get());
    push.set_seq(++last_seq_);
    if (file_ != nullptr) file_->SetLastSeq(last_seq_);
  }
  if (planned_blocks_ != blocks.size()) {
    std::vector<const StatsSchema*> schemas;
    for (const Block* const block : blocks) schemas.push_back(&block->schema);
    plan_ = *SnapshotPlan::Make(schemas);  // All families are of the catalogue.
    planned_blocks_ = blocks.size();
  }
  const int slots = ThreadSlotsEnd();
  std::vector<CellTotals> totals;
  for (const Block* const block : blocks) totals.push_back(Sum(*block, slots));
  push.set_replica(replica_);
  push.set_boot_id(boot_id_);
  push.set_boot_unix_ns(absl::ToUnixNanos(boot_time_));
  plan_->Fill(totals, push);
}

void Recorder::NoteAcknowledged(absl::string_view gateway, uint64_t seq) {
  absl::MutexLock lock(&mu_);
  if (file_ != nullptr) file_->NoteAcknowledged(gateway, seq);
}

void Recorder::DeleteFile() {
  absl::MutexLock lock(&mu_);
  if (file_ != nullptr) file_->Delete();
}

}  // namespace weir
