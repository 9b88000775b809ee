# Why an attempt ended, what is made again, and hosts that are not to be
# trusted.
. "$TOP/tests/lib.sh"

# put NAME MEMBERS <text: a script, and a job of it
put() {
	script "$1"
	job "$1" "${2:-}" >"$S/new/${1%.*}.json"
}
pick() { # NAME FILTER
	_n=$(find "$S/done" "$S/failed" -name "*@*.$1.json" | sed 's#.*/[0-9]*\.\([^.]*\).*#\1#')
	[ -n "$_n" ] || fail "$1 is not over"
	jq -c "$2" "$S/outcomes/$_n.json"
}
notes() { # NAME: causes of its attempts that were made again
	cat "$S"/runs/*/"$(find "$S/done" "$S/failed" -name "*@*.$1.json" |
	    sed 's#.*/[0-9]*\.\([^.]*\).*#\1#')"/t[0-9]*.json | jq -r .cause | tr '\n' ' '
}

# One real process for each cause that a failure can have.
t_each() {
	once='"order":{"attempts":1}'
	put good.py <<-'PY'
	print("MemoryError: only words")
	import sys; sys.stderr.write("CUDA out of memory. Trying less\n")
	PY
	put exit.py <<-'PY'
	raise ValueError("no such column")
	PY
	put signal.sh <<-'SH'
	#!/bin/sh
	kill -SEGV $$
	SH
	put shell.sh <<-'SH'
	#!/bin/sh
	sh -c 'kill -KILL $$'
	exit $?
	SH
	put timeout.sh '"order":{"timeout":0.3}' <<-'SH'
	#!/bin/sh
	exec sleep 100
	SH
	put oom.py <<-'PY'
	a = bytearray(1 << 60)
	PY
	put abort.sh <<-'SH'
	#!/bin/sh
	echo "terminate called after throwing an instance of 'std::bad_alloc'" >&2
	echo "  what():  std::bad_alloc" >&2
	kill -ABRT $$
	SH
	put cuda.py <<-'PY'
	import sys
	class OutOfMemoryError(RuntimeError): pass
	OutOfMemoryError.__module__ = "torch.cuda"
	def f(): raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
	import atexit
	atexit.register(lambda: sys.stderr.write("\033[33mwandb:\033[0m run ended\n"))
	f()
	PY
	put none.py '"order":{"outcome":"required"}' <<-'PY'
	print("nothing to report")
	PY
	put unreadable.py <<-'PY'
	import os
	open(os.environ["SPOOL_OUTCOME"], "w").write("{")
	PY
	job missing.py >"$S/new/missing.json"
	put library.py "$once" <<-'PY'
	raise ImportError("libcudnn.so.8: cannot open shared object file: No such file or directory")
	PY
	put interp.py '"order":{"attempts":1,"python":"no-such-python"}' <<-'PY'
	PY
	put full.sh "$once" <<-'SH'
	#!/bin/sh
	exec echo hello >/dev/full
	SH
	put later.py <<-'PY'
	import sys
	try: raise MemoryError
	except MemoryError: sys.stderr.write("MemoryError; going on\n")
	raise KeyError("alpha")
	PY
	put stdout.py <<-'PY'
	print("OSError: [Errno 122] Disk quota exceeded: 'x'")
	raise SystemExit(1)
	PY
	drain -j 4
	is "$(pick good .status)" 204
	is "$(pick exit '[.status, .run.cause, .error]')" '[500,"exit","exit code 1: ValueError: no such column"]'
	is "$(pick signal '[.status, .run.cause, .run.signal, .error]')" '[500,"signal",11,"killed by signal 11 (SEGV)"]'
	is "$(pick shell '[.run.cause, .run.exitCode, .run.signal]')" '["signal",137,null]'
	has "$(pick shell .error)" 'exit code 137: what it ran was killed by signal 9 (KILL)'
	is "$(pick timeout '[.status, .run.cause]')" '[408,"timeout"]'
	is "$(pick oom '[.status, .run.cause, .error]')" '[500,"oom","exit code 1: MemoryError"]'
	is "$(pick abort '[.run.cause, .run.signal]')" '["oom",6]'
	is "$(pick cuda '[.status, .run.cause]')" '[500,"cuda-oom"]'
	has "$(pick cuda .error)" 'CUDA out of memory. Tried'
	is "$(pick none '[.status, .run.cause]')" '[502,"no-outcome"]'
	is "$(pick unreadable '[.status, .run.cause]')" '[500,"invalid"]'
	is "$(pick missing '[.status, .run.cause]')" '[500,"invalid"]'
	is "$(pick library '[.status, .run.cause]')" '[500,"bad-host"]'
	has "$(pick library .error)" 'libcudnn.so.8'
	is "$(pick interp '[.status, .run.cause, .run.attempt]')" '[500,"bad-host",1]'
	is "$(pick full '[.status, .run.cause]')" '[500,"disk-full"]'
	is "$(pick later '[.run.cause, .error]')" '["exit","exit code 1: KeyError: '"'alpha'"'"]'
	is "$(pick stdout .run.cause)" '"disk-full"'
	OVER=1 promises
}

