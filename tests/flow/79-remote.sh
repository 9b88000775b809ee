# A worker far away from its spool, whatever lies between: each story is told
# over every medium (tests/media.sh).
. "$TOP/tests/lib.sh"
. "$TOP/tests/media.sh"

NOT_OVER_DIR='server_restarted lost_answers together'

# Under the sanitizers each medium and each way that a link fails, once.
PLAIN_ONLY=
for _m in dir sftp http; do
	for _s in pins cancel preempt killed drained taken_meanwhile exclusive frozen \
	    told_to_end_while_it_waits; do
		PLAIN_ONLY="$PLAIN_ONLY ${_m}_$_s"
	done
done
PLAIN_ONLY="$PLAIN_ONLY dir_whole sftp_too_late http_too_late
    sftp_half_an_outbox http_half_an_outbox http_killed_while_it_waits
    http_together"
PLAIN_ONLY=$(echo $PLAIN_ONLY)

logged() { grep -q -- "$1" "$T/worker.log"; }
saved() { [ -n "$(find "$T/work" -name parcel.json)" ]; }
brought() { ! saved; }
no_outbox() { is "$(find "$T/work" -name 'spool-outbox.*')" ''; }

# A job that says it has begun, and ends when it is told to.
told_job() {
	script told.sh <<-SH
	#!/bin/sh
	echo '{"step":1}' >"\$SPOOL_METRICS"
	echo "began \$SPOOL_ATTEMPT"
	echo x >>"$T/began"
	while [ ! -e "$T/end" ]; do sleep 0.05; done
	echo '{"step":2}' >>"\$SPOOL_METRICS"
	echo 'the last word'
	echo "{\"loss\":\$SPOOL_ATTEMPT}"
	SH
	job told.sh >"$T/told.json"
	ID=$(spool submit "$T/told.json")
}
log_text() { cat "$S"/runs/*/"$ID"/t*"@far-"*.log; }
metrics_text() { cat "$S"/runs/*/"$ID"/t*"@far-"*.metrics.jsonl; }

whole_log() { # once each, in order
	is "$(log_text)" 'began 1
the last word
{"loss":1}' log
	is "$(metrics_text)" '{"step":1}
{"step":2}' metrics
}

lines_are() { [ "$(wc -l <"$1")" = "$2" ]; }
run_has() { find "$S"/runs/*/"$ID" -path "*$1" | grep -q .; }

# ---- what a worker does, from there ----

# A raw drop with code and data, its log, metrics and checkpoint seen while it
# runs, its artifacts and what it was made of when it is over.
story_whole() {
	mkdir "$S/data/set"
	echo 3 >"$S/data/set/a"
	echo 4 >"$S/data/set/b"
	echo 'def total(d): return sum(int(open(d + "/" + f).read()) for f in "ab")' \
	    >"$S/scripts/helper.py"
	script train.py <<-PY
	import json, os, sys, time
	import helper
	out = os.environ["SPOOL_OUT"]
	print("epoch", 1, flush=True)
	open(os.environ["SPOOL_METRICS"], "w").write('{"step":1,"loss":0.5}\\n')
	os.mkdir(out + "/deep")
	open(out + "/deep/w.tmp", "wb").write(b"w" * 300000)
	os.rename(out + "/deep/w.tmp", out + "/deep/w")
	while not os.path.exists("$T/end"): time.sleep(0.05)
	open(out + "/last", "w").write("last")
	print(json.dumps({"total": helper.total(os.environ["SPOOL_DATA"])}))
	PY
	job train.py '"dataFileName":"set"' >"$S/new/x.json"
	far_worker
	soon eval 'cat "$S"/runs/*/*/*.log | grep -q "epoch 1"'
	soon eval 'cat "$S"/runs/*/*/*.metrics.jsonl | grep -q step'
	ID=$(basename "$(ls -d "$S"/runs/*/2*)")
	soon run_has out/deep/w
	soon run_has pins.json
	soon eval 'spool workers | grep -q "^far.*busy"'
	touch "$T/end"
	soon over "$ID"
	is "$(outcome | jq -c '[.status, .total, [.run.artifacts[] | [.name, .size]]]')" \
	    '[200,7,[["deep/w",300000],["last",4]]]'
	is "$(outcome | jq -r '.run.artifacts[0].sha256')" \
	    "$(sha256sum "$S"/runs/*/"$ID"/out/deep/w | cut -d' ' -f1)"
	is "$(cat "$S"/runs/*/"$ID"/out/last)" last
	is "$(ls "$S"/runs/*/"$ID"/out/deep)" w
	stop $FAR
	is "$(work_left)" ''
	promises
}

