// The ledger against a simple model of the truth, over thousands of random schedules: pushes that
// are lost, repeated and reordered, servers that are killed and begin anew, with counters that were
// in memory alone, a gateway that begins anew with its journal, compacted or not, or without it,
// boots that are retired and forgotten.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gateway/ledger.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

// By name{labels}, with le for buckets: billionths, or how many. What is 0 is left out.
using Numbers = std::map<std::string, int64_t>;

const absl::Time kStart = absl::UnixEpoch() + absl::Hours(400'000);

Ledger::Options TestOptions() {
  Ledger::Options options;
  options.retire_after = absl::Seconds(100);
  options.forget_after = absl::Minutes(4);
  return options;
}

Numbers ExposedBy(const Ledger& ledger) {
  Numbers numbers;
  for (const MergedFamily* const family : ledger.merged().families()) {
    for (const MergedSeries* const series : family->series) {
      if (!series->exposed()) continue;
      const std::string name = absl::StrCat(family->name, "{", series->labels, "}");
      numbers[name] = family->type == MetricType::kGauge
                          ? static_cast<int64_t>(series->Value() * 1e9)
                          : static_cast<int64_t>(series->value.low());
      if (series->histogram == nullptr) continue;
      for (size_t i = 0; i < series->histogram->counts.size(); ++i) {
        numbers[absl::StrCat(name, series->histogram->bounds->le[i])] =
            static_cast<int64_t>(series->histogram->counts[i]);
      }
    }
  }
  std::erase_if(numbers, [](const auto& number) { return number.second == 0; });
  return numbers;
}

// Counters alone: what must never fall.
Numbers WithoutGauges(Numbers numbers) {
  std::erase_if(numbers, [](const auto& number) { return number.first.starts_with("gauge"); });
  return numbers;
}

struct Snapshot {
  size_t boot = 0;
  uint64_t seq = 0;
  uint64_t acknowledged_seq = 0;
  bool last = false;
  Numbers numbers;
  int64_t gauge = 0;
  std::string bytes;
};

// One start of a server, and what it counts.
struct TestBoot {
  std::string replica;
  absl::Time began;
  bool alive = true;
  std::vector<int> series;  // In the dictionary's order, which changes.
  std::set<int> in_memory;  // Gone once it is killed.
  std::vector<double> bounds;
  std::map<int, int64_t> counted;                  // Billionths.
  std::map<int, std::vector<uint64_t>> histogram;  // Every other series is one.
  int64_t gauge = 0;
  uint64_t seq = 0;
  uint64_t acknowledged = 0;
};

class World {
 public:
  explicit World(uint64_t seed) : random_(seed), ledger_(std::make_unique<Ledger>(TestOptions())) {
    for (int i = 0; i < 3; ++i) Begin(absl::StrCat("server-", i));
  }

  void Step() {
    switch (Below(20)) {
      case 0:
      case 1:
      case 2:
      case 3:
        Count();
        break;
      case 4:
      case 5:
      case 6:
      case 7:
        Send();
        break;
      case 8:
      case 9:
      case 10:
      case 11:
      case 12:
      case 13:
        Deliver();
        break;
      case 14:
        now_ += absl::Milliseconds(Below(4000));
        break;
      case 15:
        now_ += absl::Seconds(Below(100));
        break;
      case 16:
        if (Below(3) == 0) KillServer();
        break;
      case 17:
        if (Below(3) == 0) RestartGateway();
        break;
      case 18:
        if (Below(3) == 0) Compact();
        break;
      case 19:
        if (may_lose_ && Below(30) == 0) LoseJournal();
        break;
    }
    Look();
  }

  void ForbidLoss() { may_lose_ = false; }

  // All that was counted reaches the gateway.
  void ComeToRest() {
    for (size_t i = 0; i < boots_.size(); ++i) {
      in_flight_.clear();
      Send(i);
      Deliver();
    }
    Look();
  }

  // What all servers counted, but for what they did while they were forgotten.
  Numbers Truth() const {
    Numbers truth;
    for (size_t i = 0; i < boots_.size(); ++i) {
      Numbers numbers = NumbersOf(boots_[i]);
      // Of what is gone, that which the gateway knew.
      numbers.insert(known_.at(i).newest.numbers.begin(), known_.at(i).newest.numbers.end());
      Add(numbers, 1, truth);
      Add(known_.at(i).baseline, -1, truth);
      Add(known_.at(i).folded, 1, truth);
    }
    std::erase_if(truth, [](const auto& number) { return number.second == 0; });
    return truth;
  }

  const Ledger& ledger() const { return *ledger_; }

  // How many pushes came of boots that were forgotten.
  int64_t forgotten() const { return forgotten_; }

 private:
  struct Record {
    LedgerRecord::Kind kind;
    absl::Time arrival;
    std::string payload;
  };

  // What the gateway should know of a boot.
  struct Known {
    Snapshot newest;
    Numbers baseline;
    Numbers folded;  // That it counted before it was forgotten.
    absl::Time arrival;
  };

  static void Add(const Numbers& numbers, int64_t times, Numbers& sum) {
    for (const auto& [name, number] : numbers) sum[name] += times * number;
  }

  uint64_t Below(uint64_t end) { return random_() % end; }

  void Begin(const std::string& replica) {
    TestBoot& boot = boots_.emplace_back();
    boot.replica = replica;
    boot.began = now_;
    boot.bounds = {0.5, 1};
    if (Below(2) == 0) boot.bounds = {0.25, 1, 4};
    for (int i = 0; i < 3; ++i) AddSeries(boot);
  }

  void AddSeries(TestBoot& boot) {
    const int series = static_cast<int>(Below(8));
    if (std::find(boot.series.begin(), boot.series.end(), series) != boot.series.end()) return;
    boot.series.insert(boot.series.begin() + Below(boot.series.size() + 1), series);
    boot.counted[series] = 0;
    if (Below(6) == 0) boot.in_memory.insert(series);
    if (series % 2 == 1) boot.histogram[series].resize(boot.bounds.size() + 1);
  }

  void Count() {
    TestBoot& boot = boots_[Below(boots_.size())];
    if (!boot.alive) return;
    if (Below(6) == 0) AddSeries(boot);
    for (const int series : boot.series) {
      if (Below(2) == 0) boot.counted[series] += static_cast<int64_t>(Below(3'000'000'000));
      if (series % 2 == 1) ++boot.histogram[series][Below(boot.bounds.size() + 1)];
    }
    boot.gauge = static_cast<int64_t>(Below(100));
  }

  static Numbers NumbersOf(const TestBoot& boot) {
    Numbers numbers;
    for (const int series : boot.series) {
      const bool histogram = series % 2 == 1;
      const std::string name =
          absl::StrCat(histogram ? "histogram" : "counter", "{series=\"", series, "\"}");
      numbers[name] = boot.counted.at(series);
      if (!histogram) continue;
      const std::vector<uint64_t>& counts = boot.histogram.at(series);
      for (size_t i = 0; i < counts.size(); ++i) {
        const std::string le = i < boot.bounds.size() ? absl::StrCat(boot.bounds[i]) : "+Inf";
        numbers[name + le] = static_cast<int64_t>(counts[i]);
      }
    }
    return numbers;
  }

  void Send() { Send(Below(boots_.size())); }

  // A dead boot's snapshot is sent by the next boot of its replica.
  void Send(size_t index) {
    TestBoot& boot = boots_[index];
    Snapshot snapshot;
    snapshot.boot = index;
    snapshot.seq = ++boot.seq;
    snapshot.acknowledged_seq = boot.acknowledged;
    snapshot.last = !boot.alive;
    snapshot.numbers = NumbersOf(boot);
    snapshot.gauge = boot.alive ? boot.gauge : 0;
    PushBuilder push(boot.replica, static_cast<char>(index), snapshot.seq);
    push.Acknowledged(snapshot.acknowledged_seq).Began(boot.began);
    push.request().mutable_boot_id()->replace(0, 2, {static_cast<char>(index >> 8), 'b'});
    if (!boot.alive) push.Recovered();
    for (const int series : boot.series) {
      const PushBuilder::Labels labels = {{"series", absl::StrCat(series)}};
      const double value = static_cast<double>(boot.counted[series]) / 1e9;
      if (series % 2 == 1) {
        push.Histogram("histogram", labels, boot.bounds, boot.histogram[series], value);
      } else {
        push.Counter("counter", labels, value);
      }
    }
    if (boot.alive) {
      push.Gauge("gauge_sum", v1::GAUGE_MERGE_SUM, {}, static_cast<double>(boot.gauge));
      push.Gauge("gauge_max", v1::GAUGE_MERGE_MAX, {}, static_cast<double>(boot.gauge));
    }
    snapshot.bytes = push.Bytes();
    in_flight_.push_back(std::move(snapshot));
  }

  // Any of those in flight, which may stay there, or be lost.
  void Deliver() {
    if (in_flight_.empty()) return;
    std::swap(in_flight_[Below(in_flight_.size())], in_flight_.back());
    Snapshot snapshot = in_flight_.back();
    if (Below(4) != 0) in_flight_.pop_back();
    TestBoot& boot = boots_[snapshot.boot];
    if (in_flight_.size() > 10) return;  // Lost.

    ledger_->Advance(now_);
    auto decoded = DecodePush(snapshot.bytes, PushLimits(),
                              [&](const BootId& id) { return ledger_->DictionaryOf(id); });
    ASSERT_TRUE(decoded.ok()) << decoded.status();
    const auto push = ledger_->Completed(std::make_shared<const Push>(*std::move(decoded)));
    const auto verdict = ledger_->Check(*push);
    ASSERT_TRUE(verdict.ok()) << verdict.status();
    const BootId id = push->boot_id;
    if (*verdict != Ledger::Verdict::kDuplicate) {
      const auto kind = *verdict == Ledger::Verdict::kBaseline ? LedgerRecord::Kind::kBaseline
                                                               : LedgerRecord::Kind::kPush;
      // As the committer does: what was forgotten has to be in the journal before.
      if (kind == LedgerRecord::Kind::kBaseline && ledger_->SeqOf(id) > 0) {
        ledger_->ForEachRecord([&](const LedgerRecord& record) {
          if (record.kind != LedgerRecord::Kind::kBase) return;
          journal_.push_back({record.kind, now_, record.Payload()});
        });
      }
      const LedgerRecord record = LedgerRecord::Of(kind, now_, push);
      journal_.push_back({kind, now_, record.Payload()});
      ledger_->Apply(record);
      if (Below(4) == 0) ledger_->Apply(record);
    }
    if (Below(3) != 0) boot.acknowledged = std::max(boot.acknowledged, ledger_->SeqOf(id));

    const auto [known, is_new] = known_.try_emplace(snapshot.boot);
    if (!is_new && snapshot.seq <= known->second.newest.seq) {
      EXPECT_EQ(*verdict, Ledger::Verdict::kDuplicate);
      return;
    }
    if (is_new) {
      EXPECT_EQ(*verdict == Ledger::Verdict::kBaseline, snapshot.acknowledged_seq > 0);
    } else if (*verdict == Ledger::Verdict::kBaseline) {
      ++forgotten_;
      Add(known->second.newest.numbers, 1, known->second.folded);
      Add(known->second.baseline, -1, known->second.folded);
    }
    if (*verdict == Ledger::Verdict::kBaseline) {
      known->second.baseline = snapshot.numbers;
    } else {
      const Numbers& before = known->second.newest.numbers;
      snapshot.numbers.insert(before.begin(), before.end());
    }
    known->second.newest = snapshot;
    known->second.arrival = now_;
  }

  void KillServer() {
    TestBoot& boot = boots_[Below(boots_.size())];
    if (!boot.alive) return;
    boot.alive = false;
    std::erase_if(boot.series, [&](int series) { return boot.in_memory.contains(series); });
    boot.seq += Below(3);  // Handed out, and never sent.
    Begin(std::string(boot.replica));
  }

  void Restore(std::vector<Record> records) {
    std::shuffle(records.begin(), records.end(), random_);
    ledger_ = std::make_unique<Ledger>(TestOptions());
    for (const Record& record : records) {
      const auto decoded = LedgerRecord::Decode(record.kind, record.arrival, record.payload);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      for (uint64_t times = 1 + Below(2); times > 0; --times) {
        ASSERT_TRUE(ledger_->Restore(*decoded).ok());
      }
    }
    ledger_->Advance(now_);
  }

  void RestartGateway() {
    std::vector<Record> records = journal_;
    // Some are there twice, as after a compaction that did not get to delete what it replaced.
    for (size_t i = 0; i < journal_.size(); i += 1 + Below(4)) records.push_back(journal_[i]);
    Restore(std::move(records));
  }

  void Compact() {
    ledger_->Advance(now_);
    const std::string before = ledger_->DebugString();
    std::vector<Record> compacted;
    ledger_->ForEachRecord([&](const LedgerRecord& record) {
      compacted.push_back({record.kind, record.arrival, record.Payload()});
    });
    const bool overlap = Below(2) == 0;
    if (Below(2) == 0) {
      Restore(compacted);
      EXPECT_EQ(ledger_->DebugString(), before);
    }
    if (overlap) {
      journal_.insert(journal_.end(), compacted.begin(), compacted.end());
    } else {
      journal_ = std::move(compacted);
    }
  }

  void LoseJournal() {
    journal_.clear();
    known_.clear();
    ledger_ = std::make_unique<Ledger>(TestOptions());
    last_look_.clear();
  }

  void Look() {
    ledger_->Advance(now_);
    Numbers wanted;
    int64_t gauge_sum = 0;
    int64_t gauge_max = 0;
    for (const auto& [index, known] : known_) {
      Add(known.newest.numbers, 1, wanted);
      Add(known.baseline, -1, wanted);
      Add(known.folded, 1, wanted);
      if (known.newest.last || now_ >= known.arrival + absl::Seconds(3)) continue;
      gauge_sum += known.newest.gauge;
      gauge_max = std::max(gauge_max, known.newest.gauge);
    }
    wanted["gauge_sum{}"] = gauge_sum * 1'000'000'000;
    wanted["gauge_max{}"] = gauge_max * 1'000'000'000;
    std::erase_if(wanted, [](const auto& number) { return number.second == 0; });
    const Numbers exposed = ExposedBy(*ledger_);
    ASSERT_EQ(exposed, wanted) << ledger_->DebugString();

    const Numbers counters = WithoutGauges(exposed);
    for (const auto& [name, number] : last_look_) {
      const auto found = counters.find(name);
      ASSERT_TRUE(found != counters.end() && found->second >= number) << name << " fell";
    }
    last_look_ = counters;
  }

  std::mt19937_64 random_;
  absl::Time now_ = kStart;
  std::vector<TestBoot> boots_;
  std::vector<Snapshot> in_flight_;
  std::unique_ptr<Ledger> ledger_;
  std::vector<Record> journal_;
  std::map<size_t, Known> known_;
  Numbers last_look_;
  bool may_lose_ = true;
  int64_t forgotten_ = 0;
};

TEST(LedgerPropertyTest, ShowsTheTruthAndNeverFallsWhateverIsLostRepeatedReorderedOrKilled) {
  int64_t forgotten = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    for (int step = 0; step < 200; ++step) {
      world.Step();
      if (::testing::Test::HasFailure()) return;
    }
    forgotten += world.forgotten();
  }
  EXPECT_GT(forgotten, 100);
}

TEST(LedgerPropertyTest, OnceQuietItHasAllThatServersCounted) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    World world(seed);
    world.ForbidLoss();
    for (int step = 0; step < 150; ++step) world.Step();
    world.ComeToRest();
    ASSERT_EQ(WithoutGauges(ExposedBy(world.ledger())), world.Truth());
  }
}

