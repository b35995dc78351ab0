# Which files are ours, for check and fmt; works without git.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

readonly BUILDIFIER_VERSION=8.2.1

# find_sources FIND_EXPRESSION...: prints the matching files of the tree, NUL-terminated.
find_sources() {
  find "$WEIR_ROOT" \( -name .git -o -name .weir -o -name 'bazel-*' -o -name node_modules \) -prune \
    -o -type f \( "$@" \) -print0
}

cxx_files() { find_sources -name '*.cc' -o -name '*.h'; }
shell_files() { find_sources -name '*.sh' -o -path "$WEIR_ROOT/weir" -o -path "$WEIR_ROOT/.ci/run"; }
bazel_files() { find_sources -name BUILD.bazel -o -name WORKSPACE -o -name '*.bzl'; }

# Prints the path of buildifier: the installed one, or one that npm puts into .weir. Fails with a
# message when there is none and it cannot be fetched.
buildifier_path() {
  local folder=$WEIR_ROOT/.weir/buildifier-$BUILDIFIER_VERSION
  if command -v buildifier; then return; fi
  if [[ ! -x $folder/node_modules/.bin/buildifier ]]; then
    npm install --silent --no-audit --no-fund --prefix "$folder" \
      "@bazel/buildifier@$BUILDIFIER_VERSION" >/dev/null 2>&1 || {
      echo "buildifier is not installed and npm could not fetch it (is there a network?)" >&2
      return 1
    }
  fi
  echo "$folder/node_modules/.bin/buildifier"
}
