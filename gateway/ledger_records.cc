// Ledger::ForEachRecord and Restore: what a journal keeps of the ledger.
#include <algorithm>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gateway/ledger.h"
#include "gateway/totals_record.h"

namespace weir {
namespace {

using Kind = LedgerRecord::Kind;

constexpr size_t kMaxTotalsBytes = size_t{4} << 20;

// Not the same for two records with different totals.
BootId IdOf(absl::string_view totals) {
  const uint64_t hashes[] = {absl::HashOf(totals, 1), absl::HashOf(totals, 2)};
  return BootId::FromBytes({reinterpret_cast<const char*>(hashes), sizeof(hashes)});
}

v1::BootTotals& AddBoot(const Boot& boot, v1::BootTotals::Kind kind, uint64_t seq,
                        v1::LedgerTotals& message) {
  v1::BootTotals& added = *message.add_boots();
  added.set_kind(kind);
  added.set_boot_id(std::string(boot.id.AsBytes()));
  added.set_seq(seq);
  added.set_replica(boot.replica);
  added.set_arrival_unix_ns(absl::ToUnixNanos(boot.arrival));
  added.set_boot_unix_ns(absl::ToUnixNanos(boot.began));
  return added;
}

}  // namespace

void Ledger::ForEachRecord(absl::FunctionRef<void(const LedgerRecord&)> fn) const {
  TotalsRecordWriter writer;
  const auto give = [&](Kind kind) {
    LedgerRecord record;
    record.kind = kind;
    record.totals = writer.Finish();
    if (kind == Kind::kTotals) record.id = IdOf(record.totals);
    if (kind == Kind::kBase) record.order = forgotten_.generation;
    fn(record);
  };
  const auto add = [&](const Boot& boot, v1::BootTotals::Kind kind, uint64_t seq,
                       const PackedTotals& totals) {
    v1::BootTotals& added = AddBoot(boot, kind, seq, writer.message());
    totals.ForEach([&](const SeriesTotal& total) { writer.Add(total, *added.mutable_totals()); });
    if (writer.bytes() > kMaxTotalsBytes) give(Kind::kTotals);
  };
  for (const auto& [id, boot] : boots_) {
    if (boot->push != nullptr) fn(LedgerRecord::Of(Kind::kPush, boot->arrival, boot->push));
    if (boot->state == Boot::State::kRetired) {
      add(*boot, v1::BootTotals::KIND_RETIRED, boot->seq, boot->totals);
    }
    if (boot->baseline_seq > 0) {
      add(*boot, v1::BootTotals::KIND_BASELINE, boot->baseline_seq, boot->baseline);
    }
  }
  if (writer.message().boots_size() > 0) give(Kind::kTotals);

  if (forgotten_.generation == 0) return;
  v1::BaseTotals& base = *writer.message().mutable_base();
  base.set_generation(forgotten_.generation);
  for (const BootId& id : forgotten_.ids()) {
    base.mutable_forgotten_boot_ids()->append(id.AsBytes().data(), id.AsBytes().size());
    base.add_forgotten_seqs(forgotten_.SeqOf(id));
  }
  forgotten_.totals.ForEach(
      [&](const SeriesTotal& total) { writer.Add(total, *base.mutable_totals()); });
  give(Kind::kBase);
}

absl::Status Ledger::Restore(const LedgerRecord& record) {
  next_event_ = absl::InfinitePast();
  switch (record.kind) {
    case Kind::kPush:
    case Kind::kBaseline:
      Take(record, /*live=*/false);
      return absl::OkStatus();
    case Kind::kTotals:
    case Kind::kBase:
      return RestoreTotals(record);
  }
  return absl::InvalidArgumentError("a record of an unknown kind");
}

absl::Status Ledger::RestoreTotals(const LedgerRecord& record) {
  v1::LedgerTotals message;
  if (!message.ParseFromString(record.totals)) {
    return absl::InvalidArgumentError("the record of totals is broken");
  }
  WEIR_ASSIGN_OR_RETURN(const std::shared_ptr<const SeriesDictionary> dictionary,
                        SeriesDictionary::Parse(message.dictionary(), DictionaryLimits::None()));
  const std::vector<MergedSeries*> links = merged_.FindOrAdd(*dictionary);
  const auto disown = absl::MakeCleanup([&] {
    for (MergedSeries* const series : links) {
      if (series != nullptr) merged_.Disown(*series);
    }
    merged_.Sweep();
  });
  for (const v1::BootTotals& from : message.boots()) {
    if (from.boot_id().size() != BootId::kBytes || from.seq() == 0) {
      return absl::InvalidArgumentError("the record of totals has no boot");
    }
    WEIR_ASSIGN_OR_RETURN(PackedTotals totals,
                          ReadSeriesTotals(from.totals(), *dictionary, links, merged_));
    const BootId id = BootId::FromBytes(from.boot_id());
    if (from.seq() <= forgotten_.SeqOf(id)) {
      totals.Clear(merged_);
    } else if (from.kind() == v1::BootTotals::KIND_RETIRED) {
      RestoreRetired(from, std::move(totals));
    } else {
      Boot& boot = FindOrAdd(id);
      SetBaseline(boot, from.seq(), std::move(totals));
      if (boot.state == Boot::State::kEmpty) boot.replica = from.replica();
    }
  }
  if (!message.has_base()) return absl::OkStatus();
  const v1::BaseTotals& base = message.base();
  if (base.forgotten_boot_ids().size() !=
      BootId::kBytes * static_cast<size_t>(base.forgotten_seqs_size())) {
    return absl::InvalidArgumentError("the record of the base is broken");
  }
  WEIR_ASSIGN_OR_RETURN(PackedTotals totals,
                        ReadSeriesTotals(base.totals(), *dictionary, links, merged_));
  RestoreBase(base, std::move(totals));
  return absl::OkStatus();
}

void Ledger::RestoreRetired(const v1::BootTotals& from, PackedTotals totals) {
  Boot& boot = FindOrAdd(BootId::FromBytes(from.boot_id()));
  if (from.seq() <= boot.seq) {
    totals.Clear(merged_);
    return;
  }
  totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kPlus); });
  if (boot.state == Boot::State::kEmpty) {
    boot.baseline.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kMinus); });
  }
  TakeOut(boot);
  boot.totals = std::move(totals);
  boot.state = Boot::State::kRetired;
  ++num_retired_;
  boot.replica = from.replica();
  boot.began = absl::FromUnixNanos(from.boot_unix_ns());
  boot.seq = from.seq();
  boot.arrival = absl::FromUnixNanos(from.arrival_unix_ns());
}

