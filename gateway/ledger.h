// What all servers have counted, together and exactly: the newest snapshot of each boot, and what
// boots left behind that push no more.
//
// A counter is the sum of what each boot has counted; a snapshot replaces the one before it of its
// boot, and only the difference is added. So pushes may come again, late, or in any order: what
// counts is the newest of each boot. Pure: no I/O, no threads; time is an argument.
//
// - Fresh: the boot has pushed within three of its intervals, and did not say that it ends. Its
//   gauges are merged; those that nobody fresh has are not exposed.
// - Retired: silent for retire_after, or for three intervals if it has ended or its replica has
//   begun anew. Only totals are left of it; a late push still adds only the difference.
// - Forgotten: silent for forget_after, or one of too many retired ones. Its totals go to the base,
//   and its id is soon unknown; what it had under a label `replica` is gone.
// - Baseline: a boot that says that this gateway has acknowledged its pushes, but is unknown here.
//   The journal was lost; what its first snapshot has was counted before and is not counted again.
#ifndef WEIR_GATEWAY_LEDGER_H_
#define WEIR_GATEWAY_LEDGER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "gateway/boot.h"
#include "gateway/boot_id.h"
#include "gateway/forgotten_boots.h"
#include "gateway/ledger_record.h"
#include "gateway/merged.h"
#include "gateway/model_windows.h"
#include "gateway/push.h"
#include "gateway/totals.h"
#include "gateway/window.h"
#include "weir/v1/ledger.pb.h"

namespace weir {

// One server, by its boot that began last; retired ones are not among them.
struct LedgerSource {
  enum class State { kUp, kSilent, kEnded };

  std::string replica;
  BootId boot_id;
  State state = State::kUp;
  uint64_t seq = 0;
  absl::Time began;
  absl::Time last_push;
  absl::Duration interval;
};

// What one boot has of a series, over all of its entries in the dictionary.
struct SeriesAggregate {
  FixedSum value;
  std::vector<uint64_t> counts;  // By the merged series' bounds.
  std::vector<absl::Span<const double>> bounds;
};

// Const methods may be called by several threads at once, others by one alone.
class Ledger {
 public:
  struct Options {
    absl::Duration retire_after = absl::Hours(1);
    absl::Duration forget_after = absl::Hours(24 * 30);
    int max_retired = 10'000;
    int max_sources = 10'000;  // Boots that are not retired.
    // Lines of /metrics.
    int64_t max_series = 2'000'000;
    int64_t max_series_per_source = 20'000;
  };

  enum class Verdict { kNew, kBaseline, kDuplicate };

  explicit Ledger(const Options& options);
  ~Ledger();
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  // For DecodePush.
  std::shared_ptr<const SeriesDictionary> DictionaryOf(const BootId& boot_id) const;

  // A recovered push may lack counters that its boot kept in memory alone. If it lacks any that the
  // ledger still has by series: the same push with them as they were last, without gauges and
  // without log-linear buckets of theirs; else `push` itself. What it gives stands for itself: that
  // is what has to be checked, journaled and applied. Of a forgotten boot nothing is added; its
  // counters are in the base.
  std::shared_ptr<const Push> Completed(std::shared_ptr<const Push> push) const;

  // Whether the push may be applied, and as what. FAILED_PRECONDITION: it contradicts what the
  // ledger has; RESOURCE_EXHAUSTED: it is over a limit (see RefusedSeries).
  absl::StatusOr<Verdict> Check(const Push& push) const;

  // What Check said kNew or kBaseline to, as kPush or kBaseline. Between the two no other boot may
  // have brought a new family, if this one does.
  void Apply(const LedgerRecord& record);

  // Whether a push with this dictionary would bring a family that is not there.
  bool BringsFamily(const SeriesDictionary& dictionary) const;

  // The largest seq that was applied; 0 if the boot is not known.
  uint64_t SeqOf(const BootId& boot_id) const;

