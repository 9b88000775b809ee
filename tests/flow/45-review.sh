# What disks and networks do now and then, in the middle of a transition: a
# read that fails once, an answer that is lost, a copy that takes longer than a
# lease, a directory that was swept away.  tests/shim/trouble.c makes it happen.
. "$TOP/tests/lib.sh"

SHIM_C=$TOP/tests/shim/trouble.c

# with RULES COMMAND...: under trouble; the words are in the shim.
shim() {
	[ -e "$T/trouble.so" ] || ${CC:-cc} -O1 -shared -fPIC \
	    -o "$T/trouble.so" "$SHIM_C" -ldl
}
with() { (instead "$@"); }
# For an end with "&": what is killed then is the command, not a shell above it.
instead() {
	_rules=$1
	shift
	exec env LD_PRELOAD="$T/trouble.so" TROUBLE="$_rules" \
	    ASAN_OPTIONS=verify_asan_link_order=0 "$@"
}
troubled_spoold() { # RULES
	instead "$1" spoold "$S" >>"$T/spoold.log" 2>&1 &
	SPOOLD=$!
	PIDS="$PIDS $SPOOLD"
}
troubled_worker() { # RULES [options]
	_r=$1
	shift
	instead "$_r" workerd $ROOTOK --work "$T/work" --python "$PYTHON" "$@" \
	    "$S" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
}

ok_job() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job ok.sh >"$T/ok.json"
}
# place STATE REST: a new order, by hand, as STATE/50.ID.REST; prints the id
place() {
	_id=$(spool submit "$T/ok.json")
	_n=$(cd "$S/new" && ls | grep "$_id")
	mv "$S/new/$_n" "$S/$1/50.$_id.$2"
	echo "$_id"
}
lines() { # N: so many jobs
	awk -v n="$1" 'BEGIN{while(n-->0)print "{\"scriptName\":\"ok.sh\"}"}'
}
stands() { ls "$S/$1" | grep -q "$2"; }
empty() { [ -z "$(ls "$S/$1" | grep json)" ]; }

# ---- bundles ----

# The stage of a committed bundle goes only when its lines have gone out.
t_stage_is_kept() {
	shim
	ok_job
	day=20200101
	id=${day}T000000000-00000000
	line=${day}T000000000-00000001
	mkdir -p "$S/done/$day" "$S/tmp/$id.t1a0@x-000001.d"
	lines 1 >"$S/done/$day/50.$id.t1a0@x-000001.b.jsonl"
	lines 1 >"$S/tmp/$id.t1a0@x-000001.d/n.50.$line.t1a0.b.json"
	printf '{"_id":"%s","status":200,"orders":1}\n' "$id" >"$S/outcomes/$id.json"
	troubled_spoold "open:$day:EIO:1"
	soon sh -c '[ ! -e "$0" ]' "$S/tmp/$id.t1a0@x-000001.d"
	ls "$S/new" | grep -q "$line" || fail 'a line of a committed bundle is gone'
	promises "$line"
}
# Of a bundle of which nothing is known nothing is thrown away.
t_unknown_stage_is_kept() {
	ok_job
	d=$S/tmp/20200101T000000000-00000000.t1a0@x-000001.d
	mkdir "$d"
	lines 1 >"$d/n.50.20200101T000000000-00000001.t1a0.b.json"
	start_spoold
	soon grep -q 'stage' "$T/spoold.log"
	[ -s "$d/n.50.20200101T000000000-00000001.t1a0.b.json" ] ||
	    fail 'thrown away'
}

# A bundle that takes longer than a lease is not taken for a dead worker's.
t_long_bundle() {
	shim
	policy lease=3 beat=0.3 settle=0.5 backoff=0.1 backoffMax=1 poll=0.2
	ok_job
	start_worker --name other
	soon stands workers other
	kill -STOP "$WORKER"
	troubled_spoold 'open:n.50:5:1000000'
	lines 1600 >"$S/new/many.jsonl"
	soon stands assigned many.jsonl
	kill -CONT "$WORKER"
	soon sh -c 'ls "$0"/done/*/ 2>/dev/null | grep -q many.jsonl' "$S"
	ls "$S"/done/*/ | grep -q 't1a0@spoold-.*many.jsonl' ||
	    fail "revoked on its way: $(ls "$S"/done/*/ | grep jsonl)"
}

# What the keeper has claimed and cannot read does not stay with it.
t_bundle_too_long() {
	id=20200101T000000000-00000000
	truncate -s 65M "$S/tmp/b"
	mv "$S/tmp/b" "$S/new/50.$id.t1a0.big.jsonl"
	start_spoold
	soon over "$id"
	is "$(status_of "$id")" 400
	promises "$id"
}
t_bundle_unread() {
	shim
	ok_job
	id=20200101T000000000-00000000
	lines 3 >"$S/tmp/b"
	mv "$S/tmp/b" "$S/new/50.$id.t1a0.b.jsonl"
	troubled_spoold 'open:b.jsonl:EIO:1'
	soon over "$id"
	is "$(count new)" 3
}

