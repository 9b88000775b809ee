# Workers that are told to claim nothing more, and again to claim.  "Within a
# beat" is counted in beats: the second file after the wish says it.
. "$TOP/tests/lib.sh"
PLAIN_ONLY="while_staging"

stays() { # N: jobs that run until $T/go is there
	script stays.sh <<-SH
	#!/bin/sh
	echo >>"$T/started"
	while [ ! -e "$T/go" ]; do sleep 0.05; done
	echo '{"loss":1}'
	SH
	job stays.sh >"$T/job.json"
	for _n in $(seq "$1"); do spool submit "$T/job.json"; done >"$T/ids"
	ID=$(head -n 1 "$T/ids")
}
started() { [ "$(wc -l <"$T/started")" = "$1" ]; }
here() { ls "$S/workers" | sed -n 's/\(gpu-[0-9a-f]*\)\.json$/\1/p' | head -n 1; }
state_is() { [ "$(jq -r .state "$S/workers/$W.json")" = "$1" ]; }
beat() { jq .beat "$S/workers/$W.json"; }
# within STATE BEAT: no beat from the second after BEAT on says otherwise.
within() {
	soon sh -c "[ \"\$(jq .beat '$S/workers/$W.json')\" -ge $(($2 + 2)) ]"
	state_is "$1" || fail "$1 is not said at beat $(beat), asked at $2"
}
worker() { start_worker --name gpu "$@"; soon here_is; W=$(here); }
here_is() { [ -n "$(here)" ]; }

story() {
	fast_policy
	stays 2
	worker
	soon started 1
	n=$(beat)
	spool drain gpu
	within draining "$n"
	exits 111 spool drain --wait --timeout 0.2 gpu
	touch "$T/go"
	exits 0 timeout "$DEADLINE" spool drain --wait gpu
	state_is drained || fail "waited for $(cat "$S/workers/$W.json")"
	is "$(count new)" 1
	has "$(spool workers)" drained
	# It claims nothing, however often it beats.
	n=$(beat)
	within drained $((n + 3))
	is "$(count new)" 1
	# Another process of that name is drained from its start.
	stop "$WORKER"
	spool workers 2>&1 | grep -q 'gpu is drained' || fail 'not told of'
	worker
	n=$(beat)
	within drained "$n"
	is "$(count new)" 1
	spool check
	n=$(beat)
	exits 0 spool resume gpu
	is "$(ls "$S/drain" | grep -v resume)" ''
	soon count_is new 0
	soon outcomes_are 2
	soon sh -c '[ -z "$(ls "$0")" ]' "$S/drain"
	stop "$WORKER"
	OVER=1 promises
}
t_alone() { story; }
t_with_spoold() { start_spoold; story; }

# --now gives back what runs, uncounted; by W it is for one process alone.
t_now() {
	stays 1
	worker
	soon started 1
	n=$(beat)
	exits 0 timeout "$DEADLINE" spool drain --now --wait "${W#gpu-}"
	ls "$S/new" | grep -q "$ID.t2a0" || fail 'not given back'
	has "$(ls "$S/drain")" "$W.now"
	stop "$WORKER"
	touch "$T/go"
	worker
	soon over "$ID"
	is "$(outcome | jq .run.attempt)" 1
	# What was asked of the one that is gone is forgotten.
	soon sh -c '[ -z "$(ls "$0")" ]' "$S/drain"
	stop "$WORKER"
}

t_words() {
	exits 1 spool drain nobody
	has "$(cat "$T/err")" 'spool workers'
	exits 1 spool resume nobody
	exits 1 spool drain --all
	exits 100 spool drain
	exits 100 spool drain --all gpu
	exits 100 spool drain --timeout x --all
	exits 100 spool drain --timeout 1 --all
	has "$(cat "$T/err")" "is for --wait"
	worker
	first=$W
	start_worker --name gpu
	soon sh -c '[ "$(ls "$0" | wc -l)" = 2 ]' "$S/workers"
	exits 100 spool drain pu-
	has "$(cat "$T/err")" "$first"
	exits 0 spool drain "$first"
	exits 0 spool drain --all
	# One is asked to claim while all of its name are not to.
	exits 1 spool resume "$first"
	has "$(cat "$T/err")" 'spool resume gpu'
	exits 0 spool resume --all
	soon sh -c '[ -z "$(ls "$0")" ]' "$S/drain"
	# By hand it is the same; what is no wish is found.
	: >"$S/drain/gpu"
	soon sh -c "grep -l '\"drained\"' '$S'/workers/*.json | grep -c . | grep 2"
	rm "$S/drain/gpu"
	soon sh -c "grep -l '\"idle\"' '$S'/workers/*.json | grep -c . | grep 2"
	: >"$S/drain/no.such"
	exits 1 spool check
	has "$(cat "$T/out")" 'stray drain/no.such'
}

# A spool from before there was drain/.
t_older_spool() {
	rmdir "$S/drain"
	stays 1
	touch "$T/go"
	drain
	over "$ID" || fail 'did not run'
	[ -d "$S/drain" ] || fail 'not made'
}

# With --drain or --once there is nothing to wait for.
t_drain_while_drained() {
	stays 1
	: >"$S/drain/gpu"
	drain --name gpu
	exits 0 timeout "$DEADLINE" workerd $ROOTOK --work "$T/work" --once --name gpu "$S"
	is "$(count new)" 1
}

# A script that does not listen is killed after the grace, and what it had said
# is kept.
t_cancel() {
	script deaf.sh <<-'SH'
	#!/bin/sh
	trap '' TERM
	echo '{"loss":3,"mine":[1]}' >"$SPOOL_OUTCOME"
	echo 'last words'
	echo >"$SPOOL_OUT/here"
	while :; do sleep 0.05; done
	SH
	job deaf.sh >"$T/job.json"
	ID=$(spool submit "$T/job.json")
	worker --grace 0.3
	soon test -e "$S/runs/$(echo "$ID" | cut -c1-8)/$ID/out/here"
	n=$(beat)
	spool cancel "$ID"
	# Told within a beat.
	soon grep -q "stop order=$ID: cancelled" "$T/worker.log"
	[ "$(beat)" -le $((n + 2)) ] || fail "asked at beat $n, stopped at $(beat)"
	soon over "$ID"
	is "$(outcome | jq -c '[.status, .run.cause, .loss, .mine, .run.attempt]')" \
	    '[499,"cancelled",3,[1],1]'
	has "$(outcome | jq -r .error)" cancelled
	has "$(spool log "$ID")" 'last words'
	stop "$WORKER"
	OVER=1 promises "$ID"
}

# What is still being brought is stopped as well, and it is nobody's fault.
t_while_staging() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	truncate -s 2G "$S/data/big"
	job ok.sh '"dataFileName":"big"' >"$T/job.json"
	ID=$(spool submit --no-pin --json "$T/job.json" | jq -r .id)
	worker
	soon sh -c "ls '$S/assigned' | grep -q '$ID'"
	exits 0 timeout "$DEADLINE" spool drain --now --wait gpu
	ls "$S/new" | grep -q "$ID.t2a0" || fail 'not given back'
	exits 0 spool resume gpu
	soon sh -c "ls '$S/assigned' | grep -q '$ID.t2a0@'"
	spool cancel "$ID"
	soon over "$ID"
	is "$(outcome | jq -c '[.status, .run.cause]')" '[499,"cancelled"]'
	hasnt "$(cat "$T/worker.log")" 'failed'
	stop "$WORKER"
	OVER=1 promises "$ID"
}

run_stories "$@"
