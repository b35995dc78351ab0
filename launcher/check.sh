# ./weir check: what tests do not see. One line per step; all steps run, whichever fails.
# shellcheck shell=bash

# shellcheck source=launcher/sources.sh
source "$WEIR_ROOT/launcher/sources.sh"

# All tests but those that cross programs.
readonly UNIT_TESTS=(-- //... -//tests/...)

command_check() {
  local fast='' fuzzer fuzz_targets=()
  case ${1:-} in
    --fast) fast=yes ;;
    '') ;;
    *) usage_error "check takes --fast only, not '$1'" ;;
  esac
  install_packages lint
  step format
  step shellcheck
  if [[ -z $fast ]]; then
    install_packages build monitoring test bench check
    prepare_bazel
    step buildifier
    step dashboards
    step clang-tidy
    step thread-safety
    step asan
    step ubsan
    step tsan
    mapfile -t fuzz_targets < <(fuzzers)
    if ((${#fuzz_targets[@]} == 0)); then
      STEPS_FAILED=$((STEPS_FAILED + 1))
      say "Bazel finds no fuzzers; what bazel query //... says tells why"
    fi
    for fuzzer in "${fuzz_targets[@]}"; do step fuzz "$fuzzer"; done
  fi
  echo "$STEPS_OK checks ok, $STEPS_FAILED failed"
  ((STEPS_FAILED == 0))
}

STEPS_OK=0
STEPS_FAILED=0

# step NAME [TARGET]: runs check_NAME and prints its outcome; its output only when it failed.
step() {
  local name=$1${2:+ ${2##*:}} log began=$SECONDS outcome=ok
  log=$LOG_DIR/check-${name/ /-}.log
  run_logged "check $name" "$log" "check_$1" "${@:2}" || outcome=FAILED
  printf '  %-25s %-7s %4d s\n' "$name" "$outcome" $((SECONDS - began))
  if [[ $outcome == ok ]]; then
    STEPS_OK=$((STEPS_OK + 1))
  else
    STEPS_FAILED=$((STEPS_FAILED + 1))
    bazel_errors "$log" | head -n 60
    say "all of it: $log"
  fi
}

check_format() {
  local files
  files=$(cxx_files | xargs -0 --no-run-if-empty clang-format-14 --dry-run 2>&1 |
    sed -nE 's/^([^ :]+):[0-9]+:.*/\1/p' | sort -u)
  [[ -z $files ]] || { printf '%s\n' "$files" "./weir fmt formats these" && return 1; }
}

check_shellcheck() {
  shell_files | (cd "$WEIR_ROOT" && xargs -0 shellcheck --external-sources)
}

# The rules that Bazel 4 has built in are loaded from nowhere.
check_buildifier() {
  local buildifier native
  native=$(printf -- ',-native-%s' cc-library cc-binary cc-test sh-test sh-binary py-test py-binary)
  buildifier=$(buildifier_path) || return 1
  bazel_files | xargs -0 "$buildifier" --mode=check --lint=warn --warnings="${native#,}"
}

# With the types that Grafana publishes.
check_dashboards() {
  "$WEIR_ROOT/monitoring/grafana/typecheck/check.sh" "$WEIR_ROOT/.weir/grafana-types"
}

# clang 14 cannot read torch's headers in C++20: sources of targets that need torch are left out.
check_clang-tidy() {
  # The headers that are made.
  bazel_in_tree build //proto/... //loadgen/report:page.h || return 1
  cxx_sources_without_torch |
    (cd "$WEIR_ROOT" && xargs --verbose --max-procs="$(nproc)" -I FILE \
      clang-tidy-14 --quiet FILE -- -x c++ -std=c++20 -I. -Ibazel-bin -Ibazel-bin/proto)
}

# Prints the paths of the .cc files that targets compile without torch.
cxx_sources_without_torch() {
  bazel_in_tree query --keep_going 2>/dev/null \
    'filter("\.cc$", labels(srcs, kind("cc_.* rule", //...) except rdeps(//..., @system//:torch)))
     except filter("\.pb\.cc$", //...:*)' | sed -e 's|^//||' -e 's|^:||' -e 's|:|/|'
}

check_thread-safety() { bazel_check build --config=thread-safety //...; }

# And those that record under fire, with whole programs.
check_asan() {
  bazel_check test --config=asan "${UNIT_TESTS[@]}" //tests:server_stats_test \
    //tests:gateway_test //tests/faults:faults_test
}

check_ubsan() { bazel_check test --config=ubsan "${UNIT_TESTS[@]}"; }
check_tsan() { bazel_check test --config=tsan "${UNIT_TESTS[@]}"; }

readonly FUZZ_SECONDS=60

# Prints the targets that read made-up bytes until one of them breaks something.
fuzzers() {
  bazel_in_tree query 2>/dev/null "attr(tags, '\\bfuzz\\b', //...)"
}

# One fuzzer for a minute. What it found stays in the log's folder.
check_fuzz() {
  bazel_in_tree run --config=fuzz --color=no --curses=no "$1" -- -max_total_time=$FUZZ_SECONDS \
    -print_final_stats=1 -artifact_prefix="$LOG_DIR/fuzz-${1##*:}-"
}

bazel_check() {
  local verb=$1
  shift
  bazel_in_tree "$verb" --keep_going --color=no --curses=no --show_progress \
    --show_progress_rate_limit=5 "$@"
}
