// The bytes of a stats file, as docs/stats-file.md tells them.
#ifndef WEIR_SERVER_STATS_STATS_FILE_FORMAT_H_
#define WEIR_SERVER_STATS_STATS_FILE_FORMAT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace weir {

inline constexpr uint64_t kStatsFileMagic = 0x5441545352494557;  // "WEIRSTAT".
inline constexpr uint32_t kStatsFileVersion = 1;
inline constexpr uint32_t kStatsBlockMagic = 0x4B434C42;  // "BLCK".
inline constexpr size_t kStatsPageBytes = 4096;  // Blocks begin and end at multiples of it.
inline constexpr size_t kStatsCellsAlignment = 128;
inline constexpr size_t kMaxStatsFileBytes = size_t{1} << 30;
inline constexpr size_t kBootIdBytes = 16;
inline constexpr size_t kMaxReplicaBytes = 128;

// What a gateway has acknowledged; a free place has hash 0.
struct StatsAcknowledgement {
  uint64_t gateway_hash;
  uint64_t seq;
};
using StatsAcknowledgements = std::array<StatsAcknowledgement, 8>;

// The first page. Integers are little-endian, as all machines that weir is built for have them.
struct StatsFileHeader {
  // Written once, the magic last: until then the file's boot has counted nothing.
  uint64_t magic;
  uint32_t version;
  uint32_t crc;  // Of the `fixed` bytes with this field 0.
  char boot_id[kBootIdBytes];
  int64_t boot_unix_ns;
  uint32_t replica_bytes;
  uint32_t reserved;
  char replica[kMaxReplicaBytes];

  // Written while the server runs, each with one store.
  uint64_t committed_bytes;  // What lies behind it is not there yet.
  uint64_t last_seq;         // The largest that was given to a push.
  StatsAcknowledgements acknowledged;
};
inline constexpr size_t kStatsFixedBytes = offsetof(StatsFileHeader, committed_bytes);
static_assert(kStatsFixedBytes == 176 && sizeof(StatsFileHeader) == 320);
static_assert(offsetof(StatsFileHeader, replica) == 48);

// Each block begins with it; the schema, a serialised StatsBlock, follows.
struct StatsBlockHeader {
  uint32_t magic;
  uint32_t crc;  // Of this header with this field 0, and of the schema.
  uint64_t block_bytes;
  uint64_t cells_offset;  // From the block's beginning.
  uint32_t schema_bytes;
  uint32_t shards;
  uint64_t stride;  // Cells from one shard to the next.
};
static_assert(sizeof(StatsBlockHeader) == 40);

// CRC-32 as zlib's, of one piece after another.
uint32_t StatsCrc(absl::string_view first, absl::string_view second = "");

// Of a gateway's address, the same in all builds; never 0.
uint64_t StatsGatewayHash(absl::string_view gateway);

// In the gateway's place, or in a free one; of more gateways than there are places, the first ones
// count. A process that is killed in between leaves a place that is free, or has the seq before or
// after.
void NoteStatsAcknowledgement(StatsAcknowledgements& places, absl::string_view gateway,
                              uint64_t seq);

constexpr size_t StatsRoundUp(size_t bytes, size_t multiple) {
  return (bytes + multiple - 1) / multiple * multiple;
}

// What the names of all stats files begin with, those of a replica, and that of one boot.
inline constexpr absl::string_view kStatsFileBeginning = "weir-";
std::string StatsFilePrefix(absl::string_view replica);
std::string StatsFileName(absl::string_view replica, absl::string_view boot_id);
inline constexpr absl::string_view kStatsFileSuffix = ".stats";
inline constexpr absl::string_view kUnreadableSuffix = ".unreadable";

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_FILE_FORMAT_H_