# A disk that is full is not tried for as fast as it goes.
t_bundle_backs_off() {
	shim
	ok_job
	policy lease=2 beat=0.2 settle=0.2 backoff=0.5 backoffMax=2 poll=0.2
	lines 3 >"$S/new/b.jsonl"
	troubled_spoold 'open:n.50:EIO:4'
	soon count_is new 3
	n=$(ls "$S"/done/*/ | sed -n 's/.*\.t\([0-9]*\)a.*jsonl/\1/p')
	is "$n" 9 'tickets of a bundle after four tries in vain'
	# 0.5, 1, 2 and 2 seconds, a fifth less by chance
	began=$(sed -n 's/^\([0-9:]*\) admit.*/\1/p' "$T/spoold.log" | head -n 1)
	ended=$(sed -n 's/^\([0-9:]*\) explode.*/\1/p' "$T/spoold.log" | head -n 1)
	[ $(($(date -d "$ended" +%s) - $(date -d "$began" +%s))) -ge 2 ] ||
	    fail "four tries from $began to $ended"
}

# ---- a read that fails once decides nothing ----

t_attempts_unread() {
	shim
	ok_job
	job ok.sh '"order":{"attempts":9}' >"$T/ok.json"
	id=$(place assigned t3a2@ghost-0000ff.x.json)
	troubled_worker 'open:@ghost-0000ff.x.json:EIO:1' # spoold's index reads too
	soon over "$id"
	is "$(jq -r '[.status,.run.attempt]|@csv' "$S/outcomes/$id.json")" 200,4
}
t_finished_unread() {
	shim
	ok_job
	id=$(place assigned t1a0@ghost-0000ff.x.json)
	printf '{"_id":"%s","status":200,"loss":42}\n' "$id" >"$S/outcomes/.$id.t1a0@ghost-0000ff"
	troubled_worker "open:.$id.t1a0@ghost:EIO:1"
	soon over "$id"
	is "$(jq -r .loss "$S/outcomes/$id.json")" 42
}
# What was accepted is not set aside because somebody may not read it.
t_forbidden_is_left() {
	shim
	ok_job
	id=$(spool submit "$T/ok.json")
	troubled_spoold "open:$id:EACCES:1000000"
	soon grep -q "ermission denied" "$T/spoold.log"
	until_ 5 sh -c '[ $(($(date +%s) - $0)) -ge 2 ]' "$(date +%s)"
	stands new "$id" || fail "moved to $(ls "$S/bad")"
	stop "$SPOOLD"
	promises "$id"
}

# ---- answers that are lost ----

t_submit_replayed() {
	shim
	ok_job
	exits 0 with 'rename:.t1a0:lost:1' spool submit "$T/ok.json"
	stands new "$(cat "$T/out")" || fail 'not accepted'
}
# A cancel that could not write an outcome has not ended anything.
t_cancel_unwritten() {
	shim
	ok_job
	id=$(spool submit "$T/ok.json")
	with 'open:.2:ENOENT:1' spool cancel "$id" >"$T/out" 2>&1 || :
	promises "$id"
}

# ---- longer than a lease ----

t_slow_copy() {
	shim
	ok_job
	script long.sh <<-'SH'
	#!/bin/sh
	echo $$ >"$MARK.$SPOOL_TICKET"
	while [ ! -e "$GO" ]; do sleep 0.05; done
	echo '{"loss":1}'
	SH
	truncate -s 40M "$S/data/big.bin"
	troubled_worker 'copy:*:100:40' --name one -j 2
	one=$WORKER
	job long.sh "\"order\":{\"env\":{\"MARK\":\"$T/mark\",\"GO\":\"$T/go\"}}" >"$S/new/long.json"
	soon test -s "$T/mark.1"
	start_worker --name two -j 1
	soon stands workers two
	job ok.sh '"dataFileName":"big.bin"' >"$T/big.json"
	kill -STOP "$WORKER"
	id=$(spool submit "$T/big.json")
	soon sh -c 'ls "$0"/assigned | grep -q "$1.*@one"' "$S" "$id"
	kill -CONT "$WORKER"
	soon over "$id"
	touch "$T/go"
	soon outcomes_are 2
	is "$(jq -r .run.attempt "$S"/outcomes/2*.json | sort -u)" 1 'attempts'
}

# ---- without end ----

# When its tickets are spent a job that always asks to be queued again ends.
t_last_ticket() {
	script again.sh <<-'SH'
	#!/bin/sh
	exit 75
	SH
	job again.sh >"$T/ok.json"
	id=$(place new t999999a0.x.json)
	start_worker
	soon over "$id"
	is "$(jq -r '[.status,.run.exitCode]|@csv' "$S/outcomes/$id.json")" 500,75
	promises "$id"
}
# A script that writes its metrics anew again and again fills no disk: of each
# the last is kept.
t_metrics_anew() {
	script meter.sh <<-'SH'
	#!/bin/sh
	for size in 3200000 3100000 3000000; do # each is shorter: seen
		{ yes '{"step":1}' | head -n $((size / 11)); echo "{\"step\":$size}"; } >"$SPOOL_METRICS"
		until grep -q $size "$MARK"/*/*/*.metrics.jsonl; do sleep 0.05; done
	done
	SH
	job meter.sh "\"order\":{\"env\":{\"MARK\":\"$S/runs\"}}" >"$T/ok.json"
	id=$(spool submit "$T/ok.json")
	start_worker
	soon over "$id"
	n=$(cat "$S"/runs/*/*/*.metrics.jsonl | wc -c)
	[ "$n" -gt 1000000 ] && [ "$n" -le 7000000 ] || fail "$n bytes of metrics"
	is "$(jq .run.metricsBytes "$S/outcomes/$id.json")" "$n"
}

# ---- directories that go ----

t_done_is_cleared() {
	ok_job
	start_worker
	spool wait "$(spool submit "$T/ok.json")" >/dev/null
	rm -rf "$S/done" "$S/outcomes" "$S/runs"
	mkdir "$S/done" "$S/outcomes" "$S/runs"
	id=$(spool submit "$T/ok.json")
	soon over "$id"
	is "$(jq -r .run.attempt "$S/outcomes/$id.json")" 1
	promises "$id"
}
# One that runs until $T/go is there: $id.
slow_job() {
	script slow.sh <<-'SH'
	#!/bin/sh
	: >"$MARK"
	while [ ! -e "$GO" ]; do sleep 0.05; done
	echo '{"loss":7}'
	SH
	job slow.sh "\"order\":{\"env\":{\"MARK\":\"$T/mark\",\"GO\":\"$T/go\"}}" >"$T/slow.json"
	id=$(spool submit "$T/slow.json")
	start_worker
	soon test -e "$T/mark"
}
# At any moment: the outcome of a finished job finds its way.
t_done_is_cleared_meanwhile() {
	slow_job
	rm -rf "$S/done"
	touch "$T/go"
	soon over "$id"
	is "$(jq -r '[.loss,.run.ticket]|@csv' "$S/outcomes/$id.json")" 7,1
	promises "$id"
}
t_new_is_replaced() {
	ok_job
	start_worker
	soon stands workers json
	until rm -rf "$S/new" "$S/workers"; do :; done # it beats meanwhile
	mkdir "$S/new" "$S/workers"
	id=$(spool submit "$T/ok.json")
	soon over "$id"
	stands workers json || fail 'it does not beat where one looks'
}

# ---- one thing that cannot be mended does not stop the others ----

t_publish_goes_on() {
	ok_job
	a=20200101T000000000-00000000
	b=20200102T000000000-00000000
	printf '{"_id":"%s","status":200}\n' "$a" >"$S/outcomes/.$a.t1a0@x-000001"
	printf '{"_id":"%s","status":200}\n' "$b" >"$S/outcomes/.$b.t1a0@x-000001"
	mkdir -p "$S/runs/20200101" "$S/done/20200102"
	: >"$S/runs/20200101/$a" # no directory: nothing can be put beside it
	lines 1 >"$S/done/20200102/50.$b.t1a0@x-000001.json"
	until_ 5 sh -c '[ $(($(date +%s) - $(stat -c %Z "$0"))) -ge 2 ]' "$S/outcomes/.$a.t1a0@x-000001"
	start_spoold
	soon over "$b"
}
# Something in the place of an outcome costs nobody a result.
t_planted_outcome() {
	slow_job
	n=$(ls "$S/assigned" | sed -n "s/^50\.\($id.*@[^.]*\)\..*/\1/p")
	mkdir "$S/outcomes/.$n"
	touch "$T/go"
	soon over "$id"
	is "$(jq -r '[.loss,.run.ticket]|@csv' "$S/outcomes/$id.json")" 7,1
}

# ---- hard links, as of a backup by cp -al ----

t_backup_of_waiting() {
	ok_job
	id=$(place waiting t1a0.x.json)
	cp -al "$S" "$T/backup"
	start_worker
	soon over "$id"
	is "$(status_of "$id")" 200
	promises "$id"
}
t_backup_of_new() {
	ok_job
	id=$(spool submit "$T/ok.json")
	start_spoold
	soon sh -c 'ls "$0"/workers | grep -q spoold' "$S"
	cp -al "$S" "$T/backup"
	start_worker
	soon over "$id"
	is "$(status_of "$id")" 200
	promises "$id"
}
t_backup_of_assigned() {
	ok_job
	id=$(place assigned t1a0@ghost-0000ff.x.json)
	cp -al "$S" "$T/backup"
	start_worker
	soon over "$id"
	is "$(status_of "$id")" 200
	promises "$id"
}

# ---- renames by link and unlink that died between the two ----

once() { is "$(find "$S" -name "*$1.t*.json" ! -path '*/outcomes/*' | wc -l)" 1 'names of it'; }
t_half_claim() {
	ok_job
	id=$(spool submit "$T/ok.json")
	n=$(ls "$S/new")
	ln "$S/new/$n" "$S/assigned/${n%.ok.json}@ghost-0000ff.ok.json"
	start_worker
	soon over "$id"
	is "$(jq -r '[.status,.run.attempt]|@csv' "$S/outcomes/$id.json")" 200,1
	OVER=1 promises "$id"
	once "$id"
}
t_half_release() {
	ok_job
	id=$(place waiting t2a0.x.json)
	ln "$S/waiting/50.$id.t2a0.x.json" "$S/assigned/50.$id.t1a0@ghost-0000ff.x.json"
	start_worker
	soon over "$id"
	OVER=1 promises "$id"
	once "$id"
}
t_half_submit() {
	ok_job
	id=$(spool submit "$T/ok.json")
	ln "$S/new/"*"$id"* "$S/tmp/somebody"
	start_worker
	soon over "$id"
	[ ! -e "$S/tmp/somebody" ] || fail 'the other name stays'
	OVER=1 promises "$id"
}
t_half_commit() {
	ok_job
	id=$(place assigned t1a0@ghost-0000ff.x.json)
	day=$(echo "$id" | cut -c1-8)
	mkdir "$S/done/$day"
	ln "$S/assigned/50.$id.t1a0@ghost-0000ff.x.json" "$S/done/$day/"
	printf '{"_id":"%s","status":200,"loss":42}\n' "$id" >"$S/outcomes/.$id.t1a0@ghost-0000ff"
	start_worker
	soon over "$id"
	soon empty assigned
	is "$(jq -r .loss "$S/outcomes/$id.json")" 42
	OVER=1 promises "$id"
}
# A power cut under btrfs can leave the name from before the claim beside the one
# after the commit.
t_half_replayed() {
	ok_job
	for from in new waiting; do
		id=$(place assigned t1a0@ghost-0000ff.x.json)
		day=$(echo "$id" | cut -c1-8)
		mkdir -p "$S/done/$day"
		mv "$S/assigned/50.$id.t1a0@ghost-0000ff.x.json" "$S/done/$day/"
		ln "$S/done/$day/50.$id.t1a0@ghost-0000ff.x.json" "$S/$from/50.$id.t1a0.x.json"
		printf '{"_id":"%s","status":200,"loss":42}\n' "$id" >"$S/outcomes/$id.json"
		ids="${ids:-} $id"
	done
	start_worker
	soon empty new
	soon empty waiting
	for id in $ids; do
		is "$(jq -r .loss "$S/outcomes/$id.json")" 42
	done
	is "$(count "done")" 2
	OVER=1 promises $ids
}
# Likewise the one that a line of a bundle had before it was moved out: whoever
# recovers the bundle after it has run does not bring it back.
t_half_staged() {
	ok_job
	b=$(place assigned t1a0@ghost-0000ff.b.jsonl)
	day=$(echo "$b" | cut -c1-8)
	mkdir -p "$S/done/$day" "$S/tmp/$b.t1a0@ghost-0000ff.d"
	mv "$S/assigned/50.$b.t1a0@ghost-0000ff.b.jsonl" "$T/bundle"
	id=$(place new t1a0.b.json)
	ln "$S/new/50.$id.t1a0.b.json" "$S/tmp/$b.t1a0@ghost-0000ff.d/n.50.$id.t1a0.b.json"
	start_worker
	soon over "$id"
	printf '{"_id":"%s","status":200}\n' "$b" >"$S/outcomes/$b.json"
	mv "$T/bundle" "$S/done/$day/50.$b.t1a0@ghost-0000ff.b.jsonl"
	soon sh -c '[ ! -e "$0" ]' "$S/tmp/$b.t1a0@ghost-0000ff.d"
	soon empty new
	soon empty assigned
	once "$id"
	is "$(grep -c "start order=$id" "$T/worker.log")" 1 'runs'
	OVER=1 promises "$id"
}

run_stories "$@"
