#!/bin/sh
# nfs.sh [STORY...] - the three promises on a network of machines: a kernel's
# NFS server and two clients, and what happens to them.  One row a story:
#
#	lost      accepted orders of which nothing is known any more
#	double    orders with two entries, an outcome that is not their entry's,
#	          or two living workers who both say that they ended them
#	stranded  left in assigned/ when all had been given time
#	recovery  seconds until all that stood in assigned/ at the fault was over
#	          or given back: from the end of the fault, or from the fault
#	          where somebody does not come back
#
# The server (srv) has the files on its own ext4; the clients c1 and c2 run
# workers.  What jobs did they write down past the network, in ran/.
# NFS_ORDERS, NFS_RUNS; NFS_KEEP=DIR keeps what is left of a broken run.
# shellcheck disable=SC1091,SC2034
set -u
: "${TOP:?}" "${BIN:?}"
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/machines.sh"
. "$HERE/nfs-hosts.sh"
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
LEASE=5
SHARE=$LAB/share
NTH=0
FAILED=0

# ---- what stories are made of ----

# A fresh spool; its policy is for impatient people on a busy machine.
fresh() {
	NTH=$((NTH + 1))
	R=$SHARE/r$NTH
	S=/mnt/spool/s$NTH
	D=/mnt/export/s$NTH
	mkdir -p "$R/ran"
	DEAD=none
	: >"$R/accepted"
	: >"$R/recovery"
	on srv "spool init $D >/dev/null &&
echo '{\"format\":1,\"lease\":$LEASE,\"beat\":1,\"poll\":0.5,\"settle\":1,\"backoff\":0.2,\"backoffMax\":2,\"halfRename\":5}' >$D/spool.json &&
printf '%s\n' '#!/bin/sh' 'read -r h </proc/sys/kernel/hostname' \
    ': >/mnt/share/r$NTH/ran/\$SPOOL_ID.\$SPOOL_TICKET.\$h' \
    '[ -z \"\$NAP\" ] || sleep \$NAP' 'echo \"{\\\"by\\\":\\\"\$h\\\"}\"' >$D/scripts/a.sh &&
chmod 755 $D/scripts/a.sh"
}

# orders HOST N [NAP]: submitted there, one by one, so that those said to be
# accepted before a fault are.
orders() {
	on "$1" "i=0
while [ \$i -lt $2 ]; do
	echo '{\"scriptName\":\"a.sh\",\"order\":{\"attempts\":20,\"env\":{\"NAP\":\"${3:-}\"}}}'
	i=\$((i + 1))
done >/tmp/jobs.jsonl
spool -s $S submit --no-pin /tmp/jobs.jsonl >>/mnt/share/r$NTH/accepted" 180
}

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

