# ./weir load: puts load on what ./weir up started.
# shellcheck shell=bash

# shellcheck source=launcher/build.sh
source "$WEIR_ROOT/launcher/build.sh"
# shellcheck source=launcher/services.sh
source "$WEIR_ROOT/launcher/services.sh"

# load [SCENARIO] [--FLAG...]: the words go to the program; relative paths start where the user is.
command_load() {
  local targets needs_servers=yes word
  for word in "$@"; do
    case $word in
      --targets | --targets=* | --list | --help | --help=* | -h) needs_servers='' ;;
    esac
  done
  targets=$(listening_servers)
  if [[ -n $needs_servers && -z $targets ]]; then
    usage_error "no server of ./weir up answers; start them with ./weir up," \
      "or name others with --targets=HOST:PORT"
  fi
  build //loadgen:weir-loadgen
  exec "$WEIR_ROOT/bazel-bin/loadgen/weir-loadgen" ${targets:+--targets="$targets"} \
    --scenarios="$WEIR_ROOT/loadgen/scenarios" "$@"
}

# Prints the addresses of the servers that listen, with commas between them.
listening_servers() {
  local addresses
  addresses=$(each_of server _print_if_listening)
  echo "${addresses//$'\n'/,}"
}

_print_if_listening() {
  [[ -z $(listeners "$2") ]] || echo "127.0.0.1:$2"
}