# As many orders as there are slots are claimed at once, each by its own rename;
# what all of them say at their end is in their logs, side by side.
begun_are() { [ "$(cat "$T/begun" 2>/dev/null | wc -l)" = "$1" ]; }
over_are() { [ "$(ls "$S"/outcomes | wc -l)" = "$1" ]; }
story_together() {
	script gate.sh <<-SH
	#!/bin/sh
	echo x >>"$T/begun"
	while [ ! -e "$T/end" ]; do sleep 0.05; done
	echo "bye \$SPOOL_ID"
	SH
	for _n in 1 2 3 4 5 6 7 8; do job gate.sh; done | spool submit - >"$T/ids"
	far_worker -j 6
	soon begun_are 6
	is "$(ls "$S/assigned" | wc -l)" 6 claimed
	if [ "$MEDIUM" = http ]; then
		is "$(grep -c 'POST /v1/claims 200' "$T/httpd.log")" 1 'requests'
		is "$(grep -c 'POST /v1/claim 200' "$T/httpd.log")" 0 'single ones'
	fi
	touch "$T/end"
	soon over_are 8
	while read -r ID; do
		is "$(log_text)" "bye $ID" 'its log'
	done <"$T/ids"
	stop $FAR
	promises
}

# A retry is made of what the first attempt was made of.
story_pins() {
	script v.sh <<-SH
	#!/bin/sh
	echo "one \$SPOOL_ATTEMPT" >>"$T/ran"
	[ "\$SPOOL_ATTEMPT" = 2 ] || exit 1
	echo '{"v":1}'
	SH
	policy lease=2 beat=0.2 settle=0.5 poll=0.2 backoff=1 backoffMax=1
	job v.sh '"order":{"retry":["exit"],"attempts":2}' >"$S/new/x.json"
	far_worker
	[ "$MEDIUM" != http ] || start_spoold # who waits is not its business
	soon test -e "$T/ran"
	printf '#!/bin/sh\necho two >>%s\necho "{}"\n' "$T/ran" >"$S/scripts/v.tmp"
	chmod +x "$S/scripts/v.tmp"
	mv "$S/scripts/v.tmp" "$S/scripts/v.sh"
	soon outcomes_are 1
	is "$(cat "$T/ran")" 'one 1
one 2'
	is "$(outcome | jq .v)" 1
	stop $FAR
	promises
}

story_cancel() {
	told_job
	far_worker
	soon test -e "$T/began"
	spool cancel "$ID"
	soon over "$ID"
	is "$(outcome | jq .status)" 499
	is "$(ls "$S/assigned")" ''
	soon eval 'spool workers | grep -q "^far.*idle"'
	stop $FAR
	promises
}

# What it has saved goes where it goes.
saver() {
	script save.py <<-PY
	import json, os, signal, sys, time
	out = os.environ["SPOOL_OUT"] + "/step"
	step = int(open(out).read()) if os.path.exists(out) else 0
	resumed = os.environ.get("SPOOL_RESUME")
	if step == 0:
	    signal.signal(signal.SIGTERM, lambda *a: sys.exit(75))
	    open(out + ".tmp", "w").write("41")
	    os.rename(out + ".tmp", out)
	    open("$T/began", "w").close()
	    while True: time.sleep(0.05)
	print(json.dumps({"step": step + 1, "resumed": resumed}))
	PY
	job save.py >"$T/save.json"
	ID=$(spool submit "$T/save.json")
}
story_preempt() {
	saver
	far_worker --preempt
	soon test -e "$T/began"
	stop $FAR
	is "$(ls "$S/new")" "50.$ID.t2a0.save.json"
	far_worker
	soon over "$ID"
	is "$(outcome | jq -c '[.step, .resumed]')" '[42,"1"]'
	stop $FAR
	promises
}

# Killed: after a lease somebody else goes on from its last checkpoint.
story_killed() {
	saver
	far_worker
	soon run_has out/step
	kill -KILL $FAR
	start_spoold
	T2=$T/work2
	mkdir "$T2"
	far_worker --work "$T2"
	soon over "$ID"
	is "$(outcome | jq -c '[.step, .resumed, .run.attempt]')" '[42,"1",2]'
	stop $FAR
	promises
}

