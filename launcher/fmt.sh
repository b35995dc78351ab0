# ./weir fmt: formats C++ and BUILD files in place.
# shellcheck shell=bash

# shellcheck source=launcher/sources.sh
source "$WEIR_ROOT/launcher/sources.sh"

command_fmt() {
  local buildifier
  install_packages lint check
  cxx_files | xargs -0 --no-run-if-empty clang-format-14 -i
  buildifier=$(buildifier_path)
  bazel_files | xargs -0 --no-run-if-empty "$buildifier"
}
