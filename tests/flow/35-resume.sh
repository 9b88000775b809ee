# Preempted work goes on where it was: uncounted, with its out/ and, on the same
# host, its work directory.
. "$TOP/tests/lib.sh"
PLAIN_ONLY="nn"

# A script that says what it found and runs until it is stopped.
stays() {
	script stays.sh <<-'SH'
	#!/bin/sh
	trap 'echo left >scratch; echo x >>"$SPOOL_METRICS"; exit 75' TERM
	echo '{"step":1}' >>"$SPOOL_METRICS"
	printf '%s ' "${SPOOL_RESUME:-0}" "$SPOOL_ATTEMPT" "$(cat scratch 2>/dev/null)" >>"$SPOOL_OUT/seen"
	[ ! -e "$SPOOL_OUT/enough" ] || { cat "$SPOOL_OUT/seen" >&2; echo '{"loss":1}'; exit 0; }
	echo >>"$SPOOL_OUT/here"
	while :; do sleep 0.5; done
	SH
	job stays.sh >"$T/job.json"
	ID=$(spool submit "$T/job.json")
	OUT=$S/runs/$(echo "$ID" | cut -c1-8)/$ID/out
}
lines() { [ "$(wc -l <"$1")" -ge "$2" ]; }
# Its own SIGTERM ends it, without waiting for what runs.
preempted() {
	kill -TERM "$WORKER"
	soon dead "$WORKER"
	wait "$WORKER" || :
}
kept() { find "$T/work" -mindepth 2 -maxdepth 2 -path '*/spool-kept.*/*'; }

# Twice preempted by a worker's own SIGTERM, by two processes.
t_same_directory() {
	stays
	for n in 1 2; do
		start_worker --preempt
		soon lines "$OUT/here" $n
		preempted
		ls "$S/new" | grep -q "$ID.t$((n + 1))a0" || fail 'not queued again'
		has "$(kept)" "$ID.t$((n + 1))"
	done
	: >"$OUT/enough"
	drain
	is "$(status_of "$ID")" 200
	is "$(cat "$OUT/seen")" '0 1  1 1 left 1 1 left '
	is "$(outcome | jq .run.attempt)" 1
	# Each attempt has its own metrics, none twice.
	is "$(cat "$S"/runs/*/*/*.metrics.jsonl | grep -c step)" 3
	is "$(work_left)" '' 'the work folder'
	OVER=1 promises "$ID"
}

# Without --preempt the first signal lets it end.
t_without_preempt() {
	stays
	start_worker
	soon lines "$OUT/here" 1
	kill -TERM "$WORKER"
	soon grep -q '"draining"' "$S"/workers/*.json
	is "$(ls "$S/new")" ''
	kill -TERM "$WORKER"
	soon dead "$WORKER"
	is "$(cat "$OUT/seen")" '0 1  '
	ls "$S/new" | grep -q "$ID.t2a0" || fail 'not given back'
}

# What does not listen is killed after --grace, and is not counted either.
t_grace() {
	script deaf.sh <<-'SH'
	#!/bin/sh
	trap '' TERM
	echo >"$SPOOL_OUT/here"
	while :; do sleep 0.5; done
	SH
	job deaf.sh >"$T/job.json"
	ID=$(spool submit "$T/job.json")
	start_worker --preempt --grace 0.3
	soon test -e "$S/runs/$(echo "$ID" | cut -c1-8)/$ID/out/here"
	preempted
	ls "$S/new" | grep -q "$ID.t2a0" || fail 'not given back'
	has "$(cat "$T/worker.log")" "kill order=$ID"
}

# Nothing that others could have planted is taken, and nothing is lost by that.
t_planted() {
	stays
	kept=$T/work/spool-kept.$(id -u)
	start_worker --preempt
	soon lines "$OUT/here" 1
	preempted
	dir=$(kept)
	# Open to others; then a link to somewhere else.
	chmod 777 "$kept"
	start_worker --preempt
	soon lines "$OUT/here" 2
	preempted
	has "$(cat "$T/worker.log")" 'not a directory of ours alone'
	is "$(cat "$OUT/seen")" '0 1  1 1  '
	mv "$kept" "$T/elsewhere"
	chmod 700 "$T/elsewhere"
	ln -s "$T/elsewhere" "$kept"
	mkdir -m 700 "$T/elsewhere/$(basename "$dir" | sed 's/[.]t2[.]/.t3./')"
	start_worker --preempt
	soon lines "$OUT/here" 3
	preempted
	ls "$T/elsewhere" | grep -q 't3' || fail 'followed a link'
	ls "$S/new" | grep -q "$ID.t4a0" || fail 'not given back'
}

# What nobody comes back for is dropped: over, elsewhere since, old.
t_dropped() {
	stays
	kept=$T/work/spool-kept.$(id -u)
	start_worker --preempt
	soon lines "$OUT/here" 1
	preempted
	dir=$(basename "$(kept)")
	# Another worker, elsewhere, has it since.
	mkdir "$T/else"
	timeout 60 workerd $ROOTOK --work "$T/else" --preempt "$S" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
	soon lines "$OUT/here" 2
	preempted
	[ -d "$kept/$dir" ] || fail 'gone already'
	spool hold "$ID"
	tag=${dir##*.}
	mkdir -p "$kept/20200101T000000000-00000000.t2.$tag/deep/er" "$kept/odd"
	mkdir "$kept/20200101T000000000-00000000.t2.00000000"
	start_worker
	soon test ! -e "$kept/$dir"
	soon test ! -e "$kept/20200101T000000000-00000000.t2.$tag"
	soon test ! -e "$kept/odd"
	# Another spool's is that one's.
	[ -d "$kept/20200101T000000000-00000000.t2.00000000" ] || fail "another spool's"
	soon sh -c '! ls "$0"/spool-*/drop.* 2>/dev/null' "$T/work"
	preempted
}

