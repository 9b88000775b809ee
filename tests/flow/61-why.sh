# Why an order does not run: what spool why, spool submit and the workers say.
. "$TOP/tests/lib.sh"

runs_long() { # progress N of 100 each time the file $T/step grows
	script long.sh <<-SH
	#!/bin/sh
	now=\$(date +%s)
	echo '{"step":10,"time":'\$((now - 60))'}' >"\$SPOOL_METRICS"
	echo '{"step":20,"time":'\$now'}' >>"\$SPOOL_METRICS"
	while [ ! -e "$T/go" ]; do sleep 0.05; done
	SH
}
why() { spool why "$@" >"$T/why" 2>&1 || fail "why: $(cat "$T/why")"; cat "$T/why"; }
says() { why "$1" | grep -qF "$2"; }
running() { [ "$(count assigned)" = "$1" ]; }
worker_is() { W=$(ls "$S/workers" | sed -n "s/^\($1-[0-9a-f]*\)\.json$/\1/p"); [ -n "$W" ]; }

t_busy() {
	runs_long
	start_worker --name gpu07 -j 2
	soon worker_is gpu07
	A=$(job long.sh '"steps":100,"order":{"cpus":0.1}' | spool submit -)
	B=$(job long.sh '"order":{"cpus":0.1}' | spool submit -)
	soon running 2
	C=$(job long.sh '"order":{"cpus":0.1}' | spool submit -)
	D=$(job long.sh | spool submit -)
	a=${A##*-} b=${B##*-}
	# The beat that says so is the next one.
	soon says "$C" 'all its slots are taken'
	has "$(why "$C")" "$W: all its slots are taken by ...$a, ...$b"
	has "$(why "$C")" '0 ahead of it, 1 worker alive'
	has "$(why "$D")" '1 ahead of it'
	# A has done 10 of 100 steps in a minute and is at 20: 8 minutes.
	soon says "$C" 'would run next on'
	why "$C" | grep -Eq "would run next on $W in about [78]m" || fail "$(why "$C")"
	soon says "$D" 'after those before it'
	is "$(spool why --json "$C" | jq -r '[.state, .ahead, .workers[0].fits, .next] | join(" ")')" \
	    "new 0 busy $W"
	is "$(spool why --json "$C" | jq -r '.at == .workers[0].at')" true
	has "$(spool show "$C")" 'all its slots are taken'
	has "$(why "$A")" "runs on $W"
	soon says "$A" 'has come to 20%'
	touch "$T/go"
	soon outcomes_are 4
	has "$(why "$A")" 'over: it stands in done/ with status 204'
}

# One with --drain claims as long as there is anything.
t_with_drain() {
	runs_long
	A=$(job long.sh | spool submit -)
	start_worker --name ends --drain
	soon running 1
	B=$(job long.sh | spool submit -)
	soon says "$B" "its slot is taken by ...${A##*-}"
	has "$(spool workers)" busy
	kill -TERM "$WORKER"
	soon says "$B" ': draining'
	touch "$T/go"
	soon dead "$WORKER"
	is "$(count new)" 1
}

# What nobody here has: said at submit, by why, and by the worker itself; it
# waits, and runs when somebody comes who has it.
t_never() {
	script well.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	# Nobody is here: nothing can be said.
	exits 0 spool submit - <<-J
	{"scriptName":"well.sh","order":{"requires":"moon"}}
	J
	hasnt "$(cat "$T/err")" warning
	A=$(cat "$T/out")
	has "$(why "$A")" '0 workers alive; start one with'
	start_worker --name plain
	soon worker_is plain
	exits 0 spool submit - <<-J
	{"scriptName":"well.sh","order":{"gpus":3}}
	J
	has "$(cat "$T/err")" "stdin:1: warning: no worker that is here can run it ($W: needs 3 GPUs, has 0)"
	B=$(cat "$T/out")
	exits 0 spool submit - <<-J
	{"scriptName":"well.sh","order":{"memory":"900T"}}
	J
	has "$(cat "$T/err")" 'needs 900 TiB of memory'
	C=$(cat "$T/out")
	has "$(why "$A")" "$W: needs a worker with the tag \"moon\""
	has "$(why "$B")" "$W: needs 3 GPUs, has 0"
	has "$(why "$B")" 'no worker that is here can ever run it'
	is "$(spool why --json "$B" | jq -r '[.workers[0].fits, .next] | map(tostring) | join(" ")')" 'never null'
	# The worker's own line, in its beat.
	soon sh -c "jq -e --arg id $A '.looked.declined[] | select(.id == \$id) | .why | test(\"moon\")' '$S/workers/$W.json'"
	has "$(cat "$T/worker.log")" 'looked orders='
	is "$(count assigned)" 0
	start_worker --name luna --tag moon
	soon over "$A"
	is "$(status_of "$A")" 200
	is "$(count new)" 2
	[ -e "$S/outcomes/$C.json" ] && fail "$C ran"
	:
}

# Everything else that keeps an order.
t_others() {
	script bad.sh <<-'SH'
	#!/bin/sh
	exit 3
	SH
	A=$(job bad.sh | spool submit -)
	B=$(job bad.sh "\"order\":{\"after\":\"$A\"}" | spool submit -)
	C=$(job bad.sh '"order":{"notBefore":"2100-01-01T00:00:00Z"}' | spool submit -)
	policy lease=1 beat=0.2 backoff=300 backoffMax=600
	D=$(job bad.sh '"order":{"retry":"exit","priority":1}' | spool submit -)
	has "$(why "$B")" "waits: after $A, which stands in new/"
	has "$(why "$C")" 'waits: not before 2100-01-01'
	spool hold "$A" >/dev/null
	soon says "$A" 'held; let it go with'
	start_worker --name one
	soon says "$D" '1 attempt failed, the next in'
	soon worker_is one
	spool drain one >/dev/null
	soon sh -c "jq -e '.state == \"drained\"' '$S/workers/$W.json'"
	spool unhold "$A" >/dev/null
	soon says "$A" "$W: drained"
	exits 1 spool why nobody
	exits 100 spool why
	why "$A" "$B" "$C" >/dev/null
	is "$(grep -c '^[a-z]*/' "$T/why")" 3
}

run_stories "$@"
