// accidents-forest, by way of scikit-learn.
#ifndef WEIR_MODELS_TRAIN_GROW_FOREST_H_
#define WEIR_MODELS_TRAIN_GROW_FOREST_H_

#include <string>

#include "absl/status/status.h"

namespace weir {

// Writes the synthetic accidents to `work_directory` as CSV and has `script` (train_forest.py) fill
// `model_directory`. The script's output goes to this process's own.
absl::Status GrowForest(const std::string& script, const std::string& work_directory,
                        const std::string& model_directory);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_GROW_FOREST_H_
