// What the journal can take: pushes of 10 KB, alone and many at a time, and how fast it is read.
//
// bazel run //gateway:journal_benchmark -- [directory]
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "gateway/journal.h"

namespace {

using weir::Journal;
using weir::JournalEntry;
using weir::MonotonicNow;

constexpr size_t kPushBytes = 10'000;
constexpr int kBoots = 1000;

// Appends `together` at a time for about a second; the pushes that it took in one.
double Rate(const std::string& directory, Journal::Durability durability, int together) {
  std::filesystem::remove_all(directory);
  const auto journal = Journal::Open({.directory = directory, .durability = durability},
                                     [](const JournalEntry&) { return absl::OkStatus(); });
  if (!journal.ok()) return 0;
  const std::string payload(kPushBytes, 'x');
  uint64_t order = 0;
  const absl::Time began = MonotonicNow();
  absl::Duration took;
  while ((took = MonotonicNow() - began) < absl::Seconds(1) && (*journal)->log_bytes() < 1 << 30) {
    std::vector<JournalEntry> entries(together, {.payload = payload});
    for (JournalEntry& entry : entries) {
      entry.order = ++order;
      entry.key.id[0] = static_cast<uint8_t>(order % kBoots);
      entry.key.id[1] = static_cast<uint8_t>(order % kBoots >> 8);
    }
    if (!(*journal)->Append(entries).ok()) return 0;
  }
  return static_cast<double>(order) / absl::ToDoubleSeconds(took);
}

// MB/s, of what Rate left.
double ReplayRate(const std::string& directory) {
  const absl::Time began = MonotonicNow();
  const auto journal =
      Journal::Open({.directory = directory}, [](const JournalEntry&) { return absl::OkStatus(); });
  if (!journal.ok()) return 0;
  return static_cast<double>((*journal)->log_bytes()) / 1e6 /
         absl::ToDoubleSeconds(MonotonicNow() - began);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string directory = argc > 1 ? argv[1] : "journal_benchmark.tmp";
  std::string line = "BENCH journal";
  double replay = 0;
  for (const int together : {1, 100}) {
    const double power = Rate(directory, Journal::Durability::kPower, together);
    const double process = Rate(directory, Journal::Durability::kProcess, together);
    replay = ReplayRate(directory);
    absl::StrAppend(&line, " process_", together, "_per_s=", static_cast<int64_t>(process),
                    " power_", together, "_per_s=", static_cast<int64_t>(power));
  }
  std::filesystem::remove_all(directory);
  std::cout << line << " replay_mb_per_s=" << static_cast<int64_t>(replay) << "\n";
  return 0;
}
