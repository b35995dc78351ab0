#include "server/stats/stats_file_reader.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/names.h"
#include "base/status_macros.h"

namespace weir {
namespace {

// `bytes` may lie anywhere, so everything is copied out of it.
template <typename T>
T Copy(absl::string_view bytes) {
  T value;
  memcpy(&value, bytes.data(), sizeof(value));
  return value;
}

template <typename T>
absl::string_view BytesOf(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

absl::StatusOr<StatsFileHeader> ReadHeader(absl::string_view bytes) {
  if (bytes.empty()) return absl::NotFoundError("it is empty");
  if (bytes.size() < sizeof(StatsFileHeader)) {
    return absl::DataLossError(absl::StrCat("it is cut off after ", bytes.size(), " bytes"));
  }
  auto header = Copy<StatsFileHeader>(bytes);
  if (header.magic == 0) return absl::NotFoundError("it has no header yet");
  if (header.magic != kStatsFileMagic) return absl::InvalidArgumentError("it is not a stats file");
  if (header.version != kStatsFileVersion) {
    return absl::UnimplementedError(
        absl::StrCat("its format is ", header.version, ", this is ", kStatsFileVersion));
  }
  const uint32_t crc = std::exchange(header.crc, 0);
  if (crc != StatsCrc(BytesOf(header).substr(0, kStatsFixedBytes))) {
    return absl::DataLossError("its header is damaged");
  }
  const absl::string_view replica(header.replica,
                                  std::min<size_t>(header.replica_bytes, kMaxReplicaBytes));
  if (replica.empty() || header.replica_bytes > kMaxReplicaBytes || !IsUtf8(replica)) {
    return absl::DataLossError("its header has no replica");
  }
  if (header.committed_bytes < kStatsPageBytes || header.committed_bytes % kStatsPageBytes != 0) {
    return absl::DataLossError("its header has no length");
  }
  if (header.committed_bytes > bytes.size()) {
    return absl::DataLossError(
        absl::StrCat("it is cut off after ", bytes.size(), " bytes of ", header.committed_bytes));
  }
  return header;
}

// Reads the block that `bytes` begin with, and takes it off them.
absl::Status ReadBlock(absl::string_view& bytes, StatsFileContents& contents) {
  auto header = Copy<StatsBlockHeader>(bytes);  // There is a page at least.
  const uint32_t crc = std::exchange(header.crc, 0);
  const size_t schema_room = bytes.size() - sizeof(header);
  if (header.magic != kStatsBlockMagic || header.schema_bytes > schema_room ||
      crc != StatsCrc(BytesOf(header), bytes.substr(sizeof(header), header.schema_bytes))) {
    return absl::DataLossError("a block is damaged");
  }
  const absl::string_view schema_bytes = bytes.substr(sizeof(header), header.schema_bytes);
  absl::StatusOr<StatsSchema> schema = StatsSchema::Parse(schema_bytes);
  if (!schema.ok()) {
    return absl::DataLossError(absl::StrCat("a block is damaged: ", schema.status().message()));
  }
  // A division, because a product might overflow.
  const size_t cells_room = header.block_bytes - header.cells_offset;
  if (header.block_bytes > bytes.size() || header.block_bytes % kStatsPageBytes != 0 ||
      header.cells_offset > header.block_bytes || header.cells_offset < schema_bytes.size() ||
      header.shards == 0 || header.stride < schema->cells() ||
      header.stride > cells_room / sizeof(uint64_t) / header.shards) {
    return absl::DataLossError("a block is damaged: its cells are not within it");
  }
  CellTotals totals(schema->cells());
  std::vector<uint64_t> shard(schema->cells());
  for (uint32_t i = 0; i < header.shards; ++i) {
    const size_t begin = header.cells_offset + i * header.stride * sizeof(uint64_t);
    memcpy(shard.data(), bytes.data() + begin, shard.size() * sizeof(uint64_t));
    AddShard(*schema, shard, totals);
  }
  WEIR_RETURN_IF_ERROR(CheckTotals(*schema, totals));
  contents.schemas.push_back(*std::move(schema));
  contents.totals.push_back(std::move(totals));
  bytes.remove_prefix(header.block_bytes);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<StatsFileContents> ReadStatsFile(absl::string_view bytes) {
  WEIR_ASSIGN_OR_RETURN(const StatsFileHeader header, ReadHeader(bytes));
  StatsFileContents contents{
      .replica = std::string(header.replica, header.replica_bytes),
      .boot_id = std::string(header.boot_id, kBootIdBytes),
      .boot_unix_ns = header.boot_unix_ns,
      .last_seq = header.last_seq,
      .acknowledged = header.acknowledged,
  };
  absl::string_view blocks =
      bytes.substr(kStatsPageBytes, header.committed_bytes - kStatsPageBytes);
  while (!blocks.empty()) WEIR_RETURN_IF_ERROR(ReadBlock(blocks, contents));
  return contents;
}

bool StatsFileContents::Matters() const {
  if (last_seq > 0) return true;
  return std::any_of(totals.begin(), totals.end(), [](const CellTotals& cells) {
    return std::any_of(cells.begin(), cells.end(), [](uint64_t cell) { return cell != 0; });
  });
}

absl::StatusOr<v1::PushRequest> StatsFileContents::LastPush() const {
  std::vector<const StatsSchema*> pointers;
  for (const StatsSchema& schema : schemas) pointers.push_back(&schema);
  const absl::StatusOr<SnapshotPlan> plan = SnapshotPlan::Make(pointers);
  if (!plan.ok()) return absl::DataLossError(plan.status().message());
  v1::PushRequest push;
  push.set_replica(replica);
  push.set_boot_id(boot_id);
  push.set_seq(last_seq + 1);
  push.set_boot_unix_ns(boot_unix_ns);
  push.set_last(true);
  push.set_recovered(true);
  plan->Fill(totals, push);
  return push;
}

}  // namespace weir
