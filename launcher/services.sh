# The programs that ./weir up runs: their table, their ports, and their processes.
# A state directory holds <name>.log and <name>.pid ("<pid> <start time>") for each, and in counts/
# what they have counted, which stays when they end.
# shellcheck shell=bash

# The one place of weir's default ports. A kind says how a program is started and when it is
# ready: start_<kind> NAME PORT KIND DETAIL, await_<kind> PORT DETAIL (in a subshell of its own,
# which ends in exec).
#  name          port  kind          detail (a server's models, where the gateway takes pushes)
readonly SERVICES=(
  "gateway       9400  gateway       9401"
  "fast          8001  server        fashion-fast,flats-price,accidents-forest"
  "balanced      8002  server        fashion-balanced"
  "accurate      8003  server        fashion-accurate"
  "alertmanager  9093  alertmanager  -"
  "prometheus    9090  prometheus    -"
  "grafana       3000  grafana       -"
)

readonly STATE_DIR=${WEIR_STATE_DIR:-$WEIR_ROOT/.weir/run}
# A server finishes the requests it has before it ends, and then tells the gateway what it counted.
readonly STOP_SECONDS=20

# each_service COMMAND...: runs COMMAND... NAME PORT KIND DETAIL for each row of the table.
each_service() {
  local row fields
  for row in "${SERVICES[@]}"; do
    read -r -a fields <<<"$row"
    "$@" "${fields[@]}"
  done
}

# each_of KIND COMMAND...: the same for the rows of KIND.
each_of() {
  local kind=$1 row fields
  shift
  for row in "${SERVICES[@]}"; do
    read -r -a fields <<<"$row"
    [[ ${fields[2]} != "$kind" ]] || "$@" "${fields[@]}"
  done
}

# Prints the address of the server that has MODEL, or nothing.
address_of_model() {
  each_of server _address_if_it_has "$1"
}

_address_if_it_has() {
  local model=$1 port=$3 detail=$5
  [[ ,$detail, != *",$model,"* ]] || echo "127.0.0.1:$port"
}

# Prints all models of the table on one line.
all_models() {
  local models
  models=$(each_of server _print_models)
  echo "${models//$'\n'/, }"
}

_print_models() {
  tr ',' '\n' <<<"$4"
}

# ---- Ports

# Prints the inodes of the sockets that listen on PORT, one per line.
listeners() {
  local port
  printf -v port ':%04X' "$1"
  # Columns: local address 2, state 4 (0A is LISTEN), inode 10.
  awk -v port="$port" '$4 == "0A" && index($2, port) == length($2) - 4 { print $10 }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null || true
}

# Prints "<program> (pid <pid>)" for the one that listens on PORT, where that may be known.
port_holder() {
  local inode fd pid
  for inode in $(listeners "$1"); do
    fd=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null) || true
    [[ -n $fd ]] || continue
    pid=${fd#/proc/}
    pid=${pid%%/*}
    echo "$(<"/proc/$pid/comm") (pid $pid)"
    return
  done
  echo "a program of another user"
}

# require_free_ports NAME PORT KIND DETAIL: ends the program when something listens on a port that
# the service needs.
require_free_ports() {
  local name=$1 port ports=("$2")
  if [[ $3 == gateway ]]; then ports+=("$4"); fi
  for port in "${ports[@]}"; do
    [[ -z $(listeners "$port") ]] ||
      die "port $port, which $name needs, is taken by $(port_holder "$port")$(
        [[ $3 =~ ^(gateway|server)$ ]] || echo "; ./weir up --no-monitoring goes without"
      )"
  done
}

# ---- Processes

# Prints when process PID started, in ticks since boot; nothing when it has ended. With the pid
# this names a process for good: pids are used again.
start_time() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 0
  read -r -a fields <<<"${stat##*) }" # Behind the program's name, which may hold anything.
  [[ ${fields[0]} == [ZX] ]] || echo "${fields[19]}"
}

# remember_pid NAME PID: makes PID the process of NAME.
remember_pid() { echo "$2 $(start_time "$2")" >"$STATE_DIR/$1.pid"; }

# Prints the pid of service NAME if it runs, whoever started it.
pid_of() {
  local pid='' started=''
  if [[ -f $STATE_DIR/$1.pid ]]; then read -r pid started <"$STATE_DIR/$1.pid" || true; fi
  [[ ! $pid =~ ^[0-9]+$ || -z $started || $(start_time "$pid") != "$started" ]] || echo "$pid"
}

# Prints the names of the services that run, on one line.
running_services() {
  local names
  names=$(each_service _print_if_running)
  echo "${names//$'\n'/, }"
}

_print_if_running() {
  [[ -z $(pid_of "$1") ]] || echo "$1"
}

_print_name() { echo "$1"; }

# end_processes NAME...: SIGTERM to those that run, and SIGKILL to one that has not ended after
# STOP_SECONDS.
end_processes() {
  local name pid deadline=$((SECONDS + STOP_SECONDS))
  for name in "$@"; do
    pid=$(pid_of "$name")
    [[ -z $pid ]] || kill -TERM "$pid" || true
  done
  for name in "$@"; do
    pid=$(pid_of "$name")
    while [[ -n $pid ]] && ((SECONDS < deadline)); do
      sleep 0.05
      pid=$(pid_of "$name")
    done
    if [[ -n $pid ]]; then
      say "$name did not end within $STOP_SECONDS s; killing it (pid $pid)"
      kill -KILL "$pid" || return 1
    fi
    rm -f "$STATE_DIR/$name.pid"
  done
}

# What watches first, so that nobody is told of an end that is meant; the gateway last: it takes the
# last pushes of the servers.
stop_services() {
  local kind names
  for kind in grafana prometheus alertmanager server gateway; do
    mapfile -t names < <(each_of "$kind" _print_name)
    end_processes "${names[@]}" || return 1
  done
}
