# Dependencies, times, priorities, hold and cancel; with a daemon and without.
. "$TOP/tests/lib.sh"

fixture() {
	script ok.py <<-'PY'
	import json, os, sys
	open(os.environ.get("TRACE", "/dev/null"), "a").write(json.loads(sys.argv[1]).get("n", "?") + "\n")
	print('{"loss": 1}')
	PY
	script fail.py <<-'PY'
	import sys; sys.exit(1)
	PY
	job ok.py >"$T/ok.json"
	job fail.py >"$T/fail.json"
}
traced() { job ok.py "\"n\":\"$1\",\"order\":{\"env\":{\"TRACE\":\"$T/trace\"}${2:+,$2}}"; }
where() { find "$S/new" "$S/waiting" "$S/assigned" "$S/done" "$S/failed" -name "*$1*" | sed "s#^$S/##; s#/.*##"; }

t_after() {
	fixture
	traced a >"$T/a.json"
	traced b >"$T/b.json"
	traced c >"$T/c.json"
	a=$(spool submit "$T/a.json")
	b=$(spool submit --priority 1 --after "$a" "$T/b.json")
	c=$(spool submit --priority 0 --after "$a" --after "$b" "$T/c.json")
	is "$(where "$b")" waiting
	is "$(where "$c")" waiting
	drain
	is "$(tr '\n' ' ' <"$T/trace")" 'a b c '
	is "$(status_of "$c")" 200
	OVER=1 promises
}

t_after_failed() {
	fixture
	a=$(spool submit "$T/fail.json")
	b=$(spool submit --after "$a" "$T/ok.json")
	c=$(spool submit --after "$b" "$T/ok.json")
	start_spoold
	start_worker
	soon over "$c"
	is "$(status_of "$a") $(status_of "$b") $(status_of "$c")" '500 424 424'
	has "$(jq -r .error "$S/outcomes/$b.json")" "$a"
	OVER=1 promises
}

# The same from raw drops: order.after in the file.
t_after_dropped() {
	fixture
	a=$(spool submit "$T/ok.json")
	job ok.py "\"order\":{\"after\":\"$a\"}" >"$S/new/dep.json"
	start_spoold
	soon sh -c 'ls "$0"/waiting | grep -q dep' "$S"
	start_worker
	soon outcomes_are 2
}

t_not_before() {
	fixture
	when=$(date -u -d '+2 seconds' +%Y-%m-%dT%H:%M:%SZ)
	job ok.py "\"order\":{\"notBefore\":\"$when\"}" >"$S/new/later.json"
	job ok.py '"order":{"notBefore":"2001-01-01T00:00:00Z"}' >"$S/new/past.json"
	start_spoold
	start_worker
	soon sh -c 'ls "$0"/waiting | grep -q later' "$S"
	soon outcomes_are 2
	o=$(cat "$S/outcomes/$(ls "$S"/done/*/ | grep later | cut -d. -f2).json")
	started=$(echo "$o" | jq -r '.run.started | sub("\\.[0-9]+"; "") | fromdate')
	[ "$started" -ge "$(date -u -d "$when" +%s)" ] || fail "started at $started"
}

t_priority() {
	fixture
	for n in c:50 a:1 d:99 b:7; do
		traced "${n%:*}" "\"priority\":${n#*:}" >"$S/new/${n%:*}.json"
	done
	start_spoold
	soon sh -c 'test "$(ls "$0"/new | grep -c "^[0-9][0-9]\.2")" = 4' "$S"
	# ls shows the queue in dispatch order
	is "$(ls "$S/new" | sed 's/.*\.\([a-d]\)\.json/\1/' | tr '\n' ' ')" 'a b c d '
	drain -j 1
	is "$(tr '\n' ' ' <"$T/trace")" 'a b c d '
}

t_hold() {
	fixture
	start_spoold
	a=$(spool submit "$T/ok.json")
	spool hold "$a"
	soon sh -c 'ls "$0"/waiting | grep -q "$1"' "$S" "$a"
	b=$(spool submit "$T/ok.json")
	start_worker
	soon over "$b"
	is "$(where "$a")" waiting
	spool unhold "$a"
	soon over "$a"
	is "$(status_of "$a")" 200
	is "$(ls "$S/hold")" ''
	OVER=1 promises
}

# Without any daemon a held order is not claimed either.
t_hold_alone() {
	fixture
	a=$(spool submit "$T/ok.json")
	: >"$S/hold/$a"
	b=$(spool submit "$T/ok.json")
	drain
	over "$b" || fail 'the other did not run'
	over "$a" && fail 'a held order ran'
	rm "$S/hold/$a"
	drain
	over "$a"
}

t_cancel_queued() {
	fixture
	a=$(spool submit "$T/ok.json")
	b=$(spool submit --after "$a" "$T/ok.json")
	spool cancel "$a"
	is "$(status_of "$a")" 499
	is "$(where "$a")" failed
	drain
	is "$(status_of "$b")" 424
	is "$(ls "$S/cancel")" ''
	OVER=1 promises
}

cancel_running() {
	fixture
	script long.py <<-'PY'
	import os, subprocess, time
	p = subprocess.Popen(["sleep", "3600"])
	open(os.environ["MARK"], "w").write(f"{os.getpid()} {p.pid}")
	time.sleep(3600)
	PY
	job long.py "\"order\":{\"env\":{\"MARK\":\"$T/mark\"}}" >"$T/long.json"
	start_worker
	a=$(spool submit "$T/long.json")
	soon test -s "$T/mark"
	spool cancel "$a"
	soon over "$a"
	is "$(status_of "$a")" 499
	for p in $(cat "$T/mark"); do soon dead "$p"; done
	soon sh -c 'test -z "$(ls "$0"/cancel)"' "$S"
	b=$(spool submit "$T/ok.json")
	soon over "$b"
	is "$(status_of "$b")" 200
	OVER=1 promises
}
t_cancel_running() { cancel_running; }
t_cancel_running_with_spoold() { start_spoold; cancel_running; }

# A mark made by hand, as spool(5) says.
t_cancel_by_hand() {
	fixture
	a=$(spool submit "$T/ok.json")
	: >"$S/cancel/$a"
	start_spoold
	soon over "$a"
	is "$(status_of "$a")" 499
	soon sh -c 'test -z "$(ls "$0"/cancel)"' "$S"
}

# A worker that fails in one way does not hold the others up; back-off waits in
# waiting/ and promotes by itself.
t_backoff() {
	fixture
	policy lease=1 beat=0.2 settle=0.5 attempts=2 backoff=1 backoffMax=2 poll=0.2
	job fail.py '"order":{"retry":["exit"]}' >"$S/new/f.json"
	start_spoold
	start_worker
	soon sh -c 'ls "$0"/waiting | grep -q "t2a1.f.json"' "$S"
	soon outcomes_are 1
	is "$(outcome | jq -r '[.status, .run.attempt] | @csv')" '500,2'
}

run_stories "$@"
