# spoold: killed at any moment, doubled, robbed of its index, flooded; and at
# rest.  It is never needed for an outcome, so nothing of this may change one.
. "$TOP/tests/lib.sh"
PLAIN_ONLY="long_queue flood submit_then_ls"
SEED=${SEED:-20261122} # of what is left to chance below

fixture() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	script fail.sh <<-'SH'
	#!/bin/sh
	exit 3
	SH
	job ok.sh >"$T/ok.json"
	job fail.sh >"$T/fail.json"
}
submit() { spool submit "$T/ok.json" "$@"; }
ready_has() { grep -q "$1" "$S/index/ready.jsonl"; }
admitted() { ls "$S"/new/*.2*.t1a0."$1".json; }
said() { grep -q "$1" "$T/spoold.log"; }
same() { # the index says what the directories say
	spool ls --json >"$T/ls.index"
	rm -rf "$T/copy"
	mkdir "$T/copy"
	(cd "$S" && tar -cf - --exclude ./index .) | (cd "$T/copy" && tar -xf - && mkdir index)
	spool -s "$T/copy" ls --json >"$T/ls.dirs"
	cmp "$T/ls.index" "$T/ls.dirs" || {
		diff "$T/ls.index" "$T/ls.dirs"
		return 1
	}
}
sql() {
	"$PYTHON" -IS -c 'import sqlite3, sys
for row in sqlite3.connect("file:" + sys.argv[1] + "?mode=ro", uri=True).execute(sys.argv[2]): print(*row)' \
	    "$S/index/spool.db" "$1"
}
indexed() { [ "$(sql 'SELECT count(DISTINCT id) FROM entry')" = "$1" ]; }
lined() { [ "$(wc -l <"$S/index/outcomes.jsonl")" = "$1" ]; }
# Every accepted outcome, word for word, once.
lines_are_outcomes() {
	jq -Sc . "$S/index/outcomes.jsonl" | sort >"$T/lines"
	find "$S/outcomes" -name '2*.json' -exec cat {} + | jq -Sc . | sort >"$T/outcomes"
	cmp "$T/lines" "$T/outcomes" ||
	    fail "outcomes.jsonl: $(jq -r ._id "$T/lines" | sort | uniq -d | wc -l) twice, $(wc -l <"$T/lines") of $(wc -l <"$T/outcomes")"
}

# Nothing is on its way (the lines of a bundle are in tmp/ for a while), and the
# index knows all of it.
all_told() {
	[ -z "$(find "$S/tmp" -name '*.d')$(find "$S/new" "$S/waiting" "$S/assigned" -name '*.json*')" ] &&
		_n=$(find "$S/outcomes" -name '2*.json' | wc -l) &&
		[ "$(find "$S/done" "$S/failed" -name '*.json*' | wc -l)" = "$_n" ] &&
		lined "$_n" && indexed "$_n"
}

# ---- killed ----

# kill -9 after a while that chance decides, and harm to the index that chance
# decides, round after round, while drops come in and a worker works.
t_killed_at_any_moment() {
	fixture
	start_worker -j 2
	awk -v seed="$SEED" 'BEGIN {
		srand(seed)
		for (i = 0; i < 10; i++) printf "%.3f %d\n", rand() * 0.4, i < 8 ? i : rand() * 8
	}' >"$T/plan"
	(
		i=0
		while [ ! -e "$T/enough" ]; do
			i=$((i + 1))
			cp "$T/ok.json" "$S/new/drop$i.json"
			[ $((i % 3)) != 0 ] || cp "$T/fail.json" "$S/new/fail$i.json"
			[ $((i % 5)) != 0 ] || cat "$T/ok.json" "$T/ok.json" >"$S/new/bundle$i.jsonl"
			[ $((i % 7)) != 0 ] || spool submit "$T/ok.json" >>"$T/ids"
			sleep 0.02
		done
	) &
	feeder=$!
	PIDS="$PIDS $feeder"
	while read -r seconds harm; do
		start_spoold -v
		sleep "$seconds"
		case $harm in
		0) rm -rf "$S/index" || : ;;
		1) rm -f "$S/index/spool.db" ;;
		2) rm -f "$S/index/outcomes.jsonl" ;;
		3) spool reindex || : ;;
		4) kill -KILL "$SPOOLD"; head -c 5000 /dev/urandom | dd of="$S/index/spool.db" conv=notrunc seek=1 bs=4096 2>/dev/null || : ;;
		5) : >"$S/index/spool.db" || : ;;
		6) : >"$S/index/outcomes.jsonl" || : ;;
		7) ;;
		esac
		kill -KILL "$SPOOLD" || :
		wait "$SPOOLD" || :
	done <"$T/plan"
	touch "$T/enough"
	wait $feeder
	start_spoold -v
	soon all_told
	n=$(ls "$S/outcomes" | wc -l)
	[ "$n" -gt 50 ] || fail "only $n outcomes"
	lines_are_outcomes
	same
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
	exits 0 spool check
	stop "$WORKER" "$SPOOLD"
}

# ---- two of them ----

t_two() {
	fixture
	start_spoold --name one
	one=$SPOOLD
	id=$(submit)
	soon ready_has "$id"
	start_spoold --name two
	two=$SPOOLD
	soon sh -c 'ls "$0"/workers | grep -q two-' "$S"
	start_worker
	for i in 1 2 3 4 5 6 7 8 9 10; do cp "$T/ok.json" "$S/new/d$i.json"; done
	soon outcomes_are 11
	soon lined 11
	lines_are_outcomes
	stop "$WORKER"
	# The other takes over.
	kill -KILL $one
	id=$(submit)
	soon ready_has "$id"
	spool ls | grep -q "$id"
	# rm -r index under it, with a third one standing by.
	start_spoold --name three
	soon sh -c 'ls "$0"/workers | grep -q three-' "$S"
	rm -r "$S/index"
	id=$(submit)
	spool ls | grep -q "$id"
	soon ready_has "$id"
	soon lined 11
	start_worker
	soon outcomes_are 13
	soon lined 13
	lines_are_outcomes
	same
	OVER=1 promises
	kill -TERM $two
	wait $two || fail "exit $?"
	kill -TERM "$SPOOLD"
	wait "$SPOOLD" || fail "exit $?"
	hasnt "$(ls "$S/workers")" two-
}

# An order that is seen to leave and to come again is still told of once.
t_line_once() {
	fixture
	start_spoold
	start_worker
	for i in 1 2 3; do submit; done >"$T/ids"
	soon lined 3
	soon indexed 3
	stop "$WORKER"
	f=$(echo "$S"/done/*/*"$(head -n 1 "$T/ids")"*)
	mv "$f" "$T/away"
	kill -HUP "$SPOOLD"
	soon indexed 2
	mv "$T/away" "$f"
	kill -HUP "$SPOOLD"
	soon indexed 3
	id=$(submit)
	soon ready_has "$id"
	lined 3
	lines_are_outcomes
}

