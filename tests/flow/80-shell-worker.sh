# A worker of 70 lines of shell that knows nothing but spool(5): alone, beside
# others, dying, and being robbed.  The work is the shell's, so it is told once.
. "$TOP/tests/lib.sh"
case $BIN in */plain) ;; *) exit 0 ;; esac

start_shell() { # NAME
	sh "$TOP/tests/worker.sh" "$S" "$1" >>"$T/shell.log" 2>&1 &
	SHELL_WORKER=$!
	PIDS="$PIDS $SHELL_WORKER"
}
holds() { find "$S/assigned" -name "*@$1-*" | grep -q .; }
count_of() { find "$S/done" -name "*@$1-*" | wc -l; }
beats() { find "$S/workers" -name "$1-*" | grep -q .; }
set_aside() { find "$S/runs" -name 't1a0@sh-*.json' | grep -q .; }
ran() { [ "$(wc -l <"$T/trace")" = "$1" ]; }

# Writes down that it runs, and where; ends when $T/go is there.
waiting_script() {
	script wait.py <<-'PY'
	import json, os, sys, time
	job = json.loads(sys.argv[1])
	assert job == json.load(open(os.environ["SPOOL_JOB"])) and job["_id"] == os.environ["SPOOL_ID"]
	with open(job["trace"], "a") as f: f.write("%s %d\n" % (job["_id"], os.getpid()))
	while not os.path.exists(job["go"]): time.sleep(0.02)
	print(json.dumps({"loss": job["n"]}))
	PY
}
waiting_job() { job wait.py "\"n\":$1,\"go\":\"$T/go\",\"trace\":\"$T/trace\""; }
runs_of() { cut -d' ' -f1 "$T/trace" | sort | uniq -c | awk -v n="$1" '$1 == n' | wc -l; }

t_alone() {
	script ok.py <<-'PY'
	import json, os, sys
	print("a line"); print('{not json}'); print("err", file=sys.stderr)
	open(os.environ["SPOOL_OUT"] + "/w", "w").write(open("d.csv").read())
	print(json.dumps({"status": "completed", "loss": json.loads(sys.argv[1])["n"]}))
	print("bye")
	PY
	script fail.py <<-'PY'
	import sys; print('{"loss": 3}'); sys.exit("no luck")
	PY
	script error.py <<-'PY'
	print('{"status": 200, "error": "diverged"}')
	PY
	script silent.py </dev/null
	echo 1,2 >"$S/data/d.csv"
	{
		for i in 1 2 3 4 5 6; do job ok.py "\"n\":$i,\"dataFileName\":\"d.csv\""; done
		job fail.py; job error.py; job silent.py; job missing.py
	} | spool submit --name ten --priority 7 - >"$T/ids" 2>/dev/null
	gpu=$(job ok.py '"order":{"gpus":1}' | spool submit -)
	held=$(job ok.py '"n":7' | spool submit -)
	: >"$S/hold/$held"
	: >"$S/drain/one"
	sh "$TOP/tests/worker.sh" "$S" one
	is "$(count outcomes)" 0 'outcomes of a drained one'
	rm "$S/drain/one"
	sh "$TOP/tests/worker.sh" "$S" one
	is "$(count outcomes)" 10 outcomes
	is "$(jq -r '"\(.status) \(.loss)"' "$S"/outcomes/2*.json | sort | tr '\n' ',')" \
	    '200 1,200 2,200 3,200 4,200 5,200 6,204 null,500 3,500 null,500 null,'
	is "$(jq -s '[.[].run | select(.worker[:4] == "one-" and .attempt == 1)] | length' "$S"/outcomes/2*.json)" 10
	has "$(jq -r 'select(.loss == 3 and .status == 500).error' "$S"/outcomes/2*.json)" 'no luck'
	id=$(head -n 1 "$T/ids")
	is "$(cat "$S"/runs/*/"$id"/out/w)" 1,2
	has "$(cat "$S"/runs/*/"$id"/t1a0@one-*.log)" 'a line'
	# What it cannot do, and what is held, stays.
	is "$(count new)" 2 'orders left'
	for id in $gpu $held; do
		[ -e "$S/new/50.$id.t1a0.json" ] || fail "$id is not in new/"
	done
	is "$(find "$S/workers" "$S/assigned" "$S/tmp" -type f)" '' 'left over'
	# shellcheck disable=SC2046
	promises $(cat "$T/ids")
	# The others' eyes find nothing wrong, and can read all of it.
	exits 0 spool check
	is "$(spool ls --json failed | jq -r .name | sort -u)" ten
}

