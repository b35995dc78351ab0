#!/bin/sh
# The rules do what their tests say, and no rule lacks a test, a page or a metric.
set -eu
here=$(dirname "$0")
promtool check config "$here/prometheus.yml"
promtool test rules "$here"/tests/*.yml
exec /usr/bin/python3 -B "$here/rules_test.py"
