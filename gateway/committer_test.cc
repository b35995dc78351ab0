#include "gateway/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "gateway/journal_test_util.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

using testing::HasSubstr;

// A disk whose writes can be held up.
class HeldIo : public FailingIo {
 public:
  void Hold(bool held) {
    absl::MutexLock lock(&mu_);
    held_ = held;
  }

  // Until a write is held up.
  void Await() {
    absl::MutexLock lock(&mu_);
    const auto waits = [this] { return waiting_ > 0; };
    ASSERT_TRUE(mu_.AwaitWithTimeout(absl::Condition(&waits), absl::Seconds(30)));
  }

  absl::Status Write(int file, absl::string_view bytes, const std::string& path) override {
    absl::MutexLock lock(&mu_);
    ++writes;
    ++waiting_;
    const auto may_go_on = [this] { return !held_; };
    mu_.Await(absl::Condition(&may_go_on));
    --waiting_;
    return FailingIo::Write(file, bytes, path);
  }

  absl::Status Sync(int file, const std::string& path) override {
    ++syncs;
    return FailingIo::Sync(file, path);
  }

  absl::Status Rename(const std::string& from, const std::string& to) override {
    absl::MutexLock lock(&mu_);
    ++renames_;
    return FailingIo::Rename(from, to);
  }

  bool AwaitRenames(int renames, absl::Duration timeout) {
    absl::MutexLock lock(&mu_);
    const auto enough = [&] { return renames_ >= renames; };
    return mu_.AwaitWithTimeout(absl::Condition(&enough), timeout);
  }

  std::atomic<int> writes = 0;  // Both only count.
  std::atomic<int> syncs = 0;

 private:
  absl::Mutex mu_;
  bool held_ = false;
  int waiting_ = 0;
  int renames_ = 0;
};

// What becomes of one push.
class Answer {
 public:
  Committer::Done AsDone() {
    return [this](absl::StatusOr<uint64_t> acknowledged_seq) {
      absl::MutexLock lock(&mu_);
      EXPECT_FALSE(answer_.has_value()) << "answered twice";
      answer_ = std::move(acknowledged_seq);
    };
  }

  absl::StatusOr<uint64_t> Get() {
    absl::MutexLock lock(&mu_);
    const auto is_there = [this] { return answer_.has_value(); };
    if (!mu_.AwaitWithTimeout(absl::Condition(&is_there), absl::Seconds(30))) {
      return absl::DeadlineExceededError("no answer");
    }
    return *answer_;
  }

 private:
  absl::Mutex mu_;
  std::optional<absl::StatusOr<uint64_t>> answer_;
};

class CommitterTest : public testing::Test {
 protected:
  CommitterTest() {
    options_.journal = {.directory = folder_.path(), .io = &io_};
    Start();
  }

  void Start() {
    committer_ = nullptr;
    auto committer = Committer::Create(options_);
    ASSERT_TRUE(committer.ok()) << committer.status();
    committer_ = *std::move(committer);
  }

  // The boot has counted `value` rows of the model of its name.
  static PushBuilder Rows(char boot, uint64_t seq, double value) {
    PushBuilder push(std::string(1, boot), boot, seq);
    push.Counter("test_rows_total", {{"model", std::string(1, boot)}}, value);
    return push;
  }

  void Submit(const PushBuilder& push, Answer& answer) {
    std::string bytes = push.Bytes();
    absl::StatusOr<Push> decoded = DecodePush(bytes, PushLimits(), [&](const BootId& boot_id) {
      return committer_->WithLedger(
          [&](const Ledger& ledger) { return ledger.DictionaryOf(boot_id); });
    });
    if (!decoded.ok()) {
      answer.AsDone()(decoded.status());
      return;
    }
    committer_->Submit(*std::move(decoded), std::move(bytes), answer.AsDone());
  }

  absl::StatusOr<uint64_t> Submit(const PushBuilder& push) {
    Answer answer;
    Submit(push, answer);
    return answer.Get();
  }

  // What all boots counted for the model; -1 if it is not exposed.
  double RowsOf(char model) const {
    return committer_->WithLedger([&](const Ledger& ledger) {
      const MergedFamily* family = ledger.merged().Find("test_rows_total");
      if (family == nullptr) return -1.0;
      for (const MergedSeries* series : family->series) {
        if (series->labels == absl::StrCat("model=\"", std::string(1, model), "\"")) {
          return series->Value();
        }
      }
      return -1.0;
    });
  }

