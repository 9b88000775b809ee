#!/bin/sh
# fresh-chroot.sh CHECKOUT COMMAND... - a new minimal Debian in a folder, a clone
# of the checkout's HEAD in it, and each command run there as root, as a
# newcomer would; exit status is the first failing one's.
#
# Needs root, debootstrap or mmdebstrap, git, and a Debian mirror in apt's
# sources.  BASE=DIR keeps the pristine system for the next run.
set -eu
SRC=$(cd "$1" && pwd)
shift
SUITE=${SUITE:-bookworm}
BASE=${BASE:-}
ROOT=$(mktemp -d)
chmod 755 "$ROOT"

away() {
	for m in proc sys dev/pts dev; do
		if mountpoint -q "$ROOT/$m"; then umount -l "$ROOT/$m"; fi
	done
	mountpoint -q "$ROOT/proc" || rm -rf --one-file-system "$ROOT"
}
trap away EXIT
trap 'exit 130' INT TERM

bootstrap() {
	mirror=$(awk '/^URIs:/ {print $2; exit} /^deb / {print $2; exit}' \
	    /etc/apt/sources.list.d/*.sources /etc/apt/sources.list 2>/dev/null)
	[ -n "$mirror" ] || { echo 'no Debian mirror in /etc/apt' >&2; exit 2; }
	if command -v mmdebstrap >/dev/null; then
		mmdebstrap --variant=minbase --include=ca-certificates \
		    --aptopt='Acquire::Check-Valid-Until "false"' \
		    "$SUITE" "$ROOT" "$mirror" >"$ROOT.log" 2>&1
	else
		debootstrap --variant=minbase --include=ca-certificates \
		    "$SUITE" "$ROOT" "$mirror" >"$ROOT.log" 2>&1
	fi || { tail -n 20 "$ROOT.log" >&2; rm -f "$ROOT.log"; exit 2; }
	rm -f "$ROOT.log"
	# This machine's own way to its packages, whatever it is.
	if [ -e /etc/apt/sources.list.d/debian.sources ]; then
		cp /etc/apt/sources.list.d/debian.sources "$ROOT/etc/apt/sources.list.d/"
		: >"$ROOT/etc/apt/sources.list"
	fi
	printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
	chmod +x "$ROOT/usr/sbin/policy-rc.d"
}

if [ -n "$BASE" ] && [ -e "$BASE/.complete" ]; then
	cp -a --reflink=auto "$BASE/." "$ROOT/"
else
	bootstrap
	if [ -n "$BASE" ]; then
		mkdir -p "$BASE"
		cp -a "$ROOT/." "$BASE/"
		touch "$BASE/.complete"
	fi
fi
cp -L /etc/resolv.conf /etc/hosts "$ROOT/etc/" 2>/dev/null || :
for f in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
	if grep -qs '^Acquire::.*\(Proxy\|Check-\|Verify\)' "$f"; then
		cp "$f" "$ROOT/etc/apt/apt.conf.d/"
	fi
done
mount -t proc proc "$ROOT/proc"
mount -t sysfs -o ro sys "$ROOT/sys"
mount -t tmpfs -o mode=755,size=64M dev "$ROOT/dev"
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
for d in null:3 zero:5 full:7 random:8 urandom:9; do
	mknod -m 666 "$ROOT/dev/${d%:*}" c 1 "${d#*:}"
done
mknod -m 666 "$ROOT/dev/tty" c 5 0
mount -t devpts -o newinstance,ptmxmode=666 devpts "$ROOT/dev/pts"
ln -s pts/ptmx "$ROOT/dev/ptmx"
ln -s /proc/self/fd "$ROOT/dev/fd"
mkdir -p "$ROOT/src"
git clone -q --no-hardlinks "$SRC" "$ROOT/src/spool"

for c in "$@"; do
	echo "== fresh machine: $c"
	began=$(date +%s)
	env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
	    TERM=dumb ${http_proxy:+http_proxy="$http_proxy"} \
	    ${https_proxy:+https_proxy="$https_proxy"} \
	    chroot "$ROOT" /bin/sh -c "cd /src/spool && $c" </dev/null
	echo "== ended well after $(($(date +%s) - began)) s: $c"
done
