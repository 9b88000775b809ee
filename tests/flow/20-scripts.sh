# Whatever a script does, its outcome says it and the worker goes on.
. "$TOP/tests/lib.sh"

put() { # NAME then the script on stdin; queues a job for it
	script "$1"
	job "$1" "${2:-}" >"$S/new/${1%.*}.json"
}

# Outcome of the job dropped as NAME.json
of() {
	_f=$(find "$S/done" "$S/failed" -name "*.$1.json")
	[ -n "$_f" ] || fail "$1 is not over: $(ls "$S"/new "$S"/assigned)"
	cat "$S/outcomes/$(basename "$_f" | cut -d. -f2).json"
}
pick() { of "$1" | jq -cr "$2"; }
log_of() { cat "$S"/runs/*/"$(basename "$(find "$S/done" "$S/failed" -name "*.$1.json")" | cut -d. -f2)"/*.log; }

t_table() {
	put silent.py <<-'PY'
	PY
	put chatty.py <<-'PY'
	import sys
	print("no json here"); print('{"loss": 3, "x": [1, {"y": null}]}'); print("bye")
	print('{"loss": 4}', file=sys.stderr)
	PY
	put garbage.py <<-'PY'
	import os
	os.write(1, b'\xff\xfe\x00{"loss":1' + b'\n' * 3)
	PY
	put nan.py <<-'PY'
	print('{"loss": NaN, "m": {"a": [1, -Infinity]}, "s": "NaN"}')
	PY
	put exit3.py <<-'PY'
	import sys; print('{"loss": 1}'); sys.exit(3)
	PY
	put killed.py <<-'PY'
	import os, signal; os.kill(os.getpid(), signal.SIGKILL)
	PY
	put says400.py <<-'PY'
	print('{"status": 400, "error": "No Job info found"}')
	PY
	put saystext.py <<-'PY'
	print('{"status": "completed", "loss": "12.5"}')
	PY
	put error.py <<-'PY'
	print('{"status": 200, "error": "diverged"}')
	PY
	put file.py <<-'PY'
	import os; print('{"loss": 1}'); open(os.environ["SPOOL_OUTCOME"], "w").write('{"loss": 2}')
	PY
	put fifo.py <<-'PY'
	import os; os.mkfifo(os.environ["SPOOL_OUTCOME"]); print('{"loss": 5}')
	PY
	put link.py <<-'PY'
	import os; os.symlink("/etc/passwd", os.environ["SPOOL_OUTCOME"]); print('{"loss": 6}')
	PY
	put traceback.py <<-'PY'
	raise ValueError("bad shape")
	PY
	put required.py '"order":{"outcome":"required"}' <<-'PY'
	print("nothing")
	PY
	put slow.py '"order":{"timeout":0.5}' <<-'PY'
	import time; time.sleep(600)
	PY
	put forged.py <<-'PY'
	print('{"_id": "x", "jobId": "y", "orderId": "z", "run": 7, "loss": 1}')
	PY
	put shell.sh <<-'SH'
	#!/bin/sh
	echo "{\"loss\":1,\"arg\":\"$(echo "$1" | cut -c3-5)\"}"
	SH
	put noexec.xyz <<-'SH'
	this has no first line that names an interpreter
	SH
	job missing.py >"$S/new/missing.json"
	job silent.py '"dataFileName":"nodata.csv"' >"$S/new/nodata.json"
	put last.py '"order":{"priority":99}' <<-'PY'
	print('{"loss": 0}')
	PY
	drain -j 2

	is "$(pick silent '[.status, .run.cause]')" '[204,"ok"]'
	is "$(pick chatty '[.status, .loss, .x[1].y]')" '[200,3,null]' 'stderr is not stdout'
	has "$(log_of chatty)" '{"loss": 4}'
	is "$(pick garbage .status)" 204
	is "$(pick nan '[.status, .loss, .m.a[1], .s]')" '[200,null,null,"NaN"]'
	is "$(pick nan '.run.nonFinite')" '["loss","m.a.1"]'
	is "$(pick exit3 '[.status, .run.exitCode, .run.cause]')" '[500,3,"exit"]'
	is "$(pick killed '[.status, .run.signal, .run.cause]')" '[500,9,"signal"]'
	is "$(pick says400 '[.status, .error, .run.scriptStatus]')" '[500,"No Job info found",400]'
	is "$(pick saystext '[.status, .loss]')" '[200,"12.5"]'
	is "$(pick error '[.status, .error]')" '[500,"diverged"]'
	is "$(pick file .loss)" 2
	is "$(pick fifo '.status < 300')" true
	hasnt "$(of link)" 'root:'
	is "$(pick traceback '[.status, .run.exitCode]')" '[500,1]'
	has "$(log_of traceback)" 'ValueError: bad shape'
	is "$(pick required '[.status, .run.cause]')" '[502,"no-outcome"]'
	is "$(pick slow '[.status, .run.cause]')" '[408,"timeout"]'
	is "$(pick forged '[._id == .jobId, ._id == .orderId, (._id|length), .run.exitCode]')" '[true,true,27,0]'
	is "$(pick shell '[.status, .arg]')" '[200,"_id"]'
	is "$(pick noexec .status)" 500
	is "$(pick missing .status)" 500
	has "$(pick missing .error)" 'missing.py'
	has "$(pick missing .error)" 'scripts/'
	has "$(pick nodata .error)" 'nodata.csv'
	is "$(pick last .status)" 200
	OVER=1 promises
}

# Grandchildren: in the group, in a session of their own, holding the pipes.
t_grandchildren() {
	put family.py <<-'PY'
	import os, subprocess, sys
	for extra in ({}, {"start_new_session": True}):
	    p = subprocess.Popen(["sleep", "3600"], **extra)
	    open(os.environ["TPIDS"], "a").write(f"{p.pid}\n")
	print('{"loss": 1}')
	PY
	TPIDS=$T/pids
	export TPIDS
	jq -c --arg p "$TPIDS" '.order={env:{TPIDS:$p}}' "$S/new/family.json" >"$T/j"
	cat "$T/j" >"$S/new/family.json"
	drain
	is "$(pick family .status)" 200
	is "$(wc -l <"$T/pids")" 2
	for p in $(cat "$T/pids"); do soon dead "$p"; done
}

# The script sees what DESIGN promises.
t_environment() {
	echo '1,2' >"$S/data/d.csv"
	put env.py '"dataFileName":"d.csv","order":{"env":{"MY":"own"}}' <<-'PY'
	import json, os, sys
	e = os.environ
	assert open(e["SPOOL_DATA"]).read() == "1,2\n"
	assert open("d.csv").read() == "1,2\n"
	assert json.load(open(e["SPOOL_JOB"]))["_id"] == e["SPOOL_ID"]
	assert e["CUDA_VISIBLE_DEVICES"] == "" and e["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
	assert e["SPOOL_ATTEMPT"] == "1" and e["SPOOL_TICKET"] == "1" and e["MY"] == "own", dict(e)
	assert not e.get("SPOOL_RESUME")
	assert os.getsid(0) == os.getpid() and sys.stdin.read() == ""
	fds = [f for f in os.listdir("/proc/self/fd") if int(f) > 2]
	assert len(fds) <= 1, fds
	os.makedirs(e["SPOOL_OUT"], exist_ok=True)
	open(e["SPOOL_OUT"] + "/model.bin", "w").write("weights")
	open(e["SPOOL_METRICS"], "a").write('{"step":1,"val/loss":0.5}\n')
	print(json.dumps({"loss": 1, "cwd": os.getcwd()}))
	PY
	drain
	is "$(pick env .status)" 200 "$(log_of env)"
	[ ! -e "$(pick env .cwd)" ] || fail 'the work folder is left'
	is "$(cat "$S"/runs/*/*/out/model.bin)" weights
	has "$(cat "$S"/runs/*/*/*.metrics.jsonl)" '"val/loss":0.5'
}