# ---- the index ----

x_nothing() { rm -r "$S/index"; }
x_no_database() { rm "$S"/index/spool.db*; }
x_empty() { : >"$S/index/spool.db"; }
x_garbage() { head -c 100000 /dev/urandom >"$S/index/spool.db"; }
x_text() { echo 'this is no database' >"$S/index/spool.db"; }
x_half() { truncate -s 9000 "$S/index/spool.db"; }
x_hole() { dd if=/dev/zero of="$S/index/spool.db" bs=4096 seek=2 count=3 conv=notrunc 2>/dev/null; }
x_wal() { head -c 50000 /dev/urandom >"$S/index/spool.db-wal"; }
# Not cut short: whoever has it mapped would die of that, and rightly.
x_shm() { head -c 32768 /dev/urandom | dd of="$S/index/spool.db-shm" conv=notrunc 2>/dev/null; }
# instead FILE COMMAND...: what that makes, where one who runs may make a file anew.
instead() {
	_file=$1
	shift
	until rm -rf "$_file" && "$@" "$_file" 2>/dev/null; do :; done
}
x_directory() { instead "$S/index/spool.db" mkdir; }
x_link() { mv "$S/index/spool.db" "$T/moved.db"; instead "$S/index/spool.db" ln -s "$T/moved.db"; }
x_of_another() {
	"$PYTHON" -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("CREATE TABLE entry(x)"); d.commit()' "$T/other.db"
	mv "$T/other.db" "$S/index/spool.db"
}
x_rows_gone() {
	"$PYTHON" -c 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute("DROP TABLE entry"); d.commit()' "$S/index/spool.db"
}
x_no_lines() { rm "$S/index/outcomes.jsonl"; }
x_lines_cut() { truncate -s 100 "$S/index/outcomes.jsonl"; }
x_lines_more() { head -c 3000 "$S/index/outcomes.jsonl" >"$T/some"; cat "$T/some" >>"$S/index/outcomes.jsonl"; }
x_lines_directory() { instead "$S/index/outcomes.jsonl" mkdir; }
x_lines_fifo() { instead "$S/index/outcomes.jsonl" mkfifo; }
x_ready_garbage() { echo garbage >"$S/index/ready.jsonl"; }
x_lock_directory() { instead "$S/index/lock" mkdir; }

