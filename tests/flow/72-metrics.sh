# Metrics, live and afterwards: seen while the job runs, with spoold and
# without, and the same from everywhere; floods; artifacts with their hashes.
. "$TOP/tests/lib.sh"

of() { spool ls --json --metrics | jq -rc "select(.name == \"$1\") | $2"; }
of_is() { [ "$(of "$1" "$2")" = "$3" ]; }
id_of() { of "$1" .id; }
go() { : >"$T/$1"; }
# The index's own summary of an order.
summary() {
	"$PYTHON" -c 'import sqlite3, sys
for row in sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True).execute("SELECT text FROM metrics WHERE id = ?", sys.argv[2:]): print(*row)' \
	    "$S/index/spool.db" "$1"
}

# learn.sh: writes what it finds in $FROM.1, $FROM.2, ... when they come, and
# ends when $FROM.end does.
fixture() {
	script learn.sh <<-'SH'
	#!/bin/sh
	i=1
	while :; do
	    if [ -e "$FROM.$i" ]; then
	        cat "$FROM.$i" >>"$SPOOL_METRICS"
	        i=$((i + 1))
	    elif [ -e "$FROM.end" ]; then
	        break
	    else
	        sleep 0.05
	    fi
	done
	echo '{"loss":7}'
	SH
}
learn() { # NAME [members]
	job learn.sh "${2:+$2,}\"order\":{\"name\":\"$1\",\"env\":{\"FROM\":\"$T/$1\"}}" >"$T/$1.json"
	cp "$T/$1.json" "$S/new/$1.json"
}
# say NAME N <lines: the next thing it writes, at once
say() { cat >"$T/say" && mv "$T/say" "$T/$1.$2"; }

same_rows() { # from the directories, and as asked
	rm -rf "$T/copy"
	cp -a "$S" "$T/copy"
	rm -rf "$T/copy/index"
	spool ls --json --metrics >"$T/asked"
	spool -s "$T/copy" ls --json --metrics >"$T/dirs"
	cmp "$T/dirs" "$T/asked" || { diff "$T/dirs" "$T/asked"; return 1; }
}

live() {
	learn wine '"epochs":200'
	start_worker
	say wine 1 <<-'EOT'
	{"step":10,"time":1763837000,"loss":3,"accuracy":0.5}
	{"step":20,"time":1763837010,"loss":NaN,"val":{"loss":2}}
	not JSON
	EOT
	soon of_is wine .step 20
	of_is wine '[.state, .loss, .metric, .progress, .eta]' \
	    '["assigned",null,0.5,0.1,"2025-11-22T18:46:30.000Z"]' || fail "$(of wine .)"
	say wine 2 <<-'EOT'
	{"step":30,"time":1763837030,"loss":1.5}
	{"step":40,"time":1763837040,"loss":2.5,"accuracy":0.25}
	EOT
	soon of_is wine .step 40
	is "$(of wine '[.loss, .metric, .progress, .eta]')" '[2.5,0.25,0.2,"2025-11-22T18:47:33.333Z"]'
	is "$(of wine '.metrics | [.lines, .garbage, .keys.loss.last, .keys.loss.best, .keys.loss.bestStep, .keys.loss.max, .keys.loss.n, .keys.loss.notFinite]')" \
	    '[4,1,2.5,1.5,30,3,3,1]'
	is "$(of wine '.metrics.keys | [.accuracy.best, .accuracy.bestStep, .["val/loss"].last]')" '[0.5,10,2]'
	id=$(id_of wine)
	is "$(spool show --json wine | jq -c .metrics)" "$(of wine .metrics)" 'show'
	spool show wine >"$T/shown"
	has "$(cat "$T/shown")" 'progress  20%; step 40'
	has "$(grep '^metric *loss' "$T/shown")" 'last 2.5, best 1.5 at step 30, 3 values, 1 not finite'
	has "$(spool ls assigned | tr -s ' ')" ' 20% 2.5 0.25 '
	exits 0 spool log --metrics wine
	is "$(wc -l <"$T/out")" 5
	timeout "$DEADLINE" spool log -f --metrics wine >"$T/followed" &
	follower=$!
	PIDS="$PIDS $follower"
}

