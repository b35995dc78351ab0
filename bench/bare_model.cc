#include "bench/bare_model.h"

#include <cstdint>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "models/data/fashion_mnist.h"
#include "server/model/tensor.h"

namespace weir {

absl::StatusOr<BareModel> BareModel::Load(const std::string& model_repository,
                                          const std::string& model) {
  WEIR_ASSIGN_OR_RETURN(LoadedModel loaded,
                        LoadVersionOne(absl::StrCat(model_repository, "/", model)));
  WEIR_ASSIGN_OR_RETURN(HeldOut held_out,
                        LoadHeldOut(loaded.settings->family, kFashionMnistDirectory));
  return BareModel(std::move(loaded), std::move(held_out));
}

BareModel::BareModel(LoadedModel loaded, HeldOut held_out)
    : loaded_(std::move(loaded)), held_out_(std::move(held_out)) {}

absl::Status BareModel::Run(int rows, int64_t run) const {
  const TensorSpec& input = settings().inputs[0];
  std::vector<int64_t> shape = {rows};
  shape.insert(shape.end(), input.dims.begin(), input.dims.end());
  const auto first = static_cast<int>(run * rows % (held_out_.rows() - rows + 1));
  const std::string_view data = held_out_.Rows(first, rows);
  const TensorView view = {input.type, shape, absl::string_view(data.data(), data.size())};
  return loaded_.model->Run({&view, 1}).status();
}

absl::StatusOr<double> BareModel::RowsPerSecond(int rows, int threads,
                                                absl::Duration duration) const {
  std::vector<int64_t> runs(threads);
  std::vector<absl::Status> statuses(threads);
  std::vector<std::thread> running;
  const absl::Time start = MonotonicNow();
  const absl::Time end = start + duration;
  for (int i = 0; i < threads; ++i) {
    running.emplace_back([&, i] {
      while (statuses[i].ok() && MonotonicNow() < end)
        statuses[i] = Run(rows, i + runs[i]++ * threads);
    });
  }
  for (std::thread& thread : running) thread.join();
  const double seconds = absl::ToDoubleSeconds(MonotonicNow() - start);
  double all_rows = 0;
  for (int i = 0; i < threads; ++i) {
    WEIR_RETURN_IF_ERROR(statuses[i]);
    all_rows += static_cast<double>(runs[i] * rows);
  }
  return all_rows / seconds;
}

absl::StatusOr<int> BareModel::BestBatchRows(int threads, absl::Duration duration_each) const {
  int best = 1;
  double most = 0;
  for (const int rows : {1, 8, 16, 32, 64}) {
    if (rows > 1 && rows > settings().max_batch_rows) break;
    // A size that is new takes its time once.
    WEIR_RETURN_IF_ERROR(RowsPerSecond(rows, threads, duration_each / 4).status());
    WEIR_ASSIGN_OR_RETURN(const double per_second, RowsPerSecond(rows, threads, duration_each));
    if (per_second > most) {
      most = per_second;
      best = rows;
    }
  }
  return best;
}

absl::StatusOr<std::vector<absl::Duration>> BareModel::OneRowLatencies(
    absl::Duration duration, const std::function<absl::Status()>& before_each) const {
  std::vector<absl::Duration> latencies;
  absl::Time after = MonotonicNow();
  for (const absl::Time end = after + duration; after < end;) {
    WEIR_RETURN_IF_ERROR(before_each());
    const absl::Time before = MonotonicNow();
    WEIR_RETURN_IF_ERROR(Run(1, static_cast<int64_t>(latencies.size())));
    after = MonotonicNow();
    latencies.push_back(after - before);
  }
  return latencies;
}

}  // namespace weir
