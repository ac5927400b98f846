#!/usr/bin/env bash
# Checks everything but what the tests do: format, lint, directions between folders, types, scripts for Redis.
# With --build it builds as well. eslint takes half of the time, so it runs beside all the rest.
set -euo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/node_modules/.bin:$PATH

# What is generated has types that eslint asks for.
npm run --silent generate
eslint . &
lint=$!
# Where another check fails first, nobody waits for it.
trap 'kill "$lint" 2>/dev/null || true' EXIT

if [ "${1:-}" = --build ]; then npm run --silent build; fi
prettier --check --log-level warn .
depcruise --output-type err src
tsc
npm run --silent check:lua
wait "$lint"
