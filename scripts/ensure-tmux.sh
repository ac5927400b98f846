#!/usr/bin/env bash
# Makes sure that there is a tmux, the terminal in which the tests look at what people see: the one on the PATH, else
# Debian's.
set -euo pipefail
. "$(dirname "$0")/apt-install.sh"

command -v tmux >/dev/null && exit 0
command -v apt-get >/dev/null || give_up 'The tests need tmux: https://github.com/tmux/tmux.'
apt_install tmux
