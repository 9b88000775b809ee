# What a job may take, and that all of it ends: time, memory, its log, the disk.
# shellcheck disable=SC3045
. "$TOP/tests/lib.sh"

# A script that starts, with double forks: one in its own group, one in a
# session of its own, one that has also lost its environment, and one of each
# below a parent that lives; then waits.  Their pids are in $PIDFILE.
family() {
	script family.py <<-'PY'
	import os, signal, subprocess, sys, time
	pids = os.environ["PIDFILE"]
	loop = "echo $$ >>'%s'; trap '' TERM HUP; while :; do sleep 0.3; done" % pids
	def start(how, away):
	    if os.fork() == 0:
	        if how != "group": os.setsid()
	        if away and os.fork() != 0: os._exit(0)
	        null = os.open("/dev/null", os.O_RDWR)
	        for fd in 0, 1, 2: os.dup2(null, fd)
	        env = {"PATH": os.environ["PATH"]} if how == "bare" else os.environ
	        os.execve("/bin/sh", ["sh", "-c", loop], env)
	for how in "group", "session", "bare":
	    for away in True, False: start(how, away)
	signal.signal(signal.SIGTERM, signal.SIG_IGN if "deaf" in sys.argv[1] else signal.SIG_DFL)
	while True:
	    try: n = len(open(pids).readlines())
	    except OSError: n = 0
	    if n == 6: break
	    time.sleep(0.02)
	open(pids + ".ready", "w")
	if "leave" in sys.argv[1]: sys.exit(0)
	time.sleep(600)
	PY
}

all_dead() { while read -r _pid; do dead "$_pid" || return 1; done <"$1"; }
groups_gone() { ! find "$CG" -name "spool-$1*" -type d 2>/dev/null | grep -q .; }
# Where this machine lets us make control groups.
cgroup_home() {
	CG=$(awk '$0 ~ / - cgroup2 / { print $5; exit }' /proc/self/mountinfo)
	[ -n "$CG" ] && mkdir "$CG/spool-test-$$" 2>/dev/null || return 1
	rmdir "$CG/spool-test-$$"
}
cgroup_or_skip() { cgroup_home || skip 'no control groups of our own'; }

# killed_all WORKER_OPTION...: nothing is left of a family, after a timeout that
# it does not hear and after a script that ends of itself.
killed_all() {
	family
	job family.py "\"x\":\"deaf\",\"order\":{\"timeout\":4,\"env\":{\"PIDFILE\":\"$T/p1\"}}" \
	    >"$S/new/a.json"
	start_worker "$@" --name "cg$$"
	soon outcomes_are 1
	is "$(outcome | jq -c '[.status, .run.cause]')" '[408,"timeout"]'
	test -s "$T/p1" || fail 'nothing was started'
	all_dead "$T/p1" || fail 'something outlives the timeout'
	job family.py "\"x\":\"leave\",\"order\":{\"env\":{\"PIDFILE\":\"$T/p2\"}}" \
	    >"$S/new/b.json"
	soon outcomes_are 2
	test -e "$T/p2.ready" || fail 'not all were started'
	all_dead "$T/p2" || fail 'something outlives the script'
	promises
}
t_all_of_it_grouped() {
	cgroup_or_skip
	killed_all -v
	has "$(cat "$T/worker.log")" 'cgroup=/'
	stop "$WORKER"
	groups_gone "cg$$"
}
t_all_of_it_alone() { killed_all --cgroup none; }

