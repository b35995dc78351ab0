// What earlier boots of this server had counted when they were killed.
#ifndef WEIR_SERVER_STATS_ORPHANS_H_
#define WEIR_SERVER_STATS_ORPHANS_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "server/stats/stats_file_format.h"
#include "weir/v1/stats.pb.h"

namespace weir {

// The file of one boot that has ended. No other process takes it as long as this lives. Not
// thread-safe.
class Orphan {
 public:
  ~Orphan();  // Keeps the file if the push is still owed to a gateway.
  Orphan(const Orphan&) = delete;
  Orphan& operator=(const Orphan&) = delete;

  // Complete but for acknowledged_seq and interval_ms; `last` and `recovered` are set.
  const v1::PushRequest& push() const { return push_; }

  // What `gateway` has acknowledged of the boot, for acknowledged_seq.
  uint64_t AcknowledgedSeq(absl::string_view gateway) const;

  // Whether `gateway` still has to get the push, and whether any has to.
  bool IsOwedTo(absl::string_view gateway) const { return owed_to_.count(gateway) > 0; }
  bool IsOwed() const { return !owed_to_.empty(); }

  // Deletes the file once the push is owed to nobody; until then remembers it for the next boot.
  void NoteAcknowledged(absl::string_view gateway);

  // `gateway` will never take it: logs that. The push is owed to `gateway` no more, and once it is
  // owed to nobody, the file is kept for people as *.unreadable.
  void NoteRefused(absl::string_view gateway, const absl::Status& why);

 private:
  Orphan(std::string path, int fd, v1::PushRequest push, const StatsAcknowledgements& acknowledged,
         absl::Span<const std::string> gateways);

  void EndIfOwedToNobody();

  // Makes an orphan of a file, if nobody holds it. Null if there is nothing in it to push.
  static std::unique_ptr<Orphan> Take(const std::string& path, absl::string_view replica,
                                      absl::Span<const std::string> gateways);

  friend std::vector<std::unique_ptr<Orphan>> FindOrphans(const std::string& state_dir,
                                                          absl::string_view replica,
                                                          absl::Span<const std::string> gateways,
                                                          size_t max);

  const std::string path_;
  const int fd_;  // Holds the lock.
  const v1::PushRequest push_;
  StatsAcknowledgements acknowledged_;
  std::set<std::string, std::less<>> owed_to_;
  bool refused_ = false;
};

// Up to `max` orphans of `replica` in `state_dir`, to ask for more once these are done. Each is
// owed to all of `gateways`. Files of boots that live, or of other replicas, are left alone, and so
// is one that the system does not let be read now. One whose bytes make no sense is renamed to
// *.unreadable with a line in the log; up to 8 of these are kept. One without any count is deleted.
// None while another process looks into the directory or makes a file there: to ask again later.
std::vector<std::unique_ptr<Orphan>> FindOrphans(const std::string& state_dir,
                                                 absl::string_view replica,
                                                 absl::Span<const std::string> gateways,
                                                 size_t max = 16);

}  // namespace weir

#endif  // WEIR_SERVER_STATS_ORPHANS_H_
