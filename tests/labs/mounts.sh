#!/bin/sh
# mounts.sh sshfs|gluster [STORY...] - the three promises where one directory is
# seen through two mounts: sshfs twice, or GlusterFS, distributed and replicated.
# One row a story (verdict.sh).
#
# Workers c1 and c2 each have a mount of their own; the daemon, where there is
# one, sits at c1's.  They are on one machine: what tells who is dead is often
# the process itself, so the lease is tried on a worker that stands still.
# MOUNT_ORDERS, MOUNT_RUNS.
# shellcheck disable=SC1091,SC2034
set -u
: "${TOP:?}" "${BIN:?}"
HERE=$(cd "$(dirname "$0")" && pwd)
. "$HERE/machines.sh"
. "$HERE/verdict.sh"
PATH=$BIN:$BIN/helpers:/usr/sbin:/sbin:$PATH
KIND=${1:?sshfs or gluster}

mounts_lack() {
	case $KIND in
	sshfs) _need='sshfs sshd ssh-keygen fusermount3' ;;
	gluster) _need='glusterd gluster glusterfs mkfs.ext4' ;;
	esac
	for _c in $_need ip unshare; do
		command -v "$_c" >/dev/null || { echo "needs $_c (tools/packages-labs)"; return; }
	done
	[ "$(id -u)" = 0 ] || { echo 'needs root'; return; }
	[ -c /dev/fuse ] || echo 'needs /dev/fuse'
}
why=$(mounts_lack)
if [ -n "$why" ]; then
	echo "SKIP $KIND: $why"
	exit 0
fi
own_world "$0" "$@"
shift

LAB=$(mktemp -d "${TMPDIR:-/tmp}/spool-lab.XXXXXX") || exit 1
trap 'down; rm -rf --one-file-system "$LAB"' EXIT
trap 'exit 130' INT TERM
ORDERS=${MOUNT_ORDERS:-300}
RUNS=${MOUNT_RUNS:-2}
LEASE=5
LAB_NAME=$KIND
WANTED=$*

# ---- the two mounts, $LAB/c1 and $LAB/c2; $SERVED: what is there ----

down() {
	umount "$LAB/c1" "$LAB/c2" 2>/dev/null
	# What serves them ends with this namespace; disks are let go of here.
	umount -l "$LAB/brick1" "$LAB/brick2" 2>/dev/null
}

sshd_up() {
	mkdir -p /run/sshd "$LAB/store" "$LAB/ssh"
	ssh-keygen -q -t ed25519 -N '' -f "$LAB/ssh/host"
	ssh-keygen -q -t ed25519 -N '' -f "$LAB/ssh/id"
	cp "$LAB/ssh/id.pub" "$LAB/ssh/authorized"
	printf '[127.0.0.1]:2222 %s\n' "$(cut -d' ' -f1,2 "$LAB/ssh/host.pub")" >"$LAB/ssh/known"
	printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' "HostKey $LAB/ssh/host" \
	    'PidFile none' "AuthorizedKeysFile $LAB/ssh/authorized" 'StrictModes no' \
	    'UsePAM no' 'PasswordAuthentication no' 'PermitRootLogin prohibit-password' \
	    'Subsystem sftp internal-sftp' >"$LAB/ssh/config"
	"$(command -v sshd)" -f "$LAB/ssh/config" -E "$LAB/ssh/log"
}

# sshfs_up OPTIONS
sshfs_up() {
	for _m in c1 c2; do
		mkdir -p "$LAB/$_m"
		sshfs -F none -o "IdentityFile=$LAB/ssh/id,UserKnownHostsFile=$LAB/ssh/known" \
		    -o BatchMode=yes -p 2222 ${1:+-o "$1"} root@127.0.0.1:"$LAB/store" "$LAB/$_m" ||
		    return 1
	done
}

gl() { gluster --glusterd-sock="$LAB/gl/d.sock" --mode=script "$@" >>"$LAB/gl/said" 2>&1; }

