// A gateway starts within seconds, however large its journal has become.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gateway/committer.h"
#include "gateway/journal_test_util.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

int64_t megabytes = 50;

constexpr int kSources = 1000;

// Of a source of three models; some 4 KB.
v1::PushRequest PushOf(int source) {
  PushBuilder push(absl::StrCat("host-", source, ":8001"), 'x', 1);
  std::vector<double> bounds;
  for (double bound = 1e-4; bounds.size() < 18; bound *= 2) bounds.push_back(bound);
  for (const char* model : {"fashion-fast", "fashion-balanced", "fashion-accurate"}) {
    for (int code = 0; code < 17; ++code) {
      push.Counter("test_requests_total",
                   {{"model", model}, {"version", "1"}, {"code", absl::StrCat("CODE_", code)}},
                   1000.0 + code);
    }
    for (const char* name : {"test_duration_seconds", "test_queue_seconds", "test_rows"}) {
      push.Histogram(name, {{"model", model}, {"version", "1"}}, bounds,
                     std::vector<uint64_t>(19, 1'000'000), 1e5);
    }
  }
  v1::PushRequest request = push.Request();
  request.mutable_boot_id()->replace(0, 2,
                                     {static_cast<char>(source >> 8), static_cast<char>(source)});
  return request;
}

TEST(JournalStartTest, AGatewayStartsWithinSeconds) {
  TemporaryFolder folder;
  int64_t written = 0;
  {
    const auto opened = OpenJournal(folder);
    ASSERT_TRUE(opened.ok()) << opened.status();
    std::vector<v1::PushRequest> pushes;
    for (int source = 0; source < kSources; ++source) pushes.push_back(PushOf(source));
    for (uint64_t seq = 1; written < megabytes << 20; ++seq) {
      std::vector<std::string> payloads;
      std::vector<JournalEntry> entries;
      payloads.reserve(kSources);
      for (v1::PushRequest& push : pushes) {
        push.set_seq(seq);
        payloads.push_back(push.SerializeAsString());
        entries.push_back({.key = {.kind = static_cast<uint8_t>(LedgerRecord::Kind::kPush),
                                   .id = BootId::FromBytes(push.boot_id()).bytes},
                           .order = seq,
                           .arrival = absl::Now(),
                           .payload = payloads.back()});
      }
      ASSERT_TRUE(opened->journal->Append(entries).ok());
      written = opened->journal->log_bytes();
    }
  }
  const absl::Time began = MonotonicNow();
  const auto committer = Committer::Create({.journal = {.directory = folder.path()}});
  const absl::Duration took = MonotonicNow() - began;
  ASSERT_TRUE(committer.ok()) << committer.status();
  EXPECT_EQ((*committer)->recovery().restored, kSources);
  EXPECT_EQ((*committer)->WithLedger([](const Ledger& ledger) { return ledger.num_boots(); }),
            kSources);
  std::cout << "a journal of " << (written >> 20) << " MB with " << (*committer)->recovery().entries
            << " pushes of " << kSources << " servers: ready after " << took << ", "
            << static_cast<int64_t>(written / 1e6 / absl::ToDoubleSeconds(took)) << " MB/s\n";
  EXPECT_LT(took, absl::Seconds(30));
}

}  // namespace
}  // namespace weir

// Takes the journal's size in megabytes.
int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc > 1) weir::megabytes = std::atoi(argv[1]);
  return RUN_ALL_TESTS();
}
