# Bundles: one file of many jobs is one file until its turn comes; each line
# becomes one order, whoever opens it and whoever dies.
PLAIN_ONLY="worker_alone idle wait"
. "$TOP/tests/lib.sh"

slice() {
	policy lease=1 beat=0.2 settle=0.1 attempts=3 backoff=0.1 \
	    backoffMax=1 halfRename=1 poll=0.2 slice="$1"
	job ok.sh >"$T/ok.json"
	script ok.sh <<-'SH'
	#!/bin/sh
	echo "$(ls "$SPOOL_DIR/new" | wc -l)" >>"$SPOOL_DIR/tmp/.lengths"
	echo "{\"loss\":$(sed 's/.*"n":\([0-9]*\).*/\1/' "$SPOOL_JOB")}"
	SH
}
lines() { # FROM TO [MEMBERS]
	seq "$1" "$2" | awk -v more="${3:+,$3}" '{
		printf "{\"scriptName\":\"ok.sh\",\"n\":%d%s}\n", $1, more }'
}
# Another disk's rename does not show half of them.
drop() { # FILE
	cp "$1" "$S/tmp/.drop"
	mv "$S/tmp/.drop" "$S/new/$(basename "$1")"
}
bundles() { ls "$S/new" | grep -c 'jsonl$'; }
bundles_are() { [ "$(bundles)" = "$1" ]; }
orders() { ls "$S/new" | grep -c '^[0-9][0-9]\.2.*\.json$'; }
orders_are() { [ "$(orders)" = "$1" ]; }
# What ran, by its number.
ran() { jq -r 'select(.orders == null and .status < 300).loss' "$S"/outcomes/2*.json | sort -n | tr '\n' ' '; }

# ---- taking them apart ----

