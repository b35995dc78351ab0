// Reads what a boot has left behind.
#ifndef WEIR_SERVER_STATS_STATS_FILE_READER_H_
#define WEIR_SERVER_STATS_STATS_FILE_READER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/stats/stats_file_format.h"
#include "server/stats/stats_schema.h"
#include "server/stats/stats_snapshot.h"
#include "weir/v1/stats.pb.h"

namespace weir {

struct StatsFileContents {
  std::string replica;
  std::string boot_id;
  int64_t boot_unix_ns = 0;
  uint64_t last_seq = 0;
  StatsAcknowledgements acknowledged = {};
  std::vector<StatsSchema> schemas;
  std::vector<CellTotals> totals;  // Of each schema.

  // Whether it holds any count, or a gateway may know of the boot.
  bool Matters() const;

  // What the boot's last push would have been: all but acknowledged_seq and interval_ms.
  absl::StatusOr<v1::PushRequest> LastPush() const;
};

// Takes any bytes. NOT_FOUND if the boot was killed before the file had a header. Otherwise the
// reason why they cannot be read: INVALID_ARGUMENT if they are not a stats file, UNIMPLEMENTED if
// they are one of another format, DATA_LOSS if something is missing or damaged.
absl::StatusOr<StatsFileContents> ReadStatsFile(absl::string_view bytes);

}  // namespace weir

#endif  // WEIR_SERVER_STATS_STATS_FILE_READER_H_