# workerd killed: the minder clears its groups, the next worker what is left.
t_killed_worker() {
	cgroup_or_skip
	family
	job family.py "\"order\":{\"env\":{\"PIDFILE\":\"$T/p1\"}}" >"$S/new/a.json"
	start_worker --name "killed$$"
	soon test -e "$T/p1.ready"
	! groups_gone "killed$$" || fail 'no group was made'
	kill -KILL "$WORKER"
	soon all_dead "$T/p1"
	soon groups_gone "killed$$"
	# Locked until it is whole, for other workers may start just now.
	"$PYTHON" - "$CG/spool-test$$-0000aa" >"$T/left" 2>"$T/left.log" <<-'PY' &
	import fcntl, os, sys
	os.mkdir(sys.argv[1])
	fd = os.open(sys.argv[1], os.O_RDONLY)
	fcntl.flock(fd, fcntl.LOCK_EX)
	attempt = sys.argv[1] + "/20260101T000000000-00000000.t1a0"
	os.mkdir(attempt)
	with open(attempt + "/cgroup.procs", "w") as f: f.write("0")
	os.setsid()
	print(os.getpid(), flush=True)
	os.execve("/bin/sleep", ["sleep", "300"], {})
	PY
	soon test -s "$T/left"
	_left=$(cat "$T/left")
	PIDS="$PIDS $_left"
	# Not ours: another program likes the name, or puts other things there.
	others="$CG/spool-er$$ $CG/spool-er$$-0000aa"
	mkdir $others "$CG/spool-er$$-0000aa/queue"
	start_worker --name other
	soon groups_gone "test$$"
	soon dead "$_left"
	soon grep -q 'work worker=other' "$T/worker.log"
	rmdir "$CG/spool-er$$-0000aa/queue" $others || fail 'took what is not ours'
}

# A group is used again, but not one that a job has left frozen.
t_frozen_group() {
	cgroup_or_skip
	script freeze.sh <<-SH
	#!/bin/sh
	echo 1 >"$CG\$(sed -n 's/^0:://p' /proc/self/cgroup)/cgroup.freeze"
	sleep 60
	SH
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	start_worker -v --name "cold$$" --grace 0.1
	job ok.sh >"$S/new/a.json"
	soon outcomes_are 1
	job freeze.sh '"order":{"timeout":0.3,"retry":[]}' >"$S/new/b.json"
	soon outcomes_are 2
	job ok.sh '"order":{"timeout":20}' >"$S/new/c.json"
	soon outcomes_are 3
	is "$(cat "$S"/outcomes/2*.json | jq .status | sort | xargs)" '200 200 408'
	stop "$WORKER"
}
# A group that cannot be made: that job goes without, and at the end ours are
# gone all the same.
t_no_group() {
	cgroup_or_skip
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	start_worker -v --name "few$$"
	_home() { find "$CG" -name "spool-few$$-*" -type d; }
	made() { [ -n "$(_home)" ]; }
	soon made
	echo 0 >"$(_home)/cgroup.max.descendants"
	job ok.sh >"$S/new/a.json"
	soon outcomes_are 1
	is "$(outcome | jq .status)" 200
	has "$(cat "$T/worker.log")" 'going on without for a minute'
	stop "$WORKER"
	is "$(_home)" ''
}

# Started in a group that was killed once, where the kernel kills who is born in
# another one: then jobs enter theirs, as they do on kernels that are older.
t_killed_home() {
	cgroup_or_skip
	script ok.sh <<-'SH'
	#!/bin/sh
	echo "{\"group\":\"$(sed -n 's/^0:://p' /proc/self/cgroup)\"}"
	SH
	_cg=$CG/spool-home$$
	mkdir "$_cg"
	echo 1 >"$_cg/cgroup.kill" 2>/dev/null || {
		rmdir "$_cg"
		skip 'no cgroup.kill'
	}
	for i in a b; do job ok.sh >"$S/new/$i.json"; done
	sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$_cg" \
	    workerd $ROOTOK --drain --work "$T/work" "$S" >"$T/worker.log" 2>&1
	_groups=$(cat "$S"/outcomes/2*.json | jq -r .group)
	is "$(echo "$_groups" | grep -c "/spool-home$$/spool-.*/2")" 2
	rmdir "$_cg"
}

