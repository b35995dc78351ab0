# ./weir down: stops what ./weir up started.
# shellcheck shell=bash

# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

command_down() {
  local running
  (($# == 0)) || usage_error "down takes no arguments"
  running=$(running_services)
  if [[ -z $running ]]; then
    say "nothing is up"
    return
  fi
  # A launcher that follows its services stops them itself, once.
  if ! { end_processes up && stop_services; }; then die "could not stop all of $running"; fi
  say "stopped $running"
}
