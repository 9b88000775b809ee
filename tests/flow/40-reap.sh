# Leases, and what comes of work whose worker dies.
. "$TOP/tests/lib.sh"

long_job() {
	script long.py <<-'PY'
	import os, time
	open(os.environ["MARK"] + "." + os.environ["SPOOL_TICKET"], "w").write(str(os.getpid()))
	while not os.path.exists(os.environ["GO"]): time.sleep(0.02)
	print('{"loss": 1}')
	PY
	job long.py "\"order\":{\"env\":{\"MARK\":\"$T/mark\",\"GO\":\"$T/go\"}${1:+,$1}}" >"$S/new/long.json"
}

# kill -9 of a worker: its processes die too, the job runs again elsewhere.
killed() {
	long_job
	start_worker --name one
	soon test -s "$T/mark.1"
	kill -KILL "$WORKER"
	soon dead "$(cat "$T/mark.1")"
	touch "$T/go"
	start_worker --name two
	soon outcomes_are 1
	is "$(outcome | jq -r '[.status, .run.attempt] | @csv')" '200,2'
	has "$(cat "$S"/runs/*/*/*t1a0@one-*.json)" 'lost'
	OVER=1 promises
}
t_worker_killed_alone() { killed; }
t_worker_killed_with_spoold() { start_spoold; killed; }

# Attempts are counted in the name; when they are spent by losses: 503.
t_attempts_spent() {
	long_job '"attempts":2'
	start_spoold
	for n in 1 2; do
		start_worker --name "w$n"
		soon sh -c 'ls "$0"/assigned | grep -q "@w'$n'-"' "$S"
		kill -KILL "$WORKER"
		wait "$WORKER" 2>/dev/null || :
	done
	soon outcomes_are 1
	is "$(outcome | jq -r '[.status, .run.cause] | @csv')" '503,"lost"'
	find "$S/failed" -name '*a2@*.long.json' | grep -q . || fail "attempts in the name: $(ls "$S"/failed/*)"
	OVER=1 promises
}

# A worker of another host is judged by its beats alone.
other_host() { # NAME-nonce beat
	printf '{"worker":"%s","role":"worker","host":"elsewhere","boot":"b","pid":1,"beat":%s}\n' "$1" "$2" \
	    >"$S/tmp/$1" && mv "$S/tmp/$1" "$S/workers/$1.json"
}
assign() { # WORKER: an order in its hands; prints the id
	_id=$(spool submit "$T/ok.json")
	_n=$(cd "$S/new" && ls | grep "$_id")
	mv "$S/new/$_n" "$S/assigned/$(echo "$_n" | sed "s/\\.t1a0/.t1a0@$1/")"
	echo "$_id"
}
ok_job() {
	script ok.py <<-'PY'
	print('{"loss": 1}')
	PY
	job ok.py >"$T/ok.json"
}

t_silent_worker_loses() {
	ok_job
	other_host gpu-00000a 1
	id=$(assign gpu-00000a)
	start_worker
	soon over "$id"
	is "$(jq -r .run.attempt "$S/outcomes/$id.json")" 2
}

t_beating_worker_keeps() {
	ok_job
	other_host gpu-00000a 1
	id=$(assign gpu-00000a)
	start_worker
	end=$(($(date +%s) + 4))
	n=1
	while [ "$(date +%s)" -lt $end ]; do
		n=$((n + 1))
		other_host gpu-00000a $n
		sleep 0.2
	done
	ls "$S/assigned" | grep -q "$id.t1a0@gpu-00000a" || fail 'taken from a beating worker'
	soon over "$id" # now it is silent
}

# An assigned order whose worker never had a file comes back as well.
t_unknown_worker() {
	ok_job
	id=$(assign ghost-0000ff)
	start_worker
	soon over "$id"
}