# Whatever is wrong with it: tools go by the directories, spoold makes it anew.
# Done to it while spoold is away, and again under its hands.
t_index_harmed() {
	fixture
	for i in 1 2 3 4 5; do submit; done >"$T/ids"
	submit "$T/fail.json" >>"$T/ids"
	drain
	rm -rf "$S/index"
	spool reindex >/dev/null
	soon lined 7
	n=7
	for harm in $(sed -n 's/^x_\([a-z_]*\)().*/\1/p' "$0"); do
		"x_$harm" || fail "$harm cannot be done"
		id=$(submit)
		n=$((n + 1))
		is "$(spool ls --json | jq -r .id | tail -n 1)" "$id" "ls without spoold, $harm"
		is "$(spool ls --json | wc -l)" $n "ls without spoold, $harm"
		start_spoold
		soon ready_has "$id"
		soon lined 7
		soon indexed $n
		lines_are_outcomes
		same
		"x_$harm" || fail "$harm cannot be done to a running one"
		id=$(submit)
		n=$((n + 1))
		is "$(spool ls --json | jq -r .id | tail -n 1)" "$id" "ls, $harm"
		soon ready_has "$id"
		soon lined 7
		soon indexed $n
		lines_are_outcomes
		same
		kill -0 "$SPOOLD" || fail "$harm has ended it"
		stop "$SPOOLD"
		rm -rf "$S/index"
		spool reindex >/dev/null
		echo "$harm" >>"$T/rows"
	done
}

# What submit has said is there is seen at once, and so is what has ended.
t_submit_then_ls() {
	fixture
	start_spoold
	start_worker
	i=0
	while [ $i -lt 50 ]; do
		i=$((i + 1))
		id=$(submit -p order.gpus=$((i % 2 * 99)))
		spool ls --json >"$T/ls"
		grep -q "$id" "$T/ls" || fail "$id is missing, round $i"
		is "$(wc -l <"$T/ls")" $i
		is "$(cut -d, -f1 "$T/ls" | sort -u | wc -l)" $i 'one line an order'
		[ $((i % 2)) = 1 ] || continue
		spool hold "$id" >/dev/null
		spool ls --json waiting | grep -q "$id" || fail "$id is not in waiting/, round $i"
	done
	for id in $(spool ls --json "done" new assigned | jq -r .id); do
		spool wait "$id"
		spool ls --json "done" | grep "$id" | grep -q '"status":200' || fail "$id has no outcome"
	done
}

# ---- index/ready.jsonl ----

