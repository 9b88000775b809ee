#!/bin/sh
# nfs.sh [STORY...] - the three promises on a network of machines: a kernel's
# NFS server and two clients, and what happens to them.  One row a story
# (verdict.sh).
#
# The server (srv) has the files on its own ext4; the clients c1 and c2 run
# workers.  What jobs did they write down past the network, in ran/.
# NFS_ORDERS, NFS_RUNS.
# shellcheck disable=SC1091,SC2034
set -u
: "${TOP:?}" "${BIN:?}"
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/machines.sh"
. "$HERE/nfs-hosts.sh"
. "$HERE/verdict.sh"
. "$HERE/nfs-stories.sh"
why=$(nfs_lack)
if [ -n "$why" ]; then
	echo "SKIP nfs: $why"
	exit 0
fi
own_world "$0" "$@"

LAB=$(mktemp -d "${TMPDIR:-/tmp}/spool-lab.XXXXXX") || exit 1
trap 'rm -rf "$LAB"' EXIT
trap 'exit 130' INT TERM
ORDERS=${NFS_ORDERS:-200}
RUNS=${NFS_RUNS:-2}
LEASE=5
LAB_NAME=nfs
SHARE=$LAB/share

# ---- what stories are made of ----

# A fresh spool; its policy is for impatient people on a busy machine.
fresh() {
	NTH=$((NTH + 1))
	R=$SHARE/r$NTH
	S=/mnt/spool/s$NTH
	D=/mnt/export/s$NTH
	mkdir -p "$R/ran"
	DEAD=none NAP='' FEWER=
	: >"$R/accepted"
	: >"$R/recovery"
	: >"$R/asked"
	on srv "spool init $D >/dev/null &&
echo '{\"format\":1,\"lease\":$LEASE,\"beat\":1,\"poll\":0.5,\"settle\":1,\"backoff\":0.2,\"backoffMax\":2,\"halfRename\":5}' >$D/spool.json &&
printf '%s\n' '#!/bin/sh' 'read -r h </proc/sys/kernel/hostname' \
    ': >/mnt/share/r$NTH/ran/\$SPOOL_ID.\$SPOOL_TICKET.\$h' \
    '[ -z \"\$NAP\" ] || sleep \$NAP' 'echo \"{\\\"by\\\":\\\"\$h\\\"}\"' >$D/scripts/a.sh &&
chmod 755 $D/scripts/a.sh"
}

# jobs N: lines of jobs that take NAP seconds, for a guest's shell
jobs() { echo "i=0
while [ \$i -lt $1 ]; do
	echo '{\"scriptName\":\"a.sh\",\"order\":{\"attempts\":20,\"env\":{\"NAP\":\"$NAP\"}}}'
	i=\$((i + 1))
done"; }

# orders HOST N: submitted there, all at once
orders() {
	echo "$2" >>"$R/asked"
	on "$1" "{ $(jobs "$2"); } >/tmp/jobs.jsonl
spool -s $S submit --no-pin /tmp/jobs.jsonl >>/mnt/share/r$NTH/accepted" 180 ||
	    broken "no submit from $1"
}

# trickle HOST N: N times five orders from now on; trickled: all are accepted
trickle() {
	echo $(($2 * 5)) >>"$R/asked"
	on "$1" "{ $(jobs 5); } >/tmp/five.jsonl
(
	k=0
	while [ \$k -lt $2 ]; do
		spool -s $S submit --no-pin /tmp/five.jsonl >>/mnt/share/r$NTH/accepted
		k=\$((k + 1))
	done
	: >/mnt/share/r$NTH/trickled
) >/mnt/share/r$NTH/trickle.log 2>&1 </dev/null &"
}
trickled() { wait_for 180 [ -e "$R/trickled" ] || broken 'submits have no end'; }

# worker HOST [options]: from now on, as a service would
worker() {
	_h=$1
	shift
	on "$_h" "setsid workerd --allow-root --cold --cgroup none --name $_h \
--work /tmp -j 4 $* $S >>/mnt/share/r$NTH/$_h.log 2>&1 </dev/null &
echo \$! >/tmp/workerd.pid"
}

daemon() { # HOST
	_d=$S
	[ "$1" != srv ] || _d=$D
	on "$1" "setsid spoold $_d >>/mnt/share/r$NTH/spoold.log 2>&1 </dev/null &
echo \$! >/tmp/spoold.pid"
}

# end HOST...: all of ours there, in good order; logs are on this machine's disk
end() {
	for _h in "$@"; do
		on "$_h" 'for p in workerd spoold; do
	[ ! -s /tmp/$p.pid ] || kill -TERM $(cat /tmp/$p.pid) 2>/dev/null
done
n=0
for p in workerd spoold; do
	while [ -s /tmp/$p.pid ] && kill -0 $(cat /tmp/$p.pid) 2>/dev/null; do
		[ $((n += 1)) -lt 300 ] || kill -KILL $(cat /tmp/$p.pid)
		sleep 0.1
	done
	rm -f /tmp/$p.pid
done
sync' || broken "$_h did not end well"
	done
}

left() { on srv "cd $D; set -- new/[0-9]* waiting/[0-9]* assigned/[0-9]*
n=0; for f; do [ ! -e \$f ] || n=\$((n + 1)); done; echo \$n"; }
left_is_0() { [ "$(left)" = 0 ] || { sleep 0.4; false; }; }
all_over() { wait_for "${1:-180}" left_is_0 || broken 'not all are over'; }

over_some() { # N: so many outcomes are there
	[ "$(on srv "cd $D; set -- outcomes/2*.json; echo \$#")" -gt "$1" ] || { sleep 0.2; false; }
}
under_way() { wait_for 120 over_some "${1:-$((ORDERS / 5))}" || broken 'it never got going'; }

# What stands in assigned/ as the server has it, or what HOST holds there.
held() { on srv "cd $D/assigned; for n in [0-9]*@${1:-}*; do [ ! -e \$n ] || echo \$n; done"; }
now() { date +%s.%N; }
gone() { on srv "cd $D/assigned; for n in $*; do [ ! -e \$n ] || exit 1; done" || { sleep 0.2; false; }; }
holding() { [ $# -gt 0 ] || broken 'nothing was held at the fault: it proves nothing'; }
# recovered SINCE NAME...: how long it took until these were gone
recovered() {
	_since=$1
	shift
	wait_for 180 gone "$@" || broken "still in assigned/: $*"
	echo "$(now) $_since" | awk '{printf "%.1f\n", $1 - $2}' >>"$R/recovery"
}

collect() {
	on srv "tar -C $D -cf /mnt/share/r$NTH/spool.tar ." 120 || broken 'no copy'
	tar -C "$1" -xf "$R/spool.tar"
}
end_all() { end c1 c2 srv; }
forget() { on srv "rm -rf $D"; }

WANTED=$*
wire
cp "$HERE/guest.sh" "$SHARE/"
mkdir -p "$SHARE/bin/helpers"
cp "$BIN/workerd" "$BIN/spool" "$BIN/spoold" "$SHARE/bin/"
{ nfs_disk && nfs_server fresh && nfs_client c1 11 && nfs_client c2 12; } || {
	echo 'FAIL nfs: the machines did not start'
	exit 1
}
heading
tell_all
[ $FAILED = 0 ]
