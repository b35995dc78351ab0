# What ./weir up starts to watch weir: Prometheus, Alertmanager, and Grafana where there is one, with
# the configuration in monitoring/ and their data in the state directory. All of them listen on this
# machine only.
# shellcheck shell=bash

# How long Prometheus keeps what it has seen.
readonly RETENTION=30d

# What monitoring/alertmanager/start.sh reads. Secrets are among them, which nobody else shall have.
readonly ALERT_SETTINGS=(WEIR_TELEGRAM_TOKEN WEIR_TELEGRAM_TOKEN_FILE WEIR_TELEGRAM_CHAT
  WEIR_TELEGRAM_API WEIR_ALERT_WEBHOOK)

# Takes them out of the environment of what is started from here on.
keep_alert_settings() { export -n "${ALERT_SETTINGS[@]}"; }

# Adds to WANTED what is installed, after installing what can be.
want_monitoring() {
  local kind
  install_packages monitoring
  for kind in alertmanager prometheus; do
    if [[ -n $("${kind}_program") ]]; then
      WANTED+=("$kind")
    else
      say "going without $kind, which is not installed (./weir deps monitoring)"
    fi
  done
  if [[ -n $(grafana_home) ]]; then WANTED+=(grafana); fi
}

prometheus_program() { command -v prometheus || true; }

# Debian has a name of its own for it.
alertmanager_program() { command -v prometheus-alertmanager || command -v alertmanager || true; }

# Prints the folder of an installed Grafana, or nothing.
grafana_home() {
  local program
  if [[ -d /usr/share/grafana ]]; then
    echo /usr/share/grafana
  elif program=$(command -v grafana-server); then
    dirname "$(dirname "$(readlink -f "$program")")"
  fi
}

start_prometheus() {
  spawn "$1" "$(prometheus_program)" --config.file=monitoring/prometheus/prometheus.yml \
    --storage.tsdb.path="$STATE_DIR/prometheus" --storage.tsdb.retention.time="$RETENTION" \
    --web.user-assets=docs/runbooks --web.listen-address="127.0.0.1:$2" --log.level=warn
}

start_alertmanager() (
  export "${ALERT_SETTINGS[@]}"
  spawn "$1" monitoring/alertmanager/start.sh "$STATE_DIR/alertmanager" "$(alertmanager_program)" \
    --storage.path="$STATE_DIR/alertmanager/data" --web.listen-address="127.0.0.1:$2" \
    --web.external-url="http://127.0.0.1:$2" --cluster.listen-address= --log.level=warn
)

# monitoring/grafana/README.md has what it needs of these. Alerts go to people by way of
# Alertmanager, so that Grafana has no token.
start_grafana() (
  local home program
  home=$(grafana_home)
  program=$(command -v grafana-server) || program=$home/bin/grafana-server
  export GF_PATHS_PROVISIONING=$WEIR_ROOT/monitoring/grafana/provisioning
  export GF_PATHS_DATA=$STATE_DIR/grafana
  export GF_PATHS_LOGS=$STATE_DIR/grafana/log
  export GF_PATHS_PLUGINS=$STATE_DIR/grafana/plugins
  export GF_SERVER_HTTP_ADDR=127.0.0.1 GF_SERVER_HTTP_PORT=$2
  export GF_LOG_MODE=console GF_LOG_LEVEL=warn
  export GF_ANALYTICS_REPORTING_ENABLED=false GF_ANALYTICS_CHECK_FOR_UPDATES=false
  export GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false
  WEIR_PROMETHEUS_URL=$(each_of prometheus _url)
  WEIR_ALERTMANAGER_URL=$(each_of alertmanager _url)
  export WEIR_PROMETHEUS_URL WEIR_ALERTMANAGER_URL WEIR_TELEGRAM_TOKEN=0:none WEIR_TELEGRAM_CHAT=0
  spawn "$1" "$program" --homepath="$home"
)

_url() { echo "http://127.0.0.1:$2"; }

await_prometheus() { await_http "$1" /-/ready; }
await_alertmanager() { await_http "$1" /-/ready; }
await_grafana() { await_http "$1" /api/health; }

# await_http PORT PATH: waits until PATH is answered with 200.
await_http() {
  local deadline=$((SECONDS + START_SECONDS)) answer=''
  while ((SECONDS < deadline)); do
    answer=$(http_status "$@" 2>/dev/null) || answer='nobody answers'
    [[ $answer != *' 200 '* ]] || return 0
    sleep 0.1
  done
  echo "$answer"
  return 1
}

# http_status PORT PATH: prints the first line of the answer.
http_status() {
  local line
  exec 3<>"/dev/tcp/127.0.0.1/$1" || return 1
  printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' "$2" >&3
  read -r -t 5 line <&3 || return 1
  echo "$line"
}

# Says whom alerts go to, in the words of start.sh.
show_who_is_told() {
  [[ ! -s $STATE_DIR/alertmanager.log ]] ||
    sed -n 's/^weir: \(alerts go to .*\)/\1/p' "$STATE_DIR/alertmanager.log" | tail -n 1
}