# A disk that is really full, and has room again the next time.
t_full_disk() {
	[ "$(id -u)" = 0 ] || skip 'needs root, to mount a small disk'
	mkdir "$T/disk"
	mount -t tmpfs -o size=64k none "$T/disk" 2>/dev/null || skip 'may not mount'
	put save.py "\"order\":{\"env\":{\"DISK\":\"$T/disk\"}}" <<-'PY'
	import os
	f = os.environ["DISK"] + "/model"
	if os.environ["SPOOL_ATTEMPT"] == "2": os.unlink(f)
	n = 10 ** 6 if os.environ["SPOOL_ATTEMPT"] == "1" else 10
	with open(f, "wb") as o: o.write(b"x" * n)
	PY
	drain
	umount "$T/disk"
	is "$(pick save '[.status, .run.attempt]')" '[204,2]'
	is "$(notes save)" 'disk-full '
}

# What is made again, how often, and that it waits in between.
t_again() {
	full='echo "tee: x: No space left on device" >&2; exit 1'
	put default.sh <<-SH
	#!/bin/sh
	[ "\$SPOOL_ATTEMPT" = 3 ] || { $full; }
	SH
	put never.sh '"order":{"retry":[]}' <<-SH
	#!/bin/sh
	$full
	SH
	put other.sh '"order":{"retry":["exit"]}' <<-SH
	#!/bin/sh
	$full
	SH
	put twice.sh '"order":{"attempts":2}' <<-SH
	#!/bin/sh
	$full
	SH
	put exit.sh <<-'SH'
	#!/bin/sh
	exit 1
	SH
	put host.py '"order":{"python":"no-such-python"}' <<-'PY'
	PY
	start_worker
	soon outcomes_are 6
	is "$(pick default '[.status, .run.attempt]')" '[204,3]'
	is "$(pick never '[.status, .run.cause, .run.attempt]')" '[500,"disk-full",1]'
	is "$(pick other '[.status, .run.cause, .run.attempt]')" '[500,"disk-full",1]'
	is "$(pick twice '[.status, .run.cause, .run.attempt]')" '[500,"disk-full",2]'
	is "$(pick exit '[.status, .run.cause, .run.attempt]')" '[500,"exit",1]'
	is "$(pick host '[.status, .run.cause, .run.attempt]')" '[500,"bad-host",3]'
	is "$(notes default)" 'disk-full disk-full '
	# By way of waiting/: claimed t1, waiting t2, new t3, waiting t4, new t5.
	find "$S/done" -name '*.t5a2@*.default.json' | grep -q . || fail 'not by way of waiting/'
	is "$(grep -c 'promote order=' "$T/worker.log")" 5
	OVER=1 promises
}

# ---- hosts ----

# A script that needs a word in the worker's environment.
needs_env() {
	script env.py <<-'PY'
	import os, sys, time
	if "BROKEN" in os.environ:
	    sys.exit("ImportError: no numpy for %d in %s" % (os.getpid(), os.getcwd()))
	time.sleep(float(os.environ.get("NAP", 0)))
	print('{"loss": 1}')
	PY
	for i in $(seq "$1"); do job env.py; done >"$T/env.jsonl"
}
state_of() { # NAME
	spool workers --json | jq -r "select(.worker | startswith(\"$1-\")) | .state"
}
state_is() { [ "$(state_of "$1")" = "$2" ]; }

# What the host is to blame for is made again by another one.
t_elsewhere() {
	policy lease=30 beat=0.2 settle=0.5 attempts=6 backoff=1 poll=0.1
	script lib.py <<-'PY'
	import os
	if "BROKEN" in os.environ:
	    raise ImportError("libx.so.1: cannot open shared object file: No such file or directory")
	print('{"loss": 1}')
	PY
	start_worker --name good
	soon state_is good idle
	ACTOR_ENV=BROKEN=1
	start_worker --name broken --bad-host 0
	ACTOR_ENV=
	soon state_is broken idle
	for i in $(seq 12); do job lib.py; done | spool submit - >/dev/null
	soon outcomes_are 12
	is "$(outcome | jq -r .status | sort -u)" 200
	# Once, or on a very slow machine twice, it came to the broken one.
	is "$(outcome | jq -s 'map(.run.attempt) | max | . == 2 or . == 3')" true
	promises
}

# Two workers ($GOOD and $WORKER); the broken one is to stop after so many.
good_and_broken() {
	export NAP=0.2
	start_worker --name good
	GOOD=$WORKER
	soon state_is good idle
	unset NAP
	# It is broken from the start, and its first orders have it alone.
	ACTOR_ENV=BROKEN=1
	start_worker --name broken --bad-host "$1"
	ACTOR_ENV=
	soon state_is broken idle
	spool submit "$T/env.jsonl" >/dev/null
}

