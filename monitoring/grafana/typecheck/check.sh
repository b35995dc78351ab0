#!/usr/bin/env bash
# check.sh DIRECTORY: compares each dashboard with Grafana's own types. npm puts them into DIRECTORY
# unless they are there; package.json has their exact versions, and they depend on nothing else.
set -euo pipefail

here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
directory=$1

# Prints the dashboards as one program, which has no error if they have none.
dashboards_as_typescript() {
  local file number=0
  echo "import type { WeirDashboard } from './weir_dashboard';"
  for file in "$here"/../dashboards/*/*.json; do
    echo "// ${file#"$here/../"}"
    echo "export const board$((number++)): WeirDashboard = $(<"$file");"
  done
}

if ! cmp --silent "$here/package.json" "$directory/installed.json"; then
  rm -rf "$directory"
  mkdir -p "$directory"
  cp "$here/package.json" "$directory"
  npm install --silent --no-audit --no-fund --no-package-lock --prefix "$directory" ||
    { echo "npm could not fetch Grafana's types (is there a network?)" && exit 1; }
  cp "$here/package.json" "$directory/installed.json"
fi
cp "$here/weir_dashboard.ts" "$directory"
dashboards_as_typescript >"$directory/dashboards.ts"
"$directory/node_modules/.bin/tsc" --noEmit --strict --skipLibCheck --target es2022 --module esnext \
  --moduleResolution bundler "$directory/dashboards.ts"
