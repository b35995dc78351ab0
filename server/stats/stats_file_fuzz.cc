// Whatever may be found in a state_dir: the reader names what is wrong with it, or makes a push.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "server/stats/stats_file_reader.h"

namespace {

using weir::kStatsPageBytes;
using weir::StatsBlockHeader;
using weir::StatsFileHeader;

// Puts right what a fuzzer would never guess: the magics, the lengths and the checksums of the
// header and of the first block.
std::string Mended(std::string bytes) {
  if (bytes.size() < 2 * kStatsPageBytes) return bytes;
  StatsFileHeader header;
  memcpy(&header, bytes.data(), sizeof(header));
  header.magic = weir::kStatsFileMagic;
  header.version = weir::kStatsFileVersion;
  header.replica_bytes = 1;
  header.replica[0] = 'r';
  header.committed_bytes = bytes.size() / kStatsPageBytes * kStatsPageBytes;
  header.crc = 0;
  header.crc = weir::StatsCrc({reinterpret_cast<char*>(&header), weir::kStatsFixedBytes});
  memcpy(bytes.data(), &header, sizeof(header));

  char* const begin = bytes.data() + kStatsPageBytes;
  StatsBlockHeader block;
  memcpy(&block, begin, sizeof(block));
  block.magic = weir::kStatsBlockMagic;
  block.schema_bytes %= bytes.size() - kStatsPageBytes - sizeof(block);
  block.crc = 0;
  block.crc = weir::StatsCrc({reinterpret_cast<char*>(&block), sizeof(block)},
                             {begin + sizeof(block), block.schema_bytes});
  memcpy(begin, &block, sizeof(block));
  return bytes;
}

void Read(const std::string& bytes) {
  const auto contents = weir::ReadStatsFile(bytes);
  if (!contents.ok()) {
    if (contents.status().message().empty()) abort();
    return;
  }
  const auto push = contents->LastPush();
  if (!push.ok()) return;
  size_t series = 0;
  for (const weir::StatsSchema& schema : contents->schemas) series += schema.series().size();
  if (static_cast<size_t>(push->values_size()) != series || !push->recovered()) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  Read(bytes);
  Read(Mended(bytes));
  return 0;
}
