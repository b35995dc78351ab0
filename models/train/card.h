// The texts beside a model's weights.
#ifndef WEIR_MODELS_TRAIN_CARD_H_
#define WEIR_MODELS_TRAIN_CARD_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "models/evaluate/evaluate.h"
#include "models/train/recipe.h"
#include "models/train/trainer.h"

namespace weir {

// config.pbtxt of a kFashion or kFlats model; `quality` is what was measured, empty before that.
std::string ConfigText(const Recipe& recipe, const std::map<std::string, double>& quality);

// labels.txt: one class per line; empty for a model without classes.
std::string LabelsText(const Recipe& recipe);

// MODEL.md: data, architecture, training, measured quality and latency, how to reproduce.
// `machine` is what it was measured on. `training` is ignored for kForest.
std::string CardText(const Recipe& recipe, const TrainingResult& training,
                     const Evaluation& evaluation, const std::string& machine);

// The processor's name.
std::string DescribeMachine();

}  // namespace weir

#endif  // WEIR_MODELS_TRAIN_CARD_H_
