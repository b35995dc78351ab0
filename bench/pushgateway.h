// A Prometheus Pushgateway of its own on a free port of 127.0.0.1, as a reference.
#ifndef WEIR_BENCH_PUSHGATEWAY_H_
#define WEIR_BENCH_PUSHGATEWAY_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/process.h"
#include "bench/push_source.h"

namespace weir {

// Ends with the object at the latest. Not thread-safe.
class Pushgateway {
 public:
  struct Options {
    std::string program = "/usr/bin/prometheus-pushgateway";
    std::string state_dir;  // Exists. Holds its persistence file.
  };

  static absl::StatusOr<std::unique_ptr<Pushgateway>> Start(const Options& options);

  const std::string& address() const { return address_; }
  absl::Duration Cpu() const;
  int64_t ResidentBytes() const;

  // Whether each push is compared with all that it holds, as it does unless it is told not to.
  enum class Check { kConsistency, kNone };

  // Ends it and starts it again, with all that it holds.
  absl::Status Restart(Check check);

  // Makes it hold all of `sources`. Checked, a thousand pushes can take minutes; so these are not,
  // but later ones are.
  absl::Status Fill(absl::Span<const std::unique_ptr<PushSource>> sources);

  struct Report {
    int64_t pushes = 0;
    double per_second = 0;
  };

  // Pushes of `sources` in turn by so many pushers, at most one for each source and each with a
  // connection of its own, until `duration` has passed and each pusher has had an answer then.
  absl::StatusOr<Report> Push(absl::Span<const std::unique_ptr<PushSource>> sources, int pushers,
                              absl::Duration duration) const;

 private:
  explicit Pushgateway(const Options& options) : options_(options) {}

  absl::Status Run(Check check);

  const Options options_;
  std::optional<Process> process_;
  std::string address_;
};

}  // namespace weir

#endif  // WEIR_BENCH_PUSHGATEWAY_H_
