# nfs-stories.sh - sourced by nfs.sh: what happens in each story, and which
# there are.
# shellcheck shell=sh

# Who claims what, and nothing goes wrong: a daemon on the server, orders from
# one client, workers on both.
claims() {
	daemon srv
	orders c1 "$ORDERS"
	worker c1
	worker c2
	all_over
	both_ran
}

# Else it was no race.
both_ran() {
	for _h in c1 c2; do
		[ -n "$(find "$R/ran" -name "*.$_h")" ] || broken "$_h ran nothing"
	done
}

mounted() { # VERSION [OPTIONS]
	nfs_mount c1 "$1" "${2:-}" && nfs_mount c2 "$1" "${2:-}" || {
		echo "FAIL nfs: no mount vers=$1 ${2:-}"
		return 1
	}
}

tell_all() {
	if mounted 4.2; then
		story claims-4.2 "${NFS_RUNS:-2}" claims
	fi
}