broken() { echo "$*" >>"$R/broken"; }

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
# recovered SINCE NAME...: how long it took until these were gone
recovered() {
	_since=$1
	shift
	[ $# -gt 0 ] || broken 'nothing was held at the fault: it proves nothing'
	wait_for 180 gone "$@" || broken "still in assigned/: $*"
	echo "$(now) $_since" | awk '{printf "%.1f\n", $1 - $2}' >>"$R/recovery"
}

# ---- what came of it ----

# judge: orders lost double stranded; words into broken
judge() {
	on srv "tar -C $D -cf /mnt/share/r$NTH/spool.tar ." 120 || broken 'no copy'
	mkdir "$R/spool"
	tar -C "$R/spool" -xf "$R/spool.tar"
	(
		cd "$R/spool" || exit 1
		find new waiting assigned 'done' failed -name '[0-9][0-9].2*' |
		    sed -E 's#^([a-z]*)/.*[0-9][0-9]\.(2[^.]*)\.t([0-9]*)a[0-9]*(@([^.]*))?.*#\2 \1 \3 \5#'
	) | LC_ALL=C sort >"$R/entries"
	LC_ALL=C sort "$R/accepted" >"$R/wanted"
	cut -d' ' -f1 "$R/entries" | uniq -d >"$R/double"
	find "$R/spool/outcomes" -name '2*.json' -exec cat {} + |
	    jq -r '"\(._id) \(.run.ticket) \(.run.worker)"' | LC_ALL=C sort >"$R/outs"
	# Nobody but workers ends anything here: who committed it wrote it.
	awk 'NR == FNR {o[$1] = $2 " " $3; next}
	    ($2 == "done" || $2 == "failed") && o[$1] != $3 " " $4 {print $1}' \
	    "$R/outs" "$R/entries" >>"$R/double"
	cat "$R"/c?.log 2>/dev/null | awk -v dead="$DEAD" '
	    $2 == "work" {me = $3; sub("worker=", "", me)}
	    me ~ "^" dead "-" {next}
	    $2 == "end" && $4 == "status=200" {n[$3]++; if (n[$3] == 1) who[$3] = me}
	    $2 == "discard" {n[$3]--}
	    END {for (o in n) if (n[o] > 1) print substr(o, 7)}' >>"$R/double"
	lost=$(LC_ALL=C comm -23 "$R/wanted" - <<-X | wc -l
	$(cut -d' ' -f1 "$R/entries" | uniq)
	X
	)
	double=$(sort -u "$R/double" | wc -l)
	stranded=$(grep -c ' assigned ' "$R/entries")
	OVER=1 PATH=$BIN/helpers:$PATH xargs -r sh "$TOP/tests/promises" "$R/spool" \
	    <"$R/wanted" 2>>"$R/broken" >/dev/null
	[ "$(wc -l <"$R/wanted")" = "$ORDERS" ] || broken "accepted: $(wc -l <"$R/wanted") of $ORDERS"
	grep -hE 'Sanitizer|runtime error' "$R"/*.log >>"$R/broken"
}

# story NAME RUNS COMMAND...
story() {
	_name=$1
	_runs=$2
	shift 2
	case " $WANTED " in "  " | *" ${_name} "*) ;; *) return ;; esac
	t_orders=0 t_lost=0 t_double=0 t_stranded=0 bad=
	: >"$LAB/recovery"
	for _run in $(seq "$_runs"); do
		fresh
		"$@"
		end c1 c2 srv
		judge
		t_orders=$((t_orders + $(wc -l <"$R/wanted")))
		t_lost=$((t_lost + lost)) t_double=$((t_double + double))
		t_stranded=$((t_stranded + stranded))
		cat "$R/recovery" >>"$LAB/recovery"
		if [ "$lost$double$stranded" != 000 ] || [ -s "$R/broken" ]; then
			bad=$bad$(sed 's/^/; /' "$R/broken" 2>/dev/null | head -n 5 | tr -d '\n')
			bad=${bad:-; see above}
			[ -z "${NFS_KEEP:-}" ] || cp -r "$R" "$NFS_KEEP/$_name.$_run"
		fi
		rm -rf "$R"
		on srv "rm -rf $D"
	done
	row
}

row() {
	_r=$(sort -n "$LAB/recovery" | awk '{v[NR] = $1}
	    END {if (!NR) print "-"; else printf "%s/%s", v[int((NR + 1) / 2)], v[NR]}')
	[ -z "$bad" ] && _ok='ok  ' || _ok=FAIL
	printf '%s nfs.%-24s %4s %6s %5s %6s %8s %9s%s\n' "$_ok" "$_name" "$_runs" \
	    $t_orders $t_lost $t_double $t_stranded "$_r" "$bad"
	[ -z "$bad" ] || FAILED=1
}

WANTED=$*
wire
cp "$HERE/guest.sh" "$SHARE/"
mkdir -p "$SHARE/bin/helpers"
cp "$BIN/workerd" "$BIN/spool" "$BIN/spoold" "$SHARE/bin/"
{ nfs_disk && nfs_server fresh && nfs_client c1 11 && nfs_client c2 12; } || {
	echo 'FAIL nfs: the machines did not start'
	exit 1
}
printf '#    %-28s %4s %6s %5s %6s %8s %9s\n' story runs orders lost double stranded recovery
tell_all
[ $FAILED = 0 ]
