#!/bin/sh
# Runs a Python test file, given by its path, with Debian's Python.
exec /usr/bin/python3 -B "$@"
