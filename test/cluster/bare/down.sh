#!/bin/bash
# Takes the cluster down; waits for any other cluster command to end first.
. "$(dirname "$0")/settings.sh"
[ "$(id -u)" = 0 ] || die "the bare provider's cluster is root's: run as root"
lock
"$BARE/remove.sh"