# It takes no loopback address for its bricks, so lo has another one.
glusterd_up() {
	mkdir -p "$LAB/gl/run"
	ip addr add 10.78.0.1/32 dev lo
	for _b in 1 2; do
		truncate -s 512M "$LAB/img$_b"
		mkfs.ext4 -q "$LAB/img$_b"
		mkdir "$LAB/brick$_b"
		mount -o loop "$LAB/img$_b" "$LAB/brick$_b" || return 1
	done
	cat >"$LAB/gl/glusterd.vol" <<-X
	volume management
	 type mgmt/glusterd
	 option working-directory $LAB/gl
	 option transport-type socket
	 option transport.socket.bind-address 10.78.0.1
	 option glusterd-sockfile $LAB/gl/d.sock
	 option transport.socket.listen-port 24007
	 option run-directory $LAB/gl/run
	 option max-port 60999
	end-volume
	X
	glusterd -f "$LAB/gl/glusterd.vol" -p "$LAB/gl/pid" -l "$LAB/gl/log" || return 1
	wait_for 30 gl pool list
}

# gluster_up NAME [replica 2]
gluster_up() {
	_vol=spool$1
	shift
	for _b in 1 2; do mkdir "$LAB/brick$_b/$_vol"; done
	gl volume create "$_vol" "$@" "10.78.0.1:$LAB/brick1/$_vol" \
	    "10.78.0.1:$LAB/brick2/$_vol" force && gl volume start "$_vol" || return 1
	for _m in c1 c2; do
		mkdir -p "$LAB/$_m"
		glusterfs -s 10.78.0.1 --volfile-id "$_vol" -l "$LAB/gl/$_m.log" "$LAB/$_m" || return 1
	done
	wait_for 30 mkdir "$LAB/c1/there" && wait_for 30 [ -d "$LAB/c2/there" ]
}

# ---- what stories are made of ----

fresh() {
	NTH=$((NTH + 1))
	R=$LAB/r$NTH
	S=s$NTH
	TRUTH=$SERVED/$S
	mkdir -p "$R/ran" "$R/work"
	DEAD=none FEWER='' PIDS=''
	: >"$R/accepted"
	: >"$R/recovery"
	: >"$R/asked"
	spool init "$LAB/c1/$S" >/dev/null
	echo "{\"format\":1,\"lease\":$LEASE,\"beat\":1,\"poll\":0.5,\"settle\":1,\"backoff\":0.2,\"backoffMax\":2,\"halfRename\":5}" >"$LAB/c1/$S/spool.json"
	printf '%s\n' '#!/bin/sh' ": >$R/ran/\$SPOOL_ID.\$SPOOL_TICKET.\$\$" \
	    '[ -z "$NAP" ] || sleep $NAP' 'echo "{}"' >"$LAB/c1/$S/scripts/a.sh"
	chmod 755 "$LAB/c1/$S/scripts/a.sh"
	# Listings may be remembered for a while: the spool is there for both.
	wait_for 60 [ -e "$LAB/c2/$S/scripts/a.sh" ]
}

orders() { # MOUNT N [NAP]
	echo "$2" >>"$R/asked"
	seq "$2" | sed "s/.*/{\"scriptName\":\"a.sh\",\"order\":{\"attempts\":20,\"env\":{\"NAP\":\"${3:-}\"}}}/" >"$R/jobs.jsonl"
	spool -s "$LAB/$1/$S" submit --no-pin "$R/jobs.jsonl" >>"$R/accepted" ||
	    broken "no submit at $1"
}

worker() { # MOUNT
	workerd --allow-root --cold --cgroup none --name "$1" --work "$R/work" \
	    -j 4 "$LAB/$1/$S" >>"$R/$1.log" 2>&1 </dev/null &
	echo $! >"$R/$1.pid"
	PIDS="$PIDS $!"
}
daemon() {
	spoold "$LAB/$1/$S" >>"$R/spoold.log" 2>&1 </dev/null &
	PIDS="$PIDS $!"
}
end_all() {
	# shellcheck disable=SC2086
	kill -TERM $PIDS 2>/dev/null
	for _p in $PIDS; do
		wait_for 60 ended "$_p" || { broken "$_p did not end"; kill -KILL "$_p"; }
	done
	# shellcheck disable=SC2086
	wait $PIDS
}
ended() { case $(ps -o stat= -p "$1") in '' | Z*) ;; *) false ;; esac; }

