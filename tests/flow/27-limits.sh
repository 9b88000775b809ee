# What a job may take, and that all of it ends: time, memory, its log, the disk.
. "$TOP/tests/lib.sh"

# A script that starts, with double forks: one in its own group, one in a
# session of its own, one that has also lost its environment, and one of each
# below a parent that lives; then waits.  Their pids are in $PIDFILE.
family() {
	script family.py <<-'PY'
	import os, signal, subprocess, sys, time
	pids = os.environ["PIDFILE"]
	loop = "echo $$ >>'%s'; trap '' TERM HUP; while :; do sleep 0.05; done" % pids
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
	start_worker "$@" --name cg
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
	groups_gone cg
}
t_all_of_it_alone() { killed_all --cgroup none; }

run_stories "$@"
