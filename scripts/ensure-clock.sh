#!/usr/bin/env bash
# Makes sure that the library is there by which tests move the clock of a redis-server, and prints its path.
# It is compiled from test/support/clock.c once for each state of that file; where there is no C compiler,
# Debian's is installed.
set -euo pipefail
cd "$(dirname "$0")/.."

source=test/support/clock.c
cache=node_modules/.cache/delayer

give_up() {
  echo "delayer's tests move the clock of redis-server, and cannot do so on this machine. $1" >&2
  exit 1
}

[ "$(uname -s)" = Linux ] || give_up 'The library for it (test/support/clock.c) is for Linux.'

hash=$(sha256sum "$source" | cut -c 1-12)
library=$PWD/$cache/clock-$hash-$(uname -m).so

find_compiler() {
  for compiler in cc gcc clang; do
    # A compiler without the headers of the C library is of no use.
    if echo '#include <time.h>' | "$compiler" -fsyntax-only -xc - 2>/dev/null; then return; fi
  done
  return 1
}

install_compiler() {
  command -v apt-get >/dev/null || give_up 'Install a C compiler (cc, gcc or clang) and the headers of the C library.'
  local as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || give_up 'Run as root: apt-get install gcc libc6-dev'
    as_root=(sudo)
  fi
  echo 'Installing gcc with apt-get …' >&2
  "${as_root[@]}" apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends gcc libc6-dev >/dev/null
}

if [ ! -e "$library" ]; then
  find_compiler || { install_compiler && find_compiler; } || give_up 'There is no C compiler that works.'
  mkdir -p "$cache"
  # Compiled beside and then renamed: two runs at a time do not meet half a library.
  "$compiler" -shared -fPIC -O2 -Wall -Wextra -o "$library.$$" "$source" >&2
  mv "$library.$$" "$library"
fi
echo "$library"
