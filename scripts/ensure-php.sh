#!/usr/bin/env bash
# Makes sure that there is a PHP that can open SQLite files through PDO, for the tests of docs/handlers.md. Where it
# cannot be installed, those tests are pending and say why.
set -euo pipefail
. "$(dirname "$0")/apt-install.sh"

has_sqlite() {
  php -r 'exit(in_array("sqlite", class_exists("PDO") ? PDO::getAvailableDrivers() : [], true) ? 0 : 1);'
}

command -v php >/dev/null && has_sqlite && exit 0
command -v apt-get >/dev/null || exit 0
command -v php >/dev/null || (apt_install php-cli) || exit 0
(apt_install php-sqlite3) || exit 0
has_sqlite || echo "PHP cannot open SQLite files through PDO, though php-sqlite3 is installed." >&2
