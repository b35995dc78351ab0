// Whatever may be found in a state_dir: the reader names what is wrong with it, or makes a push.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

#include "base/files.h"
#include "base/log.h"
#include "server/stats/recorder.h"
#include "server/stats/stats_file_reader.h"

namespace {

using weir::kStatsPageBytes;
using weir::StatsBlockHeader;
using weir::StatsFileHeader;

// A file as a server leaves it behind.
std::string MakeValidFile() {
  std::string directory = "/tmp/stats-fuzz-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) abort();
  weir::SetMinLogSeverity(weir::LogSeverity::kError);
  {
    const auto recorder =
        *weir::Recorder::Create({.state_dir = directory, .replica = "r", .shards = 1});
    recorder
        ->ForVersion({.model = "m",
                      .version = 1,
                      .classes = {"a", "b"},
                      .has_values = true,
                      .value_bounds = {1, 2}})
        .RecordAnswer({.rows = 1, .total_ns = 1000});
    recorder->Unresolved("m").RecordAnswer({.code = absl::StatusCode::kNotFound});
  }
  std::string bytes;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    bytes = *weir::ReadFile(entry.path());
  }
  std::filesystem::remove_all(directory);
  return bytes;
}

// Puts the checksums right, which a fuzzer would never guess.
void MendChecksums(std::string& bytes) {
  if (bytes.size() < kStatsPageBytes) return;
  StatsFileHeader header;
  memcpy(&header, bytes.data(), sizeof(header));
  header.crc = 0;
  header.crc = weir::StatsCrc({reinterpret_cast<char*>(&header), weir::kStatsFixedBytes});
  memcpy(bytes.data(), &header, sizeof(header));
  size_t begin = kStatsPageBytes;
  while (begin + kStatsPageBytes <= bytes.size()) {
    char* const at = bytes.data() + begin;
    StatsBlockHeader block;
    memcpy(&block, at, sizeof(block));
    if (block.schema_bytes > bytes.size() - begin - sizeof(block)) return;
    block.crc = 0;
    block.crc = weir::StatsCrc({reinterpret_cast<char*>(&block), sizeof(block)},
                               {at + sizeof(block), block.schema_bytes});
    memcpy(at, &block, sizeof(block));
    if (block.block_bytes == 0 || block.block_bytes > bytes.size() - begin) return;
    begin += block.block_bytes;
  }
}

// Bytes of a good file, changed: each change is a place, in two bytes, and what stands there.
std::string Changed(const uint8_t* data, size_t size) {
  static const std::string& valid = *new std::string(MakeValidFile());
  std::string bytes = valid;
  for (size_t i = 0; i + 3 <= size; i += 3) {
    bytes[(data[i] + 256 * data[i + 1]) % bytes.size()] = static_cast<char>(data[i + 2]);
  }
  MendChecksums(bytes);
  return bytes;
}

// A good header, and a block with the schema of the fuzzer's choice and cells out of the same
// bytes.
std::string WithSchema(const uint8_t* data, size_t size) {
  std::string bytes = Changed(nullptr, 0).substr(0, kStatsPageBytes);
  StatsBlockHeader block = {
      .magic = weir::kStatsBlockMagic,
      .cells_offset = weir::StatsRoundUp(sizeof(block) + size, weir::kStatsCellsAlignment),
      .schema_bytes = static_cast<uint32_t>(size),
      .shards = 2,
      .stride = 128 * (size % 64) + 16,
  };
  block.block_bytes = weir::StatsRoundUp(block.cells_offset + 16 * block.stride, kStatsPageBytes);
  bytes.append(reinterpret_cast<const char*>(&block), sizeof(block));
  while (bytes.size() < kStatsPageBytes + block.block_bytes) {
    bytes.append(reinterpret_cast<const char*>(data), size);
    if (size == 0) bytes.push_back(0);
  }
  bytes.resize(kStatsPageBytes + block.block_bytes);
  const uint64_t committed = bytes.size();
  memcpy(bytes.data() + offsetof(StatsFileHeader, committed_bytes), &committed, sizeof(committed));
  MendChecksums(bytes);
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

// The first byte chooses what the others mean.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  switch (data[0] % 3) {
    case 0:
      Read(std::string(reinterpret_cast<const char*>(data + 1), size - 1));
      break;
    case 1:
      Read(Changed(data + 1, size - 1));
      break;
    default:
      Read(WithSchema(data + 1, size - 1));
  }
  return 0;
}
