#!/usr/bin/env bash
# Makes sure that there is a redis-server of at least 6.2 for the tests and the bench: the one that
# REDIS_SERVER names, else the one on the PATH, else Debian's, installed without leaving a service running.
set -euo pipefail
. "$(dirname "$0")/apt-install.sh"

server=${REDIS_SERVER:-redis-server}
needed="delayer's tests need redis-server 6.2 or later, and this machine has none."

new_enough() {
  local version
  version=$("$server" --version 2>/dev/null | sed -n 's/.*v=\([0-9]*\.[0-9]*\).*/\1/p') || return 1
  [ -n "$version" ] && [ "$(printf '6.2\n%s\n' "$version" | sort -V | head -n 1)" = 6.2 ]
}

new_enough && exit 0
[ -z "${REDIS_SERVER:-}" ] || give_up "$needed REDIS_SERVER names $REDIS_SERVER, which is none."
command -v apt-get >/dev/null ||
  give_up "$needed Install Redis (https://redis.io/docs/latest/operate/oss_and_stack/install/), or name it with REDIS_SERVER."
apt_install redis-server
new_enough || give_up "$needed Debian's is older. Install a newer one, and name it with REDIS_SERVER."