# A job too long for argv[1] comes by its file alone.
# What one leaves in its work directory, or makes of it, no later one meets,
# though it may get the same directory.
t_after_others() {
	echo keep >"$T/victim"
	script mess.sh <<-SH
	#!/bin/sh
	case \$(sed 's/.*"x":"\([a-z]*\).*/\1/' "\$SPOOL_JOB") in
	link) ln "\$SPOOL_JOB" "$T/linked" ;;
	symlink) ln -sf "$T/victim" "\$SPOOL_JOB" ;;
	fifo) rm "\$SPOOL_JOB"; mkfifo "\$SPOOL_JOB" ;;
	gone) rm "\$SPOOL_JOB" ;;
	below) mkdir -p sub/deep; echo a >sub/deep/file ;;
	many) for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do : >"a \$i"; done ;;
	mode) chmod 755 .; chmod 644 "\$SPOOL_JOB" ;;
	longer) head -c 70000 /dev/zero >>"\$SPOOL_JOB" ;;
	esac
	SH
	script look.sh <<-'SH'
	#!/bin/sh
	ls -A | tr '\n' ' '
	stat -c %a . "$SPOOL_JOB" | tr '\n' ' '
	jq -cj '[.x,.scriptName]' "$SPOOL_JOB"
	SH
	n=10
	for kind in none link symlink fifo gone below many mode longer; do
		n=$((n + 2))
		job mess.sh "\"x\":\"$kind\"" >"$S/new/$n$kind.json"
		job look.sh "\"x\":\"$kind\"" >"$S/new/$((n + 1))look$kind.json"
	done
	drain
	for kind in none link symlink fifo gone below many mode longer; do
		is "$(log_of "[0-9][0-9]look$kind")" \
		    ".spool-job.json look.sh 700 600 [\"$kind\",\"look.sh\"]" "after $kind"
	done
	is "$(cat "$T/victim")" keep
	is "$(jq -r .x "$T/linked")" link
}