# Warm ones wait in the groups that their jobs have then, or enter them as jobs
# where who is born in one does not live.
warm_groups() { # WORKER
	there() { find "$CG" -name "spool-$1-*" -type d | grep .; }
	soon there "$1"
	_home=$(there "$1")
	echo '{"scriptName":"group.py"}' >"$S/new/first.json"
	soon grep -q 'warm python=.* ready' "$T/worker.log"
	soon outcomes_are 1
	rm "$S"/outcomes/2*.json
}
waiting() { # "GROUP PID", a line each
	for g in "$_home"/*/; do
		for p in $(cat "$g/cgroup.procs"); do echo "$(basename "$g") $p"; done
	done
}
six() { [ "$(waiting | wc -l)" = 6 ]; }
group_py() {
	script group.py <<-'PY'
	import os
	group = open("/proc/self/cgroup").read().split("\n0::")[-1].split()[0]
	print('{"group": "%s", "pid": %d}' % (os.path.basename(group), os.getpid()))
	PY
}
t_warm_groups() {
	cgroup_or_skip
	group_py
	start_worker -v --name "warm$$" --warm none
	warm_groups "warm$$"
	soon six
	_were=$(waiting)
	job group.py >"$S/new/a.json"
	soon outcomes_are 1
	is "$(outcome | jq .run.warm)" true
	has "$_were" "$(outcome | jq -r '"\(.group) \(.pid)"')"
	# One that was killed may have been killed for that.
	kill -9 "$(waiting | awk 'END { print $2 }')"
	for i in 1 2 3 4 5 6 7 8 9; do job group.py >"$S/new/b$i.json"; done
	soon outcomes_are 10
	is "$(cat "$S"/outcomes/2*.json | jq .run.warm | sort | uniq -c | tr -d ' ')" 10true
	is "$(cat "$S"/outcomes/2*.json | jq .pid | sort -u | wc -l)" 10
	is "$(cat "$S"/outcomes/2*.json | jq -r .group | grep -cE '^(2.*[.]t1a.*|warm[.][0-9]*)$')" 10
	stop "$WORKER"
	groups_gone "warm$$"
}
t_killed_home_warm() {
	cgroup_or_skip
	group_py
	_cg=$CG/spool-home$$
	mkdir "$_cg"
	echo 1 >"$_cg/cgroup.kill" 2>/dev/null || {
		rmdir "$_cg"
		skip 'no cgroup.kill'
	}
	sh -c 'echo 0 >"$0/cgroup.procs"; exec "$@"' "$_cg" \
	    workerd $ROOTOK --name "home$$" --warm none -v --work "$T/work" "$S" >"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
	warm_groups "home$$"
	for i in 1 2 3 4 5; do job group.py >"$S/new/$i.json"; done
	soon outcomes_are 5
	is "$(cat "$S"/outcomes/2*.json | jq .run.warm | sort | uniq -c | tr -d ' ')" 5true
	is "$(cat "$S"/outcomes/2*.json | jq -r .group | grep -cE '^(2.*[.]t1a.*|warm[.][0-9]*)$')" 5
	stop "$WORKER"
	rmdir "$_cg"
}

# The same without groups, of a cold job and of a warm one: what has shed its
# session, its parents and its environment has its mark (workerd/mark.h) still.
t_killed_alone() {
	family
	echo pass | script first.py
	i=0
	on() { # NAME [WORD]: a family of a warm job, and of a cold one
		job family.py "\"x\":\"$2\",\"order\":{\"env\":{\"PIDFILE\":\"$T/$1w\"}}"
		job family.py "\"x\":\"$2\",\"order\":{\"env\":{\"PIDFILE\":\"$T/$1c\",\"PYTHONHASHSEED\":\"1\"}}"
	}
	for how in KILL TERM; do
		job first.py >"$S/new/$how.json"
		start_worker --cgroup none -v -j 2 --warm none --preempt --grace 0.5
		soon eval '[ "$(grep -c "warm python=.* ready" "$T/worker.log")" = '$((i += 1))' ]'
		spool submit - <<-E >"$T/ids"
		$(on $how '')
		E
		soon test -e "$T/${how}w.ready"
		soon test -e "$T/${how}c.ready"
		kill -$how "$WORKER"
		soon dead "$WORKER"
		soon all_dead "$T/${how}w"
		soon all_dead "$T/${how}c"
		for id in $(cat "$T/ids"); do spool cancel "$id"; done
	done
	soon grep -q 'was killed; killed its processes' "$T/worker.log"
}

# Two slots and no groups: an orphan that has lost its mark is killed with the
# job that it was of, and not with another one.
t_whose_alone() {
	script orphan.py <<-'PY'
	import os, sys, time
	here = os.environ["HERE"]
	loop = "echo $$ >>'%s/pids'; exec sleep 600" % here
	if os.fork() == 0:
	    os.setsid()
	    if os.fork() == 0:
	        for fd in 0, 1, 2: os.dup2(os.open("/dev/null", os.O_RDWR), fd)
	        os.execve("/bin/sh", ["sh", "-c", loop], {"PATH": os.environ["PATH"]})
	    os._exit(0)
	while not os.path.exists(here + "/end"): time.sleep(0.02)
	PY
	for i in 1 2; do
		mkdir "$T/$i"
		job orphan.py "\"order\":{\"env\":{\"HERE\":\"$T/$i\"}}" >"$S/new/$i.json"
	done
	start_worker --cgroup none -j 2
	soon test -s "$T/1/pids" -a -s "$T/2/pids"
	touch "$T/1/end"
	soon outcomes_are 1
	! all_dead "$T/2/pids" || fail "another job's process was killed"
	touch "$T/2/end"
	soon outcomes_are 2
	soon all_dead "$T/2/pids"
	soon all_dead "$T/1/pids"
	is "$(outcome | jq -sc 'map(.status)')" '[204,204]'
}

# ---- memory ----

# Grows until somebody stops it; half of it in a child.
hog() {
	script hog.py <<-'PY'
	import os, time
	os.fork()
	keep = []
	while True:
	    keep.append(bytearray(b"x") * (4 << 20))
	    time.sleep(0.01)
	PY
}
# Children of whoever became workerd by exec are not its jobs.
t_not_of_a_job() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job ok.sh >"$S/new/a.json"
	# shellcheck disable=SC2016 # the inner shell's
	timeout $((DEADLINE * 3)) sh -c 'setsid sleep 300 & echo $! >"$0/tunnel"; exec workerd "$@"' "$T" \
	    $ROOTOK --cgroup none --drain --work "$T/work" "$S" >"$T/worker.log" 2>&1
	_tunnel=$(cat "$T/tunnel")
	outcomes_are 1 || fail 'no outcome'
	! dead "$_tunnel" || fail 'killed what it had not started'
	kill "$_tunnel"
}

# A job that is over but for a process that has left its group: the number of
# its first one is anybody's now.
t_number_again() {
	_last=/proc/sys/kernel/ns_last_pid
	"$PYTHON" -c "open('$_last', 'r+')" 2>/dev/null || skip 'may not choose process ids'
	script leaves.py <<-'PY'
	import os, signal, subprocess, sys, time
	signal.signal(signal.SIGTERM, lambda *a: sys.exit(1))
	deaf = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open(%r,'w'); time.sleep(300)"
	pids = os.environ["PIDS"]
	subprocess.Popen([sys.executable, "-c", deaf % (pids + ".deaf")], start_new_session=True)
	while not os.path.exists(pids + ".deaf"): time.sleep(0.01)
	with open(pids + ".tmp", "w") as f: f.write(str(os.getpid()))
	os.rename(pids + ".tmp", pids)
	time.sleep(300)
	PY
	job leaves.py "\"order\":{\"env\":{\"PIDS\":\"$T/pid\"}}" >"$S/new/a.json"
	start_worker --cgroup none --grace 4
	soon test -s "$T/pid"
	_pid=$(cat "$T/pid")
	_id=$(ls "$S/assigned") && _id=${_id#*.}
	spool cancel "${_id%%.*}"
	soon eval '! kill -0 '"$_pid"
	# Others start processes, too: again until it is ours.
	"$PYTHON" - "$_pid" >"$T/again" <<-'PY' &
	import os, signal, sys, time
	want = int(sys.argv[1])
	for i in range(2000):
	    with open("/proc/sys/kernel/ns_last_pid", "w") as f: f.write(str(want - 1))
	    got = os.fork()
	    if got == 0:
	        os.setsid()
	        time.sleep(60 if os.getpid() == want else 0)
	        os._exit(0)
	    if got == want: break
	    os.waitpid(got, 0)
	print(got, flush=True)
	print(os.waitpid(got, 0)[1] & 127, flush=True)
	PY
	soon test -s "$T/again"
	is "$(head -n 1 "$T/again")" "$_pid" 'the number'
	soon outcomes_are 1
	! dead "$_pid" || fail 'killed what has only got its number'
	kill "$_pid"
}

t_memory_watched() {
	hog
	job hog.py '"order":{"memory":"100M"}' >"$S/new/a.json"
	drain --cgroup none
	is "$(outcome | jq -c '[.status, .run.cause]')" '[500,"oom"]'
	has "$(outcome | jq -r .error)" 'of order.memory 100 MiB'
	is "$(outcome | jq '.run.memoryPeakMiB > 100')" true
}

# What two processes share counts once.
t_memory_shared() {
	script share.py <<-'PY'
	import os, time
	block = bytearray(b"x") * (60 << 20)
	kids = [os.fork() for _ in range(3)]
	time.sleep(2.5)
	PY
	job share.py '"order":{"memory":"150M"}' >"$S/new/a.json"
	drain --cgroup none
	is "$(outcome | jq .status)" 204
	is "$(outcome | jq '.run.memoryPeakMiB < 150')" true
}

# Too fast for a watcher: it may not even map it.
t_memory_at_once() {
	script fast.py <<-'PY'
	block = bytearray(6 << 30)
	PY
	job fast.py '"order":{"memory":"64M"}' >"$S/new/a.json"
	drain --cgroup none
	is "$(outcome | jq -c '[.status, .run.cause, .error]')" \
	    '[500,"oom","exit code 1: MemoryError"]'
}

# What every job gets: no core files, and to be the kernel's first choice.
t_defaults() {
	script self.sh <<-'SH'
	#!/bin/sh
	echo "{\"core\":\"$(ulimit -S -c)\",\"data\":\"$(ulimit -d)\",\"oom\":$(cat /proc/self/oom_score_adj)}"
	SH
	job self.sh >"$S/new/a.json"
	(
		ulimit -S -c unlimited 2>/dev/null || :
		drain
	)
	is "$(outcome | jq -r .core)" 0
	is "$(outcome | jq -r .data)" "$(ulimit -d)"
	_adj=$(($(cat /proc/self/oom_score_adj) + 500))
	[ $_adj -le 1000 ] || _adj=1000
	is "$(outcome | jq .oom)" $_adj
}

# ---- the log ----

t_log_max() {
	script flood.py <<-'PY'
	for i in range(20000): print("line", i)
	print('{"loss": 3}')
	PY
	job flood.py >"$S/new/a.json"
	drain --log-max 10K
	is "$(outcome | jq -c '[.status, .loss]')" '[200,3]'
	_log=$(cat "$S"/runs/*/*/*.log)
	is "$(printf '%s' "$_log" | head -c 10)" 'line 0
lin'
	has "$_log" 'the log is cut here, at 10240 bytes'
	# All of it is there or is said to be missing.
	_more=$(printf '%s\n' "$_log" | sed -n 's/^\[workerd: \([0-9]*\) bytes more.*/\1/p')
	is $((10240 + _more)) "$("$PYTHON" -c 'print(sum(len(f"line {i}\n") for i in range(20000)) + 12)')"
	exits 100 workerd --log-max 0 "$S"
	exits 100 workerd --log-max lots "$S"
}

