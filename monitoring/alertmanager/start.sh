#!/bin/sh
# start.sh DIRECTORY COMMAND...: writes Alertmanager's configuration into DIRECTORY, for this user's
# eyes only, and becomes COMMAND --config.file=DIRECTORY/alertmanager.yml. Settings come from the
# environment:
#
#   WEIR_TELEGRAM_TOKEN  of a bot; or WEIR_TELEGRAM_TOKEN_FILE, a file that holds it
#   WEIR_TELEGRAM_CHAT   the number of the chat in which the bot writes
#   WEIR_TELEGRAM_API    where Telegram is, if not at https://api.telegram.org
#   WEIR_ALERT_WEBHOOK   a URL to which each notification is posted as JSON
#
# Plain sh, because this is also how Alertmanager starts in its container.
set -eu

readonly HERE="${0%/*}"

say() { echo "weir: $*" >&2; }

die() {
  say "$*"
  exit 1
}

# only CHARACTERS TEXT: whether TEXT has no other characters than those, as between [ and ].
only() {
  case $2 in
    *[!$1]*) return 1 ;;
  esac
}

is_token() {
  case $1 in
    [0-9]*:?*) only 'A-Za-z0-9:_-' "$1" ;;
    *) return 1 ;;
  esac
}

is_chat() {
  case ${1#-} in
    [1-9]*) only '0-9' "${1#-}" ;;
    *) return 1 ;;
  esac
}

is_url() {
  case $1 in
    http://?* | https://?*) only 'A-Za-z0-9:/?=&%@.,;+~_-' "$1" ;;
    *) return 1 ;;
  esac
}

# Takes the settings, and out of the environment, so that COMMAND's own has no token. Nothing passes
# that has a meaning in YAML. What is wrong is not shown: it may be a token with a blank behind it.
take_settings() {
  token=${WEIR_TELEGRAM_TOKEN:-}
  if [ -n "${WEIR_TELEGRAM_TOKEN_FILE:-}" ]; then
    [ -r "$WEIR_TELEGRAM_TOKEN_FILE" ] || die "WEIR_TELEGRAM_TOKEN_FILE cannot be read"
    read -r token <"$WEIR_TELEGRAM_TOKEN_FILE" || true # There may be no newline, and no token.
  fi
  chat=${WEIR_TELEGRAM_CHAT:-}
  api=${WEIR_TELEGRAM_API:-https://api.telegram.org}
  webhook=${WEIR_ALERT_WEBHOOK:-}
  unset WEIR_TELEGRAM_TOKEN WEIR_TELEGRAM_TOKEN_FILE WEIR_TELEGRAM_CHAT WEIR_TELEGRAM_API \
    WEIR_ALERT_WEBHOOK
  if [ -n "$chat" ] && [ -z "$token" ]; then die "WEIR_TELEGRAM_CHAT is set, but no token of a bot"; fi
  if [ -n "$token" ]; then
    is_token "$token" || die "WEIR_TELEGRAM_TOKEN is no token of a bot, such as 123456:ABC-def"
    is_chat "$chat" || die "WEIR_TELEGRAM_CHAT is no number of a chat, such as -100123456"
    is_url "$api" || die "WEIR_TELEGRAM_API is no URL"
  fi
  if [ -n "$webhook" ]; then is_url "$webhook" || die "WEIR_ALERT_WEBHOOK is no URL"; fi
}

# Prints the configuration: alertmanager.in.yml with the settings, less the ways of telling that
# nobody has set.
configuration() {
  wanted=yes
  while IFS= read -r line; do
    case $line in
      '    telegram_configs:'*) wanted=$token ;;
      '    webhook_configs:'*) wanted=$webhook ;;
      '      '*) ;;
      *) wanted=yes ;;
    esac
    if [ -n "$wanted" ]; then fill_in "$line"; fi
  done <"$HERE/alertmanager.in.yml"
}

# fill_in LINE: prints LINE with the setting that it asks for, if it does.
# shellcheck disable=SC2016  # the file's own ${...}
fill_in() {
  case $1 in
    *'${WEIR_TELEGRAM_TOKEN}'*) setting=$token ;;
    *'${WEIR_TELEGRAM_CHAT}'*) setting=$chat ;;
    *'${WEIR_TELEGRAM_API}'*) setting=$api ;;
    *'${WEIR_ALERT_WEBHOOK}'*) setting=$webhook ;;
    *)
      printf '%s\n' "$1"
      return
      ;;
  esac
  printf '%s\n' "${1%%'${'*}$setting${1#*'}'}"
}

tell_who_is_told() {
  how="WEIR_TELEGRAM_TOKEN and WEIR_TELEGRAM_CHAT"
  if [ -n "$token" ]; then
    say "alerts go to Telegram${webhook:+ and to the webhook}"
  elif [ -n "$webhook" ]; then
    say "alerts go to the webhook; $how would send them to Telegram (docs/alerting.md)"
  else
    say "alerts go to nobody; $how would send them to Telegram (docs/alerting.md)"
  fi
}

# Alertmanager 0.25 logs the URL of a request that fails, and in it the token. Copies the log without.
hide_settings() {
  while IFS= read -r line || [ -n "$line" ]; do
    line=$(replaced "$token" '<token>' "$line")
    line=$(replaced "$webhook" '<webhook>' "$line")
    printf '%s\n' "$line"
  done
}

# replaced TEXT BY LINE: prints LINE with BY for each TEXT, if there is one.
replaced() {
  before=
  after=$3
  while [ -n "$1" ] && [ "${after#*"$1"}" != "$after" ]; do
    before=$before${after%%"$1"*}$2
    after=${after#*"$1"}
  done
  printf '%s\n' "$before$after"
}

[ $# -ge 2 ] || die "start.sh takes a directory and a command"
directory=$1
shift
take_settings
umask 077
mkdir -p "$directory"
rm -f "$directory/alertmanager.yml" "$directory/log"
configuration >"$directory/alertmanager.yml"
cp "$HERE/telegram.tmpl" "$directory"
tell_who_is_told
mkfifo "$directory/log"
hide_settings <"$directory/log" &
exec 3>"$directory/log" # Waits for the reader; after that nobody needs its name.
rm "$directory/log"
exec "$@" --config.file="$directory/alertmanager.yml" >&3 2>&1 3>&-
