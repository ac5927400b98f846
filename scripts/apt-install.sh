# Sourced by the scripts that make sure of a tool: apt_install PACKAGE, or the end with what to do instead.

give_up() {
  echo "$*" >&2
  exit 1
}

# Installs a package of Debian's without leaving a service running.
apt_install() {
  local package=$1 as_root=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || give_up "Run as root: apt-get install $package"
    as_root=(sudo)
  fi
  echo "Installing $package with apt-get …" >&2
  # A policy of 101 forbids the package to start its service; the one that was there before stays.
  local policy=/usr/sbin/policy-rc.d has_own_policy=
  if [ ! -e "$policy" ]; then
    has_own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod +x "$policy"
  fi
  local failed=
  "${as_root[@]}" apt-get update -qq &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install -y -qq --no-install-recommends "$package" >/dev/null || failed=yes
  [ -z "$has_own_policy" ] || "${as_root[@]}" rm -f "$policy"
  [ -z "$failed" ] || give_up "apt-get could not install $package."
  if command -v systemctl >/dev/null; then
    "${as_root[@]}" systemctl disable "$package" >/dev/null 2>&1 || true
  fi
}
