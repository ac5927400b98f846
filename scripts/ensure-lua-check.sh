#!/usr/bin/env bash
# Makes sure that there is a luacheck for `npm run check`: the one on the PATH, else Debian's.
set -euo pipefail
. "$(dirname "$0")/apt-install.sh"

command -v luacheck >/dev/null && exit 0
command -v apt-get >/dev/null ||
  give_up 'npm run check needs luacheck: https://github.com/lunarmodules/luacheck (luarocks install luacheck).'
apt_install lua-check
