#!/bin/sh
# powercut.sh [powercut|nosync] - filesystems that lose their power under real
# programs (powercut.py has what happens and what is held), and which fsync is
# for what (nosync.py).  Needs root, loop devices, and room in /dev/shm.
#
#	POWERCUT_CUTS	how many in all (3000), or nosync: for a call on each
#			filesystem (40)
#	POWERCUT_SEED	of the dice (the time)
set -u
: "${TOP:?}" "${BIN:?}"
PYTHON=${PYTHON:-/usr/bin/python3}
what=${1:-powercut}
seed=${POWERCUT_SEED:-$(date +%s)}
lack() { echo "SKIP $what: $*"; exit 0; }
[ "$(id -u)" = 0 ] || lack 'needs root, to mount'
[ -x "$PYTHON" ] || lack 'needs python3'
[ -e /dev/loop-control ] || lack 'needs loop devices'
[ "$(df -Pm /dev/shm | awk 'NR == 2 {print $4}')" -gt 1500 ] ||
    lack 'needs 1.5 GB free in /dev/shm'
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
case $what in
powercut)
	if "$PYTHON" "$TOP/tests/labs/powercut.py" --seed "$seed" \
	    --cuts "${POWERCUT_CUTS:-3000}" --lanes 2 >"$T/out"; then
		sed 's/^SKIP/# SKIP/' "$T/out" >&2
		sed -n 's/^SKIP/&/p; s/\(.*\) kept$/ok   powercut.\1/p' "$T/out" |
		    sed 's/^ok   powercut.\([^ ]*\) \(.*\)/ok   powercut.\1: \2/'
	else
		cat "$T/out" >&2
		echo "FAIL powercut: a promise was broken, see above"
	fi
	;;
nosync)
	${CC:-cc} -O1 -shared -fPIC -o "$T/nosync.so" "$TOP/tests/shim/nosync.c" || exit 1
	(cd "$T" && make -j2 -f "$TOP/Makefile" O=build/sites \
	    CFLAGS='-O1 -g -fno-optimize-sibling-calls -fno-inline' programs \
	    build/sites/model build/sites/helpers/unsaid) >"$T/log" 2>&1 || {
		tail -n 20 "$T/log" >&2
		echo 'FAIL nosync: does not build'
		exit 1
	}
	BIN=$T/build/sites SHIM=$T/nosync.so "$PYTHON" "$TOP/tests/labs/nosync.py" \
	    --seed "$seed" --cuts "${POWERCUT_CUTS:-40}" | tee "$T/out" >&2
	echo "ok   nosync: $(grep -c ' | ' "$T/out") calls," \
	    "$(grep -c ' | [0-9k-][^|]* | [0-9]' "$T/out") seen by a power cut," \
	    "$(grep -c ' | [0-9]* | ' "$T/out") by the model"
	;;
esac
