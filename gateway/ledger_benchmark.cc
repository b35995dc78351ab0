// What a push costs from its bytes to /metrics' numbers, and what the ledger holds in memory, with
// many servers of three models each:
//   bazel run //gateway:ledger_benchmark
#include <malloc.h>

#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gateway/ledger.h"
#include "gateway/push_builder.h"

namespace weir {
namespace {

constexpr int kServers = 1000;
constexpr int kModels = 3;
constexpr int kRounds = 5;

const std::vector<double> kDurations = {1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025,
                                        0.05, 0.1,    0.25, 0.5,  1,      2.5,  5,    10};

std::string PushOf(int server, bool own_models, uint64_t seq) {
  const std::string replica = absl::StrCat("host-", server, ":8001");
  PushBuilder push(replica, 'b', seq);
  push.request().mutable_boot_id()->replace(0, 4, reinterpret_cast<const char*>(&server), 4);
  const auto value = static_cast<double>(seq * 1000);
  for (int model = 0; model < kModels; ++model) {
    const std::string name =
        own_models ? absl::StrCat("model-", server, "-", model) : absl::StrCat("model-", model);
    const PushBuilder::Labels labels = {{"model", name}, {"version", "1"}};
    const auto with = [&](absl::string_view label, absl::string_view text) {
      PushBuilder::Labels more = labels;
      more.emplace_back(std::string(label), std::string(text));
      return more;
    };
    for (int code = 0; code < 17; ++code) {
      push.Counter("weir_requests_total", with("code", absl::StrCat("CODE_", code)),
                   code < 2 ? value : 0);
    }
    for (const absl::string_view reason : {"a", "b", "c", "d", "e", "f"}) {
      push.Counter("weir_rejections_total", with("reason", reason), 0);
    }
    for (int c = 0; c < 10; ++c) {
      push.Counter("weir_predictions_total", with("class", absl::StrCat("class-", c)), value);
    }
    push.Counter("weir_rows_total", labels, value).Counter("weir_batches_total", labels, value);
    push.Gauge("weir_queue_rows", v1::GAUGE_MERGE_SUM, labels, static_cast<double>(seq));
    push.Gauge("weir_instances", v1::GAUGE_MERGE_SUM, labels, 2);
    std::map<uint32_t, uint64_t> log_linear;
    for (uint32_t i = 0; i < 100; ++i) log_linear[500 + i] = 100 * seq;
    std::vector<uint64_t> counts(kDurations.size() + 1);
    for (size_t i = 2; i < 10; ++i) counts[i] = 1000 * seq;
    push.Histogram("weir_request_duration_seconds", labels, kDurations, counts, value / 3,
                   &log_linear);
    for (const absl::string_view stage : {"queue", "assemble", "inference", "respond"}) {
      push.Histogram("weir_stage_duration_seconds", with("stage", stage), kDurations, counts,
                     value / 3);
    }
    push.Histogram("weir_batch_rows", labels, {1, 2, 4, 8, 16, 32, 64},
                   {seq, seq, 0, 0, 0, 0, 0, 0}, value);
  }
  push.Counter("weir_process_cpu_seconds_total", {{"replica", replica}}, value);
  return push.Bytes();
}

void Run(bool own_models) {
  const absl::Time start = absl::UnixEpoch() + absl::Hours(400'000);
  std::vector<std::vector<std::string>> rounds(kRounds);
  for (int round = 0; round < kRounds; ++round) {
    for (int server = 0; server < kServers; ++server) {
      rounds[round].push_back(PushOf(server, own_models, round + 1));
    }
  }
  const auto memory = [] { return static_cast<int64_t>(mallinfo2().uordblks); };
  const int64_t before = memory();
  auto ledger = std::make_unique<Ledger>(Ledger::Options());
  for (int round = 0; round < kRounds; ++round) {
    absl::Duration decode;
    absl::Duration check;
    absl::Duration apply;
    int64_t values = 0;
    const absl::Time now = start + round * absl::Seconds(1);
    for (const std::string& bytes : rounds[round]) {
      const absl::Time begin = MonotonicNow();
      auto push = DecodePush(bytes, PushLimits(),
                             [&](const BootId& id) { return ledger->DictionaryOf(id); });
      if (!push.ok()) {
        std::printf("%s\n", push.status().ToString().c_str());
        return;
      }
      auto shared = std::make_shared<const Push>(*std::move(push));
      const absl::Time decoded = MonotonicNow();
      const auto verdict = ledger->Check(*shared);
      if (!verdict.ok()) {
        std::printf("%s\n", verdict.status().ToString().c_str());
        return;
      }
      const absl::Time checked = MonotonicNow();
      values += static_cast<int64_t>(shared->values.size() + shared->bucket_counts.size() +
                                     shared->log_linear.size());
      ledger->Apply(LedgerRecord::Of(LedgerRecord::Kind::kPush, now, std::move(shared)));
      decode += decoded - begin;
      check += checked - decoded;
      apply += MonotonicNow() - checked;
    }
    const auto us = [](absl::Duration duration) {
      return absl::ToDoubleMicroseconds(duration) / kServers;
    };
    const double all = us(decode) + us(check) + us(apply);
    std::printf(
        "%s round %d: decode %.1f us, check %.1f us, apply %.1f us a push of %zu bytes; "
        "%.1f ns for each of its %lld values\n",
        own_models ? "own models" : "same models", round, us(decode), us(check), us(apply),
        rounds[round][0].size(), 1000 * all * kServers / static_cast<double>(values),
        static_cast<long long>(values / kServers));
  }
  const int64_t held = memory() - before;
  int64_t snapshots = 0;
  ledger->ForEachRecord([&](const LedgerRecord& record) {
    const Push& push = *record.push;
    const SeriesDictionary& dictionary = *push.dictionary;
    snapshots += static_cast<int64_t>(
        sizeof(Push) + 8 * push.values.capacity() + 8 * push.bucket_counts.capacity() +
        16 * push.log_linear.capacity() + sizeof(SeriesDictionary) + dictionary.memory_bytes());
  });
  const int64_t lines = ledger->merged().num_lines();
  std::printf(
      "%lld lines, %lld bytes held, %lld of them snapshots with their dictionaries: %.0f "
      "bytes a line beside them\n",
      static_cast<long long>(lines), static_cast<long long>(held),
      static_cast<long long>(snapshots),
      static_cast<double>(held - snapshots) / static_cast<double>(lines));

  absl::Time begin = MonotonicNow();
  ledger->Advance(start + absl::Hours(2));
  std::printf("retiring %lld boots: %.1f ms\n", static_cast<long long>(ledger->num_retired()),
              absl::ToDoubleMilliseconds(MonotonicNow() - begin));
  const int64_t retired = memory() - before;
  begin = MonotonicNow();
  size_t bytes = 0;
  ledger->ForEachRecord([&](const LedgerRecord& record) { bytes += record.totals.size(); });
  std::printf("%lld bytes held, retired; their records: %zu bytes in %.1f ms\n",
              static_cast<long long>(retired), bytes,
              absl::ToDoubleMilliseconds(MonotonicNow() - begin));
}

}  // namespace
}  // namespace weir

int main() {
  weir::Run(/*own_models=*/false);
  weir::Run(/*own_models=*/true);
  return 0;
}