void Ledger::RestoreBase(const v1::BaseTotals& from, PackedTotals totals) {
  if (from.generation() <= forgotten_.generation) {
    totals.Clear(merged_);
    return;
  }
  totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kPlus); });
  forgotten_.totals.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kMinus); });
  TotalsSum before = std::exchange(forgotten_.totals, TotalsSum());
  totals.ForEach(
      [&](const SeriesTotal& total) { forgotten_.totals.Add(total, Sign::kPlus, merged_); });
  before.Clear(merged_);
  totals.Clear(merged_);
  forgotten_.generation = from.generation();
  forgotten_.ClearIds();
  for (int i = 0; i < from.forgotten_seqs_size(); ++i) {
    const BootId id = BootId::FromBytes(
        absl::string_view(from.forgotten_boot_ids()).substr(i * BootId::kBytes, BootId::kBytes));
    const uint64_t seq = from.forgotten_seqs(i);
    forgotten_.AddId(id, seq);
    Boot* const boot = Find(id);
    if (boot == nullptr) continue;
    // What is not newer is in the base; a later push began anew, with a baseline of its own.
    const bool drops_baseline = boot->baseline_seq <= seq;
    const bool drops_totals = boot->seq <= seq;
    if (boot->state != Boot::State::kEmpty && (drops_baseline || drops_totals)) {
      boot->baseline.ForEach([](const SeriesTotal& total) { Contribute(total, Sign::kPlus); });
    }
    if (drops_baseline) {
      boot->baseline.Clear(merged_);
      boot->baseline_seq = 0;
    }
    if (!drops_totals) continue;
    TakeOut(*boot);
    boot->seq = 0;
    if (drops_baseline) boots_.erase(id);
  }
}

}  // namespace weir