ready_is() { [ "$(jq -r .name "$S/index/ready.jsonl" | tr '\n' ' ')" = "$(cd "$S/new" && ls | head -n 256 | tr '\n' ' ')" ]; }

t_ready() {
	fixture
	start_spoold
	job ok.sh '"order":{"gpus":2,"cpus":3,"memory":"1G","requires":["a100"]}' >"$T/needs.json"
	c=$(submit --priority 60)
	b=$(spool submit --priority 50 "$T/needs.json")
	a=$(submit --priority 0)
	soon ready_has "$a"
	soon ready_is
	is "$(jq -r '.name | split(".")[1]' "$S/index/ready.jsonl" | tr '\n' ' ')" "$a $b $c " 'in dispatch order'
	is "$(sed -n 2p "$S/index/ready.jsonl" | jq -c '[.script,.gpus,.cpus,.memory,.requires]')" \
	    '["ok.sh",2,3,1073741824,["a100"]]'
	spool hold "$a" >/dev/null
	soon ready_is
	is "$(wc -l <"$S/index/ready.jsonl")" 2
	for i in $(seq 300); do cat "$T/needs.json"; done | spool submit --priority 70 - >/dev/null
	soon ready_is
	is "$(wc -l <"$S/index/ready.jsonl")" 256 'the head'
	start_worker
	soon over "$c"
	soon ready_is
	is "$(head -n 1 "$S/index/ready.jsonl" | jq -r .name | cut -d. -f2)" "$b" 'what nobody can run'
	! ready_has "$c"
	# A list that nobody keeps would hide what comes later.
	stop "$SPOOLD"
	[ ! -e "$S/index/ready.jsonl" ]
}

# Who only looks at its time sees that it is kept.
t_ready_moves() {
	fixture
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	ready_time() { stat -c '%y' "$S/index/ready.jsonl"; }
	is_other() { [ "$(ready_time)" != "$1" ]; }
	i=$(stat -c '%i' "$S/index/ready.jsonl")
	t=$(ready_time)
	soon is_other "$t"
	is "$(stat -c '%i' "$S/index/ready.jsonl")" "$i" 'nothing new is written'
	# Taken away, it comes again.
	rm "$S/index/ready.jsonl"
	soon test -e "$S/index/ready.jsonl"
}

# ---- events ----

# More events than the queue holds, and then one that matters: it is lost, so
# only looking at everything again finds the drop.
t_overflow() {
	most=$(cat /proc/sys/fs/inotify/max_queued_events)
	[ "$most" -le 40000 ] || skip "a queue of $most events"
	fixture
	start_spoold -v
	soon test -e "$S/index/ready.jsonl"
	kill -STOP "$SPOOLD"
	"$PYTHON" -c 'import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
	os.close(os.open(".%d" % i, os.O_CREAT | os.O_WRONLY))
	os.unlink(".%d" % i)' "$S/new" $((most / 3 + 100))
	cp "$T/ok.json" "$S/new/lost.json"
	kill -CONT "$SPOOLD"
	until_ 20 admitted lost
	soon same
}

# Twenty thousand drops at once: all are admitted, none twice.
t_flood() {
	fixture
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	"$PYTHON" -c 'import os, sys
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
	with open("%d.json" % i, "w") as f: f.write("{\"scriptName\":\"ok.sh\",\"i\":%d}" % i)' "$S/new" 2000
	soon sh -c 'test "$(ls "$0"/new | grep -c "^50\.2.*\.t1a0\.")" = 2000' "$S"
	is "$(cat "$S"/new/* | jq -r .i | sort -n | uniq | wc -l)" 2000
	soon indexed 2000
	same
}

# ---- the directories ----