// Snapshots of several boots, all of which arrive at the same time.
std::vector<std::shared_ptr<const Push>> SomePushes(std::mt19937_64& random) {
  std::vector<std::shared_ptr<const Push>> pushes;
  for (char boot = 'a'; boot < 'e'; ++boot) {
    int64_t counted = 0;
    std::vector<uint64_t> counts(boot == 'a' ? 4 : 3);
    const std::vector<double> bounds =
        boot == 'a' ? std::vector<double>{1, 2, 3} : std::vector<double>{1, 3};
    for (uint64_t seq = 1; seq < 6; ++seq) {
      PushBuilder push(absl::StrCat("server-", boot % 2), boot, seq);
      push.Began(kStart + absl::Seconds(boot % 3));
      counted += static_cast<int64_t>(random() % 1'000'000'000'000);
      ++counts[random() % counts.size()];
      push.Counter("counter", {{"model", "m"}}, static_cast<double>(counted) / 1e9);
      push.Counter("counter", {{"model", "m"}}, 1);
      if (seq > 2) push.Counter("counter", {{"model", std::string(1, boot)}}, 2);
      push.Histogram("histogram", {}, bounds, counts, 0.5);
      push.Gauge("max", v1::GAUGE_MERGE_MAX, {}, static_cast<double>(random() % 10));
      push.Gauge("last", v1::GAUGE_MERGE_LAST, {}, static_cast<double>(random() % 10));
      push.Gauge("sum", v1::GAUGE_MERGE_SUM, {}, static_cast<double>(random() % 10));
      pushes.push_back(push.Decoded());
    }
  }
  return pushes;
}