over() {
	printf '{"step":50,"loss":1}' | say wine 3
	go wine.end
	wait "$follower" || fail 'log -f --metrics'
	tail -n 1 "$T/followed" >"$T/last"
	is "$(jq .step "$T/last")" 50 'the end, without its newline'
	soon of_is wine .state "done"
	soon over_is
	is "$(of wine '[.loss, .metric, .step, .progress, .eta]')" '[7,null,50,0.25,null]'
	is "$(of wine '.metrics.keys.loss | [.last, .best, .n]')" '[1,1,4]'
	is "$(outcome | jq .run.metricsBytes)" "$(cat "$S"/runs/*/*/*.metrics.jsonl | wc -c)"
}
over_is() { [ -e "$S/outcomes/$id.json" ]; }

t_live_by_hand() {
	fixture
	live
	over
	exits 0 spool reindex
	same_rows || fail 'reindex differs'
	is "$(summary "$id" | jq -c .)" "$(of wine .metrics)" 'in the index'
}

t_live_with_spoold() {
	fixture
	start_spoold
	live
	# What spoold has folded, and what it has not yet: the same.
	soon summary_has "$id" '"lines":4,'
	same_rows || fail 'live rows differ'
	over
	soon summary_has "$id" '"lines":5,'
	same_rows || fail 'rows differ'
	stop "$SPOOLD"
	same_rows || fail 'rows differ without spoold'
	rm -rf "$S/index"
	exits 0 spool reindex
	same_rows || fail 'reindex differs'
	is "$(summary "$id" | jq -c .)" "$(of wine .metrics)" 'made anew'
	# What was removed is forgotten.
	start_spoold
	soon summary_has "$id" '"lines":5,'
	rm -rf "$S"/done/* "$S"/runs/* "$S"/outcomes/2*
	soon forgotten
}
forgotten() { spool ls >/dev/null && [ -z "$(summary "$id")" ]; }
summary_has() { summary "$1" | grep -qF -e "$2"; }

# A row that the index knows is right only as far as it has read: a reader
# reads on, so a summary that is behind is never seen.
t_reads_on() {
	fixture
	learn a '"epochs":4'
	start_worker
	now=$(date +%s)
	say a 1 <<-EOT
	{"step":0,"time":$((now - 60))}
	{"step":1,"loss":4,"time":$((now + 60))}
	EOT
	soon of_is a .step 1
	spool ls | grep -qE ' 25% [67]m[0-9]*s ' || fail "$(spool ls)"
	spool show a | grep -qE '^progress  25% [67]m[0-9]*s left, to end at 2.*; step 1$' || fail "$(spool show a)"
	# (spoold's follower has no part in this: the index is made by hand)
	fresh() { spool reindex >/dev/null && same_rows; }
	soon fresh
	say a 2 <<-'EOT'
	{"step":2,"loss":3}
	EOT
	soon of_is a '[.step, .loss, .progress]' '[2,3,0.5]'
	same_rows || fail 'rows differ'
	# A file that is not the one that was read is read from its beginning.
	printf '{"step":9}\n' >"$(ls "$S"/runs/*/*/*.metrics.jsonl)"
	soon of_is a '[.step, .metrics.lines, .loss]' '[9,1,null]'
	go a.end
	soon of_is a .state "done"
}

# Preempted, it goes on in a new file; failed, it starts anew.
t_attempts() {
	script try.sh <<-'SH'
	#!/bin/sh
	case $SPOOL_TICKET in
	1) printf '{"step":1,"loss":5}\n{"step":2,"loss":1}\n' >"$SPOOL_METRICS"; exit 75;;
	2) printf '{"step":3,"loss":3}\n' >"$SPOOL_METRICS"; exit 3;;
	*) printf '{"step":1,"loss":9}\n' >"$SPOOL_METRICS"
	   while [ ! -e "$GO" ]; do sleep 0.05; done;;
	esac
	SH
	job try.sh "\"order\":{\"name\":\"a\",\"retry\":[\"exit\"],\"env\":{\"GO\":\"$T/go\"}}" >"$S/new/a.json"
	workerd $ROOTOK --once --work "$T/work" "$S" 2>>"$T/worker.log"
	is "$(of a '[.state, .ticket, .loss, .metrics.lines]')" '["new",2,1,2]' 'preempted'
	workerd $ROOTOK --once --work "$T/work" "$S" 2>>"$T/worker.log"
	is "$(of a '[.state, .attempt, .loss, .metrics]')" '["waiting",1,null,null]' 'to be tried again'
	start_worker
	soon of_is a .loss 9
	is "$(of a '[.step, .metrics.keys.loss.best, .metrics.lines]')" '[1,9,1]' 'tried again'
	go go
	soon of_is a .state "done"
	is "$(of a '[.loss, .metrics.keys.loss.best, .metrics.lines]')" '[null,9,1]' over
	exits 0 spool reindex
	same_rows || fail 'rows differ'
	# the resumed part alone, before it failed
	rm "$S"/runs/*/*/*a1@*.metrics.jsonl
	rm -rf "$S/index"
	is "$(of a '[.metrics.lines, .metrics.keys.loss.last, .metrics.keys.loss.best]')" '[3,3,1]'
}

# 100,000 lines a second: what comes over is bounded, the last line comes, and
# the outcome says that not all did.
t_flood() {
	script flood.py <<-'PY'
	import os
	line = '{"step":%d,"pad":"' + 40 * "x" + '"}\n'
	with open(os.environ["SPOOL_METRICS"], "w") as f:
	    for k in range(20):
	        f.write("".join(line % (k * 10000 + i) for i in range(10000)))
	        f.flush()
	    print('{"size":%d}' % f.tell())
	PY
	job flood.py '"order":{"name":"f"}' >"$S/new/f.json"
	drain
	is "$(status_of "$(id_of f)")" 200
	is "$(of f .step)" 199999 'the last line'
	is "$(of f '[.metrics.garbage, .metrics.lines < 40000, .metrics.lines > 1000]')" '[0,true,true]'
	is "$(outcome | jq '.run.metricsBytes + .run.metricsDropped == .size')" true
	is "$(outcome | jq '.run.metricsBytes < 2000000')" true
	has "$(cat "$T/worker.log")" 'too many, some are passed over'
}

# The twenty lines that an example has for it.
t_spool_py() {
	cp "$TOP/examples/spool.py" "$TOP/examples/line.py" "$S/scripts/"
	job line.py "\"epochs\":30,\"order\":{\"name\":\"line\",\"env\":{\"PYTHONPATH\":\"$S/scripts\"}}" >"$S/new/line.json"
	script odd.py <<-'PY'
	import spool
	class Scalar:  # as numpy and torch have them
	    def __init__(self, x): self.x = x
	    def tolist(self): return self.x
	spool.log(step=Scalar(1), loss=Scalar(0.5), x=float("nan"), note="no number", val={"f1": Scalar(0.25)})
	spool.log(step=Scalar(2), loss=Scalar(float("inf")))
	spool.outcome(loss=Scalar(0.5), best=Scalar([1, 2]), odd=float("nan"))
	PY
	job odd.py "\"order\":{\"name\":\"odd\",\"env\":{\"PYTHONPATH\":\"$S/scripts\"}}" >"$S/new/odd.json"
	drain
	is "$(of line '[.status, .step, .progress, (.loss < 1), .metrics.keys.loss.n]')" '[200,30,1,true,30]'
	is "$(of line '.metrics.keys | keys')" '["line/height","line/slope","loss"]'
	is "$(of line '.metrics | .keys.loss.best == .keys.loss.last and .to.time >= .from.time')" true
	is "$(jq -r '.run.artifacts[0].sha256' "$S/outcomes/$(id_of line).json")" \
	    "$(sha256sum <"$(ls "$S"/runs/*/*/out/line.json)" | cut -c1-64)"
	is "$(of odd '[.status, .loss, .step, .metrics.keys.loss.best, .metrics.keys.loss.notFinite, .metrics.keys.x.n]')" \
	    '[200,0.5,2,0.5,1,0]'
	is "$(of odd '.metrics.keys["val/f1"].best')" 0.25
	is "$(jq -c '[.best, .odd, .run.nonFinite]' "$S/outcomes/$(id_of odd).json")" '[[1,2],null,["odd"]]'
	# without a spool it prints
	cd "$T" || exit
	env -u SPOOL_METRICS -u SPOOL_OUTCOME -u SPOOL_OUT PYTHONDONTWRITEBYTECODE=1 \
	    "$PYTHON" "$TOP/examples/line.py" '{"epochs":2}' >"$T/printed"
	is "$(jq -c '[.step, has("slope")]' "$T/printed" | tr '\n' ' ')" '[1,false] [2,false] [null,true] '
}