t_moved() {
	fixture
	mkdir "$T/a"
	mv "$S" "$T/a/s"
	S=$T/a/s
	start_spoold
	id=$(spool -s "$S" submit "$T/ok.json")
	soon ready_has "$id"
	mv "$S" "$T/a/t"
	S=$T/a/t
	cp "$T/ok.json" "$S/new/x.json"
	soon admitted x
	mv "$T/a" "$T/b"
	S=$T/b/t
	cp "$T/ok.json" "$S/new/y.json"
	soon admitted y
	mv "$S/new" "$S/new.old"
	mkdir "$S/new"
	cp "$T/ok.json" "$S/new/z.json"
	soon admitted z
	soon indexed 1
	stop "$SPOOLD"
}

t_removed_and_made_again() {
	fixture
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	rm -rf "$S"
	spool init "$S" >/dev/null
	cp "$T/ok.json" "$S/new/x.json"
	soon admitted x
	soon indexed 1
}

# ---- signals, descriptors, rest ----

t_sigterm() {
	fixture
	for signal in TERM INT; do
		start_spoold
		soon test -e "$S/index/ready.jsonl"
		for i in $(seq 100); do cp "$T/ok.json" "$S/new/$signal$i.json"; done
		kill -$signal "$SPOOLD"
		wait "$SPOOLD" || fail "$signal: exit $?"
		is "$(ls "$S/workers")" '' 'workers/'
		is "$(ls "$S/tmp")" '' 'tmp/'
		[ ! -e "$S/index/ready.jsonl" ] || fail 'a list that nobody keeps'
		exits 0 spool reindex
		out=$(cat "$T/out")
		is "$out" 'index made anew' 'somebody still has the index'
		same
	done
	start_spoold
	soon sh -c 'test "$(ls "$0"/new | grep -c "^50\.2")" = 200' "$S"
}

# SIGHUP: the policy and everything else anew, also what no event tells of.
t_sighup() {
	fixture
	policy lease=1 beat=0.2 settle=3600
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	echo 'no json' >"$S/new/broken.json"
	id=$(submit)
	soon ready_has "$id"
	[ -e "$S/new/broken.json" ] || fail 'a young drop was set aside'
	# in place: not one of the events that are watched
	printf '%s' '{"format":1,"settle":0}' >"$S/spool.json"
	kill -HUP "$SPOOLD"
	soon test -e "$S/bad/broken.json.why"
	said 'asked to' || fail 'not a word of it'
	kill -0 "$SPOOLD"
}

# The library's descriptor, and all others, are closed in whoever is started.
t_descriptors() {
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	mv "$S/new" "$S/new.old" # the library is closed and opened again
	mkdir "$S/new"
	soon said 'opened anew'
	seen=0
	for fd in /proc/"$SPOOLD"/fd/*; do
		n=${fd##*/}
		case $(readlink "$fd") in
		"$S"* | anon_inode:*) ;;
		*) continue ;; # of whoever started it
		esac
		[ "$n" -gt 2 ] || continue
		flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$SPOOLD/fdinfo/$n")
		[ $((flags & 02000000)) != 0 ] || fail "open for children: $n $(readlink "$fd")"
		case $(readlink "$fd") in *inotify*) seen=$((seen + 1)) ;; esac
	done
	is $seen 1 'inotify'
}

ticks() { awk '{print $14 + $15}' "/proc/$1/stat"; }
wakes() { sed -n 's/^voluntary_ctxt_switches:[[:space:]]*//p' "/proc/$1/status"; }

