# matrix.sh - what the crash matrices share (tests/flow/90 and 95): a spool with
# a story in it, an actor that is killed at a named point, others that recover,
# and the three promises held against the files alone.
#
#	matrix ACTOR RECOVERY	every point that ACTOR passes
#
# The points are not listed by hand: a first run writes down all that an actor
# passes (SPOOL_CRASH_LOG), so that a new point is in the matrix by itself.
#
# OVER: the medium between the spool and those who are shot at (tests/media.sh),
# or nothing.  HELP: nothing, or another who keeps house from the beginning.
# shellcheck shell=sh disable=SC2034,SC2010

. "$TOP/tests/media.sh"
: "${CRASHBIN:?}"

# The programs under test come from the build with crash points.

PATH=$CRASHBIN:$PATH
OVER=
HELP=

fixture() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"status":200,"loss":1}'
	SH
	script fail.sh <<-'SH'
	#!/bin/sh
	exit 3
	SH
	script again.sh <<-'SH'
	#!/bin/sh
	[ "$SPOOL_ATTEMPT" -ge 2 ] || exit 3
	echo '{"loss":2}'
	SH
	job ok.sh >"$T/ok.json"
	job fail.sh >"$T/fail.json"
	job again.sh '"order":{"retry":["exit"],"attempts":4}' >"$T/again.json"
	for i in 1 2 3; do job ok.sh "\"n\":$i"; done >"$T/three.jsonl"
}

over_all() { # nothing left in flight
	[ -z "$(find "$S/new" "$S/waiting" "$S/assigned" -type f -name '[!.]*')" ]
}

# The whole story: drops, a bundle, a retry, a failure, a dependency, a cancel.
# It must work (in the sense of: go on) when any actor dies on the way.
drops() {
	cp "$T/ok.json" "$S/new/dropped.json"
	cp "$T/fail.json" "$S/new/failing.json"
	cp "$T/again.json" "$S/new/again.json"
	cp "$T/three.jsonl" "$S/new/three.jsonl"
	echo '{"epochs":3}' >"$S/new/invalid.json"
	echo 'no json' >"$S/new/broken.json"
}

actor_points() { sort -u "$T/points"; }

