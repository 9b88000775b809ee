# machines.sh - sourced: hosts of a lab, each a Linux of its own with its own
# caches and clock, joined by a bridge, in namespaces that end with the lab.
#
#	own_world "$0" "$@"	first of all: begin again in such namespaces
#	LAB=folder
#	wire			the bridge, once
#	host c1 11 [ubd0=IMG]	start one; its address is $NET.11
#	on c1 'COMMANDS'	run there, wait; its output, its exit status
#	unplug c1; plug c1	its cable
#	power_off c1		what it had not written to its disk is lost
#
# The kernels are Debian's user-mode-linux, plain processes: no KVM, no image
# to build (guest.sh).  $LAB/share is everybody's /mnt/share, whatever becomes of
# the network: $LAB/share/bin is in front of PATH there.
# shellcheck shell=sh
NET=10.77.0
GUEST_MEM=${GUEST_MEM:-128M}

# What is missing here for this, in words; empty if nothing is.
machines_lack() {
	if [ "$(id -u)" != 0 ]; then
		echo 'needs root, for a network of its own'
	elif ! command -v linux.uml >/dev/null; then
		echo 'needs the package user-mode-linux'
	elif ! [ -c /dev/net/tun ]; then
		echo 'needs /dev/net/tun'
	elif ! unshare --net --pid --fork --mount-proc true 2>/dev/null; then
		echo 'needs namespaces of its own (unshare)'
	fi
}

# Whatever happens to the lab, nothing outlives it: not a guest, not a bridge.
own_world() {
	[ -z "${OWN_WORLD:-}" ] || return 0
	OWN_WORLD=1 exec unshare --net --pid --fork --kill-child --mount-proc \
	    sh "$@"
}

wire() {
	mkdir -p "$LAB/share" "$LAB/uml"
	ip link set lo up
	ip link add br0 type bridge
	ip addr add "$NET.1/24" dev br0
	ip link set br0 up
}

# wait_for SECONDS COMMAND...
wait_for() {
	read -r _now _ </proc/uptime
	_till=$((${_now%.*} + $1 + 1))
	shift
	until "$@"; do
		read -r _now _ </proc/uptime
		[ "${_now%.*}" -lt $_till ] || return 1
		sleep 0.05
	done
}

host() { # NAME LAST-OCTET [more for its kernel]
	_n=$1
	_o=$2
	shift 2
	rm -f "$LAB/share/$_n".* "$LAB/$_n.wire"
	mkfifo "$LAB/$_n.wire"
	ip link show "t-$_n" >/dev/null 2>&1 || ip tuntap add mode tap "t-$_n"
	ip link set "t-$_n" master br0 up
	HOME=$LAB/uml TMPDIR=/dev/shm linux.uml mem="$GUEST_MEM" umid="$_n" quiet \
	    root=/dev/root rootfstype=hostfs rootflags=/ ro \
	    init="$LAB/share/guest.sh" con=null con0=fd:0,fd:1 \
	    vec0:transport=tap,ifname=t-"$_n",depth=128,gro=1,mac=02:00:00:00:00:"$_o" \
	    GNAME="$_n" GIP="$NET.$_o/24" GSHARE="$LAB/share" "$@" \
	    <>"$LAB/$_n.wire" >>"$LAB/$_n.console" 2>&1 &
	echo $! >"$LAB/$_n.pid"
	echo 0 >"$LAB/$_n.calls"
	answered "$_n" 0 60
}

# answered NAME CALL SECONDS: its output and its exit status, or 124
answered() {
	if ! wait_for "$3" [ -e "$LAB/share/$1.$2.rc" ]; then
		echo "no answer from $1 in $3 s" >&2
		tail -n 5 "$LAB/$1.console" >&2
		return 124
	fi
	[ "$2" = 0 ] || cat "$LAB/share/$1.$2.out"
	return "$(cat "$LAB/share/$1.$2.rc")"
}

# tell NAME COMMANDS: start them and do not wait; CALL is for answered.  A
# guest does one thing after the other.
tell() {
	CALL=$(($(cat "$LAB/$1.calls") + 1))
	echo $CALL >"$LAB/$1.calls"
	printf '%s\n' "$2" >"$LAB/share/$1.$CALL"
	echo $CALL >"$LAB/$1.wire"
}

on() { # NAME COMMANDS [SECONDS]
	tell "$1" "$2"
	answered "$1" $CALL "${3:-120}"
}

unplug() { ip link set "t-$1" nomaster; }
plug() { ip link set "t-$1" master br0; }

freeze() { kill -STOP "$(cat "$LAB/$1.pid")"; }
thaw() { kill -CONT "$(cat "$LAB/$1.pid")"; }

power_off() { # NAME: with all processes in which it runs its own
	_p=$(cat "$LAB/$1.pid")
	# shellcheck disable=SC2046
	kill -KILL "$_p" $(ps -o pid= --ppid "$_p") 2>/dev/null
	wait "$_p" 2>/dev/null
	rm "$LAB/$1.pid"
}
