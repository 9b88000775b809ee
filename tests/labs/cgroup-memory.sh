# cgroup-memory.sh - under a kernel whose memory controller is ours (uml.sh):
# order.memory is the kernel's to hold, and nothing beside the job is hurt.
# shellcheck shell=sh
. "$TOP/tests/lib.sh"

# As a service manager would start it: alone in a group of its own.
service() {
	mountpoint -q /sys/fs/cgroup || mount -t cgroup2 cgroup2 /sys/fs/cgroup
	echo +memory +cpu >/sys/fs/cgroup/cgroup.subtree_control
	G=/sys/fs/cgroup/service
	mkdir $G
	(
		"$PYTHON" -c 'import os; print(os.getppid())' >$G/cgroup.procs
		exec workerd $ROOTOK --work "$T/work" --python "$PYTHON" -v "$@" "$S"
	) >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
	soon test -e "$G/cgroup.procs"
}
gone() { [ -z "$(find "$G" -mindepth 1 -type d)" ]; }

# The kernel is the first to see it while the worker sleeps; both ends of it.
t_memory() {
	script hog.py <<-'PY'
	import os, sys, time
	if os.fork() == 0:
	    os.setsid()
	    os.execve("/bin/sleep", ["sleep", "600"], {})
	open(os.environ["READY"], "w")
	while not os.path.exists(os.environ["GO"]): time.sleep(0.05)
	keep = []
	while True:
	    keep.append(bytearray(b"x") * (4 << 20))
	    time.sleep(float(os.environ["PAUSE"]))
	PY
	script calm.sh <<-'SH'
	#!/bin/sh
	G=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)
	until [ -e "$END" ]; do sleep 0.1; done
	echo "{\"weight\":$(cat "$G/cpu.weight"),\"max\":\"$(cat "$G/memory.max")\"}"
	SH
	# What python maps is charged to who reads it first: to none of them.
	"$PYTHON" -c 'import time; time.sleep(600)' &
	PIDS="$PIDS $!"
	job calm.sh "\"order\":{\"memory\":\"50M\",\"cpus\":0.5,\"env\":{\"END\":\"$T/end\"}}" >"$S/new/calm.json"
	service -j 2
	soon eval '[ "$(ls "$S/assigned")" ]'
	hog() { # PAUSE
		rm -f "$T/ready" "$T/go"
		job hog.py "\"pause\":$1,\"order\":{\"memory\":\"80M\",\"env\":{\"READY\":\"$T/ready\",\"GO\":\"$T/go\",\"PAUSE\":\"$1\"}}" >"$S/new/hog.json"
		soon test -e "$T/ready"
	}
	hog 0
	kill -STOP "$WORKER"
	touch "$T/go"
	soon eval 'dmesg | grep -q "Memory cgroup out of memory"'
	kill -CONT "$WORKER"
	soon outcomes_are 1
	outcome
	is "$(outcome | jq -c '[.status, .run.cause, .run.signal]')" '[500,"oom",9]'
	has "$(outcome | jq -r .error)" 'of order.memory 80 MiB: the kernel killed it'
	! pgrep -f 'sleep 600' || fail 'something outlives the job'
	rm "$S"/outcomes/2*.json
	# By looking, and after that nobody is hurt.
	hog 0.05
	touch "$T/go"
	soon outcomes_are 1
	outcome
	is "$(outcome | jq -c '[.status, .run.cause, .run.signal]')" '[500,"oom",9]'
	! pgrep -f 'sleep 600' || fail 'something outlives the job'
	rm "$S"/outcomes/2*.json
	touch "$T/end"
	soon outcomes_are 1
	outcome
	is "$(outcome | jq -c '[.status, .weight, .max]')" '[200,50,"119537664"]'
	ours "$WORKER" || fail 'the worker is gone'
	stop "$WORKER"
	soon gone
	rmdir $G
}

# A warm one has the limits of its job, and no later one has them.
t_warm() {
	script where.py <<-'PY'
	group = "/sys/fs/cgroup" + open("/proc/self/cgroup").read().split("0::")[-1].split()[0]
	print('{"max": "%s", "weight": %s}' % (open(group + "/memory.max").read().strip(),
	      open(group + "/cpu.weight").read().strip()))
	PY
	script eats.py <<-'PY'
	keep = []
	while True: keep.append(bytearray(b"x") * (4 << 20))
	PY
	one() { # NAME SCRIPT [MEMBERS]
		job "$2" "${3:-}" >"$S/new/$1.json"
		soon outcomes_are 1
		_said=$(cat "$S"/outcomes/2*.json)
		rm "$S"/outcomes/2*.json
	}
	service --warm none
	one a where.py
	soon grep -q 'warm python=.* ready' "$T/worker.log"
	one b where.py '"order":{"memory":"50M"}'
	is "$(echo "$_said" | jq -c '[.run.warm, .max, .weight]')" '[true,"119537664",100]'
	one c eats.py '"order":{"memory":"80M"}'
	is "$(echo "$_said" | jq -c '[.run.warm, .status, .run.cause, .run.signal]')" '[true,500,"oom",9]'
	has "$(echo "$_said" | jq -r .error)" 'of order.memory 80 MiB'
	one d where.py
	is "$(echo "$_said" | jq -c '[.run.warm, .max, .weight]')" '[true,"max",100]'
	stop "$WORKER"
	soon gone
	rmdir $G
}

# The worker is killed: nothing is left but the group of the minder's last
# moment, and that not for long.
t_killed() {
	script deaf.py <<-'PY'
	import os, time
	if os.fork() == 0:
	    os.setsid()
	    os.execve("/bin/sleep", ["sleep", "601"], {})
	open(os.environ["READY"], "w")
	time.sleep(600)
	PY
	job deaf.py "\"order\":{\"env\":{\"READY\":\"$T/ready\"}}" >"$S/new/a.json"
	service
	soon test -e "$T/ready"
	kill -KILL "$WORKER"
	soon eval '! pgrep -f "sleep 601"'
	soon gone
	rmdir $G
}

run_stories "$@"