# Of an order that is over meanwhile: it goes with the worker, which looked a
# moment ago and would look again in a minute.
t_last_look() {
	script never.sh <<-'SH'
	#!/bin/sh
	exit 75
	SH
	start_worker
	soon test -d "$S/workers"
	job never.sh >"$T/job.json"
	ID=$(spool submit "$T/job.json")
	there() { [ -n "$(kept)" ]; }
	soon there
	spool cancel "$ID"
	soon over "$ID"
	stop "$WORKER"
	is "$(kept)" '' 'kept'
}

# A worker that is killed keeps nothing.
t_killed() {
	stays
	start_worker --preempt
	soon lines "$OUT/here" 1
	kill -KILL "$WORKER"
	soon no_work_left
}

# Exit 75 at once, for ever: each time it is left alone for longer.
t_ping_pong() {
	script never.sh <<-'SH'
	#!/bin/sh
	echo >>"$SPOOL_OUT/starts"
	exit 75
	SH
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job never.sh >"$T/never.json"
	job ok.sh >"$T/ok.json"
	ID=$(spool submit "$T/never.json")
	start_worker
	soon lines "$S/runs/$(echo "$ID" | cut -c1-8)/$ID/out/starts" 3
	spool submit --wait "$T/ok.json"
	grep "again in" "$T/worker.log" | sed 's/.*again in //' >"$T/waits"
	is "$(head -n 3 "$T/waits" | tr '\n' ' ')" '2s 4s 8s '
	preempted
}

# The example, preempted at two moments: as if nothing had happened.
t_example() {
	cp "$TOP/examples/resume.py" "$S/scripts/"
	job resume.py '"count":1200,"pause":0.001' >"$T/job.json"
	ID=$(spool submit "$T/job.json")
	for n in 1 2; do
		start_worker --preempt
		soon grep -q "\"starts\": $n" "$S/runs/$(echo "$ID" | cut -c1-8)/$ID/out/state.json"
		preempted
	done
	drain
	is "$(outcome | jq -c '[.done, .sum, .starts]')" '[1200,720600,3]'
}

# nn.py, stopped at two random moments, ends where it ends undisturbed: the same
# numbers to the last digit, the same weights; and so it does when its checkpoint
# was spoiled, from the start.
curve_has() { [ "$(cat "$T"/work/spool-*-*/work.*/.spool-metrics.jsonl 2>/dev/null | wc -l)" -ge "$2" ]; }
numbers() { jq -c '[.status, .loss, .metric, .mae, .r2, .epochsRun, .bestEpoch]' "$S/outcomes/$1.json"; }
out_of() { echo "$S/runs/$(echo "$1" | cut -c1-8)/$1/out"; }
preempt_at() { # ID: when its curve has some lines, 200 are all
	_n=$(shuf -i 2-45 -n 1)
	echo "preempt when $_n lines are there" >&2
	start_worker --preempt
	soon curve_has "$1" "$_n"
	preempted
}
same_weights() {
	"$PYTHON" - "$1/weights.npz" "$2/weights.npz" <<-'PY'
	import sys
	import numpy as np
	a, b = (np.load(path) for path in sys.argv[1:])
	assert a.files == b.files and len(a.files) > 5, (a.files, b.files)
	for name in a.files:
	    assert a[name].dtype == b[name].dtype and a[name].tobytes() == b[name].tobytes(), name
	PY
}
t_nn() {
	"$PYTHON" -c 'import numpy' 2>/dev/null || PYTHON=/usr/bin/python3
	"$PYTHON" -c 'import numpy' 2>/dev/null || skip 'no python3 with numpy'
	cp "$TOP/spool/scripts/nn.py" "$S/scripts/"
	cp "$TOP/spool/data/wine_data.csv" "$S/data/"
	jq -c '.epochs = 400 | .crossValidateOnly = false | .optimizer = "adam" | .batchSize = 400 |
	    .patienceRate = 0.15 | .learningRate = 0.02 | .slowLearningRate = 0.002 | .l1 = 0 |
	    .hiddenLayers |= .[:2]' "$TOP/examples/job.json" >"$T/nn.json"
	whole=$(spool submit "$T/nn.json")
	drain
	is "$(status_of "$whole")" 200

	id=$(spool submit "$T/nn.json")
	preempt_at "$id"
	[ -s "$(out_of "$id")/checkpoint.npz" ] || fail 'no checkpoint'
	preempt_at "$id"
	drain
	is "$(grep -l preempted "$S"/runs/*/"$id"/*.json | wc -l)" 2 'preempted attempts'
	is "$(spool log "$id" | grep -c 'is done already: on from there')" 1
	is "$(numbers "$id")" "$(numbers "$whole")"
	same_weights "$(out_of "$id")" "$(out_of "$whole")"
	is "$(ls "$(out_of "$id")")" weights.npz

	id=$(spool submit "$T/nn.json")
	preempt_at "$id"
	printf 'spoiled' | dd of="$(out_of "$id")/checkpoint.npz" bs=1 seek=2000 conv=notrunc 2>/dev/null
	drain
	has "$(spool log "$id")" 'set aside as checkpoint.npz.bad'
	[ -s "$(out_of "$id")/checkpoint.npz.bad" ] || fail 'not set aside'
	is "$(numbers "$id")" "$(numbers "$whole")"
	same_weights "$(out_of "$id")" "$(out_of "$whole")"
	OVER=1 promises "$whole" "$id"
}

run_stories "$@"
