# A weekend in a minute: jobs that crash, hang, fork away, flood their logs,
# fill the disk, ask to be queued again and are cancelled at random, while
# workers are killed and told to end.  At the end every job is accounted for
# and nothing is left: no process, no descriptor, no directory.
#
#	SOAK_JOBS=2000 SOAK_SEED=7 sh tests/flow/93-soak.sh
#	SOAK_CGROUP=none ...	workers with no control groups; auto: all with;
#				else they take turns
. "$TOP/tests/lib.sh"

JOBS=${SOAK_JOBS:-80}
SEED=${SOAK_SEED:-$(date +%N | sed 's/^0*//')}

# Numbers from the seed: dice MOST -> 0..MOST-1 in $DICE
STATE=$((SEED % 2147483647))
dice() {
	STATE=$((STATE * 48271 % 2147483647))
	DICE=$((STATE % $1))
}

scripts() {
	script well.py <<-'PY'
	print('{"loss": 1}')
	PY
	script crash.py <<-'PY'
	import os, signal; os.kill(os.getpid(), signal.SIGSEGV)
	PY
	script error.sh <<-'SH'
	#!/bin/sh
	echo "nothing works" >&2; exit 3
	SH
	script hang.sh <<-'SH'
	#!/bin/sh
	trap '' TERM HUP INT
	while :; do sleep 1; done
	SH
	# A child in the group, one in a session of its own, one that was
	# forked twice and has thrown its environment away.
	script fork.sh <<-SH
	#!/bin/sh
	sleep $LONG &
	setsid sleep $LONG &
	(setsid env -i /bin/sleep $LONG &)
	sleep 0.1
	echo '{"loss": 2}'
	SH
	script flood.sh <<-'SH'
	#!/bin/sh
	yes 'a line of a log that nobody wants to read to its end' | head -c 3000000
	echo
	echo '{"loss": 3}'
	SH
	script fill.sh <<-'SH'
	#!/bin/sh
	set -e
	head -c 100000000 /dev/zero >big
	echo '{"loss": 4}'
	SH
	script again.sh <<-'SH'
	#!/bin/sh
	[ -n "$SPOOL_RESUME" ] && { echo '{"loss": 5}'; exit; }
	echo half >"$SPOOL_OUT/half"; exit 75
	SH
	script slow.sh <<-'SH'
	#!/bin/sh
	sleep 1; echo '{"loss": 6}'
	SH
}

submit_all() {
	n=0
	while [ $n -lt "$JOBS" ]; do
		n=$((n + 1))
		dice 100
		case $DICE in
		[0-9]|[1-3][0-9]) job well.py ;;
		4[0-9]) job crash.py ;;
		5[0-4]) job error.sh '"order":{"retry":["exit"],"attempts":2}' ;;
		5[5-9]) job hang.sh '"order":{"timeout":0.3}' ;;
		6[0-9]) job fork.sh ;;
		7[0-4]) job flood.sh ;;
		7[5-9]) job fill.sh '"order":{"retry":[]}' ;;
		8[0-9]) job again.sh ;;
		9[0-4]) job slow.sh ;;
		*) job slow.sh '"order":{"exclusive":true,"memory":"256M"}' ;;
		esac
	done | spool submit - >"$T/ids" 2>"$T/submit.err"
	is "$(wc -l <"$T/ids")" "$JOBS" 'jobs accepted'
}

# The work space: a small filesystem where we may mount one.
small_disk() {
	DISK=
	[ "$(id -u)" = 0 ] || return 0
	truncate -s 64M "$T/disk.img"
	if mke2fs -q -t ext4 "$T/disk.img" 2>/dev/null &&
	    mount -o loop "$T/disk.img" "$T/work" 2>/dev/null; then
		DISK=$T/work
		chmod 1777 "$T/work"
		rmdir "$T/work/lost+found"
	fi
}

any_done() { [ "$(find "$S/outcomes" -name '2*.json' | wc -l)" -gt "$1" ]; }

# Bundles have outcomes of their own.
all_over() {
	[ "$(find "$S/outcomes" -name '2*.json' | sed 's/.*\///; s/[.]json$//' |
	    LC_ALL=C sort | LC_ALL=C comm -12 - "$T/sorted" | wc -l)" -ge "$JOBS" ]
}

