#!/usr/bin/env bash
# The documents say what is so: README shows the examples as they stand in examples/, and the page
# of a program has exactly its flags.
set -uo pipefail
failed=0

# block FILE LANGUAGE: the first fenced block of that language.
block() { awk -v fence="\`\`\`$2" '$0 == fence {on = 1; next} /^```$/ && on {exit} on' "$1"; }

expect_same() {
  if diff -u "$2" "$3"; then
    echo "ok: $1"
  else
    echo "FAILED: $1"
    failed=1
  fi
}

expect_same "README shows examples/predict.py" <(block README.md python) examples/predict.py
expect_same "README shows examples/predict.cc" <(block README.md cpp) examples/predict.cc
for program in server gateway loadgen; do
  expect_same "docs/weir-$program.md has the flags of weir-$program" \
    <(sed -n 's/^| .--\([a-z_]*\)..*/\1/p' "docs/weir-$program.md" | sort) \
    <("$program/weir-$program" --help | sed -n 's/^ *--\([a-z_]*\) (.*/\1/p' | sort)
done
if grep -nE '@[A-Z]+@' README.md; then
  echo "FAILED: README has a gap"
  failed=1
fi
exit "$failed"
