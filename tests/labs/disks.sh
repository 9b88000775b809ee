#!/bin/sh
# disks.sh [SWEEP...] - each program with a disk that fails at each of its
# changes in turn (tests/disk/sweep.py), for each reason, once and until it is
# mended; under the sanitizers at every DISKS_STRIDE-th (7).
set -u
: "${TOP:?}" "${BIN:?}"
PYTHON=${PYTHON:-/usr/bin/python3}
[ -x "$PYTHON" ] || { echo 'SKIP disks: needs python3'; exit 0; }
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
SHIM=$T/bad.so
export SHIM BIN
${CC:-cc} -O1 -shared -fPIC -o "$SHIM" "$TOP/tests/shim/baddisk.c" || exit 1
[ $# -gt 0 ] || set -- submit pack worker spoold
"$PYTHON" "$TOP/tests/disk/sweep.py" --dir "$T" "$@" | sed 's/^ok   /&disks./; s/^FAIL /&disks./'
if [ -x "$BIN/../san/workerd" ]; then
	BIN=$BIN/../san ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 \
	    "$PYTHON" "$TOP/tests/disk/sweep.py" --dir "$T" --stride "${DISKS_STRIDE:-7}" \
	    --errno ENOSPC,EIO,EMFILE "$@" | sed 's/^ok   /&disks.san./; s/^FAIL /&disks.san./'
fi
