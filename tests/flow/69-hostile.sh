# Hostile hands, the rest: a worker that lies, and what each lie can do and what
# it cannot; floods of drops and of words; names that lead elsewhere; and does
# SECURITY.md name tests that exist?
. "$TOP/tests/lib.sh"
PLAIN_ONLY="paths flood promised"

LIAR=liar-0000aa
ID=20260102T030405678-0a1b2c3d
ok() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"status":200,"loss":1}'
	SH
	job ok.sh >"$T/ok.json"
}
place() { # DIR REST [UID]: the order of $ID there
	mkdir -p "$S/$1"
	cp "$T/ok.json" "$S/tmp/place"
	mv "$S/tmp/place" "$S/$1/50.$ID.$2.json"
}
says() { # STATUS: an outcome of $ID, as the liar has it
	printf '{"_id":"%s","jobId":"%s","orderId":"%s","status":%s,"lie":true}\n' "$ID" "$ID" "$ID" "$1"
}
lists() { find "$S/new" "$S/waiting" "$S/assigned" "$S/done" "$S/failed" -name "*$ID*" | wc -l; }
one() { [ "$(lists)" = 1 ]; }

# An outcome where no attempt was: it stays, for nobody writes over one, and so
# there is one; the order runs, what came of that is kept beside its log, and
# check says that the two do not agree.
t_outcome_planted() {
	ok
	says 200 >"$S/outcomes/$ID.json"
	place new t1a0
	drain
	one || fail "$(lists) names"
	is "$(jq -c .lie "$S/outcomes/$ID.json")" true
	is "$(find "$S/outcomes" -name '*.json' | wc -l)" 1
	is "$(find "$S/done" -name "*$ID*" | wc -l)" 1
}

# A name in done/ that nobody committed: over it is, and without an outcome;
# nobody makes one up but check, which says so.
t_done_without_outcome() {
	ok
	place done/20260102 "t1a0@$LIAR"
	start_spoold
	start_worker
	cp "$T/ok.json" "$S/new/other.json"
	soon outcomes_are 1
	one
	exits 1 spool check
	has "$(cat "$T/out")" "$ID"
	exits 0 spool check --repair
	over "$ID" || fail 'check has not ended it'
	is "$(spool ls --json | jq -r "select(.id == \"$ID\").state")" "done"
	one
}

# What it does not hold it commits: the rename decides, as ever.  Who held it
# stops, and his result is not accepted; there is one outcome.
t_commits_anothers() {
	script slow.sh <<-'SH'
	#!/bin/sh
	until [ -e "$GO" ]; do sleep .05; done
	echo '{"status":200,"loss":2}'
	SH
	printf '{"scriptName":"slow.sh","order":{"env":{"GO":"%s"}}}\n' "$T/go" >"$T/ok.json"
	place new t1a0
	start_worker
	held() { n=$(ls "$S/assigned") && [ -n "$n" ]; }
	soon held
	mkdir -p "$S/done/20260102"
	says 200 >"$S/outcomes/.$ID.t1a0@$LIAR"
	mv "$S/assigned/$n" "$S/done/20260102/$n"
	says 200 >"$S/outcomes/$ID.json"
	# It is taken from him, and he sees that and stops.
	soon grep -q "stop order=$ID\|gone order=$ID\|order=$ID.*no longer ours" "$T/worker.log"
	touch "$T/go"
	stop "$WORKER"
	one
	is "$(jq -c .lie "$S/outcomes/$ID.json")" true
}

# It beats under another's name, or for one that is dead: that one keeps what it
# holds as long as the beats go on, and not a lease longer.
t_beats_for_the_dead() {
	ok
	place assigned "t1a0@$LIAR"
	beats() {
		n=0
		while [ -e "$T/beating" ]; do
			n=$((n + 1))
			printf '{"worker":"%s","role":"worker","state":"busy","beat":%d}' "$LIAR" $n >"$S/tmp/beat"
			mv "$S/tmp/beat" "$S/workers/$LIAR.json"
			sleep .1
		done
	}
	: >"$T/beating"
	beats &
	PIDS="$PIDS $!"
	start_spoold
	start_worker
	cp "$T/ok.json" "$S/new/other.json"
	soon outcomes_are 1
	[ -e "$S/assigned/50.$ID.t1a0@$LIAR.json" ] || fail 'taken from one that beats'
	rm "$T/beating"
	soon over "$ID"
	is "$(status_of "$ID")" 200
	one
	promises
}

# It reports an attempt of another order, or under another's name.
t_other_names() {
	ok
	place assigned "t1a0@$LIAR"
	other=20260102T030405678-0a1b2c3e
	# ID's outcome says that it is another's; another's that it is ID's.
	printf '{"_id":"%s","status":200}\n' "$other" >"$S/outcomes/.$ID.t1a0@$LIAR"
	printf '{"_id":"%s","status":200}\n' "$ID" >"$S/outcomes/.$other.t1a0@$LIAR"
	printf '{"_id":"%s","status":200}\n' "$ID" >"$S/outcomes/.$ID.t9a0@$LIAR"
	start_spoold
	start_worker
	soon over "$ID"
	one
	over "$other" && fail 'an outcome of an order that is not there'
	kill -0 "$SPOOLD" && kill -0 "$WORKER"
}

