# ./weir bench: programs that measure; each prints lines `BENCH <name> key=value ...`.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

readonly BENCHMARKS=(models)

command_bench() {
  local name
  (($# > 0)) || set -- "${BENCHMARKS[@]}"
  for name in "$@"; do
    [[ " ${BENCHMARKS[*]} " == *" $name "* ]] ||
      usage_error "there is no benchmark '$name' (there are: ${BENCHMARKS[*]})"
  done
  build "${@/#///bench:weir-bench-}"
  for name in "$@"; do (cd "$WEIR_ROOT" && "bazel-bin/bench/weir-bench-$name"); done
}
