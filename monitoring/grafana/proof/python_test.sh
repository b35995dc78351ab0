#!/bin/sh
# Runs a Python test, given by its path.
exec /usr/bin/python3 -B "$@"