# What is left in out/: each file with its size and hash, sorted; nothing
# followed, nothing waited for.
t_artifacts() {
	echo secret >"$T/secret"
	script leave.sh <<-'SH'
	#!/bin/sh
	cd "$SPOOL_OUT" || exit 9
	mkdir -p a/b/c empty
	echo one >weights.npz
	echo two >"a/b/c/with space"
	: >a.txt
	echo three >"$(printf 'a/\303\244 \377')"
	echo dot >.hidden
	ln -s "$SECRET" link
	ln -s "${SECRET%/*}" a/linkdir
	mkfifo fifo
	ln weights.npz a/hard
	SH
	job leave.sh "\"order\":{\"name\":\"l\",\"env\":{\"SECRET\":\"$T/secret\"}}" >"$S/new/l.json"
	job leave.sh '"order":{"name":"none"},"scriptName2":1' >"$T/none.json"
	script none.sh <<-'SH'
	#!/bin/sh
	SH
	job none.sh '"order":{"name":"none"}' >"$S/new/none.json"
	drain
	id=$(id_of l)
	jq -r '.run.artifacts[] | [.sha256, .size, .name] | join(" ")' "$S/outcomes/$id.json" >"$T/got"
	(
	    cd "$S"/runs/*/"$id"/out || exit
	    for f in .hidden a.txt a/b/c/with\ space a/hard "$(printf 'a/\303\244 \377')" weights.npz; do
	        echo "$(sha256sum <"$f" | cut -c1-64) $(wc -c <"$f") $f"
	    done
	) | "$PYTHON" -c 'import sys; sys.stdout.buffer.write(sys.stdin.buffer.read().decode(errors="replace").encode())' >"$T/want"
	cmp "$T/want" "$T/got" || { diff "$T/want" "$T/got"; fail 'artifacts'; }
	is "$(jq -c '.run | [.artifactsSkipped, .artifactsMore]' "$S/outcomes/$id.json")" '[3,null]'
	is "$(jq -c '.run | has("artifacts")' "$S/outcomes/$(id_of none).json")" false
	[ -e "$S/runs/$(echo "$id" | cut -c1-8)/$(id_of none)/out" ] && fail 'an empty out/ stays' || :
	has "$(spool show l)" 'weights.npz'
}

t_many_artifacts() {
	script many.sh <<-'SH'
	#!/bin/sh
	cd "$SPOOL_OUT" && seq 1003 | sed 's/^/file-/' | xargs touch
	SH
	job many.sh >"$S/new/m.json"
	drain
	is "$(outcome | jq -c '.run | [(.artifacts | length), .artifactsMore, .artifacts[0].name]')" \
	    '[1000,3,"file-1"]'
}

# A checkpoint that takes long to hash (100 GB, though of nothing) keeps its
# slot and nobody else's; it can be cancelled, and there is a limit.
big() { # NAME
	job big.sh "\"order\":{\"name\":\"$1\"}" >"$S/new/$1.json"
}
big_script() {
	script big.sh <<-'SH'
	#!/bin/sh
	truncate -s 100G "$SPOOL_OUT/big" && echo x >"$SPOOL_OUT/small"
	echo '{"loss":1}'
	SH
	script quick.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":2}'
	SH
}

t_hashing_waits_alone() {
	big_script
	start_worker -v -j 2
	big big
	soon grep -q 'count order=' "$T/worker.log"
	for i in 1 2 3; do
	    job quick.sh "\"order\":{\"name\":\"q$i\"}" >"$S/new/q$i.json"
	done
	for i in 1 2 3; do soon of_is "q$i" .loss 2; done
	of_is big .state assigned || fail 'the large one is over already'
	spool cancel big >/dev/null 2>&1 || :
	soon of_is big .status 499
	stop "$WORKER"
	promises
}

t_hashing_has_an_end() {
	big_script
	big a
	drain --hash-time 0.3
	is "$(outcome | jq -c '.run.artifacts[] | [.name, .size, .sha256]' | tr '\n' ' ')" \
	    '["big",107374182400,null] ["small",2,null] '
	has "$(cat "$T/worker.log")" 'hashing takes too long'
	# told to go while it hashes: it goes, and the outcome is kept
	rm "$S"/outcomes/2*
	big b
	start_worker -v
	soon grep -q 'count order=' "$T/worker.log"
	kill -TERM "$WORKER"
	soon grep -q 'no more claims' "$T/worker.log"
	kill -TERM "$WORKER"
	soon of_is b .status 200
	wait "$WORKER" || :
	is "$(outcome | jq -c '.run.artifacts[0] | [.size, .sha256]')" '[107374182400,null]'
}

run_stories "$@"