# A long one is cut into short ones; lines keep their places, and what is no job
# its number.
t_cut() {
	slice 3
	{
		lines 1 5
		echo 'no json'
		echo
		lines 6 10
		lines 11 11 '"order":{"priority":7,"name":"first"}'
		lines 12 20 '"order":{"priority":60}'
	} >"$T/many.jsonl"
	drop "$T/many.jsonl"
	drain
	is "$(ran)" "$(seq 20 | tr '\n' ' ')"
	is "$(cat "$S/bad/many.line6.json")" 'no json'
	[ -s "$S/bad/many.line6.json.why" ] || fail 'no .why'
	# 10 of priority 50 in threes, 1 of 7, 9 of 60, and the whole
	is "$(ls "$S"/done/* | grep -c '^07\..*many.jsonl')" 2
	is "$(ls "$S"/done/* | grep -c '^50\..*many.jsonl')" 4
	is "$(ls "$S"/done/* | grep -c '^60\..*many.jsonl')" 3
	ls "$S"/done/*/07.*.first.json >/dev/null || fail 'the line with a name'
	is "$(jq -c 'select(.bundles != null) | [.orders, .bad, .bundles]' "$S"/outcomes/2*.json)" '[20,1,8]'
	# In the order of the lines.
	is "$(find "$S/done" -name '60.*.json' | sort | while read -r f; do
		jq -r .n "$f"
	done | tr '\n' ' ')" "$(seq 12 20 | tr '\n' ' ')"
	OVER=1 promises
}

# Whose most urgent line is more urgent than the queue does not wait for it.
t_most_urgent() {
	slice 1024
	for i in $(seq 20); do cat "$T/ok.json"; done | spool submit - >/dev/null
	slice 2
	{
		lines 1 3
		lines 4 4 '"order":{"priority":3}'
		lines 5 6 '"prior\u0069ty":0'
	} >"$T/mixed.jsonl"
	lines 1 3 '"order":{"priority":80}' >"$T/late.jsonl"
	drop "$T/mixed.jsonl"
	drop "$T/late.jsonl"
	start_spoold
	soon eval 'ls "$S/new" | grep -q "^03.*mixed.json$"'
	soon eval 'ls "$S/new" | grep -q "^80.*late.jsonl$"'
	# The others have their place in the queue, and are no files before it.
	is "$(ls "$S/new" | grep -c '^50\..*mixed.jsonl$')" 3
}

# ---- one file until then ----

t_one_file() {
	slice 1024
	for i in $(seq 12); do cat "$T/ok.json"; done |
	    spool submit --priority 10 - >"$T/ids"
	slice 2
	lines 1 5 >"$T/five.jsonl"
	start_spoold
	drop "$T/five.jsonl"
	soon eval 'ls "$S/new" | grep -q "^50\.2.*five.jsonl$"'
	# It has gone round since: what came later is over.
	echo '{"epochs":1}' >"$S/new/invalid.json"
	soon outcomes_are 1
	is "$(bundles)" 1
	is "$(orders)" 12
	has "$(spool ls new 2>&1)" 'five (5 jobs)'
	has "$(spool ls 2>&1 >/dev/null)" '5 jobs in 1 bundle'
	# Eight are few for slices of two.
	head -n 5 "$T/ids" | spool cancel - >/dev/null
	soon orders_are 9
	is "$(bundles)" 2
	has "$(spool ls new 2>&1)" 'five (2 jobs)'
	sed -n 6,12p "$T/ids" | spool cancel - >/dev/null
	soon orders_are 5
	is "$(bundles)" 0
	promises
}

# A worker alone opens what it has come to, and no more.
t_worker_alone() {
	slice 4
	lines 1 100 >"$T/many.jsonl"
	drop "$T/many.jsonl"
	drain -j 2
	is "$(ran)" "$(seq 100 | tr '\n' ' ')"
	# 25 of four, and some opened ahead
	most=$(sort -n "$S/tmp/.lengths" | tail -n 1)
	[ "$most" -lt 75 ] || fail "$most files in new/"
	OVER=1 promises
}

# No worker opens what it cannot run, far from the head; and what lies behind it
# runs.
t_unfit() {
	slice 1024
	for i in $(seq 12); do job ok.sh '"order":{"gpus":7,"priority":10}'; done |
	    spool submit - >/dev/null
	slice 2
	lines 1 2 '"order":{"gpus":7}' >"$T/gpus.jsonl"
	lines 3 4 '"order":{"priority":60}' >"$T/behind.jsonl"
	drop "$T/gpus.jsonl"
	drop "$T/behind.jsonl"
	start_worker --drain
	wait "$WORKER" || fail 'drain'
	is "$(ran)" '3 4 '
	has "$(cat "$T/worker.log")" 'drain leaves=13'
	ls "$S/new" | grep -q 'gpus.jsonl$' || fail 'it was opened'
}

# For those who see only the head of the queue one more is opened.
t_idle() {
	slice 1024
	for i in $(seq 12); do job ok.sh '"order":{"gpus":7,"priority":5}'; done |
	    spool submit - >/dev/null
	slice 2
	lines 1 4 >"$T/four.jsonl"
	start_spoold
	drop "$T/four.jsonl"
	soon eval 'ls "$S/new" | grep -q "^50\.2.*four.jsonl$"'
	W=far-000001
	n=0
	beats() {
		n=$((n + 1))
		printf '{"worker":"%s","role":"worker","state":"idle","host":"x","boot":"x","beat":%d}\n' \
		    "$W" "$n" >"$S/tmp/.beat" && mv "$S/tmp/.beat" "$S/workers/$W.json"
		orders_are 16
	}
	soon beats
}

# ---- many submitted at once ----

t_submit() {
	slice 10
	{
		lines 1 25
		lines 26 27 '"order":{"after":["20200101T000000000-00000000"]}'
		lines 28 40
		lines 41 45 '"order":{"priority":1}'
		echo 'no json'
	} >"$T/b.jsonl"
	exits 1 spool submit "$T/b.jsonl"
	is "$(wc -l <"$T/out")" 45
	is "$(sort -u "$T/out" | wc -l)" 45
	has "$(cat "$T/err")" 'b.jsonl:46:'
	cp "$T/out" "$T/ids"
	is "$(bundles)" 4 'bundles of 38'
	is "$(orders)" 5 'few of a priority are files'
	is "$(count waiting)" 2 'what waits is a file'
	rm "$S/waiting"/*
	drain -j 2
	is "$(ran)" "$(seq 25 | tr '\n' ' ')$(seq 28 45 | tr '\n' ' ')"
	# Each has the id that was printed for it.
	n=0
	while read -r id; do
		n=$((n + 1))
		[ $n = 26 ] || [ $n = 27 ] ||
		    is "$(jq .loss "$S/outcomes/$id.json")" $n
	done <"$T/ids"
	# shellcheck disable=SC2046
	OVER=1 promises $(sed '26d;27d' "$T/ids")
}

# Verbs know the lines.
t_verbs() {
	slice 10
	lines 1 20 | spool submit - >"$T/ids"
	is "$(bundles)" 2
	id() { sed -n "$1p" "$T/ids"; }
	# To wait for them, or to make others wait, leaves them where they are.
	exits 111 spool wait --timeout 0.1 - <"$T/ids"
	dep=$(lines 99 99 | spool submit --after "$(id 19)" -)
	is "$(bundles)" 2
	exits 1 spool show 20200101T000000000-00000001
	exits 1 spool wait --timeout 0.1 "$(id 20 | sed 's/.$/z/')"
	# To look at one or to move it brings it out, with its neighbours.
	exits 0 spool show "$(id 3)"
	has "$(cat "$T/out")" "$(id 3)"
	is "$(bundles)" 1
	is "$(orders)" 10
	exits 0 spool cancel "$(id 12)"
	is "$(bundles)" 0
	is "$(status_of "$(id 12)")" 499
	exits 0 spool hold "$(id 1)"
	exits 0 spool why "$(id 2)"
	drain
	is "$(ran)" '2 3 4 5 6 7 8 9 10 11 13 14 15 16 17 18 19 20 99 '
	over "$dep" || fail 'what was to run after a line'
	is "$(ls "$S/waiting")" "$(cd "$S/waiting" && echo 50."$(id 1)".*)"
	# The bundle itself is an order, too: all that is in it goes with it.
	lines 1 10 | spool submit - >"$T/ids"
	b=$(ls "$S/new")
	exits 0 spool hold "$b"
	is "$(bundles)" 0
	start_worker
	exits 0 spool unhold "$b"
	soon eval '[ "$(ran | wc -w)" = 29 ]'
	stop "$WORKER"
	lines 1 10 | spool submit - >"$T/ids"
	exits 0 spool cancel "$(ls "$S/new")"
	is "$(orders)" 0
	exits 1 spool show "$(id 5)"
	OVER=0 promises
}

# Who waits for a line looks for it again and again, and finds it in its bundle.
t_wait() {
	slice 10
	lines 1 10 | spool submit - >"$T/ids"
	exits 111 spool wait --timeout 12 "$(sed -n 5p "$T/ids")"
	is "$(bundles)" 1
	rm "$S/new"/*
	exits 1 spool wait --timeout 60 - <"$T/ids"
}

# All who may open one, at once, and some die at it.
t_race() {
	slice 2
	[ ! -x "${CRASHBIN:-}/spoold" ] || PATH=$CRASHBIN:$PATH
	start_worker --name a
	start_worker --name b -j 2
	start_spoold
	spoold=$SPOOLD
	ACTOR_ENV=SPOOL_CRASH=bundle.committed:2
	start_worker --name c
	ACTOR_ENV=SPOOL_CRASH=cut.line:2
	start_worker --name d
	ACTOR_ENV=
	for i in 1 2 3 4; do
		lines $((i * 10 + 1)) $((i * 10 + 10)) >"$T/b$i.jsonl"
		drop "$T/b$i.jsonl"
		lines $((i * 10 + 41)) $((i * 10 + 50)) | spool submit - >>"$T/ids"
		[ $i != 3 ] || kill -KILL "$spoold"
	done
	for id in $(head -n 20 "$T/ids"); do
		spool show "$id" >/dev/null 2>&1 || :
	done
	soon eval '[ "$(ran | wc -w)" -ge 80 ]'
	is "$(ran)" "$(seq 11 90 | tr '\n' ' ')"
	# Some who have died owe an outcome of a bundle yet.
	# shellcheck disable=SC2046
	told() { OVER=1 sh "$TOP/tests/promises" "$S" $(cat "$T/ids"); }
	soon told
}

run_stories "$@"