void ApplyIfNew(const std::shared_ptr<const Push>& push, Ledger& ledger) {
  const auto verdict = ledger.Check(*push);
  ASSERT_TRUE(verdict.ok()) << verdict.status();
  if (*verdict == Ledger::Verdict::kDuplicate) return;
  ledger.Apply(LedgerRecord::Of(LedgerRecord::Kind::kPush, kStart, push));
}

TEST(LedgerPropertyTest, ApplyIsIdempotentCommutativeAndAssociative) {
  std::mt19937_64 random(5);
  for (int turn = 0; turn < 200; ++turn) {
    std::vector<std::shared_ptr<const Push>> pushes = SomePushes(random);
    Ledger in_order(TestOptions());
    for (const auto& push : pushes) ApplyIfNew(push, in_order);
    const std::string wanted = in_order.DebugString();

    for (const auto& push : pushes) ApplyIfNew(push, in_order);
    ASSERT_EQ(in_order.DebugString(), wanted) << "not idempotent";

    std::shuffle(pushes.begin(), pushes.end(), random);
    Ledger shuffled(TestOptions());
    for (const auto& push : pushes) ApplyIfNew(push, shuffled);
    ASSERT_EQ(shuffled.DebugString(), wanted) << "not commutative";

    // Each half in a ledger of its own, then together.
    Ledger halves[2] = {Ledger(TestOptions()), Ledger(TestOptions())};
    Ledger together(TestOptions());
    for (size_t i = 0; i < pushes.size(); ++i) ApplyIfNew(pushes[i], halves[i % 2]);
    for (const Ledger& half : halves) {
      half.ForEachRecord(
          [&](const LedgerRecord& record) { ASSERT_TRUE(together.Restore(record).ok()); });
    }
    ASSERT_EQ(together.DebugString(), wanted) << "not associative";
  }
}

}  // namespace
}  // namespace weir
