#!/usr/bin/env bash
# The benchmarks run to their end and say what they should; the numbers are of no use here.
set -euo pipefail

# expect PATTERN PROGRAM FLAG...: the program's last line matches PATTERN as a whole.
expect() {
  local pattern=$1 program=$2 output
  shift 2
  output=$("bench/$program" --repeats=1 --seconds=0.1 "$@") || {
    echo "$program $* failed with status $?" >&2
    exit 1
  }
  printf '%s\n' "$output"
  [[ $(tail -n 1 <<<"$output") =~ ^$pattern$ ]] || {
    echo "the last line is not $pattern" >&2
    exit 1
  }
}

number='-?[0-9.]+'
server=--server=server/weir-server
expect "BENCH serving fast=$number" weir-bench-serving $server --models=fashion-fast
expect "BENCH latency added_p50_us=$number added_p99_us=$number" weir-bench-latency $server \
  --models=fashion-fast
# A long deadline: other tests may take the processor meanwhile, and the client has to keep up.
pattern="BENCH overload goodput_ratio=$number expired_executed=[0-9]+ p99_ms=$number"
pattern+=" deadline_ms=5000 recovery_ms=($number|inf)"
expect "$pattern" weir-bench-overload $server --deadline=5s --rows=16
expect "BENCH reload p99_ratio_8=$number reloads=[1-9][0-9]* failed=0" \
  weir-bench-reload $server --in_flight=8 --scratch="$TEST_TMPDIR"
expect "BENCH recorder ns_per_request=$number prometheus_cpp_ns=$number.*" weir-bench-recorder \
  $server --requests=1000 --starts=1 --pairs=1

gateway=(--gateway=gateway/weir-gateway --scratch="$TEST_TMPDIR")
expect "BENCH ingest pushes_per_s=$number pushgateway_ratio=$number" weir-bench-ingest \
  "${gateway[@]}" --sources=8 --pushgateway_seconds=0.1
pattern="BENCH scrape series=$number ms=$number pushgateway_ratio=$number"
expect "$pattern bytes_per_series=$number" weir-bench-scrape "${gateway[@]}" --lines=2000
expect "BENCH loadgen h2load_ratio=$number ratio_8=$number" weir-bench-loadgen $server \
  --in_flight=8 --scratch="$TEST_TMPDIR"
pattern="BENCH python_stack rps_ratio_1=$number rps_ratio_8=$number p99_ratio=$number"
pattern+=" declared_rps_ratio_1=$number declared_rps_ratio_8=$number"
expect "$pattern" weir-bench-python_stack $server --callers=1,8 --images=40 --scratch="$TEST_TMPDIR"

if bench/weir-bench-latency --server=/no/such/program --models=fashion-fast >/dev/null 2>&1; then
  echo "without a server there is no result" >&2
  exit 1
fi
