# ./weir train: trains the models of models/repository anew.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

command_train() {
  build //models/train:weir-train
  cd "$WEIR_ROOT" && exec bazel-bin/models/train/weir-train --model_repository=models/repository \
    --state_dir=.weir/train "$@"
}