# Two workers, one of them broken: it stops, says so, and the other one does it
# all; then it is mended, and told so.
t_bad_host() {
	policy lease=30 beat=0.1 settle=0.5 backoff=1 backoffMax=100 poll=0.1
	needs_env 24
	good_and_broken 3
	soon grep -q 'bad-host: no claims' "$T/worker.log"
	soon state_is broken bad-host
	has "$(spool workers)" '3 in a row failed early'
	has "$(spool workers --json | jq -r 'select(.state == "bad-host") | .note')" 'ImportError'
	soon outcomes_are 24
	# What it did before that is final; nothing else is lost to it.
	n=$(outcome | jq -s 'map(select(.status != 200)) | length')
	[ "$n" -ge 2 ] && [ "$n" -le 12 ] || fail "$n orders failed"
	is "$(outcome | jq -r 'select(.status != 200) | .run.worker[:6]' | sort -u)" broken
	outcome | jq -r 'select(.status == 200) | .run.worker[:4]' | sort -u >"$T/by"
	is "$(cat "$T/by")" good
	is "$(outcome | jq -r 'select(.status != 200) | .run.cause' | sort -u)" exit
	# Alone now, it does not claim all the same: until somebody says so.
	stop "$GOOD"
	job env.py >"$S/new/one.json"
	soon state_is broken bad-host
	kill -HUP "$WORKER"
	soon outcomes_are 25
	promises
}

# spool resume is such a word, too.
t_bad_host_resumed() {
	policy lease=30 beat=0.1 settle=0.5 backoff=1 backoffMax=100 poll=0.1
	needs_env 12
	good_and_broken 2
	soon state_is broken bad-host
	soon outcomes_are 12
	stop "$GOOD"
	job env.py >"$S/new/one.json"
	soon count_is new 1
	state_is broken bad-host || fail 'claims all the same'
	exits 0 spool resume broken
	soon outcomes_are 13
	promises
}

# Failures that take no time must not have eaten the queue before anybody was
# asked; and who drains does not wait to be trusted again.
t_bad_host_drains() {
	policy lease=30 beat=0.1 settle=0.5 backoff=1 poll=0.1
	script env.sh <<-'SH'
	#!/bin/sh
	[ -z "$BROKEN" ] || { echo "no numpy for $$" >&2; exit 1; }
	sleep 0.1
	SH
	start_worker --name good
	soon state_is good idle
	for i in $(seq 40); do job env.sh; done | spool submit - >/dev/null
	BROKEN=1
	export BROKEN
	drain --name broken --bad-host 3 -j 2
	unset BROKEN
	grep -q 'drain: nothing may be claimed (bad-host)' "$T/worker.log" || fail 'not for that'
	soon outcomes_are 40
	n=$(outcome | jq -s 'map(select(.status != 204)) | length')
	[ "$n" -ge 2 ] && [ "$n" -le 14 ] || fail "$n orders failed"
}

# It tries one now and then; one that does well clears it.
t_bad_host_mended() {
	needs_env 6
	sed -i "s#\"BROKEN\" in os.environ#os.environ.get(\"BROKEN\") == \"1\" and not os.path.exists(\"$T/mended\")#" "$S/scripts/env.py"
	export NAP=0.1
	start_worker --name good
	unset NAP
	soon state_is good idle
	ACTOR_ENV=BROKEN=1
	start_worker --name broken --bad-host 2
	ACTOR_ENV=
	soon state_is broken idle
	cat "$T/env.jsonl" "$T/env.jsonl" | spool submit - >/dev/null
	soon grep -q 'bad-host: no claims' "$T/worker.log"
	# A try that fails is not the order's failure.
	while ! grep -q 'bad-host still' "$T/worker.log"; do
		spool submit "$T/env.jsonl" >/dev/null
		until_ 30 count_is new 0
	done
	grep -q 'release order=.* as retry: on this host only' "$T/worker.log" || fail 'not given back'
	touch "$T/mended"
	while ! grep -q 'bad-host over' "$T/worker.log"; do
		spool submit "$T/env.jsonl" >/dev/null
		until_ 30 count_is new 0
	done
	soon state_is broken idle
	soon sh -c '[ -z "$(ls "$0/new" "$0/waiting" "$0/assigned" | grep json)" ]' "$S"
	OVER=1 promises
}

# Alone, and where others fail as well, it is the script.
t_script_is_bad() {
	needs_env 12
	ACTOR_ENV=BROKEN=1
	start_worker --name one --bad-host 3
	ONE=$WORKER
	spool submit "$T/env.jsonl" >/dev/null
	soon outcomes_are 12
	is "$(grep -c 'nobody else is here' "$T/worker.log")" 1
	start_worker --name two --bad-host 3
	soon state_is two idle
	spool submit "$T/env.jsonl" >/dev/null
	soon outcomes_are 24
	hasnt "$(cat "$T/worker.log")" 'bad-host: no'
	is "$(outcome | jq -r .run.cause | sort -u)" exit
	stop "$ONE"
	exits 100 workerd $ROOTOK --bad-host many "$S"
	has "$(cat "$T/err")" '--bad-host many'
	exits 100 workerd $ROOTOK --bad-host -1 "$S"
}

run_stories "$@"
