# ./weir down: stops what ./weir up started.
# shellcheck shell=bash

# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

command_down() {
  local running
  (($# == 0)) || usage_error "down takes no arguments"
  running=$(running_services | cut -d ' ' -f 1 | tr '\n' ' ')
  if [[ -z $running ]]; then
    say "nothing is up"
    return
  fi
  stop_services || die "could not stop all of: $running"
  say "stopped ${running% }"
}
