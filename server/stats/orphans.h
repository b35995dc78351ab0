// What earlier boots of this server had counted when they were killed.
#ifndef WEIR_SERVER_STATS_ORPHANS_H_
#define WEIR_SERVER_STATS_ORPHANS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// The file of one boot that has ended. Nobody else takes it as long as this lives. Not thread-safe.
class Orphan {
 public:
  ~Orphan();  // Keeps the file, unless all gateways have what is in it.
  Orphan(const Orphan&) = delete;
  Orphan& operator=(const Orphan&) = delete;

  // Complete but for acknowledged_seq and interval_ms; `last` and `recovered` are set.
  const v1::PushRequest& push() const { return push_; }

  // What `gateway` acknowledged of the boot, for acknowledged_seq.
  uint64_t AcknowledgedSeq(absl::string_view gateway) const;

  // Whether `gateway` has not acknowledged this push yet.
  bool IsOwedTo(absl::string_view gateway) const;

  // Remembered across boots. The file is deleted once no gateway is owed the push.
  void NoteAcknowledged(absl::string_view gateway);

  // The gateway will never take it: logs that, keeps the file for people as *.unreadable, and owes
  // the push to nobody.
  void NoteRefused(absl::string_view gateway, const absl::Status& why);

 private:
  Orphan() = default;
  struct State;
  friend std::vector<std::unique_ptr<Orphan>> FindOrphans(const std::string&, absl::string_view,
                                                          absl::Span<const std::string>, size_t);

  v1::PushRequest push_;
};

// Up to `max` orphans of `replica` in `state_dir`, those of other replicas left out; ask again once
// these are done. Each is owed to all of `gateways`. Files that cannot be read are renamed to
// *.unreadable, with a line in the log, and up to 8 of them are kept. Files without any count are
// deleted.
std::vector<std::unique_ptr<Orphan>> FindOrphans(const std::string& state_dir,
                                                 absl::string_view replica,
                                                 absl::Span<const std::string> gateways,
                                                 size_t max = 16);

}  // namespace weir

#endif  // WEIR_SERVER_STATS_ORPHANS_H_