t_beside_workerd() {
	waiting_script
	start_spoold
	for i in $(seq 50); do waiting_job "$i"; done | spool submit - >"$T/ids"
	start_shell sh
	soon holds sh
	start_worker --name fast -j 2
	soon holds fast
	: >"$T/go"
	soon outcomes_are 50
	[ "$(count_of sh)" -ge 1 ] || fail 'the shell worker did nothing'
	[ "$(count_of fast)" -ge 1 ] || fail 'workerd did nothing'
	is "$(runs_of 1)" 50 'orders that ran once'
	is "$(jq -s 'map(.loss) | sort == [range(1; 51)]' "$S"/outcomes/2*.json)" true
	soon dead "$SHELL_WORKER"
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
}

# Three of them want the same head of the queue: one winner each, no trace of
# the others.
t_three() {
	waiting_script
	: >"$T/go"
	for i in $(seq 24); do waiting_job "$i"; done | spool submit - >"$T/ids"
	for i in 1 2 3; do start_shell "s$i"; done
	# shellcheck disable=SC2086
	wait $PIDS
	is "$(runs_of 1)" 24 'orders that ran once'
	is "$(find "$S/runs" -name '*.log' | wc -l)" 24 logs
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
}

# Killed in the middle: its beats end with it, its order runs again elsewhere.
killed() {
	waiting_script
	waiting_job 1 >"$T/job.json"
	id=$(spool submit "$T/job.json")
	start_shell sh
	soon test -s "$T/trace"
	soon beats sh
	kill -KILL "$SHELL_WORKER"
	wait "$SHELL_WORKER" 2>/dev/null || :
	orphan=$(cut -d' ' -f2 "$T/trace")
	start_worker
	soon ran 2
	: >"$T/go"
	soon over "$id"
	soon dead "$orphan"
	is "$(jq -c '[.status, .run.attempt]' "$S/outcomes/$id.json")" '[200,2]'
	hasnt "$(jq -r .run.worker "$S/outcomes/$id.json")" 'sh-'
	OVER=1 promises "$id"
}
t_killed() { killed; }
t_killed_with_spoold() { start_spoold; killed; }

# The order is taken from it while it runs: it does not commit, nor publish.
t_robbed() {
	waiting_script
	waiting_job 1 >"$T/job.json"
	id=$(spool submit "$T/job.json")
	start_shell sh
	soon test -s "$T/trace"
	mine=$(cd "$S/assigned" && echo *)
	mv "$S/assigned/$mine" "$S/waiting/$(echo "$mine" | sed 's/t1a0@[^.]*/t2a1/')"
	: >"$T/go"
	soon dead "$SHELL_WORKER"
	is "$(count outcomes)" 0 'outcomes after the robbery'
	drain
	is "$(jq -c '[.status, .run.attempt]' "$S/outcomes/$id.json")" '[200,2]'
	# Its own outcome is set aside beside the job, in time.
	start_worker
	soon set_aside
	OVER=1 promises "$id"
}

# What is pinned is what runs, also when it is no longer anywhere else.
t_pinned() {
	mkdir -p "$T/project/pkg"
	cd "$T/project" || exit
	printf 'import helper, pkg.deep, json\nprint(json.dumps({"loss": helper.x + pkg.deep.y, "data": open("d.csv").read()}))\n' >nn.py
	echo 'x = 1' >helper.py
	echo 'y = 2' >pkg/deep.py
	echo 'a b' >d.csv
	job nn.py '"dataFileName":"d.csv"' >job.json
	id=$(spool submit job.json)
	echo 'x = 5' >helper.py
	bad=$(spool submit job.json)
	chmod +w "$S/blobs/sha256/$(sha256sum helper.py | cut -d' ' -f1)"
	echo 'print("planted")' >>"$S/blobs/sha256/$(sha256sum helper.py | cut -d' ' -f1)"
	for f in *.py pkg/*.py d.csv; do echo 'raise SystemExit("edited")' >$f; done
	cp nn.py "$S/scripts"
	cp d.csv "$S/data"
	own=$(job nn.py '"order":{"code":"src"}' | spool submit --no-pin -)
	sh "$TOP/tests/worker.sh" "$S" one
	is "$(jq -c '[.status, .loss, .data]' "$S/outcomes/$id.json")" '[200,3,"a b\n"]'
	is "$(status_of "$bad")" 500
	hasnt "$(cat "$S"/runs/*/"$bad"/*.log)" planted
	# a directory that is not pinned it leaves to others
	is "$(find "$S/new" -name "*$own*" | wc -l)" 1
	promises
}

run_stories "$@"
