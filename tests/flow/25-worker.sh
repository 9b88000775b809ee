# How workerd is started, what it refuses, and when it ends by itself.
. "$TOP/tests/lib.sh"

fixture() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	script fail.sh <<-'SH'
	#!/bin/sh
	exit 1
	SH
	job ok.sh >"$T/ok.json"
	job fail.sh >"$T/fail.json"
}
W() { timeout 30 workerd $ROOTOK --work "$T/work" "$@"; }

t_root() {
	if [ "$(id -u)" = 0 ]; then
		exits 100 timeout 10 workerd --drain "$S"
		has "$(cat "$T/err")" '--allow-root'
		# Nobody in particular may.
		chmod 755 "$T"
		chown -R 65534:65534 "$S" "$T/work"
		exits 0 timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups \
		    env TMPDIR=/tmp "$BIN/workerd" --work "$T/work" --drain "$S"
	else
		exits 0 timeout 20 workerd --work "$T/work" --drain "$S"
	fi
}

# A spool that it may not write to is said at once, not tried for ever.
t_not_ours() {
	[ "$(id -u)" = 0 ] || skip 'needs root, to become somebody else'
	chmod 755 "$T"
	chmod -R go=rX "$S"
	exits 100 timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups \
	    "$BIN/workerd" --drain "$S"
	has "$(cat "$T/err")" 'may not write'
}

t_once() {
	fixture
	for i in 1 2 3; do spool submit "$T/ok.json"; done >"$T/ids"
	exits 0 W --once "$S"
	outcomes_are 1
	is "$(count new)" 2
	is "$(ls "$S/assigned")" ''
}
t_once_with_nothing() {
	exits 0 W --once "$S"
	has "$(cat "$T/err")" 'nothing'
}
t_once_that_fails() {
	fixture
	spool submit "$T/fail.json"
	exits 0 W --once "$S"
	is "$(outcome | jq .status)" 500
}

# A drain ends though something is left that nobody here can run.
t_drain_leaves_what_does_not_fit() {
	fixture
	job ok.sh '"order":{"requires":["a100"]}' >"$T/tag.json"
	job ok.sh '"order":{"gpus":1}' >"$T/gpu.json"
	spool submit "$T/tag.json" "$T/gpu.json" "$T/ok.json" >"$T/ids"
	exits 0 W --drain "$S"
	outcomes_are 1
	is "$(count new)" 2
	exits 0 W --drain --tag a100 "$S"
	outcomes_are 2
}

t_slots() {
	script two.py <<-'PY'
	import os, time
	d = os.environ["MEET"]
	open(f"{d}/{os.getpid()}", "w")
	end = time.time() + 20
	while len(os.listdir(d)) < 2 and time.time() < end: time.sleep(0.01)
	print('{"loss": %d}' % len(os.listdir(d)))
	PY
	mkdir "$T/meet"
	for i in 1 2; do
		job two.py "\"order\":{\"env\":{\"MEET\":\"$T/meet\"}}" >"$S/new/$i.json"
	done
	drain -j 2
	is "$(outcome | jq -s 'map(.loss) | min')" 2 'both at once'
}

t_wrong() {
	exits 100 W
	exits 100 W -j 0 "$S"
	exits 100 W -j many "$S"
	exits 100 W --nonsense "$S"
	_rc=0
	W "$T/nowhere" 2>"$T/err" || _rc=$?
	[ $_rc = 100 ] || [ $_rc = 111 ] || fail "exit $_rc"
	has "$(cat "$T/err")" 'spool init'
	_rc=0
	W gopher://a/b 2>"$T/err" || _rc=$?
	is $_rc 100
	has "$(cat "$T/err")" gopher://a/b
}

# As many open files as its slots need; a job has what was there before.
t_open_files() {
	script files.sh <<-SH
	#!/bin/sh
	echo >>"$T/here"
	while [ ! -e "$T/go" ]; do sleep 0.2; done
	echo "{\"files\":\$(ulimit -n)}"
	SH
	for i in $(seq 41); do job files.sh >"$S/new/$i.json"; done
	# shellcheck disable=SC3045 # every shell that we meet has it
	(ulimit -S -n 80 && exec workerd $ROOTOK --work "$T/work" -j 40 --drain \
	    "$S" >"$T/worker.log" 2>&1) &
	PIDS="$PIDS $!"
	soon eval '[ "$(wc -l <"$T/here")" = 40 ]'
	touch "$T/go"
	soon outcomes_are 41
	wait $!
	is "$(outcome | jq -s 'map(.files) | unique | .[]')" 80
	is "$(grep -c 'Too many' "$T/worker.log")" 0
	_rc=0
	# shellcheck disable=SC3045
	(ulimit -n 80 && exec workerd $ROOTOK --work "$T/work" -j 40 "$S") 2>"$T/err" || _rc=$?
	is $_rc 100
	has "$(cat "$T/err")" '-j 40: needs 336 open files and may have 80'
}

# A kernel without openat2: the same safety, one component at a time.
t_without_openat2() {
	fixture
	# A sanitizer wants to be first in line: the plain programs will do.
	PATH=$(dirname "$BIN")/plain:$PATH
	cc -shared -fPIC -o "$T/shim.so" "$TOP/tests/shim/noopenat2.c" -ldl
	echo '{"scriptName":"ok.sh"}' >"$T/elsewhere"
	ln -s "$T/elsewhere" "$S/new/link.json"
	mkfifo "$S/new/fifo.json"
	ln -s /etc/passwd "$S/scripts/evil.sh"
	job evil.sh >"$S/new/evil.json"
	cp "$T/ok.json" "$S/new/"
	ACTOR_ENV="LD_PRELOAD=$T/shim.so SHIM_COUNT=$T/count"
	start_spoold
	start_worker
	ACTOR_ENV=
	soon test -e "$S/bad/link.json.why"
	soon test -e "$S/bad/fifo.json.why"
	soon outcomes_are 2
	test -s "$T/count" || fail 'openat2 was never asked for'
	is "$(jq -s 'map(.status) | sort | tostring' "$S"/outcomes/2*.json)" '"[200,500]"'
	hasnt "$(cat "$S"/runs/*/*/*.log 2>/dev/null)" 'root:'
	promises
}

run_stories "$@"