# The same of $SPOOL_OUT; and what was left empty is not left there.
t_out_after_others() {
	script mess.sh <<-'SH'
	#!/bin/sh
	case $(sed 's/.*"x":"\([a-z]*\).*/\1/' "$SPOOL_JOB") in
	file) echo a >"$SPOOL_OUT/a" ;;
	beside) echo a >"$SPOOL_OUT/../beside" ;;
	mode) chmod 700 "$SPOOL_OUT" ;;
	gone) rmdir "$SPOOL_OUT" ;;
	link) rmdir "$SPOOL_OUT"; ln -s / "$SPOOL_OUT" ;;
	esac
	SH
	script look.sh <<-'SH'
	#!/bin/sh
	echo $(ls -A "$SPOOL_OUT") / $(ls -A "$SPOOL_OUT/..") $(stat -c %a "$SPOOL_OUT")
	SH
	n=10
	for kind in none file beside mode gone link; do
		n=$((n + 2))
		job mess.sh "\"x\":\"$kind\"" >"$S/new/$n$kind.json"
		job look.sh >"$S/new/$((n + 1))look$kind.json"
	done
	job mess.sh >"$S/new/99.json"
	drain
	for kind in none file beside mode gone link; do
		is "$(log_of "[0-9][0-9]look$kind")" '/ out 755' "after $kind"
	done
	is "$(ls -A "$S/tmp")" ''
	is "$(find "$S/runs" -name a | wc -l)" 1
	is "$(find "$S/runs" -name beside | wc -l)" 1
}

t_long_job() {
	put long.py <<-'PY'
	import json, os, sys
	j = json.load(open(os.environ["SPOOL_JOB"]))
	print(json.dumps({"loss": len(j["pad"]), "args": len(sys.argv)}))
	PY
	"$PYTHON" -c 'import json; print(json.dumps({"scriptName":"long.py","pad":"x"*300000}))' >"$S/new/long.json"
	drain
	is "$(pick long '[.status, .loss, .args]')" '[200,300000,1]'
}

t_flood() {
	put flood.py <<-'PY'
	import sys
	for i in range(200000): print("line", i)
	print('{"loss": 1}')
	PY
	drain
	is "$(pick flood '[.status, .loss]')" '[200,1]'
	is "$(log_of flood | wc -l)" 200001
}

# Both streams in one log, in the order written, while the script still runs.
t_live_log() {
	put live.py <<-'PY'
	import os, sys, time
	print("out 1"); print("err 2", file=sys.stderr, flush=True)
	while not os.path.exists(os.environ["GO"]): time.sleep(0.02)
	print("out 3")
	PY
	GO=$T/go
	jq -c --arg p "$GO" '.order={env:{GO:$p}}' "$S/new/live.json" >"$T/j"
	cat "$T/j" >"$S/new/live.json"
	start_worker
	soon sh -c 'grep -q "err 2" "$0"/runs/*/*/*.log' "$S"
	touch "$GO"
	soon outcomes_are 1
	is "$(log_of live | tr '\n' ',')" 'out 1,err 2,out 3,'
}

t_retry_and_preempt() {
	put again.py '"order":{"retry":["exit"],"attempts":3}' <<-'PY'
	import os, sys
	if os.environ["SPOOL_ATTEMPT"] != "3": sys.exit(9)
	print('{"loss": 1}')
	PY
	put spent.py '"order":{"retry":["exit"],"attempts":2}' <<-'PY'
	import sys; sys.exit(7)
	PY
	put preempted.py <<-'PY'
	import os, sys
	f = os.environ["SPOOL_OUT"] + "/ckpt"
	os.makedirs(os.environ["SPOOL_OUT"], exist_ok=True)
	if not os.path.exists(f):
	    assert not os.environ.get("SPOOL_RESUME")
	    open(f, "w").write("half")
	    sys.exit(75)
	assert os.environ["SPOOL_RESUME"] == "1"
	print('{"loss": 2}')
	PY
	drain
	is "$(pick again '[.status, .run.attempt]')" '[200,3]'
	find "$S/done" -name '*.t5a2@*.again.json' -o -name '*.t[0-9]*a2@*.again.json' | grep -q . || fail 'attempts in the name'
	is "$(pick spent '[.status, .run.exitCode, .run.attempt]')" '[500,7,2]'
	is "$(pick preempted '[.status, .run.attempt]')" '[200,1]' 'exit 75 is not an attempt'
	# What ended without a commit is written down beside the job.
	is "$(ls "$S"/runs/*/*/t*.json | wc -l)" 4 'notes'
	OVER=1 promises
}

run_stories "$@"