  TemporaryFolder folder_;
  HeldIo io_;
  Committer::Options options_;
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterTest, WhatIsAnsweredIsInTheLedgerAndOutlivesTheProcess) {
  EXPECT_EQ(*Submit(Rows('a', 1, 10)), 1u);
  EXPECT_EQ(RowsOf('a'), 10);
  EXPECT_EQ(*Submit(Rows('a', 2, 15)), 2u);
  EXPECT_EQ(*Submit(Rows('b', 7, 3)), 7u);
  Start();
  EXPECT_EQ(RowsOf('a'), 15);
  EXPECT_EQ(RowsOf('b'), 3);
  EXPECT_EQ(committer_->recovery().restored, 2);
  EXPECT_EQ(*Submit(Rows('a', 3, 16)), 3u);
  EXPECT_EQ(RowsOf('a'), 16);
}

TEST_F(CommitterTest, WhatARecoveredPushLacksStaysAndOutlivesTheProcess) {
  ASSERT_TRUE(Submit(Rows('a', 1, 10).Counter("test_rows_total", {{"model", "m"}}, 5)).ok());
  EXPECT_FALSE(Submit(Rows('a', 2, 12)).ok());
  EXPECT_EQ(*Submit(Rows('a', 2, 12).Recovered()), 2u);
  for (int turn = 0; turn < 2; ++turn) {
    EXPECT_EQ(RowsOf('a'), 12);
    EXPECT_EQ(RowsOf('m'), 5);
    EXPECT_EQ(*Submit(Rows('a', 2, 12).Recovered()), 2u);
    Start();
  }
  EXPECT_EQ(committer_->recovery().restored, 1);
  EXPECT_EQ(*Submit(Rows('a', 3, 13).Recovered()), 3u);
  Start();
  EXPECT_EQ(RowsOf('a'), 13);
  EXPECT_EQ(RowsOf('m'), 5);
}

TEST_F(CommitterTest, APushThatCameBeforeIsAnsweredWithTheNewestSeq) {
  ASSERT_TRUE(Submit(Rows('a', 5, 10)).ok());
  EXPECT_EQ(*Submit(Rows('a', 5, 10)), 5u);
  EXPECT_EQ(*Submit(Rows('a', 3, 7)), 5u);
  EXPECT_EQ(RowsOf('a'), 10);
  const Committer::Counters counters = committer_->counters();
  EXPECT_EQ(counters.applied, 1);
  EXPECT_EQ(counters.duplicate, 2);
}

