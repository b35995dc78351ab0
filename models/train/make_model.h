// One model of the repository, from its recipe to its page.
#ifndef WEIR_MODELS_TRAIN_MAKE_MODEL_H_
#define WEIR_MODELS_TRAIN_MAKE_MODEL_H_

#include <functional>
#include <ostream>
#include <string>

#include "absl/status/status.h"
#include "models/train/recipe.h"

namespace weir {

struct MakeOptions {
  std::string repository;         // The model goes to <repository>/<model>.
  std::string state_directory;    // Of checkpoints; made where missing.
  std::string fashion_directory;  // Of the Fashion-MNIST files.
  std::string forest_script;      // Path of train_forest.py.
  bool is_terminal = false;       // Whether `out` is one.
};

// Trains the model anew, or goes on where it was stopped; then writes 1/model.pt, labels.txt,
// config.pbtxt and MODEL.md, with what it measured on the held-out rows. Shows progress on `out`.
// CANCELLED when `should_stop` ended the training; the files of the repository are then unchanged.
absl::Status MakeModel(const Recipe& recipe, const MakeOptions& options,
                       const std::function<bool()>& should_stop, std::ostream& out);

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_MAKE_MODEL_H_
