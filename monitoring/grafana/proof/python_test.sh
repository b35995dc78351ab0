#!/bin/sh
# Runs a Python test, given by its path, which finds its modules beside it: Python by itself would
# look where the links lead that Bazel makes of files.
PYTHONPATH=$(dirname "$1") exec /usr/bin/python3 -B -P "$@"
