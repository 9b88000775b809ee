# nfs-hosts.sh - sourced after machines.sh: a kernel's NFS server with its ext4
# on a disk image, and clients.
#
#	nfs_disk; nfs_server		and after power_off srv: nfs_server
#	nfs_client c1 11; nfs_mount c1 3|4.2 OPTIONS
#
# shellcheck shell=sh
NFS_NEEDS='mount.nfs rpc.nfsd rpc.mountd rpc.statd exportfs rpcbind mkfs.ext4 modprobe ip tc ps'

nfs_lack() {
	_lack=$(machines_lack)
	if [ -n "$_lack" ]; then
		echo "$_lack"
		return
	fi
	for _c in $NFS_NEEDS; do
		if ! command -v "$_c" >/dev/null && ! [ -x "/usr/sbin/$_c" ]; then
			echo "needs $_c (tools/packages-labs)"
			return
		fi
	done
	set -- /usr/lib/uml/modules/*/kernel/fs/nfsd
	[ -d "$1" ] || echo 'needs a user-mode-linux with nfsd'
}

nfs_disk() {
	truncate -s 256M "$LAB/disk.img"
	mkfs.ext4 -q "$LAB/disk.img"
}

# A lease and a grace of 10 s are the least that it takes.
nfs_server() { # [fresh: nobody has been here before, who is waited for?]
	host srv 10 ubd0="$LAB/disk.img" && on srv '
set -e
module lockd nlm_grace_period=10
module nfsd
module sch_netem
mount -t ext4 /dev/ubda /mnt/export
mount -t nfsd nfsd /proc/fs/nfsd
mount -t rpc_pipefs rpc /var/lib/nfs/rpc_pipefs
mkdir -p /mnt/export/.nfs
mount --bind /mnt/export/.nfs /var/lib/nfs/v4recovery
echo /var/lib/nfs/v4recovery >/proc/fs/nfsd/nfsv4recoverydir
echo 10 >/proc/fs/nfsd/nfsv4leasetime
echo 10 >/proc/fs/nfsd/nfsv4gracetime
rpcbind -w
rpc.statd --no-notify
rpc.mountd 2>/dev/null
chmod 777 /mnt/export
exportfs -o rw,sync,no_root_squash,no_subtree_check,fsid=0,insecure '"$NET"'.0/24:/mnt/export
rpc.nfsd 8
'"${1:+sleep 1; echo Y >/proc/fs/nfsd/v4_end_grace}"
}

nfs_client() { # NAME LAST-OCTET
	host "$1" "$2" && on "$1" '
set -e
module nfsv4
module nfsv3
module sch_netem
rpcbind -w
rpc.statd --no-notify'
}

nfs_mount() { # NAME VERSION OPTIONS
	case $2 in
	3) _from=$NET.10:/mnt/export ;;
	*) _from=$NET.10:/ ;;
	esac
	on "$1" "! mountpoint -q /mnt/spool || umount /mnt/spool || exit 1
mount -t nfs -o vers=$2,hard,proto=tcp${3:+,$3} $_from /mnt/spool"
}