beats() { jq .beat "$S"/workers/far-*.json; }
beats_beyond() { [ "$(beats)" -gt "$1" ]; }
story_drained() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{}'
	SH
	job ok.sh >"$T/ok.json"
	far_worker
	soon eval 'spool workers | grep -q "^far.*idle"'
	spool drain far
	soon eval 'spool workers | grep -q "^far.*drained"'
	ID=$(spool submit "$T/ok.json")
	BEATS=$(beats)
	soon beats_beyond $((BEATS + 8)) # it has looked, or never will
	[ "$(ls "$S/new")" = "50.$ID.t1a0.ok.json" ] || fail 'claimed, though drained'
	spool resume far
	soon over "$ID"
	stop $FAR
	promises
}

# ---- when the link fails ----

# The server is killed and started again while a job runs: the same attempt
# goes on and is committed.
story_server_restarted() {
	told_job
	far_worker
	soon test -e "$T/began"
	server_down
	soon logged 'jobs go on'
	server_up
	soon logged 'beat back'
	touch "$T/end"
	soon over "$ID"
	is "$(outcome | jq -c '[.loss, .run.attempt]')" '[1,1]'
	whole_log
	stop $FAR
	promises
}

some() { [ "$(find "$S/outcomes" -name '2*.json' | wc -l)" -ge 3 ]; }
# Links break, answers get lost, nothing moves for a while: each order is run
# and committed once all the same.
story_lost_answers() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{}'
	SH
	policy lease=20 beat=0.2 settle=0.5 poll=0.2 halfRename=2
	for i in 1 2 3 4 5 6 7 8 9 10; do job ok.sh; done >"$T/ten.jsonl"
	spool submit "$T/ten.jsonl" >"$T/ids"
	far_worker -j 2
	soon logged 'work worker='
	net random 7 400
	soon logged 'beat failed'
	soon some
	net pass
	soon outcomes_are 10
	soon eval 'ls "$S/assigned" | wc -l | grep -qx 0'
	stop $FAR
	promises
}

# Gone for longer than a lease: somebody else has the order then, and the job is
# stopped when that can be seen, not before.
story_taken_meanwhile() {
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	start_spoold
	soon revoked
	start_worker --name near
	soon lines_are "$T/began" 2
	heal
	soon logged 'taken from us'
	touch "$T/end"
	soon over "$ID"
	is "$(outcome | jq .loss)" 2
	soon eval 'spool workers | grep -q "^far.*idle"'
	stop $FAR
	promises
}

# Who asks for it is stopped after half a lease without a word from the spool,
# even if nothing at all comes back, and its order goes on elsewhere.
story_exclusive() {
	policy lease=4 beat=0.3 settle=0.5 poll=0.2 backoff=0.1
	script only.sh <<-SH
	#!/bin/sh
	trap 'echo x >>$T/stopped; exit 1' TERM
	echo x >>"$T/began"
	while [ ! -e "$T/end" ]; do sleep 0.05; done
	echo "{\"loss\":\$SPOOL_ATTEMPT}"
	SH
	job only.sh '"order":{"exclusive":true}' >"$T/only.json"
	ID=$(spool submit "$T/only.json")
	far_worker
	soon test -e "$T/began"
	freeze
	soon test -e "$T/stopped"
	touch "$T/end"
	heal
	soon over "$ID"
	is "$(outcome | jq .status)" 200
	stop $FAR
	promises
}

# Nothing moves, not even an error: what jobs print is taken from them all the
# same, and they have their time and no more.
story_frozen() {
	script talk.py <<-PY
	import os, signal, sys, time
	def stop(*a):
	    open("$T/stopped", "w")
	    sys.exit(3)
	signal.signal(signal.SIGTERM, stop)
	open("$T/began", "w")
	while not os.path.exists("$T/go"): time.sleep(0.05)
	for i in range(5000): print("x" * 99, i)
	sys.stdout.flush()
	open("$T/printed", "w")
	while True: time.sleep(0.05)
	PY
	policy lease=300 beat=0.2 settle=0.5 poll=0.2
	job talk.py '"order":{"timeout":4}' >"$T/talk.json"
	ID=$(spool submit "$T/talk.json")
	far_worker
	soon test -e "$T/began"
	freeze
	touch "$T/go"
	soon test -e "$T/printed"
	soon test -e "$T/stopped"
	heal
	soon over "$ID"
	is "$(outcome | jq .status)" 408
	is "$(log_text | wc -l)" 5000
	is "$(log_text | tail -n 1 | cut -d' ' -f2)" 4999
	stop $FAR
	promises
}