# With nothing to do it does nothing, whatever lies about.
t_at_rest() {
	fixture
	policy lease=3600 beat=0.2 settle=3600 backoff=3600 backoffMax=3600 halfRename=3600
	start_spoold
	submit -p order.gpus=9 >/dev/null
	ln "$(echo "$S"/new/*.json)" "$S/data/second"
	first=$(basename "$S"/new/*.json | cut -d. -f2)
	submit --after "$first" >/dev/null
	spool hold "$(submit)" >/dev/null
	submit -p order.notBefore=2999-01-01T00:00:00Z >/dev/null
	printf '{"scriptName":' >"$S/new/half.json"
	printf '{"scriptName":"ok.sh"}\n{"script' >"$S/new/half.jsonl"
	mkdir "$S/new/directory"
	for i in 1 2 3 4 5; do job ok.sh; job fail.sh '"order":{"retry":["exit"]}'; done | spool submit - >/dev/null
	start_worker -j 2
	soon outcomes_are 5
	soon sh -c 'test "$(ls "$0"/waiting | grep -c t2a1)" = 5' "$S"
	stop "$WORKER"
	soon lined 5
	soon same
	a=$(ticks "$SPOOLD")
	b=$(wakes "$SPOOLD")
	sleep 2
	used=$(($(ticks "$SPOOLD") - a))
	[ $used -lt 20 ] || fail "$used ticks in two seconds of rest"
	woken=$(($(wakes "$SPOOLD") - b))
	[ $woken -lt 400 ] || fail "$woken times awake in two seconds of rest"
	kill -0 "$SPOOLD"
}

t_wrong_requests() {
	exits 100 spoold
	has "$(cat "$T/err")" usage
	exits 100 spoold --frob "$S"
	exits 100 spoold "$S" "$S"
	exits 0 spoold --help
	exits 100 spoold "$T/nowhere"
	has "$(cat "$T/err")" "$T/nowhere"
	exits 100 spoold "$T/work"
	has "$(cat "$T/err")" 'spool.json'
	echo '{"format":1,"leas":3}' >"$S/spool.json"
	exits 100 spoold "$S"
	has "$(cat "$T/err")" '"lease"'
	exits 100 spoold --name 'a/b' "$S"
}

# ---- a long queue ----

names_are() { (cd "$S/new" && ls | head -n 4096) | cmp -s - "$S/index/ready.names"; }
nothing_held() { [ -z "$(ls "$S/assigned")" ]; }
knows() { # which directory, its number in the index
	sql "SELECT name FROM entry WHERE dir = $2 ORDER BY name" >"$T/knows"
	(cd "$S/$1" && ls) | cmp -s - "$T/knows"
}

# A listing of a long queue is dear: workers read its head where spoold says it,
# and spoold learns from its watch what they took.
t_long_queue() {
	script true <<-'SH'
	#!/bin/sh
	SH
	"$BIN/helpers/lay" "$S" 20000 20
	[ "$(stat -c %s "$S/new")" -ge 1048576 ] || skip 'a directory of 20000 names is small here'
	start_spoold
	soon lined 20
	soon names_are
	soon knows new 0
	start_worker -j 2
	soon sh -c '[ "$(ls "$0" | wc -l)" -ge 320 ]' "$S/outcomes"
	stop "$WORKER"
	soon nothing_held
	# What was taken are the first ones.
	is "$( (cd "$S/outcomes" && ls) | tail -n +21 | head -n 300 | cut -c 1-27)" \
	    "$( (cd "$S/done" && ls */ | sed -n 's/^50\.\(.*\)\.t1a0@.*/\1/p' | sort) | tail -n +21 | head -n 300)" 'in their order'
	soon names_are
	soon knows new 0
	soon knows assigned 2
	for d in "$S"/done/*/; do
		d=$(basename "$d")
		soon knows "done/$d" "3$d"
	done
	# More urgent than all of them, and in the middle.
	id=$(spool submit --priority 7 - <<-'J'
	{"scriptName": "true"}
	J
	)
	soon sh -c 'head -n 1 "$0" | grep -q "^07.$1" ' "$S/index/ready.names" "$id"
	spool cancel "$(sed -n 2000p "$S/index/ready.names" | cut -d. -f2)" >/dev/null
	soon knows new 0
	soon knows failed/"$(ls "$S/failed")" "4$(ls "$S/failed")"
	# All of that in little memory.
	most=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$SPOOLD/status")
	case $BIN in */san) ;; *) [ "$most" -lt 32768 ] || fail "spoold took $most KiB" ;; esac
	kill -TERM "$SPOOLD"
	wait "$SPOOLD" || :
	[ ! -e "$S/index/ready.names" ] || fail 'a list that nobody keeps'
}

run_stories "$@"
