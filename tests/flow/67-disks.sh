# Disks that are full, or fail: each change of the spool fails once (tests/disk/;
# all of them, for each program and each reason: LABS=disks make check-labs).
. "$TOP/tests/lib.sh"
PLAIN_ONLY='worker submit_readonly full_bytes full_inodes'

sweep() {
	${CC:-cc} -O1 -shared -fPIC -o "$T/bad.so" "$TOP/tests/shim/baddisk.c"
	SHIM=$T/bad.so "$PYTHON" "$TOP/tests/disk/sweep.py" --dir "$T" "$@" >"$T/log" || {
		cat "$T/log" >&2
		fail 'see above'
	}
}

t_submit() {
	sweep --lazy --errno ENOSPC,EIO --mode once submit pack
	is "$(grep -c '^ok .* 1[0-9] points' "$T/log")" 4 "$(cat "$T/log")"
}

# Where nothing may be written: the reason, not a guess.
t_submit_readonly() {
	sweep --lazy --errno EROFS --mode on --stride 6 submit
	exits 100 env LD_PRELOAD="$T/bad.so" BADDISK="$S" BADDISK_ERRNO=30 BADDISK_AT=1 \
	    workerd $ROOTOK --cold --drain --work "$T/work" "$S"
	has "$(cat "$T/err")" 'Read-only file system'
}

t_worker() { sweep --errno ENOSPC --mode once --from 7 --stride 13 worker; }

# A full disk under jobs that run: their outcomes have room that was set aside,
# nobody takes the worker for dead, nothing more is claimed, and all goes on when
# there is room again.
small() {
	[ "$(id -u)" = 0 ] || skip 'needs root, to mount a small filesystem'
	mount -t tmpfs -o size=3m,nr_inodes=400 small "$S" 2>/dev/null || skip 'may not mount'
	trap 'end_all; umount -l "$S"' EXIT
	spool init "$S" >/dev/null
	fast_policy
}
fill() {
	[ "$1" = inodes ] || cat /dev/zero >"$S/data/bytes" 2>/dev/null || :
	[ "$1" = bytes ] || {
		n=0
		while true >"$S/data/inode$n"; do n=$((n + 1)); done 2>/dev/null
	}
}
full() {
	small
	script wait.sh <<-SH
	#!/bin/sh
	until [ -e "$T/go" ]; do sleep 0.05; done
	echo '{"loss":1}'
	SH
	for n in 1 2 3; do job wait.sh >"$T/j$n.json"; done
	spool submit "$T"/j?.json >"$T/ids"
	ghost=$(spool submit "$T/j1.json")
	mv "$S/new/"*"$ghost"* "$S/assigned/50.$ghost.t1a0@ghost-0000ff.json"
	start_spoold
	start_worker --cold -j 2 --disk-floor 0
	soon eval '[ "$(grep -c "start order" "$T/worker.log")" = 2 ]'
	soon eval '[ "$(find "$S/tmp" -name ".spare.*" | wc -l)" = 8 ]'
	fill "$1"
	# Leases end, and not ours.
	soon grep -q "revoke order=$ghost" "$T/spoold.log"
	is "$(find "$S/assigned" -name '*.t1a0@*' | wc -l)" 2 'held'
	touch "$T/go"
	soon outcomes_are 2
	soon count_is assigned 0
	has "$(cat "$S/runs"/*/*/t1a0@*.log)" loss
	soon eval 'spool why $(cat "$T/ids") | grep -q "no claims: no room for outcomes in the spool"'
	has "$(spool workers)" 'No space left on device'
	hasnt "$(cat "$T/worker.log")" 'commit waits'
	rm "$S/data"/*
	soon outcomes_are 4
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
	is "$(jq -s 'map(.status) | unique | .[]' "$S/outcomes"/2*.json)" 200
	soon eval '[ "$(find "$S/tmp" -name ".spare.*" | wc -l)" = 8 ]'
	stop "$WORKER" "$SPOOLD"
	is "$(find "$S/tmp" -name ".spare.*")" '' 'left over'
}
t_full_bytes() { full bytes; }
t_full_inodes() { full inodes; }
t_full() { full both; }

run_stories "$@"
