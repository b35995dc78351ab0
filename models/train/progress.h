// What a person sees while a model is trained.
#ifndef WEIR_MODELS_TRAIN_PROGRESS_H_
#define WEIR_MODELS_TRAIN_PROGRESS_H_

#include <ostream>
#include <string>

#include "absl/time/time.h"

namespace weir {

// On a terminal one line that is redrawn: a bar, the epoch, loss, quality and time left. Elsewhere
// one line per epoch. Not thread-safe.
class Progress {
 public:
  struct Options {
    std::string model;
    std::string quality;  // What the quality is called: "accuracy", "R2".
    bool is_terminal = false;
  };
  // `out` must outlive the progress.
  Progress(const Options& options, std::ostream& out);

  // `step` of `steps` is where the run begins: above 0 for one that is resumed.
  void Start(int step, int steps, int steps_per_epoch, absl::Time now);
  void Step(double loss, double quality, absl::Time now);
  // The epoch's last step is done, and the averaged weights reach `validation`.
  void EpochDone(double validation, bool is_best, absl::Time now);

 private:
  std::string Line(const std::string& tail, absl::Time now) const;

  const Options options_;
  std::ostream& out_;
  int first_step_ = 0;
  int step_ = 0;
  int steps_ = 0;
  int steps_per_epoch_ = 1;
  absl::Time start_;
  absl::Time last_drawn_ = absl::InfinitePast();
  int epoch_steps_ = 0;  // Of this epoch, those that the means below are over.
  double loss_sum_ = 0;
  double quality_sum_ = 0;
};

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_PROGRESS_H_