# ---- the disk ----

# All but the cache, which is kept for the next worker.
left_over() { find "$T/work" -mindepth 1 -maxdepth 1 ! -name 'spool-cache.*'; }

t_disk_floor() {
	exits 100 workerd --disk-floor much "$S"
	exits 100 workerd --disk-floor 200% "$S"
	[ "$(id -u)" = 0 ] || skip 'needs root, to mount a small filesystem'
	mount -t tmpfs -o size=32m,mode=700 small "$T/work" 2>/dev/null ||
	    skip 'may not mount'
	trap 'end_all; umount -l "$T/work"' EXIT
	script fill.py <<-'PY'
	try:
	    with open("big", "wb") as f:
	        while True: f.write(b"x" * 65536)
	except OSError as e: raise SystemExit(f"OSError: {e.strerror}")
	PY
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	head -c 28M /dev/zero >"$T/work/ballast"
	start_worker --disk-floor 8M
	soon grep -q 'no claims: .* MiB free' "$T/worker.log"
	job ok.sh >"$S/new/a.json"
	soon eval 'spool workers | grep -q "no claims: "'
	is "$(count outcomes)" 0
	has "$(spool workers)" '4 MiB free'
	truncate -s 23900K "$T/work/ballast" # above the floor, but not by an eighth
	soon eval 'spool workers | grep -q "claims again at 9 MiB"'
	is "$(count outcomes)" 0
	rm "$T/work/ballast"
	soon outcomes_are 1
	soon eval '! spool workers | grep -q "no claims: "'
	# One that fills the disk goes, and the next one runs.
	job fill.py >"$S/new/b.json"
	job ok.sh >"$S/new/c.json"
	soon outcomes_are 3
	is "$(outcome | jq -sc 'map(.run.cause) | sort')" '["disk-full","ok","ok"]'
	is "$(grep -c 'no claims' "$T/worker.log")" 1 'said once'
	kill "$WORKER" && wait "$WORKER"
	is "$(left_over)" '' 'left in the work space'
}