# A finished attempt of a dead worker is committed, not repeated.
t_finished_is_committed() {
	ok_job
	other_host gpu-00000a 1
	id=$(assign gpu-00000a)
	printf '{"_id":"%s","status":200,"loss":42}\n' "$id" >"$S/outcomes/.$id.t1a0@gpu-00000a"
	start_worker
	soon over "$id"
	is "$(jq -r .loss "$S/outcomes/$id.json")" 42
	ls "$S"/done/*/ | grep -q "$id.t1a0@gpu-00000a" || fail 'not under the name of its worker'
	OVER=1 promises "$id"
}
# Half an outcome is none.
t_half_finished_is_repeated() {
	ok_job
	other_host gpu-00000a 1
	id=$(assign gpu-00000a)
	printf '{"_id":"%s","status":200,"lo' "$id" >"$S/outcomes/.$id.t1a0@gpu-00000a"
	start_worker
	soon over "$id"
	is "$(jq -r .loss "$S/outcomes/$id.json")" 1
}

# A commit that survived without its publication is published.
t_republish() {
	ok_job
	id=$(assign gpu-00000a)
	printf '{"_id":"%s","status":200,"loss":42}\n' "$id" >"$S/outcomes/.$id.t1a0@gpu-00000a"
	day=$(echo "$id" | cut -c1-8)
	mkdir -p "$S/done/$day"
	mv "$S/assigned"/*"$id"* "$S/done/$day/"
	start_spoold
	soon over "$id"
	is "$(jq -r .loss "$S/outcomes/$id.json")" 42
}

# A zombie that comes back after its lease: refused, put aside, one outcome.
t_zombie() {
	long_job
	start_spoold
	start_worker --name one
	first=$WORKER
	soon test -s "$T/mark.1"
	# Stopped, the process is still there: only the lease can tell.
	sed -i 's/"host":"[^"]*"/"host":"elsewhere"/' "$S"/workers/one-*.json
	kill -STOP "$first"
	start_worker --name two
	soon test -s "$T/mark.3"
	touch "$T/go"
	soon outcomes_are 1
	kill -CONT "$first"
	soon sh -c '! grep -q . "$0"/assigned/* 2>/dev/null' "$S"
	soon dead "$(cat "$T/mark.1")"
	job ok.py >"$T/ok.json"; ok_job
	is "$(outcome | jq -r .run.attempt)" 2
	stop "$first"
	OVER=1 promises
}

# A stall of the spool itself kills nobody: a worker that cannot beat goes on.
t_outage() {
	long_job
	start_worker
	soon test -s "$T/mark.1"
	mv "$S/workers" "$S/workers.away"
	end=$(($(date +%s) + 3))
	until [ "$(date +%s)" -ge $end ]; do
		kill -0 "$(cat "$T/mark.1")" || fail 'a running job was killed'
		sleep 0.1
	done
	mv "$S/workers.away" "$S/workers"
	touch "$T/go"
	soon outcomes_are 1
	is "$(outcome | jq -r '[.status, .run.attempt] | @csv')" '200,1'
}

# SIGTERM: running jobs end, nothing new is claimed.  Twice: given back.
t_sigterm_once() {
	long_job
	start_worker
	soon test -s "$T/mark.1"
	kill -TERM "$WORKER"
	ok_job
	id=$(spool submit "$T/ok.json")
	touch "$T/go"
	soon dead "$WORKER"
	outcomes_are 1 || fail 'the running job did not end'
	[ -z "$(ls "$S/assigned")" ]
	ls "$S/new" | grep -q "$id" || fail 'claimed after SIGTERM'
}
t_sigterm_twice() {
	long_job
	start_worker
	soon test -s "$T/mark.1"
	kill -TERM "$WORKER"
	soon grep -q "a second signal" "$T/worker.log"
	kill -TERM "$WORKER"
	soon dead "$WORKER"
	soon dead "$(cat "$T/mark.1")"
	ls "$S/new" | grep -q 't2a0' || fail "not given back uncounted: $(ls "$S"/*)"
	outcomes_are 0
	promises
}

# Over half of the workers silent at once: believed only after a second lease.
t_no_mass_revocation() {
	ok_job
	for i in 1 2 3 4; do other_host "gpu-00000$i" 1; done
	id=$(assign gpu-000001)
	start_spoold
	soon sh -c 'ls "$0"/workers | grep -q spoold' "$S"
	began=$(date +%s%N)
	# t3 when it has been promoted meanwhile
	soon sh -c 'ls "$0"/waiting "$0"/new | grep -q "t[23]a1"' "$S"
	took=$((($(date +%s%N) - began) / 1000000))
	[ $took -gt 1700 ] || fail "revoked after $took ms, one lease is 1000"
	is "$id" "$id"
}

run_stories "$@"