# ---- names that lead elsewhere ----

t_paths() {
	ok
	echo '#!/bin/sh
	touch "$T/escaped"' >"$T/evil.sh"
	chmod +x "$T/evil.sh"
	ln -s "$T/evil.sh" "$S/scripts/link.sh"
	mkfifo "$S/scripts/fifo.sh" "$S/data/fifo"
	ln -s /etc/passwd "$S/data/passwd"
	mkdir "$S/scripts/dir.sh"
	while read -r name text; do
		printf '%s\n' "$text" >"$S/new/$name.json"
	done <<-'ROWS'
	up {"scriptName":"../evil.sh"}
	absolute {"scriptName":"/bin/sh"}
	dash {"scriptName":"-c"}
	dot {"scriptName":".hidden"}
	dots {"scriptName":".."}
	newline {"scriptName":"ok.sh\nrm"}
	nul {"scriptName":"ok.sh\u0000"}
	space {"scriptName":"ok.sh -c"}
	dollar {"scriptName":"$(id).sh"}
	unicode {"scriptName":"ok\u2215.sh"}
	overlong {"scriptName":"\u002e\u002e\u002fevil.sh"}
	data_up {"scriptName":"ok.sh","dataFileName":"../spool.json"}
	data_absolute {"scriptName":"ok.sh","dataFileName":"/etc/passwd"}
	data_dash {"scriptName":"ok.sh","dataFileName":"-rf"}
	code_up {"scriptName":"ok.sh","order":{"code":"../x"}}
	python_dash {"scriptName":"ok.sh","order":{"python":"-c"}}
	ROWS
	printf '{"scriptName":"%0300d"}\n' 7 >"$S/new/long.json"
	for n in link fifo dir; do job $n.sh >"$S/new/$n.json"; done
	for n in fifo passwd; do job ok.sh "\"dataFileName\":\"$n\"" >"$S/new/data_$n.json"; done
	cp "$T/ok.json" "$S/new/good.json"
	drain
	is "$(find "$S/done" -name '*.json' | sed 's/.*\.\([a-z_]*\)\.json/\1/')" good
	[ ! -e "$T/escaped" ] || fail 'it ran'
	# nul is no JSON of ours at all.
	is "$(find "$S/failed" -name '*.json' | wc -l)" 21
	! grep -rqs 'root:' "$S/runs" "$S/outcomes" || fail 'a file from outside came in'
}

# ---- floods ----

# So many files in new/ that are no jobs: they cost no memory to speak of, and
# the good one beside them is not kept waiting for their end.
t_flood() {
	ok
	n=${FLOOD:-4000}
	"$PYTHON" -c 'import sys
for i in range(int(sys.argv[2])):
    with open(sys.argv[1] + "/%07d.json" % i, "w") as f: f.write("{ no job")' "$S/new" "$n"
	start_spoold
	start_worker
	cp "$T/ok.json" "$S/new/zz-good.json"
	soon outcomes_are 1
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$SPOOLD/status")
	[ "$rss" -lt $((65536 + n / 10)) ] || fail "spoold has had $rss KiB"
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$WORKER/status")
	[ "$rss" -lt $((65536 + n / 10)) ] || fail "workerd has had $rss KiB"
}

# A job that prints without end: so much of it is kept and no more, what is
# shown of it is asked of the end, and neither side swells.
t_words() {
	script words.sh <<-'SH'
	#!/bin/sh
	head -c 60000000 /dev/zero
	echo
	echo '{"status":200}'
	SH
	job words.sh >"$S/new/words.json"
	start_worker --log-max 100K
	soon outcomes_are 1
	is "$(outcome | jq .status)" 200
	f=$(echo "$S"/runs/*/*/*.log)
	[ "$(stat -c %s "$f")" -lt 103000 ] || fail "$(stat -c %s "$f") bytes of log"
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$WORKER/status")
	case $BIN in */plain) [ "$rss" -lt 40000 ] || fail "workerd has had $rss KiB";; esac
	id=$(outcome | jq -r ._id)
	is "$(spool log "$id" | wc -c)" "$(stat -c %s "$f")"
	[ "$(spool show "$id" | wc -c)" -lt 20000 ] || fail 'show shows all of it'
	promises
}

# ---- SECURITY.md ----

t_promised() {
	n=0
	for story in $(grep -oE '[0-9][0-9]-[a-z0-9-]+\.[a-z0-9_]+' "$TOP/SECURITY.md" | sort -u); do
		f=$TOP/tests/flow/${story%%.*}.sh
		grep -q "^t_${story#*.}()" "$f" || fail "SECURITY.md: there is no story $story"
		n=$((n + 1))
	done
	for suite in $(sed -n 's/.*unit `\([a-z]*\)`.*/\1/p' "$TOP/SECURITY.md"); do
		[ -e "$TOP/tests/unit/test_$suite.c" ] || fail "SECURITY.md: there is no suite $suite"
	done
	[ $n -gt 20 ] || fail "$n stories"
}

run_stories "$@"
