#!/bin/sh
# nfs-bench.sh [BENCH...] - the benches cycle, submit and noop (tests/bench/) on a
# client of a kernel's NFS server, each a kernel of its own: what of the raw
# operations' rate over that mount ours reaches.  The directories that jobs work
# in are the client's own.
#
# A table as `make bench` prints it; the network is this machine's memory, so
# the share counts, not the rate.  NFS_OPTIONS, NFS_VERSION (4.2).
# shellcheck disable=SC1091,SC2034
set -u
: "${TOP:?}" "${BIN:?}"
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/machines.sh"
. "$HERE/nfs-hosts.sh"
why=$(nfs_lack)
if [ -n "$why" ]; then
	echo "SKIP nfs-bench: $why"
	exit 0
fi
own_world "$0" "$@"

LAB=$(mktemp -d "${TMPDIR:-/tmp}/spool-lab.XXXXXX") || exit 1
trap 'rm -rf "$LAB"' EXIT
trap 'exit 130' INT TERM
GUEST_MEM=512M
[ $# -gt 0 ] || set -- cycle submit noop

wire
cp "$HERE/guest.sh" "$LAB/share/"
{ nfs_disk && nfs_server fresh && nfs_client c1 11 &&
    nfs_mount c1 "${NFS_VERSION:-4.2}" "${NFS_OPTIONS:-}"; } || {
	echo 'FAIL nfs-bench: the machines did not start'
	exit 1
}
rows=$LAB/share/rows
: >"$rows"
failed=0
for b; do
	on c1 "mkdir -p /mnt/spool/$b /tmp/work &&
BENCH_WORK=/tmp/work $BIN/bench/$b /mnt/spool/$b $BIN >>/mnt/share/rows 2>/mnt/share/$b.err" 1200 || {
		echo "FAIL nfs-bench.$b"
		tail -n 5 "$LAB/share/$b.err"
		failed=1
	}
done
echo "over NFS ${NFS_VERSION:-4.2}${NFS_OPTIONS:+ ($NFS_OPTIONS)}, loopback, two user-mode kernels"
awk -F '\t' -f "$TOP/tests/bench/table.awk" "$rows"
# A job is a claim and a commit and a process: of the former, the raw rate.
awk -F '\t' '
	$1 ~ /^no-op jobs, 2 slots/ { jobs += $3; j++ }
	$1 ~ /groups of 8 : the same, fsyncs too/ { raw += ($4 + $5) / 2; r++ }
	END {
		if (j && r)
			printf "no-op jobs, 2 slots : raw claims and commits in groups of 8, with their fsyncs  %.0f  %.0f  %.2f\n",
			    jobs / j, raw / r, jobs / j / (raw / r)
	}' "$rows"
[ $failed = 0 ] && echo 'ok   nfs-bench'
exit $failed
