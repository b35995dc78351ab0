#include "server/stats/stats_file_format.h"

#include <zlib.h>

#include <algorithm>
#include <atomic>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace weir {
namespace {

constexpr size_t kMaxReadableBytes = 64;

uint64_t Fnv1a(absl::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char c : text) hash = (hash ^ c) * 0x100000001b3;
  return hash;
}

uint32_t Crc(uint32_t crc, absl::string_view bytes) {
  return static_cast<uint32_t>(crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()),  //
                                       bytes.size()));
}

}  // namespace

uint32_t StatsCrc(absl::string_view first, absl::string_view second) {
  return Crc(Crc(0, first), second);
}

uint64_t StatsGatewayHash(absl::string_view gateway) {
  return std::max<uint64_t>(Fnv1a(gateway), 1);
}

void NoteStatsAcknowledgement(StatsAcknowledgements& places, absl::string_view gateway,
                              uint64_t seq) {
  const uint64_t hash = StatsGatewayHash(gateway);
  for (StatsAcknowledgement& place : places) {
    if (place.gateway_hash != 0 && place.gateway_hash != hash) continue;
    // Release: what a place holds is there before the place is taken.
    std::atomic_ref(place.seq).store(seq, std::memory_order_release);
    std::atomic_ref(place.gateway_hash).store(hash, std::memory_order_release);
    return;
  }
}

std::string StatsFilePrefix(absl::string_view replica) {
  std::string readable(replica.substr(0, kMaxReadableBytes));
  for (char& c : readable) {
    if (!absl::ascii_isalnum(c) && c != '-' && c != '.') c = '_';
  }
  return absl::StrCat(kStatsFileBeginning, readable, "-",
                      absl::Hex(Fnv1a(replica), absl::kZeroPad16), "-");
}

std::string StatsFileName(absl::string_view replica, absl::string_view boot_id) {
  return absl::StrCat(StatsFilePrefix(replica), absl::BytesToHexString(boot_id), kStatsFileSuffix);
}

}  // namespace weir
