# ./weir bench: programs that measure; each prints lines `BENCH <name> key=value ...`.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

readonly BENCHMARKS=(models serving latency overload recorder ingest scrape)

# bench [NAME...] [--FLAG...]: the flags go to the programs.
command_bench() {
  local word names=() flags=()
  for word in "$@"; do
    if [[ $word == -* ]]; then
      flags+=("$word")
    elif [[ " ${BENCHMARKS[*]} " == *" $word "* ]]; then
      names+=("$word")
    else
      usage_error "there is no benchmark '$word' (there are: ${BENCHMARKS[*]})"
    fi
  done
  ((${#names[@]} > 0)) || names=("${BENCHMARKS[@]}")
  # What they compare weir with.
  if [[ " ${names[*]} " =~ \ (ingest|scrape)\  ]]; then install_packages bench; fi
  build "${names[@]/#///bench:weir-bench-}" //server:weir-server //gateway:weir-gateway
  for word in "${names[@]}"; do
    (cd "$WEIR_ROOT" && "bazel-bin/bench/weir-bench-$word" "${flags[@]}")
  done
}
