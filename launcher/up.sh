# ./weir up: builds, starts the services, waits until they are healthy, follows their logs.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"
# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

readonly START_SECONDS=60

command_up() {
  local detach='' running
  while (($# > 0)); do
    case $1 in
      --detach | -d) detach=yes ;;
      *) usage_error "up takes --detach only, not '$1'" ;;
    esac
    shift
  done
  mkdir -p "$STATE_DIR"
  # Two `up` at once would start everything twice.
  exec {UP_LOCK}>"$STATE_DIR/lock"
  running=$(running_services | tr '\n' ' ')
  if [[ -n $running ]] || ! flock --nonblock "$UP_LOCK"; then
    die "already up${running:+ (${running% })}; ./weir down stops it"
  fi
  each_service require_free_port
  build //server:weir-server //client:weir-health //client:weir-predict

  trap stop_services EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  say "starting; logs are in $STATE_DIR"
  each_service start_service
  each_service await_service
  show_addresses
  if [[ -n $detach ]]; then
    trap - EXIT
    echo "Stop it with ./weir down"
  else
    echo "Ctrl-C stops it. What follows are the logs."
    follow
  fi
}

start_service() {
  local name=$1 port=$2 kind=$3 detail=$4
  "start_$kind" "$name" "$port" "$detail"
}

# Runs COMMAND... as service NAME: in a session of its own, so that neither Ctrl-C nor the end of
# this shell reaches it.
spawn() {
  local name=$1 pid
  shift
  (
    cd "$WEIR_ROOT" && exec setsid "$@" >"$STATE_DIR/$name.log" 2>&1 </dev/null {UP_LOCK}>&-
  ) &
  pid=$!
  PIDS[$name]=$pid
  echo "$pid $(start_time "$pid")" >"$STATE_DIR/$name.pid"
}
declare -A PIDS=()

start_server() {
  spawn "$1" bazel-bin/server/weir-server --model_repository=models/repository --port="$2" \
    --models="$3"
}

# Waits until the service is healthy; ends the program when it has ended or stays unwell.
await_service() {
  local name=$1 port=$2 kind=$3 ended='' waiter message=$STATE_DIR/health
  "await_$kind" "$port" >"$message" 2>&1 &
  waiter=$!
  if ! wait -n -p ended "${PIDS[$name]}" "$waiter" || [[ $ended != "$waiter" ]]; then
    if [[ $ended == "$waiter" ]]; then
      say "$name is not healthy after $START_SECONDS s: $(<"$message")"
    else
      kill "$waiter" 2>/dev/null || true
      say "$name ended while starting"
    fi
    show_log_end "$name"
    exit 1
  fi
  rm -f "$message"
}

await_server() {
  "$WEIR_ROOT/bazel-bin/client/weir-health" --address="127.0.0.1:$1" --timeout="${START_SECONDS}s"
}

show_log_end() {
  say "the end of $STATE_DIR/$1.log:"
  tail -n 15 "$STATE_DIR/$1.log" | sed 's/^/    /' >&2
}

show_addresses() {
  printf '\n  %-10s %-16s %s\n' name address models
  each_service _show_address
  printf '\nTry: ./weir predict --model=fashion-fast 0\n'
}

_show_address() {
  printf '  %-10s %-16s %s\n' "$1" "127.0.0.1:$2" "${4//,/, }"
}

# Shows the logs until a signal, or until a service ends.
follow() {
  local name ended=''
  trap 'say stopping; exit 0' INT TERM
  for name in "${!PIDS[@]}"; do
    tail --lines=+1 --follow --pid="${PIDS[$name]}" --sleep-interval=0.2 "$STATE_DIR/$name.log" |
      sed --unbuffered "s/^/$(printf '%-8s' "$name") | /" &
  done
  wait -n -p ended "${PIDS[@]}" || true
  for name in "${!PIDS[@]}"; do
    [[ ${PIDS[$name]} == "$ended" && -f $STATE_DIR/$name.pid ]] || continue
    say "$name ended; stopping the others"
    show_log_end "$name"
    exit 1
  done
  say "stopped by ./weir down"
}
