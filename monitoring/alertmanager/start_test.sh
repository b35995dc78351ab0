#!/usr/bin/env bash
# Tests of start.sh, with a program in Alertmanager's place that shows what it was given; amtool reads
# what was written. Each test is a function test_<sentence>; it fails where a command of it fails.
set -euo pipefail

tmp=${TEST_TMPDIR:-$(mktemp -d)}
unset WEIR_TELEGRAM_TOKEN WEIR_TELEGRAM_TOKEN_FILE WEIR_TELEGRAM_CHAT WEIR_TELEGRAM_API WEIR_ALERT_WEBHOOK
readonly TOKEN=424242:AAF-secret_1 CHAT=-1001234 WEBHOOK='https://example.com/alerts?key=k-secret&a=1'

# start SETTING=VALUE... [COMMAND...]: what start.sh and COMMAND print; COMMAND is true if there is none.
start() {
  local settings=()
  while [[ ${1:-} == *=* ]]; do
    settings+=("$1")
    shift
  done
  (($# > 0)) || set -- true
  env "${settings[@]}" sh monitoring/alertmanager/start.sh "$tmp/state" "$@" 2>&1
}

with_telegram() { start "WEIR_TELEGRAM_TOKEN=$TOKEN" "WEIR_TELEGRAM_CHAT=$CHAT" "$@"; }

# refused SETTING=VALUE...: what start.sh says; it must end with 1 and start nothing.
refused() {
  local text status=0
  text=$(start "$@" echo started) || status=$?
  echo "$text"
  [[ $status == 1 && $text != *started* ]] || { echo "exit status $status" && return 1; }
}

expect_equal() {
  [[ $1 == "$2" ]] || { printf 'wanted: %s\ngot:    %s\n' "$1" "$2" && return 1; }
}

# expect_valid TELEGRAMS WEBHOOKS: that the configuration is one, with so many ways of telling.
expect_valid() {
  local file=$tmp/state/alertmanager.yml
  amtool check-config "$file"
  expect_equal "$1 $2" "$(grep -c telegram_configs: "$file" || true) $(grep -c webhook_configs: "$file" || true)"
  # shellcheck disable=SC2016  # the file's own ${...}
  expect_equal '' "$(grep -F '${WEIR' "$file" || true)"
}

test_without_settings_nobody_is_told_and_a_line_says_how() {
  expect_equal 'weir: alerts go to nobody; WEIR_TELEGRAM_TOKEN and WEIR_TELEGRAM_CHAT would send them to Telegram (docs/alerting.md)' "$(start)"
  expect_valid 0 0
}

test_telegram_is_told() {
  expect_equal 'weir: alerts go to Telegram' "$(with_telegram)"
  expect_valid 3 0
  grep -F "bot_token: '$TOKEN'" "$tmp/state/alertmanager.yml"
  grep -F "chat_id: $CHAT" "$tmp/state/alertmanager.yml"
  grep -F "api_url: 'https://api.telegram.org'" "$tmp/state/alertmanager.yml"
}

test_a_webhook_is_told() {
  expect_equal 'weir: alerts go to the webhook; WEIR_TELEGRAM_TOKEN and WEIR_TELEGRAM_CHAT would send them to Telegram (docs/alerting.md)' \
    "$(start "WEIR_ALERT_WEBHOOK=$WEBHOOK")"
  expect_valid 0 3
  grep -F "url: '$WEBHOOK'" "$tmp/state/alertmanager.yml"
}

test_both_are_told() {
  expect_equal 'weir: alerts go to Telegram and to the webhook' "$(with_telegram "WEIR_ALERT_WEBHOOK=$WEBHOOK")"
  expect_valid 3 3
}

test_only_this_user_can_read_the_token() {
  mkdir -p "$tmp/state"
  echo old >"$tmp/state/alertmanager.yml"
  chmod 644 "$tmp/state/alertmanager.yml"
  with_telegram
  expect_equal 600 "$(stat -c %a "$tmp/state/alertmanager.yml")"
}

test_the_token_is_nowhere_else() {
  local text
  # shellcheck disable=SC2016  # for the shell that is started
  text=$(with_telegram "WEIR_ALERT_WEBHOOK=$WEBHOOK" \
    sh -c 'tr "\0" "\n" </proc/$$/environ; tr "\0" "\n" </proc/$$/cmdline' alertmanager)
  [[ $text == *--config.file=$tmp/state/alertmanager.yml* ]]
  [[ $text != *secret* ]] || { echo "$text" && return 1; }
  expect_equal "$tmp/state/alertmanager.yml" "$(grep -rlF secret "$tmp/state")"
}

test_the_log_has_neither_the_token_nor_the_webhook() {
  expect_equal "weir: alerts go to Telegram and to the webhook
to /bot<token>/sendMessage, then <webhook>, then /bot<token>/, on stderr too
with no newline" "$(with_telegram "WEIR_ALERT_WEBHOOK=$WEBHOOK" sh -c \
    "echo 'to /bot$TOKEN/sendMessage, then $WEBHOOK, then /bot$TOKEN/, on stderr too' >&2
    printf 'with no newline'" alertmanager)"
}

test_a_file_may_hold_the_token() {
  echo "$TOKEN" >"$tmp/token"
  expect_equal 'weir: alerts go to Telegram' "$(start "WEIR_TELEGRAM_TOKEN_FILE=$tmp/token" "WEIR_TELEGRAM_CHAT=$CHAT")"
  expect_valid 3 0
  printf %s "$TOKEN" >"$tmp/token"
  start "WEIR_TELEGRAM_TOKEN_FILE=$tmp/token" "WEIR_TELEGRAM_CHAT=$CHAT"
  grep -F "bot_token: '$TOKEN'" "$tmp/state/alertmanager.yml"
}

test_an_empty_file_is_no_token() {
  : >"$tmp/token"
  [[ $(start "WEIR_TELEGRAM_TOKEN_FILE=$tmp/token") == 'weir: alerts go to nobody;'* ]]
  expect_valid 0 0
}

test_a_file_that_is_not_there_is_an_error() {
  expect_equal 'weir: WEIR_TELEGRAM_TOKEN_FILE cannot be read' "$(refused "WEIR_TELEGRAM_TOKEN_FILE=$tmp/nothing")"
}

test_half_of_the_settings_is_an_error() {
  expect_equal 'weir: WEIR_TELEGRAM_CHAT is set, but no token of a bot' "$(refused "WEIR_TELEGRAM_CHAT=$CHAT")"
  expect_equal 'weir: WEIR_TELEGRAM_CHAT is no number of a chat, such as -100123456' "$(refused "WEIR_TELEGRAM_TOKEN=$TOKEN")"
}

# What is wrong may be a token all the same: it is not shown.
test_what_is_no_token_chat_or_url_is_refused_unseen() {
  local bad text
  for bad in "$TOKEN " "$TOKEN'" "$TOKEN"$'\n'"more: yaml" secret ":secret" "\${secret}"; do
    text=$(refused "WEIR_TELEGRAM_TOKEN=$bad" "WEIR_TELEGRAM_CHAT=$CHAT")
    expect_equal 'weir: WEIR_TELEGRAM_TOKEN is no token of a bot, such as 123456:ABC-def' "$text"
  done
  for bad in @channel 12a - 0 "1 2"; do
    text=$(refused "WEIR_TELEGRAM_TOKEN=$TOKEN" "WEIR_TELEGRAM_CHAT=$bad")
    expect_equal 'weir: WEIR_TELEGRAM_CHAT is no number of a chat, such as -100123456' "$text"
  done
  for bad in example.com "http://a'b" 'http://a b' http:// 'file:///etc/passwd'; do
    expect_equal 'weir: WEIR_ALERT_WEBHOOK is no URL' "$(refused "WEIR_ALERT_WEBHOOK=$bad")"
    text=$(refused "WEIR_TELEGRAM_TOKEN=$TOKEN" "WEIR_TELEGRAM_CHAT=$CHAT" "WEIR_TELEGRAM_API=$bad")
    expect_equal 'weir: WEIR_TELEGRAM_API is no URL' "$text"
  done
}

test_the_command_decides_how_it_ends() {
  local status=0
  start sh -c 'exit 7' alertmanager || status=$?
  expect_equal 7 "$status"
  with_telegram sh -c 'exit 0' alertmanager
}

# What routes and inhibits is as it stands in the file, whoever is told.
test_severities_have_receivers_of_their_own() {
  local severity
  with_telegram
  for severity in critical warning info; do
    expect_equal "$severity" "$(amtool config routes test --config.file="$tmp/state/alertmanager.yml" \
      severity="$severity" alertname=A model=m)"
  done
}

failures=0
for test in $(compgen -A function test_); do
  status=0
  rm -rf "$tmp/state"
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
