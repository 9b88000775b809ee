#!/bin/sh
# guest.sh - the first process of a lab's host (machines.sh starts it, and
# says how): makes what a host needs that has this machine's "/" read-only, and
# runs the scripts whose numbers come by the console, one after the other.
#
#	GNAME	its name	GIP	its address/bits	GSHARE	/mnt/share
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sys /sys
for d in /run /tmp /mnt /var/lib/nfs; do
	[ ! -d $d ] || mount -t tmpfs tmpfs $d
done
mkdir -p /mnt/share /mnt/spool /mnt/export /run/lock /run/rpcbind /run/modules/lib
ln -s /usr/lib/uml/modules /run/modules/lib
if [ -d /var/lib/nfs ]; then
	mkdir -p /var/lib/nfs/sm /var/lib/nfs/rpc_pipefs /var/lib/nfs/v4recovery
	: >/var/lib/nfs/etab
	: >/var/lib/nfs/rmtab
fi
mount -t hostfs -o "$GSHARE" none /mnt/share
PATH=/mnt/share/bin:/mnt/share/bin/helpers:$PATH
echo "$GNAME" >/proc/sys/kernel/hostname
ip link set lo up
ip link set vec0 up
ip addr add "$GIP" dev vec0
cd /tmp || exit 1
module() { modprobe -d /run/modules "$@"; }
answer() { echo "$2" >"/mnt/share/$1.rc.new" && mv "/mnt/share/$1.rc.new" "/mnt/share/$1.rc"; }
answer "$GNAME.0" 0
while read -r n; do
	# shellcheck disable=SC1090
	(. "/mnt/share/$GNAME.$n") >"/mnt/share/$GNAME.$n.out" 2>&1 </dev/null
	answer "$GNAME.$n" $?
done
