# Shared by all commands: messages, disk space, long steps. Expects WEIR_ROOT, the tree's root.
# shellcheck shell=bash

# Every command logs its long steps here.
# shellcheck disable=SC2034  # read by the files that source this one
readonly LOG_DIR=$WEIR_ROOT/.weir/log

say() { printf 'weir: %s\n' "$*" >&2; }

die() {
  say "$@"
  exit 1
}

usage_error() {
  say "$@"
  exit 2
}

# require_space DIR MEGABYTES PURPOSE: ends the program when DIR's file system has less.
require_space() {
  local dir=$1 needed_mb=$2 purpose=$3 blocks block_size free_mb
  while [[ ! -d $dir ]]; do dir=$(dirname "$dir"); done
  read -r blocks block_size < <(stat --file-system --format='%a %S' "$dir")
  free_mb=$((blocks * block_size / 1000000))
  ((free_mb >= needed_mb)) ||
    die "disk full: $purpose needs $needed_mb MB on the file system of $dir, $free_mb MB are free"
}

# run_logged STEP LOG COMMAND...: runs COMMAND with its output in LOG. A long step tells what it
# is doing by the log's last line: in place on a terminal, else every ten seconds.
run_logged() {
  local step=$1 log=$2 status=0 reporter
  shift 2
  mkdir -p "$(dirname "$log")"
  : >"$log"
  _report_progress "$step" "$log" &
  reporter=$!
  "$@" >"$log" 2>&1 || status=$?
  kill "$reporter" 2>/dev/null || true
  wait "$reporter" 2>/dev/null || true
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  return "$status"
}

# The reporter of run_logged; ends by itself when the launcher is gone.
_report_progress() {
  local step=$1 log=$2 began=$SECONDS interval=10 prefix='' suffix='\n' now
  if [[ -t 2 ]]; then interval=1 prefix='\r\033[K' suffix=''; fi
  while sleep "$interval" >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    now=$(tail -c 2000 "$log" | tr -d '\r' | grep -v '^[[:space:]]*$' | tail -n 1 | cut -c 1-90) || true
    printf "$prefix%s$suffix" "weir: $step, $((SECONDS - began)) s: $now" >&2
  done
}