  // Does what time asks for: gauges expire, boots are retired and forgotten, windows move on. To be
  // called at least each second, and once after the last Restore.
  void Advance(absl::Time now);

  // Of the last Advance.
  absl::Time now() const { return last_advance_; }

  // All that a journal has to hold. Cheap for boots that push; what it gives stays as it is.
  void ForEachRecord(absl::FunctionRef<void(const LedgerRecord&)> fn) const;

  // In any order, any number of times, older ones among them; before the first Apply. Fails only
  // for what cannot be a record.
  absl::Status Restore(const LedgerRecord& record);

  const MergedFamilies& merged() const { return merged_; }

  // Of /metrics, without those about the gateway: series, and quantiles of the models' windows.
  int64_t num_lines() const { return merged_.num_lines() + models_.num_lines(); }

  // At most so many would a push with this dictionary bring, whatever came before.
  int64_t MostNewLines(const SeriesDictionary& dictionary) const {
    return dictionary.num_lines() + models_.NewLines(dictionary);
  }

  // By the models' names: all that have requests' durations.
  struct Model {
    absl::string_view name;
    const ModelWindows* windows;
  };
  std::vector<Model> Models() const;

  std::vector<LedgerSource> Sources() const;         // By replica.
  int64_t num_boots() const { return num_active_; }  // That are not retired.
  int64_t num_retired() const { return num_retired_; }

  // All of it, for tests: the same text for the same state.
  std::string DebugString() const;

 private:
  using Boots = absl::flat_hash_map<BootId, std::unique_ptr<Boot>>;
  using Aggregate = absl::flat_hash_map<const MergedSeries*, SeriesAggregate>;

  Boot* Find(const BootId& boot_id) const;
  Boot& FindOrAdd(const BootId& boot_id);

  // Parts of Check.
  absl::Status CheckFits(const SeriesDictionary& dictionary) const;
  absl::Status CheckLimits(const Push& push, const Boot* boot) const;
  absl::Status CheckSameSeries(const Push& before, const Push& after) const;
  absl::Status CheckOtherSeries(const Boot& boot, const Push& push) const;
  Aggregate AggregateOf(const Push& push) const;

  // Parts of Apply and Restore. `live`: it happens now, and counts in the windows.
  void Take(const LedgerRecord& record, bool live);
  void TakeSameSeries(Boot& boot, const LedgerRecord& record, bool live);
  void TakeOtherSeries(Boot& boot, const LedgerRecord& record, bool live);
  void TakeBaseline(const LedgerRecord& record);
  void SetBaseline(Boot& boot, uint64_t seq, PackedTotals totals);
  void TakeOut(Boot& boot);  // What it counts, and its gauges; it is empty then.
  void ShowGauges(Boot& boot);
  void HideGauges(Boot& boot);
  bool HasPlaceForLeftOut(const Boot& boot) const;
  void LinkLeftOut(Boot& boot);

  // Parts of Advance.
  void RetireAndExpire(absl::Time now);
  void ForgetOld(absl::Time now);
  void Retire(Boot& boot);
  void Forget(const BootId& boot_id);

  absl::Status RestoreTotals(const LedgerRecord& record);
  void RestoreRetired(const v1::BootTotals& from, PackedTotals totals);
  void RestoreBase(const v1::BaseTotals& from, PackedTotals totals);

  const Options options_;
  MergedFamilies merged_;  // Before what points into it.
  ModelWindowsMap models_;
  Boots boots_;
  int64_t num_active_ = 0;
  int64_t num_retired_ = 0;
  ForgottenBoots forgotten_;
  absl::Time next_event_ = absl::InfinitePast();  // Advance has nothing to do before.
  absl::Time last_advance_ = absl::InfinitePast();
  absl::Time listening_since_ = absl::InfinitePast();
};

}  // namespace weir

#endif  // WEIR_GATEWAY_LEDGER_H_