# The link is cut while it runs: it ends all the same, its slot is free, and
# all that it said comes when the link is there again.
story_late() {
	told_job
	far_worker
	soon eval 'log_text | grep -q began'
	soon eval 'metrics_text | grep -q step'
	sever
	touch "$T/end"
	soon saved
	is "$(outcome 2>/dev/null)" ''
	heal
	soon over "$ID"
	is "$(outcome | jq .loss)" 1
	whole_log
	soon brought
	stop $FAR
	no_outbox
	has "$(cat "$T/worker.log")" 'its outcome had waited'
	promises
}

# A job ends while nobody can be reached: its outcome waits here.
ended_unheard() {
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
}

# The worker is killed while an outcome waits.  The next one of its name brings
# it, under the name of the dead one, and nobody runs it again.
story_killed_while_it_waits() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	ended_unheard
	kill -KILL $FAR
	wait $FAR 2>/dev/null || :
	w=$(ls "$S/assigned" | sed 's/.*@\(far-[0-9a-f]*\).*/\1/')
	heal
	far_worker
	soon over "$ID"
	is "$(outcome | jq -r .run.worker)" "$w"
	is "$(basename "$(find "$S/done" -name '*.json')")" "50.$ID.t1a0@$w.told.json"
	whole_log
	soon brought
	stop $FAR
	no_outbox
	is "$(wc -l <"$T/began")" 1 'how often it ran'
	promises
}

# Likewise by its own will: told twice to end, it leaves what it cannot bring.
story_told_to_end_while_it_waits() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	ended_unheard
	kill -TERM $FAR
	soon logged 'no more claims'
	kill -TERM $FAR
	soon dead $FAR
	wait $FAR
	has "$(cat "$T/worker.log")" 'leave=1'
	heal
	far_worker
	soon over "$ID"
	stop $FAR
	is "$(wc -l <"$T/began")" 1 'how often it ran'
	promises
}

# Its order was given to somebody else meanwhile: what it brings late is set
# aside, and never published.
revoked() { [ -z "$(find "$S/assigned" -name '*@far-*')" ]; }
story_too_late() {
	ended_unheard
	start_spoold
	soon revoked
	soon outcomes_are 0
	start_worker --name near
	soon over "$ID"
	heal
	soon logged 'set aside in runs/'
	is "$(outcome | jq .loss)" 2
	is "$(jq -r .cause "$S"/runs/*/"$ID"/t1a0@far-??????.json)" lost
	is "$(jq .loss "$S"/runs/*/"$ID"/t1a0@far-*.late.json)" 1
	is "$(jq .loss "$S/outcomes/$ID.json")" 2
	soon brought
	stop $FAR
	no_outbox
	promises
}

# What a power cut left of an outbox: an entry without its last file counts as
# nothing, one that is damaged is left for people to see, one of another name or
# spool is not ours.
story_half_an_outbox() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	ended_unheard
	kill -KILL $FAR
	wait $FAR 2>/dev/null || :
	heal
	box=$(find "$T/work" -name 'far-*.????????')
	entry=$(dirname "$(find "$box" -name parcel.json)")
	tag=${box##*.}
	mkdir -m 700 "$(dirname "$box")/other-0000aa.$tag"
	cp -r "$entry" "$(dirname "$box")/other-0000aa.$tag/"
	cp -r "$entry" "$entry.half"
	rm "$entry.half/parcel.json"
	cp -r "$entry" "$entry.torn"
	head -c 20 "$entry/parcel.json" >"$entry.torn/parcel.json"
	far_worker
	soon over "$ID"
	soon test ! -e "$entry"
	stop $FAR
	has "$(cat "$T/worker.log")" 'it is left there'
	is "$(ls "$box" | grep -v '\.out$')" "$(basename "$entry.torn")"
	is "$(ls "$(dirname "$box")/other-0000aa.$tag")" "$(basename "$entry")"
	promises
}

run_media "$@"
