# The main job: a file dropped into a directory comes back as an outcome.
. "$TOP/tests/lib.sh"

ok_script() {
	script ok.py <<-'PY'
	import json, os, sys
	job = json.loads(sys.argv[1])
	assert job == json.load(open(os.environ["SPOOL_JOB"]))
	print("epoch 1")
	print(json.dumps({"status": 200, "loss": 0.1 + job.get("n", 0), "id": job["_id"]}))
	PY
}

check_outcome() { # of job n=41
	o=$(outcome)
	id=$(echo "$o" | jq -r ._id)
	is "$(echo "$o" | jq -r '[.status, .loss, .jobId == ._id, .orderId == ._id, .id == ._id] | @csv')" \
	    '200,41.1,true,true,true'
	is "$(echo "$o" | jq -r '[.run.attempt, .run.exitCode, .run.cause] | @csv')" '1,0,"ok"'
	day=$(echo "$id" | cut -c1-8)
	ls "$S/done/$day/50.$id.t1a0@"*.dropped.json >/dev/null || fail 'not in done/'
	# The user's text is kept byte for byte.
	cmp "$T/job.json" "$S/done/$day"/*.dropped.json
	has "$(cat "$S/runs/$day/$id"/*.log)" 'epoch 1'
	OVER=1 promises "$id"
}

t_worker_only() {
	ok_script
	job ok.py '"n":  41, "lr": 0.050, "big": 18446744073709551615' >"$T/job.json"
	cp "$T/job.json" "$S/new/dropped.json"
	drain
	check_outcome
}

t_spoold_and_worker() {
	ok_script
	start_spoold
	start_worker
	job ok.py '"n":41' >"$T/job.json"
	cp "$T/job.json" "$S/new/dropped.json"
	soon outcomes_are 1
	check_outcome
	stop "$WORKER" "$SPOOLD"
	# A clean end leaves no worker files and nothing of the jobs.
	is "$(ls "$S/workers")" '' 'workers/'
	is "$(work_left)" '' 'the work folder'
	is "$(ls -A "$S/tmp")" '' 'tmp/'
}

# spoold alone admits; the worker that comes later finds a canonical name.
t_admit() {
	start_spoold
	job x.py >"$S/new/my job (2).json"
	soon sh -c 'ls "$0"/new/50.2*.t1a0.my_job__2_.json' "$S"
}

t_mv_and_redirect() {
	ok_script
	start_spoold
	start_worker
	job ok.py '"n":1' >"$S/tmp/a.json"
	mv "$S/tmp/a.json" "$S/new/"
	job ok.py '"n":2' >"$S/new/b.json"
	job ok.py '"n":3' | dd of="$S/new/c.json" bs=3 2>/dev/null
	soon outcomes_are 3
	promises
}

t_bundle() {
	ok_script
	for i in 1 2 3 4 5; do job ok.py "\"n\":$i"; done >"$T/five.jsonl"
	echo 'no json' >>"$T/five.jsonl"
	echo >>"$T/five.jsonl"
	job ok.py '"n":6,"order":{"priority":7,"name":"six"}' >>"$T/five.jsonl"
	cp "$T/five.jsonl" "$S/new/"
	drain
	is "$(jq -r 'select(.orders == null).loss' "$S"/outcomes/2*.json | sort | tr '\n' ' ')" \
	    '1.1 2.1 3.1 4.1 5.1 6.1 '
	is "$(jq -c 'select(.orders != null) | [.status, .orders, .bad]' "$S"/outcomes/2*.json)" '[200,6,1]'
	ls "$S"/done/*/07.*.six.json >/dev/null || fail 'the line with an order'
	has "$(cat "$S"/bad/five.line6.json)" 'no json'
	OVER=1 promises
}

t_many_two_slots() {
	script n.sh <<-'SH'
	#!/bin/sh
	echo "{\"loss\":$$}"
	SH
	for i in $(seq 60); do job n.sh "\"i\":$i"; done | spool submit - >"$T/ids"
	is "$(wc -l <"$T/ids")" 60
	drain -j 2
	outcomes_are 60 || fail "only $(ls "$S/outcomes" | wc -l) outcomes"
	# Every one ran once.
	is "$(ls "$S"/done/* | grep -c t1a0@)" 60
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
}

# The sample job of the original, verbatim, with the checkout's own skeleton.
t_skeleton() {
	"$PYTHON" -c 'import numpy' 2>/dev/null || PYTHON=/usr/bin/python3
	rm -rf "$S"
	mkdir "$S"
	(cd "$TOP" && git archive HEAD spool 2>/dev/null || tar -cf - spool) | tar -xf - -C "$T"
	cp "$TOP/examples/job.json" "$S/new/"
	jq -c '.epochs = 20' "$TOP/examples/job.json" >"$S/new/short.json"
	rm "$S/new/job.json"
	drain
	is "$(outcome | jq -r '[.status, (.loss > 0), (.run.seconds > 0)] | @csv')" '200,true,true'
}

run_stories "$@"
