#!/bin/sh
# uml.sh SCRIPT [ARG...] - run a script as root under a Linux of its own, with
# all that the real one may lack here; its output is ours, its exit status too.
#
# The kernel is Debian's user-mode-linux, a plain process: no KVM, no image to
# build.  Its root is this machine's "/", read-only, so every program here is
# there; /tmp, /run and /mnt are its own and start empty, /mnt/share is shared.
# GUEST_MEM is how much memory it has.
set -u
GUEST_MEM=${GUEST_MEM:-512M}

# ---- in the guest, as its first process ----
if [ $$ = 1 ]; then
	export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
	mount -t proc proc /proc
	mount -t sysfs sys /sys
	for d in /run /tmp /mnt; do mount -t tmpfs tmpfs $d; done
	mkdir /mnt/share
	mount -t hostfs -o "$GSHARE" none /mnt/share
	ip link set lo up
	cd /tmp || exit 1
	# Not by this process: the first one has no default signals.
	setsid sh /mnt/share/run >/mnt/share/out 2>&1 </dev/null &
	wait $!
	echo $? >/mnt/share/rc
	poweroff -f 2>/dev/null || echo o >/proc/sysrq-trigger
	sleep 10
	exit 0
fi

# ---- outside ----
command -v linux.uml >/dev/null || { echo 'no linux.uml (package user-mode-linux)' >&2; exit 77; }
HERE=$(cd "$(dirname "$0")" && pwd)
SHARE=$(mktemp -d)
trap 'rm -rf "$SHARE"' EXIT
trap 'exit 130' INT TERM
{
	printf "export TOP='%s' BIN='%s'\n" "${TOP:-}" "${BIN:-}"
	printf 'exec sh'
	for a in "$@"; do printf " '%s'" "$(printf %s "$a" | sed "s/'/'\\\\''/g")"; done
	echo
} >"$SHARE/run"
TMPDIR=/dev/shm timeout "${GUEST_SECONDS:-300}" linux.uml mem="$GUEST_MEM" quiet \
    root=/dev/root rootfstype=hostfs rootflags=/ ro \
    init="$HERE/uml.sh" con=null con0=null,fd:1 GSHARE="$SHARE" \
    </dev/null >"$SHARE/console" 2>&1
cat "$SHARE/out"
[ -s "$SHARE/rc" ] || { tail -n 20 "$SHARE/console" >&2; exit 1; }
exit "$(cat "$SHARE/rc")"
