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

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "gateway/boot_id.h"
#include "gateway/merged.h"
#include "gateway/push.h"
#include "gateway/window.h"

namespace weir {

// What has to be kept to have the same ledger again. Records of the same kind and id replace each
// other: the one with the largest order counts.
struct LedgerRecord {
  // The numbers are for files.
  enum class Kind : uint8_t {
    kPush = 1,      // The newest snapshot of a boot; id: its boot_id, order: its seq.
    kBaseline = 2,  // A kPush that is its boot's baseline too. Is kept beside later ones of kPush.
    kTotals = 3,    // What retired boots and baselines count; id: any.
    kBase = 4,      // What forgotten boots counted; id: zeros.
  };

  Kind kind = Kind::kPush;
  BootId id;
  uint64_t order = 0;
  absl::Time arrival;                // Of kPush and kBaseline.
  std::shared_ptr<const Push> push;  // Of kPush and kBaseline.
  std::string totals;                // Of the others: a v1.LedgerTotals.

  // Bytes that Decode reads: v1.PushRequest or v1.LedgerTotals. Those that a push came in do as
  // well. Touches nothing of the ledger.
  std::string Payload() const;

  // Nothing is refused because of a limit.
  static absl::StatusOr<LedgerRecord> Decode(Kind kind, absl::Time arrival,
                                             absl::string_view payload);
};

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

  // Whether the push may be applied, and as what. FAILED_PRECONDITION: it contradicts what the
  // ledger has; RESOURCE_EXHAUSTED: it is over a limit (see RefusedSeries).
  absl::StatusOr<Verdict> Check(const Push& push) const;

  // What Check said kNew or kBaseline to, as kPush or kBaseline. If between the two other boots
  // brought a family of the same name and another meaning, such series are left out.
  void Apply(const LedgerRecord& record);

  // The largest seq that was applied; 0 if the boot is not known.
  uint64_t SeqOf(const BootId& boot_id) const;

  // Does what time asks for: gauges expire, boots are retired and forgotten, windows move on. To be
  // called at least each second, and once after the last Restore.
  void Advance(absl::Time now);

  // All that a journal has to hold. Cheap for boots that push; what it gives stays as it is.
  void ForEachRecord(absl::FunctionRef<void(const LedgerRecord&)> fn) const;

  // In any order, any number of times, older ones among them; before the first Apply. Fails only
  // for what cannot be a record.
  absl::Status Restore(const LedgerRecord& record);

  const MergedFamilies& merged() const;

  // By the models' names: all that have requests' durations.
  struct Model {
    absl::string_view name;
    const ModelWindows* windows;
  };
  std::vector<Model> Models() const;

  std::vector<LedgerSource> Sources() const;  // By replica.
  int64_t num_boots() const;                  // That are not retired.
  int64_t num_retired() const;

  // All of it, for tests: the same text for the same state.
  std::string DebugString() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_LEDGER_H_
