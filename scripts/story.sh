#!/usr/bin/env bash
# The story that delayer exists for, in half a minute: orders that nobody pays close themselves.
# Runs on the store that DELAYER_STORE names; else on an embedded one of its own, which it removes.
# With --redis it starts a private redis-server for the demo, and a daemon beside it.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
background=()
cleanup() {
  for pid in "${background[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap cleanup EXIT

delayer() { node "$here/bin/run.js" "$@"; }
tell() { printf '\n\033[1m%s\033[0m\n' "$*"; }
show() {
  printf '$ delayer'
  printf ' %q' "$@"
  printf '\n'
  delayer "$@"
}

if [ "${1:-}" = --redis ]; then
  bash "$here/scripts/ensure-redis.sh"
  "${REDIS_SERVER:-redis-server}" --port 0 --unixsocket "$work/redis.sock" --dir "$work" --appendonly yes >"$work/redis.log" &
  background=($! "${background[@]}") # ended last first
  until [ -S "$work/redis.sock" ]; do sleep 0.05; done
  export DELAYER_STORE="redis+unix://$work/redis.sock"
fi
embedded=
if [ -z "${DELAYER_STORE:-}" ]; then
  embedded=yes
  export XDG_DATA_HOME="$work"
  tell 'No DELAYER_STORE is set: the jobs are in a file, and need no server and no daemon.'
else
  tell 'The jobs are in the store that DELAYER_STORE names; delayer serve makes due ones ready.'
  # Not by the function: its process would be the shell's child, and outlive it.
  node "$here/bin/run.js" serve &
  background=($! "${background[@]}") # ended last first
fi
# A topic and ids of its own, in case the store has other jobs.
topic=close_order_$$
order() { echo "$$-$1"; }

tell 'Four orders are made. Each is to close itself if it is not paid (here after 4 to 7 seconds).'
for n in 31 32 33 34; do
  show push "$topic" "{\"orderID\":$n}" --id "$(order $n)" --delay $((n - 27))s --ttl 30s
done

tell 'An operator looks at the queue.'
show inspect "$topic"

tell 'Order 32 is paid in time: its job is removed.'
show remove "$(order 32)"

tell 'Cron closes what is due: a pass every 2 seconds, for 10.'
echo "$ delayer drain $topic --loop --step 2 --for 10 --max 10 | while read -r job; do … done"
closed=0
while read -r job; do
  echo "$(date +%T) closing $job"
  closed=$((closed + 1))
done < <(delayer drain "$topic" --loop --step 2 --for 10 --max 10)

tell 'Order 31 was closed: remove says so, with exit code 1.'
show remove "$(order 31)" && exit 1

tell "Done: $closed orders were closed, one was paid."
[ "$closed" = 3 ]
[ -z "$embedded" ] || echo 'The same on Redis takes one line: export DELAYER_STORE=redis://localhost'
