#!/usr/bin/env bash
# Tests of the launcher: its functions, sourced, and ./weir itself where nothing is installed or
# built. Each test is a function test_<sentence>; it fails where a command of it fails.
set -euo pipefail

tmp=${TEST_TMPDIR:-$(mktemp -d)}
WEIR_ROOT=$PWD
WEIR_STATE_DIR=$tmp/state
export WEIR_ROOT WEIR_STATE_DIR
source launcher/common.sh
source launcher/test.sh # build.sh and deps.sh with it
source launcher/services.sh

# expect_equal WANTED GOT
expect_equal() {
  [[ $1 == "$2" ]] || { printf 'wanted: %s\ngot:    %s\n' "$1" "$2" && return 1; }
}

# expect_match PATTERN TEXT
expect_match() {
  # shellcheck disable=SC2053  # a pattern
  [[ $2 == $1 ]] || { printf 'wanted: %s\ngot:    %s\n' "$1" "$2" && return 1; }
}

# expect_failure STATUS COMMAND...: prints what COMMAND says.
expect_failure() {
  local wanted=$1 status=0 text
  shift
  text=$("$@" 2>&1) || status=$?
  echo "$text"
  ((status == wanted)) || { echo "exit status $status, wanted $wanted" && return 1; }
}

test_help_lists_every_command() {
  local file help
  help=$(./weir help)
  while read -r file; do
    expect_match "*  ./weir $(basename "$file" .sh) *" "$help"
  done < <(grep -l '^command_' launcher/*.sh)
  expect_equal "$help" "$(./weir)"
  expect_equal "$help" "$(cd / && "$WEIR_ROOT/weir" --help)"
}

test_an_unknown_command_is_one_line_and_exit_status_2() {
  local text
  text=$(expect_failure 2 ./weir fly)
  expect_equal "weir: there is no command 'fly' (./weir help lists them)" "$text"
  expect_failure 2 ./weir deps everything >"$tmp/text"
  expect_match "weir: there is no package group 'everything' *" "$(<"$tmp/text")"
  expect_failure 2 ./weir up --sideways >"$tmp/text"
  expect_failure 2 ./weir check --slow >"$tmp/text"
  expect_failure 2 ./weir predict 0 >"$tmp/text"
}

test_another_system_gets_the_list_of_packages() {
  local text
  printf 'ID=ubuntu\nVERSION_ID="24.04"\nPRETTY_NAME="Ubuntu 24.04 LTS"\n' >"$tmp/os-release"
  text=$(expect_failure 1 require_debian_12 "$tmp/os-release" build lint)
  expect_match 'weir: this is Ubuntu 24.04 LTS; weir installs its packages on Debian 12 only*' "$text"
  expect_match '*WEIR_SKIP_DEPS=1*libtorch-dev*shellcheck*' "$text"
  text=$(expect_failure 1 require_debian_12 "$tmp/no-such-file" build)
  expect_match 'weir: this is an unknown system;*' "$text"
}

test_debian_12_is_accepted() {
  printf 'ID=debian\nVERSION_ID="12"\n' >"$tmp/os-release"
  require_debian_12 "$tmp/os-release" build
}

# fake_program NAME BODY: a program that is found before the real one.
fake_program() {
  mkdir -p "$tmp/bin"
  printf '#!/bin/sh\n%s\n' "$2" >"$tmp/bin/$1"
  chmod +x "$tmp/bin/$1"
  PATH=$tmp/bin:$PATH
}

test_only_what_is_missing_is_installed() {
  fake_program dpkg-query 'echo installed clang-format-14; echo config-files shellcheck; exit 1'
  expect_equal shellcheck "$(missing_packages lint)"
  fake_program dpkg-query 'echo installed clang-format-14; echo installed shellcheck'
  expect_equal '' "$(missing_packages lint)"
}

test_daemons_are_kept_from_starting_where_systemd_runs() {
  expect_equal 'prometheus.service' "$(daemons_among "$tmp" g++ prometheus python3)"
  expect_equal '' "$(daemons_among "$tmp/no-systemd" g++ prometheus python3)"
}

test_daemons_may_start_again_whatever_ends_an_installation() {
  local as_root=() daemons=(prometheus.service) wanted
  wanted=$'mask --runtime prometheus.service\nunmask --runtime prometheus.service'
  wanted+=$'\ndisable prometheus.service'
  fake_program systemctl "shift; echo \"\$@\" >>$tmp/systemctl"
  expect_equal installed "$(without_daemons echo installed)"
  expect_equal "$wanted" "$(<"$tmp/systemctl")"
  rm "$tmp/systemctl"
  # shellcheck disable=SC2016  # the parent is the shell that waits for it
  expect_equal '' "$(expect_failure 143 without_daemons sh -c 'kill -TERM $PPID')"
  expect_equal "$wanted" "$(<"$tmp/systemctl")"
}

test_daemons_that_cannot_be_masked_are_named() {
  local as_root=() daemons=(prometheus.service)
  fake_program systemctl 'exit 1'
  expect_match '*cannot mask prometheus.service*installed*' "$(without_daemons echo installed 2>&1)"
}

test_a_slow_blas_is_pointed_out() {
  mkdir -p "$tmp/alternatives"
  ln -sfn /usr/lib/x86_64-linux-gnu/openblas-pthread/libblas.so.3 "$tmp/alternatives/libblas.so.3-x86_64-linux-gnu"
  expect_equal '' "$(warn_of_slow_blas "$tmp/alternatives" 2>&1)"
  ln -sfn /usr/lib/x86_64-linux-gnu/blas/libblas.so.3 "$tmp/alternatives/libblas.so.3-x86_64-linux-gnu"
  expect_match '*models will be slow*update-alternatives --config libblas.so.3-x86_64-linux-gnu' \
    "$(warn_of_slow_blas "$tmp/alternatives" 2>&1)"
}

test_a_full_disk_is_named() {
  local text
  require_space "$tmp/not/yet/there" 0 "nothing"
  text=$(expect_failure 1 require_space "$tmp/not/yet/there" 1000000000 "building")
  expect_match "weir: disk full: building needs 1000000000 MB on the file system of $tmp, * MB are free" \
    "$text"
}

test_shims_are_for_debians_bazel_only() {
  expect_match '*rules_cc=*/third_party/debian_bazel/rules_cc*' "$(bazelrc_for 'bazel no_version')"
  expect_equal '' "$(bazelrc_for 'bazel 6.5.0')"
  expect_equal 'common --enable_workspace --noenable_bzlmod' "$(bazelrc_for 'bazel 8.0.1')"
}

# result FOLDER TESTS FAILURES
result() {
  mkdir -p "$tmp/logs/$1"
  echo "<testsuites tests=\"$2\" failures=\"$3\" disabled=\"0\" errors=\"0\" name=\"AllTests\">
  <testsuite name=\"A\" tests=\"$2\" failures=\"$3\"></testsuite>" >"$tmp/logs/$1/test.xml"
}

test_every_test_case_is_counted() {
  result base/good_test 5 0
  result base/bad_test 4 1
  result base/wide_test/shard_1_of_2 3 0
  result base/wide_test/shard_2_of_2 2 0
  cat >"$tmp/log" <<'LOG'
[12 / 34] Testing //base:bad_test
//base:good_test                                          (cached) PASSED in 0.1s
//base:wide_test                                                   PASSED in 0.1s
//base:bad_test                                                    FAILED in 0.1s
LOG
  expect_equal '13 1' "$(count_tests "$tmp/log" "$tmp/logs")"
}

test_a_test_that_did_not_end_by_itself_has_failed() {
  result stale_test 7 0
  cat >"$tmp/log" <<'LOG'
//:stale_test                                                      FAILED TO BUILD
//base:slow_test                                                   TIMEOUT in 60.0s
//base:never_test                                                  NO STATUS
LOG
  expect_equal '0 3' "$(count_tests "$tmp/log" "$tmp/logs")"
}

test_skipped_test_cases_have_not_passed() {
  result base/some_test 3 0
  echo '<testcase name="B" status="run" result="skipped">' >>"$tmp/logs/base/some_test/test.xml"
  echo '//base:some_test   PASSED in 0.1s' >"$tmp/log"
  expect_equal '2 0' "$(count_tests "$tmp/log" "$tmp/logs")"
  expect_equal '' "$(show_skipped "$tmp/logs" //base:some_test)"
  echo '<skipped message="no &quot;podman&quot;:&#10;it is &lt;away&gt;"/>' \
    >>"$tmp/logs/base/some_test/test.xml"
  expect_equal '    SKIPPED: no "podman": it is <away>' "$(show_skipped "$tmp/logs" //base:some_test)"
}

# What bench keeps of a benchmark named fly that took 7 s and printed LOG.
result_of_fly() {
  bash -euo pipefail -c '
    source launcher/common.sh
    source launcher/bench.sh
    result_json fly 7 "$1"' - "$1"
}

test_what_a_benchmark_finds_is_json_with_its_machine() {
  printf 'a "table" \\ of\tnumbers\nBENCH fly ratio=0.93 after=inf count=12 code=007\n' >"$tmp/log"
  result_of_fly "$tmp/log" >"$tmp/fly.json"
  python3 - "$tmp/fly.json" "$tmp/log" <<'PYTHON'
import json, sys
result = json.load(open(sys.argv[1]))
assert result["benchmark"] == "fly" and result["seconds"] == 7, result
assert result["results"] == {"ratio": 0.93, "after": "inf", "count": 12, "code": "007"}, result
assert result["output"] == open(sys.argv[2]).read().splitlines(), result
machine = result["machine"]
assert machine["cores"] >= 1 and machine["memory_mb"] > 0, machine
assert machine["processor"] and machine["kernel"].startswith("Linux ") and machine["system"], machine
PYTHON
}

test_a_benchmark_without_its_line_has_no_result() {
  echo 'BENCH flying ratio=1' >"$tmp/log"
  expect_match 'weir: the benchmark fly ended without a line BENCH fly *' \
    "$(expect_failure 1 result_of_fly "$tmp/log")"
  expect_match "weir: there is no benchmark 'fly' *loadgen python_stack)" \
    "$(expect_failure 2 ./weir bench fly)"
}

test_a_model_is_found_on_the_server_that_has_it() {
  expect_equal 127.0.0.1:8001 "$(address_of_model flats-price)"
  expect_equal 127.0.0.1:8003 "$(address_of_model fashion-accurate)"
  expect_equal '' "$(address_of_model fashion)"
  expect_match "weir: no server of ./weir up has the model 'mnist'*" \
    "$(expect_failure 1 ./weir predict --model=mnist 0)"
}

# What load finds while PORT... are listened on.
servers_found() {
  bash -euo pipefail -c '
    source launcher/common.sh
    source launcher/load.sh
    listeners() { [[ " $ports " != *" $1 "* ]] || echo 1; }
    ports=$*
    listening_servers' - "$@"
}

test_load_finds_the_servers_that_answer() {
  expect_equal 127.0.0.1:8001,127.0.0.1:8003 "$(servers_found 8001 8003 9400)"
  expect_equal '' "$(servers_found)"
}

test_a_taken_port_names_its_program() {
  local text port
  coproc LISTENER { exec python3 -c '
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
sys.stdin.read()'; }
  read -r port <&"${LISTENER[0]}"
  text=$(expect_failure 1 require_free_ports fast "$port" server some-model)
  expect_match "weir: port $port, which fast needs, is taken by python* (pid $LISTENER_PID)" "$text"
  text=$(expect_failure 1 require_free_ports gateway 1 gateway "$port")
  expect_match "weir: port $port, which gateway needs, is taken by python*" "$text"
  eval "exec ${LISTENER[1]}>&-"
  wait "$LISTENER_PID"
  require_free_ports fast "$port" server some-model
}

test_a_stale_pid_is_nobody() {
  mkdir -p "$WEIR_STATE_DIR"
  echo "$$ 1" >"$WEIR_STATE_DIR/fast.pid" # this process, but started at another time
  echo "999999999 1" >"$WEIR_STATE_DIR/balanced.pid"
  : >"$WEIR_STATE_DIR/accurate.pid"
  expect_equal '' "$(running_services)"
  expect_equal 'weir: nothing is up' "$(./weir down 2>&1)"
}

test_down_ends_what_runs() {
  mkdir -p "$WEIR_STATE_DIR"
  sleep 300 &
  echo "$! $(start_time $!)" >"$WEIR_STATE_DIR/balanced.pid"
  expect_match 'weir: already up (balanced; logs in *); *' "$(expect_failure 1 ./weir up)"
  expect_equal 'weir: stopped balanced' "$(./weir down 2>&1)"
  expect_equal '' "$(start_time $!)"
  [[ ! -e $WEIR_STATE_DIR/balanced.pid ]]
}

# obey NAME: a service that writes its name into the file order when it is told to end.
obey() {
  local pid
  read -r pid < <(exec bash -c \
    "trap 'kill \$!; echo $1 >>$tmp/order; exit' TERM; sleep 300 >/dev/null & echo \$\$; wait")
  echo "$pid $(start_time "$pid")" >"$WEIR_STATE_DIR/$1.pid"
}

test_the_gateway_ends_after_the_servers() {
  mkdir -p "$WEIR_STATE_DIR"
  obey gateway
  obey accurate
  expect_equal 'weir: stopped gateway, accurate' "$(./weir down 2>&1)"
  expect_equal $'accurate\ngateway' "$(<"$tmp/order")"
}

# What up does while it follows: the gateway ends at once, whenever it is started.
test_a_gateway_that_ends_is_started_again_every_few_seconds() {
  local text
  mkdir -p "$WEIR_STATE_DIR"
  text=$(bash -euo pipefail -c '
    source launcher/common.sh
    source launcher/up.sh
    start_gateway() { spawn "$1" echo "at $SECONDS" && wait; }
    for SECONDS in 100 101 104 105 106 111; do each_of gateway keep_running; done' 2>&1)
  expect_equal 3 "$(grep -c '^weir: gateway ended; the servers go on' <<<"$text")"
  expect_equal $'at 100\nat 105\nat 111' "$(<"$WEIR_STATE_DIR/gateway.log")"
}

# up SCRIPT: runs SCRIPT with the functions of up.
up() {
  bash -euo pipefail -c "source launcher/common.sh; source launcher/up.sh; $1"
}

test_what_watches_ends_before_what_it_watches() {
  rm -f "$tmp/order"
  mkdir -p "$WEIR_STATE_DIR"
  obey gateway
  obey fast
  obey alertmanager
  obey prometheus
  expect_equal 'weir: stopped gateway, fast, alertmanager, prometheus' "$(./weir down 2>&1)"
  expect_equal $'prometheus\nalertmanager\nfast\ngateway' "$(<"$tmp/order")"
}

test_monitoring_that_is_not_installed_is_gone_without() {
  local script
  # shellcheck disable=SC2016  # for the shell that runs it
  script='alertmanager_program() { :; }
    prometheus_program() { echo /usr/bin/prometheus; }
    grafana_home() { :; }
    want_monitoring
    echo "${WANTED[*]}"'
  expect_equal "weir: going without alertmanager, which is not installed (./weir deps monitoring)
gateway server prometheus" "$(WEIR_SKIP_DEPS=1 up "$script" 2>&1)"
}

test_alertmanager_alone_has_the_token() {
  local script
  # shellcheck disable=SC2016
  script='keep_alert_settings
    spawn() { echo "$1: $(env | grep -c secret)"; }
    each_of gateway start_gateway
    each_of prometheus start_prometheus
    each_of alertmanager start_alertmanager
    each_of server start_server'
  expect_equal $'gateway: 0\nprometheus: 0\nalertmanager: 2\nfast: 0\nbalanced: 0\naccurate: 0' \
    "$(WEIR_TELEGRAM_TOKEN=secret WEIR_ALERT_WEBHOOK=http://secret up "$script")"
}

test_up_says_who_is_told() {
  mkdir -p "$WEIR_STATE_DIR"
  expect_equal '' "$(up show_who_is_told)"
  printf 'weir: alerts go to nobody\nts=1 level=warn\nweir: alerts go to Telegram\n' \
    >"$WEIR_STATE_DIR/alertmanager.log"
  expect_equal 'alerts go to Telegram' "$(up show_who_is_told)"
}

# answering STATUS: a server that answers so, once, and its port.
answering() {
  python3 -c '
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
for status in sys.argv[1:]:
    connection, _ = listener.accept()
    for line in connection.makefile():
        if not line.strip(): break
    connection.sendall(f"HTTP/1.0 {status} Maybe\r\n\r\n".encode())
    connection.close()' "$@"
}

test_a_service_is_awaited_until_it_answers_well() {
  local port
  read -r port < <(answering 503 503 200)
  up "await_http $port /-/ready"
  read -r port < <(answering 503)
  expect_equal 'HTTP/1.0 503 Maybe' "$(up "http_status $port /" | tr -d '\r')"
}

test_a_taken_port_of_what_watches_says_how_to_go_without() {
  # shellcheck disable=SC2317  # require_free_ports calls it
  listeners() { echo 1; }
  expect_match 'weir: port 9090, which prometheus needs, is taken by *; ./weir up --no-monitoring goes without' \
    "$(expect_failure 1 require_free_ports prometheus 9090 prometheus -)"
}

test_a_server_that_ends_stops_the_others() {
  mkdir -p "$WEIR_STATE_DIR"
  expect_equal 'weir: fast ended; stopping the others' "$(expect_failure 1 bash -c '
    source launcher/common.sh
    source launcher/up.sh
    follow_log() { :; }
    follow')"
}

failures=0
for test in $(compgen -A function test_); do
  status=0
  (set -e; "$test") >"$tmp/output" 2>&1 & # In the background set -e holds in the function.
  wait $! || status=$?
  if ((status == 0)); then
    echo "ok      ${test#test_}"
  else
    echo "FAILED  ${test#test_}"
    sed 's/^/        /' "$tmp/output"
    failures=$((failures + 1))
  fi
done
((failures == 0))
