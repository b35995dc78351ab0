# ./weir test: every test, and how many passed. Those with the tags "long" and "manual" run with
# --long only.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

command_test() {
  local log=$LOG_DIR/test.log status=0 passed failed which='' tests
  if [[ ${1:-} == --long ]]; then
    which=long
    shift
  fi
  (($# > 0)) || set -- //...
  install_packages build monitoring test bench
  prepare_bazel
  if [[ -n $which ]]; then
    install_packages containers
    mapfile -t tests < <(long_tests "$@")
    ((${#tests[@]} > 0)) || die "there is no long test in $*"
    set -- "${tests[@]}"
  fi
  bazel_logged "building and testing" "$log" test --keep_going --test_output=summary \
    --test_summary=short "$@" || status=$?
  show_results "$log"
  read -r passed failed < <(count_tests "$log" "$WEIR_ROOT/bazel-testlogs")
  # What did not get as far as a test: a BUILD file with an error, a library that does not compile.
  if ((status != 0 && failed == 0)); then failed=1; fi
  echo "$passed passed, $failed failed"
  ((failed == 0))
}

# long_tests TARGET...: prints the tests among them that are too long for every day.
long_tests() {
  bazel_in_tree query 2>/dev/null "attr(tags, '\blong\b', tests(set($*)))"
}

# The result lines of Bazel's log, e.g. "//base:log_test (cached) PASSED in 0.1s".
result_lines() {
  grep -E '^(//|@)[^ ]+ +(\(cached\) )?(PASSED|FLAKY|FAILED|TIMEOUT|INCOMPLETE|NO STATUS)' "$1" || true
}

# One line per test; first, why those that failed did, and behind a test what of it was skipped.
show_results() {
  local log=$1 line target
  if grep -q '^ERROR' "$log"; then bazel_errors "$log" | sed '/^\/\//,$d' | head -n 80; fi
  while read -r line; do
    target=${line%% *}
    case $line in
      *PASSED* | *FLAKY* | *"FAILED TO BUILD"* | *"NO STATUS"*) ;;
      *) show_log_tails "$target" ;;
    esac
  done < <(result_lines "$log")
  while read -r line; do
    echo "$line"
    show_skipped "$WEIR_ROOT/bazel-testlogs" "${line%% *}"
  done < <(result_lines "$log")
}

# show_skipped TESTLOGS TARGET: says why test cases of TARGET were skipped.
show_skipped() {
  local file
  for file in "$(outcome_folder "$1" "$2")"/{,shard_*/}test.xml; do
    [[ -f $file ]] || continue
    sed -nE 's/.*<skipped message="([^"]*)".*/    SKIPPED: \1/p' "$file" |
      sed -E -e 's/&#(10|x0*[aA]);/ /g' -e 's/&lt;/</g' -e 's/&gt;/>/g' -e 's/&quot;/"/g' -e 's/&amp;/\&/g'
  done
}

show_log_tails() {
  local log
  for log in "$(outcome_folder "$WEIR_ROOT/bazel-testlogs" "$1")"/{,shard_*/}test.log; do
    [[ -f $log ]] || continue
    echo "---- $1: the end of $log"
    tail -n 40 "$log"
  done
}

# outcome_folder TESTLOGS TARGET: where Bazel keeps the outcome of TARGET, e.g. //base:log_test.
outcome_folder() {
  local path=${2#//}
  echo "$1/${path/://}"
}

# count_tests LOG TESTLOGS: prints "<passed> <failed>". Test cases of GoogleTest count one by one;
# a test that crashed, ran out of time or did not compile counts as one that failed.
count_tests() {
  local log=$1 testlogs=$2 line folder passed=0 failed=0 good bad
  while read -r line; do
    folder=$(outcome_folder "$testlogs" "${line%% *}")
    case $line in
      *"FAILED TO BUILD"* | *"NO STATUS"*) good=0 bad=1 ;; # Its test.xml is an older one.
      *) read -r good bad < <(count_cases "$folder"/{,shard_*/}test.xml) ;;
    esac
    case $line in
      *PASSED* | *FLAKY*) bad=0 ;;
      *) if ((bad == 0)); then bad=1; fi ;;
    esac
    passed=$((passed + good)) failed=$((failed + bad))
  done < <(result_lines "$log")
  echo "$passed $failed"
}

# count_cases FILE...: prints "<passed> <failed>" over JUnit XML files; missing files are skipped.
# The first element with tests="..." holds the totals of its file.
count_cases() {
  local file files=()
  for file in "$@"; do if [[ -f $file ]]; then files+=("$file"); fi; done
  awk '
    function attribute(name) {
      if (!match($0, " " name "=\"[0-9]+\"")) return 0
      return substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) + 0
    }
    FNR == 1 { counted = 0 }
    !counted && / tests="/ {
      counted = 1
      failed += attribute("failures") + attribute("errors")
      passed += attribute("tests") - attribute("failures") - attribute("errors") - attribute("disabled")
    }
    /result="skipped"/ { passed-- }
    END { print passed + 0, failed + 0 }
  ' /dev/null "${files[@]}"
}
