#!/usr/bin/env bash
# Makes sure that there is a redis-server of at least 6.2 for the tests and the bench: the one that
# REDIS_SERVER names, else the one on the PATH, else Debian's, installed without leaving a service running.
set -euo pipefail

server=${REDIS_SERVER:-redis-server}

new_enough() {
  local version
  version=$("$server" --version 2>/dev/null | sed -n 's/.*v=\([0-9]*\.[0-9]*\).*/\1/p') || return 1
  [ -n "$version" ] && [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -n 1)" = 6.2 ]
}

give_up() {
  echo "delayer's tests need redis-server 6.2 or later, and this machine has none. $1" >&2
  exit 1
}

new_enough && exit 0
[ -z "${REDIS_SERVER:-}" ] || give_up "REDIS_SERVER names $REDIS_SERVER, which is none."
command -v apt-get >/dev/null || give_up 'Install Redis (https://redis.io/docs/latest/operate/oss_and_stack/install/), or name it with REDIS_SERVER.'

as_root=()
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null || give_up 'Run as root: apt-get install redis-server'
  as_root=(sudo)
fi

echo 'Installing redis-server with apt-get …' >&2
# A policy of 101 forbids the package to start its service; the one that was there before comes back.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod +x "$policy"
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
fi
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends redis-server >/dev/null
if command -v systemctl >/dev/null; then
  "${as_root[@]}" systemctl disable redis-server >/dev/null 2>&1 || true
fi
new_enough || give_up "Debian's is older. Install a newer one, and name it with REDIS_SERVER."
