// A model without a server around it: what the hardware and LibTorch can do at most.
#ifndef WEIR_BENCH_BARE_MODEL_H_
#define WEIR_BENCH_BARE_MODEL_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "models/evaluate/evaluate.h"
#include "models/evaluate/held_out.h"
#include "server/model/model_settings.h"

namespace weir {

// The same code runs it that runs it in the server, on held-out rows. Thread-safe.
class BareModel {
 public:
  // Of a repository; its family tells the rows. The process must have called InitializeTorch.
  static absl::StatusOr<BareModel> Load(const std::string& model_repository,
                                        const std::string& model);

  const ModelSettings& settings() const { return *loaded_.settings; }
  const HeldOut& held_out() const { return held_out_; }

  // Rows a second of `threads` threads, each of which runs batch after batch of `rows`.
  absl::StatusOr<double> RowsPerSecond(int rows, int threads, absl::Duration duration) const;

  // That of 1, 8, 16, 32 and 64 rows, up to the model's largest, with the most rows a second.
  absl::StatusOr<int> BestBatchRows(int threads, absl::Duration duration_each) const;

  // How long each run of one row took on this thread. `before_each` is called before each, and is
  // no part of it.
  absl::StatusOr<std::vector<absl::Duration>> OneRowLatencies(
      absl::Duration duration, const std::function<absl::Status()>& before_each) const;

 private:
  BareModel(LoadedModel loaded, HeldOut held_out);

  // Runs `rows` held-out rows, others each time.
  absl::Status Run(int rows, int64_t run) const;

  LoadedModel loaded_;
  HeldOut held_out_;
};

}  // namespace weir

#endif  // WEIR_BENCH_BARE_MODEL_H_
