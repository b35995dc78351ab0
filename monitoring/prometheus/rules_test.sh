#!/bin/sh
# The rules do what their tests say, and no rule lacks a test, a page or a metric.
set -eu
here=$(dirname "$0")
promtool check config "$here/prometheus.yml"
printf '%s\n' "$here"/tests/*.yml | xargs -n 1 -P "$(nproc)" promtool test rules
exec /usr/bin/python3 -B "$here/rules_test.py"
