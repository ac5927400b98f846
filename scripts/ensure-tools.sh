#!/usr/bin/env bash
# Makes sure of the programs that tests hold delayer beside: those on the PATH, else Debian's. tmux is the terminal in
# which they look at what people see; zsh and fish are shells to complete in; systemd and Prometheus say whether what is
# in contrib/ is right.
set -euo pipefail
. "$(dirname "$0")/apt-install.sh"

ensure() {
  local command=$1 package=$2
  command -v "$command" >/dev/null && return
  command -v apt-get >/dev/null || give_up "The tests need $command, of Debian's package $package."
  apt_install "$package"
}

ensure tmux tmux
ensure zsh zsh
ensure fish fish
ensure systemd-analyze systemd
ensure promtool prometheus