# Until all is over: cancel some, kill a worker, end one, start another.
trouble() {
	kills=0
	terms=0
	cancelled=0
	seen=0
	LC_ALL=C sort "$T/ids" >"$T/sorted"
	while ! all_over; do
		soon any_done "$seen"
		seen=$(find "$S/outcomes" -name '2*.json' | wc -l)
		dice 10
		case $DICE in
		[0-4])
			dice "$JOBS"
			id=$(sed -n "$((DICE + 1))p" "$T/ids")
			spool cancel "$id" >/dev/null 2>&1 || :
			cancelled=$((cancelled + 1))
			;;
		5) again KILL && kills=$((kills + 1)) ;;
		6) again TERM && terms=$((terms + 1)) ;;
		*) seen=$((seen + JOBS / 20)) ;; # let them work
		esac
		[ $seen -lt "$JOBS" ] || seen=$((JOBS - 1))
	done
	echo "seed=$SEED jobs=$JOBS kills=$kills terms=$terms cancels=$cancelled disk=${DISK:+small}"
}

# One more, in $WORKER.
worker() {
	turn=$((turn + 1))
	groups=none
	[ $((turn % 2)) = 0 ] || groups=auto
	start_worker -j 2 --log-max 1M --disk-floor 1M --cgroup "${SOAK_CGROUP:-$groups}"
}

# Signal the older of two workers; a new one comes.
again() {
	ours "$A" && kill "-$1" "$A" 2>/dev/null || :
	[ "$1" = KILL ] || { ours "$A" && kill "-$1" "$A" 2>/dev/null; } || :
	wait "$A" 2>/dev/null || :
	A=$B
	worker
	B=$WORKER
}

# All; but what is kept open to be used again, which is some for each slot.
fds() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }
fds_plain() {
	find "/proc/$1/fd" -mindepth 1 ! -lname '*/work.[0-9]*' ! -lname '/sys/fs/cgroup/*' 2>/dev/null | wc -l
}

# What killed workers leave is cleared by their minders.
no_dirs() {
	[ -z "$(find "$T/work" -mindepth 1 -maxdepth 1 ! -name 'spool-cache*' ! -name 'spool-kept*')" ]
}

no_kept() { [ -z "$(find "$T/work"/spool-kept* -mindepth 1 -type d 2>/dev/null)" ]; }

tmp_old() { [ -z "$(find "$S/tmp" -mindepth 1 -newerct '3 seconds ago')" ]; }

tmp_swept() { [ -z "$(find "$S/tmp" -mindepth 1 ! -name '.probe.spoold-*')" ]; }

none_left() { # no process whose command line or environment is of this story
	for p in /proc/[0-9]*; do
		[ "${p#/proc/}" != $$ ] || continue
		tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -qxF "SPOOL_DIR=$S" || continue
		tr '\0' '\n' <"$p/environ" 2>/dev/null | grep -q '^SPOOL_ID=' || continue
		return 1
	done
	! pgrep -x -f "(/bin/)?sleep $LONG" >/dev/null
}

t_soak() {
	policy lease=2 beat=0.3 settle=0.5 attempts=50 backoff=0.1 backoffMax=1 halfRename=1
	LONG=9$STORY$STORY # seconds, and no other soak's
	scripts
	small_disk
	[ -z "$DISK" ] || trap 'end_all; umount -l "$DISK"' EXIT
	start_spoold
	turn=0
	worker
	A=$WORKER
	worker
	B=$WORKER
	submit_all
	before=$(fds_plain "$B")
	trouble
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")

	# What they say is what they did.
	sed 's#.*#&.json#' "$T/ids" | (cd "$S/outcomes" && xargs cat) >"$T/all"
	jq -r '[.status, (.run.cause // "-")] | join(" ")' "$T/all" | sort | uniq -c
	jq -e 'select(.status == 503)' "$T/all" >"$T/lost" && fail "$(cat "$T/lost")"

	soon none_left
	for p in "$A" "$B"; do
		[ "$(fds_plain "$p")" -le $((before + 4)) ] && [ "$(fds "$p")" -le $((before + 28)) ] || {
			ls -l "/proc/$p/fd"
			fail "descriptors are left over: $(fds_plain "$p") of $(fds "$p"), was $before"
		}
	done
	stop "$A" "$B"
	# Directories kept for orders that were cancelled meanwhile go when a
	# worker has looked after them: at its start, then once a minute.
	start_worker -j 1
	soon no_kept
	stop "$WORKER" "$SPOOLD"
	soon none_left
	soon no_dirs
	# What the killed had in tmp/, a probe of the server's clock, directories
	# for next orders, is swept when it is old.
	policy tmpAge=1
	soon tmp_old
	start_spoold
	soon tmp_swept
	stop "$SPOOLD"
	is "$(find "$S/tmp" -mindepth 1)" '' 'left in tmp/'
	spool check || fail 'spool check found something'
}

run_stories "$@"