left_is_0() {
	set -- "$TRUTH"/new/[0-9]* "$TRUTH"/waiting/[0-9]* "$TRUTH"/assigned/[0-9]*
	for _f; do [ ! -e "$_f" ] || { sleep 0.2; return 1; }; done
}
all_over() {
	wait_for 240 left_is_0 || broken 'not all are over'
	for _h in c1 c2; do
		grep -q 'end order' "$R/$_h.log" || broken "$_h ran nothing"
	done
}
over_some() { set -- "$1" "$TRUTH"/outcomes/2*.json; [ $# -gt $(($1 + 1)) ] || { sleep 0.1; false; }; }
under_way() { wait_for 120 over_some $((ORDERS / 5)) || broken 'it never got going'; }
held() { (cd "$TRUTH/assigned" && for _f in [0-9]*@"$1"-*; do [ ! -e "$_f" ] || echo "$_f"; done); }
gone() {
	for _f; do [ ! -e "$TRUTH/assigned/$_f" ] || { sleep 0.2; return 1; }; done
}
now() { date +%s.%N; }
recovered() { # SINCE NAME...
	_since=$1
	shift
	[ $# -gt 0 ] || broken 'nothing was held at the fault: it proves nothing'
	wait_for 180 gone "$@" || broken "still in assigned/: $*"
	echo "$(now) $_since" | awk '{printf "%.1f\n", $1 - $2}' >>"$R/recovery"
}
collect() { cp -a "$TRUTH/." "$1/"; }
forget() { mv "$LAB/c1/$S" "$LAB/c1/was-$S"; }

# ---- stories ----

claims() {
	daemon c1
	orders c1 "$ORDERS"
	worker c1
	worker c2
	all_over
}

# No daemon; a worker is killed with orders in its hands.
killed() {
	DEAD=c1
	orders c2 "$ORDERS" 0.2
	worker c1
	worker c2
	under_way
	kill -KILL "$(cat "$R/c1.pid")"
	# shellcheck disable=SC2046
	recovered "$(now)" $(held c1)
	all_over
}

# One stands still for longer than its lease, and wakes up.
zombie() {
	orders c2 "$ORDERS" 0.2
	daemon c2
	worker c1
	worker c2
	under_way
	kill -STOP "$(cat "$R/c1.pid")"
	# shellcheck disable=SC2046
	recovered "$(now)" $(held c1)
	kill -CONT "$(cat "$R/c1.pid")"
	all_over
	grep -qE '(discard|stop) order=' "$R/c1.log" || broken 'c1 never heard of it'
}

# One of two replicas is killed, and comes back with what it has missed.
brick_cut() {
	daemon c2
	orders c1 "$ORDERS" 0.1
	worker c1
	worker c2
	under_way
	kill -KILL "$(cat "$LAB/gl/run/vols/$_vol"/*brick2*.pid)" ||
	    broken 'no brick to kill'
	wait_for 120 over_some $((ORDERS / 2)) || broken 'one brick alone does not do'
	gl volume start "$_vol" force
	all_over
}

tell() { # NAME
	story "claims-$1" "$RUNS" claims
	story "killed-$1" "$RUNS" killed
	story "zombie-$1" "$RUNS" zombie
	[ "$1" != replica ] || story "brick-cut-$1" "$RUNS" brick_cut
	down_mounts
}
down_mounts() { umount "$LAB/c1" "$LAB/c2"; }
up() { "$@" || { echo "FAIL $KIND: $*"; tail -n 3 "$LAB/gl/said" 2>/dev/null; exit 1; }; }

ip link set lo up
heading
case $KIND in
sshfs)
	SERVED=$LAB/store
	sshd_up
	up sshfs_up dir_cache=no
	tell uncached
	up sshfs_up ''
	tell cached
	;;
gluster)
	SERVED=$LAB/c2
	up glusterd_up
	up gluster_up dist
	tell distribute
	up gluster_up repl replica 2
	tell replica
	;;
esac
[ $FAILED = 0 ]
