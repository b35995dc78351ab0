# ./weir bench: programs that measure; each prints lines `BENCH <name> key=value ...`. What they find
# is kept in bench/results.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"

readonly BENCHMARKS=(models serving latency overload reload recorder ingest scrape faults loadgen
  python_stack)

# bench [NAME...] [--FLAG...]: the flags go to the programs, and what these then find is not kept.
command_bench() {
  local word names=() flags=() targets=()
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
  if [[ " ${names[*]} " =~ \ (ingest|scrape|loadgen|python_stack)\  ]]; then
    install_packages bench
  fi
  if [[ " ${names[*]} " == *" faults "* ]]; then install_packages test; fi
  for word in "${names[@]}"; do targets+=("$(benchmark_target "$word")"); done
  build "${targets[@]}" //server:weir-server //gateway:weir-gateway
  for word in "${names[@]}"; do run_benchmark "$word" "${flags[@]}"; done
}

benchmark_target() {
  case $1 in
    faults) echo //tests/faults:faults_test ;;
    *) echo "//bench:weir-bench-$1" ;;
  esac
}

# run_benchmark NAME FLAG...
run_benchmark() {
  local name=$1 log=$LOG_DIR/bench-$1.log began=$SECONDS folder program result
  shift
  program=$WEIR_ROOT/bazel-bin/bench/weir-bench-$name
  folder=$WEIR_ROOT
  # A test, which finds the other programs where Bazel puts them for it.
  if [[ $name == faults ]]; then
    program=$WEIR_ROOT/bazel-bin/tests/faults/faults_test
    folder=$program.runfiles/weir
  fi
  mkdir -p "$LOG_DIR"
  (cd "$folder" && "$program" "$@") | tee "$log"
  (($# == 0)) || return 0
  result=$WEIR_ROOT/bench/results/$name.json
  mkdir -p "$(dirname "$result")"
  result_json "$name" $((SECONDS - began)) "$log" >"$result.new"
  mv "$result.new" "$result"
}

# result_json NAME SECONDS LOG: what the benchmark found and where.
result_json() {
  local name=$1 seconds=$2 log=$3 line word words=() results=() output=()
  line=$(grep "^BENCH $name " "$log" | tail -n 1) ||
    die "the benchmark $name ended without a line BENCH $name (log: $log)"
  read -r -a words <<<"${line#"BENCH $name "}"
  for word in "${words[@]}"; do
    results+=("$(json_string "${word%%=*}"): $(json_value "${word#*=}")")
  done
  while IFS= read -r line; do output+=("$(json_string "$line")"); done <"$log"
  cat <<JSON
{
  "benchmark": $(json_string "$name"),
  "results": {
$(json_lines "${results[@]}")
  },
  "date": "$(date --utc +%Y-%m-%dT%H:%M:%SZ)",
  "seconds": $seconds,
  "commit": $(commit_json),
  "machine": {
    "processor": $(json_string "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)"),
    "cores": $(nproc),
    "memory_mb": $(awk '/^MemTotal:/ { printf "%d", $2 * 1.024 / 1000 }' /proc/meminfo),
    "kernel": $(json_string "$(uname -sr)"),
    "system": $(json_string "$(sed -n 's/^PRETTY_NAME="\(.*\)"/\1/p' /etc/os-release)")
  },
  "output": [
$(json_lines "${output[@]}")
  ]
}
JSON
}

# The commit that was measured; what was changed since then makes it another one.
commit_json() {
  local commit
  commit=$(git -C "$WEIR_ROOT" rev-parse --short=12 HEAD 2>/dev/null) || { echo null && return; }
  git -C "$WEIR_ROOT" diff --quiet HEAD -- . ':!bench/results' || commit+=' and changes'
  json_string "$commit"
}

# A number as it is, anything else as text.
json_value() {
  if [[ $1 =~ ^-?(0|[1-9][0-9]*)(\.[0-9]+)?$ ]]; then echo "$1"; else json_string "$1"; fi
}

# Lines with commas between them.
json_lines() { printf '    %s\n' "$@" | sed '$!s/$/,/'; }

json_string() {
  local text=${1//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  printf '"%s"\n' "${text//[[:cntrl:]]/}"
}
