# ./weir up: builds, starts the services, waits until they are healthy, follows their logs.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"
# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"
# shellcheck source=launcher/monitoring.sh
source "$WEIR_ROOT/launcher/monitoring.sh"

readonly START_SECONDS=60
# What ends again and again is not started more often than this.
readonly RESTART_SECONDS=5
readonly COUNTS_DIR=$STATE_DIR/counts

command_up() {
  local detach='' monitoring=yes running kind
  while (($# > 0)); do
    case $1 in
      --detach | -d) detach=yes ;;
      --no-monitoring) monitoring='' ;;
      *) usage_error "up takes --detach and --no-monitoring, not '$1'" ;;
    esac
    shift
  done
  keep_alert_settings
  mkdir -p "$STATE_DIR"
  running=$(running_services)
  [[ -z $running ]] || die "already up ($running; logs in $STATE_DIR); ./weir down stops it"
  [[ -z $(pid_of up) ]] || die "another ./weir up is starting (pid $(pid_of up))"
  if [[ -n $monitoring ]]; then want_monitoring; fi
  each_wanted require_free_ports
  remember_pid up $$
  trap end_up EXIT
  trap 'exit 143' TERM
  build //server:weir-server //gateway:weir-gateway //client:weir-health //client:weir-predict
  mkdir -p "$COUNTS_DIR"
  say "starting; logs are in $STATE_DIR"
  each_wanted clear_log
  for kind in "${WANTED[@]}"; do
    each_of "$kind" "start_$kind"
    each_of "$kind" await_service
  done
  show_addresses
  if [[ -n $detach ]]; then
    trap 'rm -f "$STATE_DIR/up.pid"' EXIT
    echo "Stop it with ./weir down"
  else
    echo "Ctrl-C stops it. What follows are the logs."
    follow
  fi
}

# The kinds that are started, in this order: a server's first push finds the gateway ready, and
# Prometheus' first alert Alertmanager.
WANTED=(gateway server)

# each_wanted COMMAND...: runs COMMAND... NAME PORT KIND DETAIL for each row of these kinds.
each_wanted() {
  local kind
  for kind in "${WANTED[@]}"; do each_of "$kind" "$@"; done
}

# Whatever ends a launcher that is not detached ends its services.
end_up() {
  trap '' INT TERM
  [[ -z $(running_services) ]] || say "stopping"
  stop_services
  rm -f "$STATE_DIR/up.pid"
}

# Runs COMMAND... as service NAME: in a session of its own, so that neither Ctrl-C nor the end of
# this shell reaches it. Adds to its log.
spawn() {
  local name=$1
  shift
  (
    cd "$WEIR_ROOT" && exec setsid "$@" >>"$STATE_DIR/$name.log" 2>&1 </dev/null
  ) &
  remember_pid "$name" $!
}

clear_log() { : >"$STATE_DIR/$1.log"; }

# Reachable from this machine only, as the servers are: there is no authentication.
start_gateway() {
  spawn "$1" bazel-bin/gateway/weir-gateway --state_dir="$COUNTS_DIR/gateway" \
    --host=127.0.0.1 --http_port="$2" --grpc_port="$4"
}

# Faults on request are for load scenarios, and only for callers on this machine.
start_server() {
  spawn "$1" bazel-bin/server/weir-server --model_repository=models/repository --models="$4" \
    --host=127.0.0.1 --port="$2" --drain_timeout=$((STOP_SECONDS / 2))s \
    --gateway="$(push_address)" --replica="$1" --state_dir="$COUNTS_DIR/servers" \
    --enable_fault_injection
}

# Where the servers push to.
push_address() { each_of gateway _push_address; }
_push_address() { echo "127.0.0.1:$4"; }

# Waits until the service is healthy; ends the program when it has ended or stays unwell.
await_service() {
  local name=$1 port=$2 kind=$3 detail=$4 waiter message=$STATE_DIR/health
  "await_$kind" "$port" "$detail" >"$message" 2>&1 &
  waiter=$!
  while [[ -n $(pid_of "$name") && -n $(start_time "$waiter") ]]; do sleep 0.05; done
  if [[ -z $(pid_of "$name") ]]; then
    kill "$waiter" 2>/dev/null || true
    say "$name ended while starting"
    show_log_end "$name"
    exit 1
  elif ! wait "$waiter"; then
    say "$name is not healthy: $(<"$message")"
    show_log_end "$name"
    exit 1
  fi
}

await_server() { await_health "$1"; }
await_gateway() { await_health "$2"; }

await_health() {
  exec "$WEIR_ROOT/bazel-bin/client/weir-health" --address="127.0.0.1:$1" --timeout="${START_SECONDS}s"
}

show_log_end() {
  say "the end of $STATE_DIR/$1.log:"
  tail -n 15 "$STATE_DIR/$1.log" | sed 's/^/    /' >&2
}

show_addresses() {
  printf '\n  %-12s %-29s %s\n' name address 'what it has'
  each_wanted _show_address
  printf '\nTry: ./weir load, ./weir predict --model=fashion-fast 0\n'
  show_who_is_told
}

_show_address() {
  local name=$1 address=127.0.0.1:$2 has=${4//,/, }
  case $3 in
    server) ;;
    gateway) address=http://$address/metrics has='the metrics of all models' ;;
    prometheus) address=http://$address has='questions about them over time; /alerts' ;;
    alertmanager) address=http://$address has='alerts, for amtool' ;;
    grafana) address=http://$address has='dashboards' ;;
  esac
  printf '  %-12s %-29s %s\n' "$name" "$address" "$has"
}

# Shows the logs until a signal, or until a server ends. Whatever else ends is started again: servers
# go on without it.
follow() {
  trap 'exit 0' INT TERM
  each_wanted follow_log
  while each_wanted keep_running; do sleep 0.2; done
}

# The tail ends with the launcher, when it has shown all of the log.
follow_log() {
  tail --lines=+1 --follow --pid=$$ --sleep-interval=0.2 "$STATE_DIR/$1.log" |
    sed --unbuffered "s/^/$(printf '%-12s' "$1") | /" &
}

# keep_running NAME PORT KIND DETAIL: ends the program if a server has ended; starts anything else
# that has ended again. Nobody waits until it is healthy: that may take long, and the others find out
# by themselves.
keep_running() {
  [[ -z $(pid_of "$1") ]] || return 0
  if [[ $3 == server ]]; then
    say "$1 ended; stopping the others"
    exit 1
  fi
  ((SECONDS >= ${STARTED_AGAIN[$1]:-0} + RESTART_SECONDS)) || return 0
  STARTED_AGAIN[$1]=$SECONDS
  say "$1 ended; the servers go on, and it is started again"
  "start_$3" "$@"
}
declare -A STARTED_AGAIN=()