# ---- worker and spoold ----
fresh_spool() {
	_at=$S
	[ -z "$OVER" ] || _at=$(readlink -f "$S")
	# What is in a worker's cache is not brought again.
	rm -rf "$_at" "$T/work"
	mkdir "$T/work"
	spool init "$_at" >/dev/null
	# The end of a cycle is the end of all that ran.
	if [ "$OVER" = sftp ] && dead "$SSHD_PID"; then sshd_again; fi
}
# Where another medium lies between: it is not shot at, or it is the victim.
one_worker() {
	if [ -z "$OVER" ]; then
		start_worker -j 2
	else
		# shellcheck disable=SC2086
		env ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
		    -j 2 "$URL" >>"$T/worker.log" 2>&1 &
		WORKER=$!
		PIDS="$PIDS $WORKER"
	fi
}
shim_here() {
	shim_up
	URL=http://127.0.0.1:$SHIM_PORT
}
# run_with ACTOR POINT NTH RECOVERY
cycle() {
	fresh_spool
	# A bundle of three is long here: it is cut, and what comes of it opened.
	policy lease=1 beat=0.2 settle=0.5 attempts=3 backoff=0.1 \
	    backoffMax=1 halfRename=1 poll=0.2 slice=2
	fixture
	drops
	ids=$(spool submit "$T/ok.json")
	dep=$(spool submit --after "$ids" "$T/ok.json")
	victim=$(spool submit --priority 99 "$T/ok.json")
	: >"$S/cancel/$victim"
	# The victim is alone at first, so that nobody is quicker than it.
	ACTOR_ENV=SPOOL_CRASH=$2:$3
	if [ "$2" = none ]; then
		# The server is shut in: it may write nowhere else.
		POINTS=$T/points
		[ "$1" != shim ] || POINTS=$S/tmp/.points
		ACTOR_ENV=SPOOL_CRASH_LOG=$POINTS
	fi
	case $1 in
	worker)
		[ "$OVER" != http ] || ACTOR_ENV='' shim_here
		one_worker
		victim_pid=$WORKER
		ACTOR_ENV=
		;;
	shim)
		shim_here
		victim_pid=$SHIM
		ACTOR_ENV=
		one_worker
		soon either_dead_or_admitted "$victim_pid"
		;;
	spoold)
		start_spoold
		victim_pid=$SPOOLD
		ACTOR_ENV=
		soon either_dead_or_taken "$victim_pid"
		start_worker -j 2
		;;
	esac
	# Where nobody there may move what waits.
	[ -z "$HELP" ] || start_spoold
	soon either_dead_or_over "$victim_pid"
	HIT=0
	if dead "$victim_pid"; then HIT=1; fi
	kill -KILL "$victim_pid" 2>/dev/null || :
	wait "$victim_pid" 2>/dev/null || :
	# Recovery by others.
	if [ "$4" = daemon ] && [ -z "$HELP" ]; then start_spoold; fi
	if [ "$1" = worker ]; then one_worker; fi
	if [ "$1" = shim ]; then shim_up; fi
	soon over_all
	soon settled
	# shellcheck disable=SC2086
	OVER=1 promises $ids $dep $victim
	is "$(ls "$S/bad" | grep -c '\.why$')" 1 'a .why in bad/'
	is "$(outcomes_ok)" 7 'succeeded'
	# No name is ever used twice: not even the same worker may run one again.
	is "$(grep -o 'start order=[^ ]* ticket=[0-9]*' "$T/worker.log" | sort | uniq -d)" '' \
	    'started twice under one ticket'
	end_all
	PIDS=
}
# It has admitted or set aside all that was dropped, and exploded the bundle.
either_dead_or_taken() {
	dead "$1" || [ -z "$(ls "$S/new" | grep -v '^[0-9][0-9]\.2.*\.json$')" ]
}
# It has admitted what was dropped, and ended what is no job.
either_dead_or_admitted() {
	dead "$1" || grep -qs "\"status\":400" "$S"/outcomes/2*.json
}
either_dead_or_over() { dead "$1" || { over_all && settled; }; }
# All published, nothing staged, the broken drop explained.
settled() {
	[ -n "$(find "$S/bad" -name 'broken.json*.why')" ] &&
	    [ -z "$(ls "$S/new" "$S/waiting" "$S/assigned" | grep json)" ] &&
	    [ -z "$(find "$S/tmp" -name '*.d')" ] &&
	    OVER=1 sh "$TOP/tests/promises" "$S" 2>/dev/null
}
# dropped, again, three lines, submitted; its dependant; not: failing, invalid,
# cancelled.  The victim's cancel may lose against its run.
outcomes_ok() {
	find "$S/outcomes" -name '2*.json' -exec cat {} + |
	    jq -s --arg v "$victim" '[.[] | select(.status == 200 and ._id != $v and .orders == null)] | length'
}

# COVER: a file that gathers what was hit, of KIND of actor.
KIND=
covered() { # POINT [ROW]
	echo "${2:-$1}" >>"$T/rows"
	[ -z "${COVER:-}" ] || echo "$KIND $1" >>"$COVER"
}

matrix() { # ACTOR RECOVERY
	# Which points does it pass in an undisturbed run?
	cycle "$1" none 1 "$2"
	[ "$POINTS" = "$T/points" ] || cp "$POINTS" "$T/points"
	[ -s "$T/points" ] || fail "no crash point passed"
	for point in $(actor_points); do
		# Another actor may have been quicker: then nobody died there.
		for _try in 1 2 3 4 5 6; do
			cycle "$1" "$point" 1 "$2"
			if [ "$HIT" = 1 ]; then break; fi
		done
		if [ "$HIT" = 0 ] && [ -n "$KIND" ]; then
			# Passed by chance: whoever asks what was covered says
			# whether that was all.
			echo "$point was not passed again"
			continue
		fi
		[ "$HIT" = 1 ] || fail "$point was never hit"
		covered "$point"
	done
}