# ---- nothing is left ----

t_no_leaks() {
	script ok.sh <<-'SH'
	#!/bin/sh
	case $SPOOL_ID in *0) exit 1;; *1) kill -9 $$;; esac
	sleep 0.01 &
	echo '{"loss":1}'
	SH
	have() {
		# but for the groups and directories that wait for the next attempt
		find "/proc/$WORKER/fd" -mindepth 1 ! -lname "$CG/*" \
		    ! -lname "$T/work/spool-leak*" | wc -l
		cat "/proc/$WORKER/task/$WORKER/children" | wc -w
		# and in those but for our file and the script
		find "$T/work"/spool-leak* -mindepth 2 ! -name .spool-job.json ! -name ok.sh | wc -l
	}
	cgroup_home || CG=/nowhere
	settled() { [ "$(have | tail -n 1)" = 0 ] && [ -z "$(ls "$S/assigned")" ]; }
	start_worker -j 2 --name "leak$$"
	for i in 1 2 3 4 5; do job ok.sh >"$S/new/a$i.json"; done
	soon outcomes_are 5
	soon settled
	_before=$(have)
	for i in $(seq 45); do job ok.sh >"$S/new/b$i.json"; done
	soon outcomes_are 50
	same_again() { settled && [ "$(have)" = "$_before" ]; }
	soon same_again
	is "$(find "$T/work"/spool-leak* -mindepth 1 -maxdepth 1 ! -name shelf |
	    wc -l | tr 012 +++)" + 'work directories: as many as slots, at most'
	if [ "$CG" != /nowhere ]; then
		_groups=$(find "$CG/spool-leak$$"-* -mindepth 1 -type d -name '2*')
		is "$(echo "$_groups" | wc -l | tr 012 +++)" + 'as many as slots, at most'
		is "$(for g in $_groups; do cat "$g/cgroup.procs"; done)" ''
	fi
	stop "$WORKER"
	[ "$CG" = /nowhere ] || is "$(find "$CG" -name "spool-leak$$-*")" ''
	is "$(left_over)" ''
}

run_stories "$@"