TEST_F(CommitterTest, WhatTheLedgerRefusesNeverReachesTheJournal) {
  ASSERT_TRUE(Submit(Rows('a', 1, 10)).ok());
  const int64_t bytes = committer_->counters().journal_bytes;
  const auto fell = Submit(Rows('a', 2, 9));
  EXPECT_EQ(fell.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(fell.status().message(), HasSubstr("test_rows_total"));
  EXPECT_EQ(committer_->counters().journal_bytes, bytes);
  EXPECT_EQ(committer_->counters().rejected, 1);
  EXPECT_EQ(RowsOf('a'), 10);
}

TEST_F(CommitterTest, PushesThatCameTogetherAreWrittenTogether) {
  ASSERT_TRUE(Submit(Rows('a', 1, 1)).ok());
  io_.Hold(true);
  std::vector<Answer> answers(20);
  Submit(Rows('b', 1, 1), answers[0]);
  io_.Await();
  for (int i = 1; i < 20; ++i) Submit(Rows(static_cast<char>('c' + i), 1, i), answers[i]);
  const int writes = io_.writes;
  io_.Hold(false);
  for (Answer& answer : answers) EXPECT_TRUE(answer.Get().ok());
  EXPECT_EQ(io_.writes, writes + 1);
}

TEST_F(CommitterTest, PushesOfOneBootAreTakenOneAfterTheOther) {
  io_.Hold(true);
  std::vector<Answer> answers(5);
  Submit(Rows('a', 1, 1), answers[0]);
  io_.Await();
  Submit(Rows('a', 3, 30), answers[1]);
  Submit(Rows('a', 2, 20), answers[2]);
  Submit(Rows('a', 3, 30), answers[3]);
  Submit(Rows('a', 4, 29), answers[4]);
  io_.Hold(false);
  EXPECT_EQ(*answers[0].Get(), 1u);
  EXPECT_EQ(*answers[1].Get(), 3u);
  EXPECT_EQ(*answers[2].Get(), 3u);
  EXPECT_EQ(*answers[3].Get(), 3u);
  EXPECT_EQ(answers[4].Get().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(RowsOf('a'), 30);
}

TEST_F(CommitterTest, APushIsNotSeenBeforeItIsInTheJournalAndReadersDoNotWaitForTheDisk) {
  ASSERT_TRUE(Submit(Rows('a', 1, 1)).ok());
  io_.Hold(true);
  Answer answer;
  Submit(Rows('a', 2, 2), answer);
  io_.Await();
  EXPECT_EQ(RowsOf('a'), 1);
  io_.Hold(false);
  EXPECT_TRUE(answer.Get().ok());
  EXPECT_EQ(RowsOf('a'), 2);
}

TEST_F(CommitterTest, WithoutRoomPushesAreRefusedUntilThereIsSome) {
  ASSERT_TRUE(Submit(Rows('a', 1, 1)).ok());
  io_.error = ENOSPC;
  io_.fail_at = io_.operations.load();
  const auto refused = Submit(Rows('a', 2, 2));
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(refused.status().message(), HasSubstr("No space left on device"));
  EXPECT_EQ(RowsOf('a'), 1);
  EXPECT_FALSE(committer_->counters().journal_writable);
  EXPECT_EQ(*Submit(Rows('a', 2, 2)), 2u);
  EXPECT_TRUE(committer_->counters().journal_writable);
  EXPECT_EQ(RowsOf('a'), 2);
  EXPECT_EQ(committer_->counters().rejected, 1);
}

TEST_F(CommitterTest, WithDurabilityPowerAnAnswerWaitsForTheDisk) {
  options_.journal.durability = Journal::Durability::kPower;
  Start();
  for (int seq = 1; seq < 5; ++seq) {
    const int syncs = io_.syncs;
    ASSERT_TRUE(Submit(Rows('a', seq, seq)).ok());
    EXPECT_GT(io_.syncs, syncs);
  }
  const Committer::Counters counters = committer_->counters();
  int64_t observed = 0;
  for (int64_t count : counters.sync_counts) observed += count;
  EXPECT_EQ(observed, 4);
  EXPECT_GT(counters.sync_sum_seconds, 0);
}

TEST_F(CommitterTest, WhenTooManyWaitAPushIsRefusedAtOnce) {
  options_.queue.max_pushes = 2;
  Start();
  io_.Hold(true);
  std::vector<Answer> answers(4);
  Submit(Rows('a', 1, 1), answers[0]);
  io_.Await();
  for (int i = 1; i < 4; ++i) Submit(Rows(static_cast<char>('a' + i), 1, 1), answers[i]);
  EXPECT_EQ(answers[3].Get().status().code(), absl::StatusCode::kResourceExhausted);
  io_.Hold(false);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(answers[i].Get().ok());
}

TEST_F(CommitterTest, WhatWaitsWhenItStopsIsToBeTriedAgain) {
  io_.Hold(true);
  Answer first, second, third;
  Submit(Rows('a', 1, 1), first);
  io_.Await();
  Submit(Rows('b', 1, 1), second);
  // Stop waits for the write that is held up.
  std::thread stopper([this] { committer_->Stop(); });
  io_.Hold(false);
  stopper.join();
  EXPECT_TRUE(first.Get().ok());
  // Taken if the committer was faster.
  const auto waited = second.Get();
  EXPECT_TRUE(waited.ok() || absl::IsUnavailable(waited.status())) << waited.status();
  Submit(Rows('d', 1, 1), third);
  EXPECT_EQ(third.Get().status().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(RowsOf('a'), 1);
}

TEST_F(CommitterTest, ALimitHoldsForPushesThatCameTogether) {
  options_.ledger.max_series = 5;
  Start();
  ASSERT_TRUE(Submit(Rows('a', 1, 1)).ok());
  io_.Hold(true);
  std::vector<Answer> answers(10);
  Submit(Rows('a', 2, 1), answers[0]);
  io_.Await();
  for (int i = 1; i < 10; ++i) Submit(Rows(static_cast<char>('a' + i), 1, 1), answers[i]);
  io_.Hold(false);
  int taken = 0;
  for (Answer& answer : answers) {
    const auto result = answer.Get();
    taken += result.ok();
    if (!result.ok()) {
      EXPECT_EQ(result.status().code(), absl::StatusCode::kResourceExhausted) << result.status();
    }
  }
  EXPECT_EQ(taken, 5);
  EXPECT_EQ(committer_->WithLedger([](const Ledger& l) { return l.merged().num_lines(); }), 5);
  EXPECT_EQ(committer_->counters().dropped_series, 5);
}

TEST_F(CommitterTest, OfNewFamiliesWithOneNameThatCameTogetherOneIsTaken) {
  io_.Hold(true);
  Answer first;
  Submit(Rows('z', 1, 1), first);
  io_.Await();
  std::vector<Answer> answers(3);
  PushBuilder counter = Rows('a', 1, 1);
  counter.Counter("test_new", {}, 2);
  PushBuilder gauge = Rows('b', 1, 1);
  gauge.Gauge("test_new", v1::GAUGE_MERGE_SUM, {}, 1);
  PushBuilder same = Rows('c', 1, 1);
  same.Counter("test_new", {}, 3);
  Submit(counter, answers[0]);
  Submit(gauge, answers[1]);
  Submit(same, answers[2]);
  io_.Hold(false);
  EXPECT_TRUE(answers[0].Get().ok());
  EXPECT_EQ(answers[1].Get().status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_TRUE(answers[2].Get().ok());
  EXPECT_EQ(committer_->WithLedger([](const Ledger& ledger) {
    return ledger.merged().Find("test_new")->series[0]->Value();
  }),
            5);
  EXPECT_EQ(RowsOf('b'), -1);
}

TEST_F(CommitterTest, TheJournalIsCompactedWhilePushesGoOn) {
  options_.compaction.min_bytes = 20'000;
  Start();
  uint64_t seq = 0;
  const absl::Time deadline = MonotonicNow() + absl::Seconds(30);
  for (int renames = 1; renames <= 3; ++renames) {
    do {
      ++seq;
      for (const char boot : {'a', 'b', 'c'}) ASSERT_TRUE(Submit(Rows(boot, seq, seq)).ok());
      ASSERT_LT(MonotonicNow(), deadline);
    } while (!io_.AwaitRenames(renames, absl::ZeroDuration()));
  }
  EXPECT_LT(committer_->counters().journal_bytes, 200'000);
  Start();
  for (const char boot : {'a', 'b', 'c'}) EXPECT_EQ(RowsOf(boot), seq);
  EXPECT_LT(committer_->recovery().entries, static_cast<int64_t>(3 * seq));
}

TEST_F(CommitterTest, GaugesExpireWithoutAPush) {
  options_.tick = absl::Milliseconds(1);
  Start();
  PushBuilder push = Rows('a', 1, 1);
  push.request().set_interval_ms(1);
  push.Gauge("test_instances", v1::GAUGE_MERGE_SUM, {{"model", "a"}}, 2);
  ASSERT_TRUE(Submit(push).ok());
  const auto has_gauge = [this] {
    return committer_->WithLedger([](const Ledger& ledger) {
      const MergedFamily* family = ledger.merged().Find("test_instances");
      return family != nullptr && !family->series.empty() && family->series[0]->exposed();
    });
  };
  const absl::Time deadline = MonotonicNow() + absl::Seconds(30);
  while (has_gauge()) ASSERT_LT(MonotonicNow(), deadline);
  EXPECT_EQ(RowsOf('a'), 1);
}

// The journal still has what it counted before it was forgotten.
TEST_F(CommitterTest, AForgottenBootThatPushesAgainLosesNothingInACrash) {
  options_.tick = absl::Milliseconds(1);
  options_.ledger.retire_after = absl::Milliseconds(100);
  options_.ledger.forget_after = absl::Milliseconds(1);
  Start();
  PushBuilder push = Rows('a', 1, 10);
  push.request().set_interval_ms(1);
  ASSERT_TRUE(Submit(push).ok());
  const absl::Time deadline = MonotonicNow() + absl::Seconds(30);
  const auto is_known = [this] {
    return committer_->WithLedger(
        [](const Ledger& ledger) { return ledger.num_boots() + ledger.num_retired() > 0; });
  };
  while (is_known()) ASSERT_LT(MonotonicNow(), deadline);
  EXPECT_EQ(RowsOf('a'), 10);
  ASSERT_TRUE(Submit(Rows('a', 2, 15).Acknowledged(1)).ok());
  ASSERT_TRUE(Submit(Rows('a', 3, 16).Acknowledged(2)).ok());
  const double rows = RowsOf('a');
  EXPECT_GE(rows, 10);
  EXPECT_LE(rows, 16);
  Start();
  EXPECT_EQ(RowsOf('a'), rows);
}

TEST_F(CommitterTest, ManyThreadsPushReadAndCompactAtOnce) {
  options_.compaction.min_bytes = 50'000;
  options_.tick = absl::Milliseconds(1);
  Start();
  constexpr int kThreads = 4;
  constexpr int kPushes = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this, t] {
      const char boot = static_cast<char>('a' + t);
      double before = 0;
      for (int seq = 1; seq <= kPushes; ++seq) {
        EXPECT_EQ(*Submit(Rows(boot, seq, seq)), static_cast<uint64_t>(seq));
        const double rows = RowsOf(boot);
        EXPECT_GE(rows, before);
        before = rows;
        committer_->counters();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(committer_->counters().applied, kThreads * kPushes);
  Start();
  for (int t = 0; t < kThreads; ++t) EXPECT_EQ(RowsOf(static_cast<char>('a' + t)), kPushes);
}

}  // namespace
}  // namespace weir
