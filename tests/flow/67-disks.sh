# Disks that are full, or fail: each change of the spool fails once (tests/disk/;
# all of them, for each program and each reason: LABS=disks make check-labs).
. "$TOP/tests/lib.sh"
PLAIN_ONLY='worker submit_readonly'

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

run_stories "$@"
