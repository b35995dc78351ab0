#!/bin/sh
# Runs a Python test file, given by its path, with Debian's Python: it has torch and scikit-learn.
exec /usr/bin/python3 -B "$@"
