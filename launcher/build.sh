# ./weir build, and how every other command runs Bazel.
# shellcheck shell=bash

# shellcheck source=launcher/deps.sh
source "$WEIR_ROOT/launcher/deps.sh"

# Megabytes that compiling everything writes.
readonly BUILD_MEGABYTES=500

command_build() {
  local began=$SECONDS
  (($# > 0)) || set -- //...
  build "$@"
  say "built in $((SECONDS - began)) s"
}

# build TARGET...: compiles, or ends the program with the compiler's errors.
build() {
  install_packages build
  prepare_bazel
  bazel_logged "building" "$LOG_DIR/build.log" build "$@" ||
    fail_with_errors "the build failed" "$LOG_DIR/build.log"
}

# bazel_logged STEP LOG VERB ARGUMENT...: runs Bazel in the tree as run_logged does.
bazel_logged() {
  local step=$1 log=$2 verb=$3
  shift 3
  run_logged "$step" "$log" bazel_in_tree "$verb" --color=no --curses=no --show_progress \
    --show_progress_rate_limit=1 ${LIBTORCH:+--repo_env=LIBTORCH="$LIBTORCH"} "$@"
}

bazel_in_tree() (
  cd "$WEIR_ROOT" && exec bazel "$@"
)

# Makes sure that Bazel can run here and writes the part of .bazelrc that depends on which it is.
prepare_bazel() {
  local file=$WEIR_ROOT/.weir/bazelrc text
  command -v bazel >/dev/null || die "bazel is not installed (./weir deps installs it)"
  [[ -z ${LIBTORCH:-} || -f $LIBTORCH/include/torch/csrc/api/include/torch/torch.h ]] ||
    die "LIBTORCH=$LIBTORCH is not an unpacked LibTorch: it has no torch/torch.h"
  require_space "${HOME:-/root}/.cache" "$BUILD_MEGABYTES" "building"
  text=$(bazelrc_for "$(bazel_in_tree --version 2>/dev/null)")
  if [[ ! -f $file || $(<"$file") != "$text" ]]; then
    mkdir -p "$(dirname "$file")"
    printf '%s\n' "$text" >"$file"
  fi
}

# bazelrc_for VERSION_LINE: the options for the Bazel that printed VERSION_LINE.
bazelrc_for() {
  local version=${1#bazel } shims=$WEIR_ROOT/third_party/debian_bazel command
  case $version in
    no_version*) # Debian's, which lacks the repositories that upstream's downloads.
      for command in build query; do
        echo "$command --override_repository=rules_cc=$shims/rules_cc"
        echo "$command --override_repository=remote_coverage_tools=$shims/remote_coverage_tools"
        echo "$command --override_repository=rules_java=/usr/share/bazel/rules/java"
        echo "$command --override_repository=rules_proto=/usr/share/bazel/rules/proto"
      done
      ;;
    [0-6].*) ;;
    *) echo "common --enable_workspace --noenable_bzlmod" ;;
  esac
}

# fail_with_errors MESSAGE LOG: ends the program with what matters of Bazel's log.
fail_with_errors() {
  bazel_errors "$2" | head -n 80 >&2
  die "$1 (log: $2)"
}

# The log of Bazel or clang-tidy without its chatter.
bazel_errors() {
  local bazel='\[[0-9, ]+/|INFO:|DEBUG:|Loading:|Analyzing:|Starting local|Target //|Use --|//.* PASSED'
  grep -vE "^($bazel|clang-tidy-14 |[0-9]+ warnings? generated|\$)" "$1" || true
}
