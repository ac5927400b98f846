#!/usr/bin/env bash
# What delayer is for, in a quarter of a minute: orders that nobody pays close themselves, also where closing one fails.
# Runs on the store that DELAYER_STORE names, else on an embedded one of its own, which it removes.
# With --redis it starts a redis-server of its own, and a daemon beside it.
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

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\033[1m' plain=$'\033[0m'; fi
say() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

delayer() { node "$here/bin/run.js" "$@"; }

# An argument as a person would type it: in single quotes where the shell would read more into it.
quoted() {
  if [[ $1 =~ ^[A-Za-z0-9_.,:=@%/+-]+$ ]]; then printf '%s' "$1"; else printf "'%s'" "${1//\'/\'\\\'\'}"; fi
}
show() {
  local word line='$ delayer'
  for word in "$@"; do line+=" $(quoted "$word")"; done
  echo "$line"
  delayer "$@"
}

# The commands alone: the library and the help are not shown.
(cd "$here" && npm run --silent build:cli) >"$work/build.log" 2>&1 || {
  cat "$work/build.log" >&2
  exit 1
}

# Names of its own, in case the store has other jobs.
topic=close_order_$$ prefix=$$-
if [ "${1:-}" = --redis ]; then
  bash "$here/scripts/ensure-redis.sh"
  "${REDIS_SERVER:-redis-server}" --port 0 --unixsocket "$work/redis.sock" --dir "$work" --appendonly yes >"$work/redis.log" &
  background=($! "${background[@]}") # ended last first
  until [ -S "$work/redis.sock" ]; do sleep 0.05; done
  export DELAYER_STORE="redis+unix://$work/redis.sock"
fi
if [ -z "${DELAYER_STORE:-}" ]; then
  topic=close_order prefix=''
  export DELAYER_STORE="sqlite:$work/queue.db"
  say 'Jobs are in a file here: no server, no daemon.'
else
  say 'Jobs are in the store that DELAYER_STORE names; the daemon makes them ready when they are due.'
  # Not by the function: its process would be the shell's child, and outlive it.
  node "$here/bin/run.js" serve &
  background=($! "${background[@]}")
fi

say 'Four orders are made. A job for each is due in a few seconds, to close the order if it is not paid.'
for order in 31:2 32:10 33:1 34:3; do
  number=${order%:*}
  show push "$topic" "{\"orderID\":$number}" --id "$prefix$number" --delay "${order#*:}s"
done

say 'The topic has four jobs, each with its due time.'
show inspect "$topic"

say 'Order 32 is paid: its job is removed before it is due.'
show remove "${prefix}32"

say 'A program closes an order: the body is on its stdin. The shop is down at first, and does not know order 34.'
cd "$work"
cat >close-order <<'END'
#!/bin/sh
case $DELAYER_ID in
  *33) [ "$DELAYER_ATTEMPT" -gt 2 ] || { echo 'the shop does not answer' >&2; exit 1; } ;;
  *34) [ -e known ] || { echo 'no such order' >&2; exit 65; } ;;
esac
echo "$(date +%T) closed $(cat) at attempt $DELAYER_ATTEMPT"
END
chmod +x close-order
cat close-order

say 'A worker takes what is due, every second for 5 seconds. A failed job is tried again; exit code 65 makes it a dead letter.'
handle() {
  local code=0
  show drain "$topic" --loop --step 1 --for "$1" --backoff 500ms..2s --exec ./close-order 2>&1 || code=$?
  echo "exit code $code"
}
handle 5 | tee first
[ "$(tail -n 1 first)" = 'exit code 4' ] # A job was not done.

say 'Order 34 is a dead letter, which is kept with the reason.'
show inspect "$topic" --state dead

say 'The shop learns of order 34, and its job is requeued: it is closed now.'
touch known
show requeue "${prefix}34"
handle 1 | tee second
[ "$(tail -n 1 second)" = 'exit code 0' ]

say 'Order 31 was paid too late: its job is gone, and remove says so with exit code 1.'
show remove "${prefix}31" && exit 1

closed=$(cat first second | grep -c ' closed ')
say "$closed orders were closed, one was paid in time."
[ "$closed" = 3 ]
