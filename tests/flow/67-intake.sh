# incoming/: users who may not write to the spool drop jobs there.  What comes
# in is what they wrote and is theirs, once, whatever they plant or exchange and
# whoever dies; and each hears what became of his.
. "$TOP/tests/lib.sh"
CRASHBIN=${CRASHBIN:-${BIN%/*}/crash}
PLAIN_ONLY="once flood swapped exchanged"

# Users of this machine: nobody has a name here, the two others have none.
ANNA=65533
BERT=65532
nobody() { id -u nobody; }
as() { # UID COMMAND...
	_uid=$1
	shift
	setpriv --reuid "$_uid" --regid 65534 --clear-groups "$@"
}

shared() {
	[ "$(id -u)" = 0 ] || skip 'only root can be several users'
	as $ANNA true 2>/dev/null || skip 'no setpriv'
	chmod 711 "$T"
	spool init --shared "$S" 2>&1 | grep -q 'spool already'
	# Not to be read by everybody: reading is not needed to drop.
	chmod 700 "$S/scripts" "$S/data"
	job ok.sh '"a":1' >"$T/job.json"
	printf '#!/bin/sh\necho "{\\"status\\":200}"\n' | script ok.sh
	chmod 644 "$T/job.json"
}
drop() { as "$1" cp "$T/job.json" "$S/incoming/$2"; } # UID NAME
put() { as "$1" sh -c 'cat >"$1"' sh "$S/incoming/$2"; } # UID NAME <text
id_of() { cat "$S/answers/$1/$2.id"; }
has_id() { [ -s "$S/answers/$1/$2.id" ]; }
no_why() { [ ! -e "$S/answers/$1/$2.why" ]; }
has_why() { grep -q "$3" "$S/answers/$1/$2.why"; } # UID NAME WORDS
orders() { find "$S/new" "$S/waiting" "$S/assigned" "$S/done" "$S/failed" -name '*.json*' -type f | wc -l; }
text_of() { cat "$S"/*/*"$1"*.json "$S"/*/*/*"$1"*.json 2>/dev/null || :; }

t_drops() {
	shared
	start_spoold
	drop $ANNA a.json
	drop "$(nobody)" "b c.json"
	soon has_id $ANNA a.json
	soon has_id "$(nobody)" "b c.json"
	is "$(text_of "$(id_of $ANNA a.json)")" \
	    '{"order":{"owner":{"uid":65533,"user":null}},"scriptName":"ok.sh","a":1}'
	has "$(text_of "$(id_of "$(nobody)" "b c.json")")" '"user":"nobody"'
	# The drop is gone, its copy is the spool's.
	soon no_drop a.json
	is "$(stat -c %u "$S"/new/*.a.json)" 0 'owner of the copy'
	# What became of it nobody else can read, or list.
	as $ANNA cat "$S/answers/$ANNA/a.json.id" >"$T/out"
	exits 1 as $BERT cat "$S/answers/$ANNA/a.json.id"
	exits 2 as $ANNA ls "$S/answers/$ANNA"
	exits 2 as $ANNA ls "$S/incoming"
	# People see whose it is.
	has "$(spool ls | grep b_c)" nobody
	has "$(spool show "$(id_of $ANNA a.json)")" 'owner     65533'
	is "$(spool ls --json | jq -r .owner | sort | tr '\n' ' ')" '65533 nobody '
	drain
	outcomes_are 2
	promises
	# ... also when it is over, and of one that is made again.
	spool retry "$(id_of $ANNA a.json)" >"$T/again"
	has "$(text_of "$(cat "$T/again")")" '"owner":{"uid":65533,"user":null}'
	exits 0 spool check
}

# Without spoold: an idle worker keeps house.
t_worker_alone() {
	shared
	start_worker
	drop $ANNA a.json
	echo '{"scriptName":' | put $ANNA b.json
	soon has_id $ANNA a.json
	soon outcomes_are 1
	soon has_why $ANNA b.json 'What is wrong: '
	has "$(cat "$S/answers/$ANNA/b.json.why")" 'ends in the middle'
	# Mended in its place, it is looked at again.
	job ok.sh | put $ANNA b.json
	soon has_id $ANNA b.json
	soon no_why $ANNA b.json
	soon outcomes_are 2
	promises
}

t_bundle() {
	shared
	start_spoold
	{ job ok.sh '"n":1'; echo; job ok.sh '"n":2,"order":{"priority":7}'; } | put $ANNA two.jsonl
	{ job ok.sh; echo '{"scriptName":"ok.sh","order":{"owner":{"uid":0,"user":"root"}}}'; } | put $ANNA lie.jsonl
	{ job ok.sh; printf '{"scriptName":'; } | put $ANNA half.jsonl
	soon has_id $ANNA two.jsonl
	soon has_why $ANNA lie.jsonl 'line 2: order.owner'
	soon has_why $ANNA half.jsonl 'no newline'
	start_worker
	soon outcomes_are 3
	is "$(find "$S/done" -name '*.json' -exec jq -c '[.n,.order.owner.uid]' {} + | sort | tr '\n' ' ')" \
	    "[1,$ANNA] [2,$ANNA] "
	promises
}

# Nobody says himself whose an order is: not in incoming/, not in new/, not in a
# bundle there, not to submit, and not by a file that only looks like an order.
t_forged() {
	shared
	start_spoold
	lie='{"scriptName":"ok.sh","order":{"owner":{"uid":0,"user":"root"}}}'
	escaped='{"scriptName":"ok.sh","order":{"\u006fwner":{"uid":0,"user":"root"}}}'
	echo "$lie" | put $ANNA lie.json
	echo "$escaped" | put $ANNA escaped.json
	soon has_why $ANNA lie.json 'order.owner'
	soon has_why $ANNA escaped.json 'order.owner'
	echo "$lie" >"$S/new/lie.json"
	soon test -s "$S/bad/lie.json.why"
	has "$(cat "$S/bad/lie.json.why")" order.owner
	echo "$lie" >"$T/lie.json"
	exits 1 spool submit "$T/lie.json"
	has "$(cat "$T/err")" order.owner
	# A line of a bundle is written by the keeper, who is believed.
	echo "$lie" >"$T/lie.jsonl"
	chown $BERT "$T/lie.jsonl"
	mv "$T/lie.jsonl" "$S/new/"
	soon test -s "$S/bad/lie.line1.json.why"
	# So is the copy of a file that has a second name.
	echo "$lie" >"$S/tmp/x"
	chown $BERT "$S/tmp/x"
	ln "$S/tmp/x" "$T/second"
	mv "$S/tmp/x" "$S/new/50.20260102T030405678-0a1b2c3d.t1a0.x.json"
	soon grep -q 'may say order.owner' "$T/spoold.log"
	is "$(stat -c %u "$S"/new/50.20260102T030405678-0a1b2c3d.t1a0.x.json)" $BERT
	rm "$S"/new/50.20260102T030405678-0a1b2c3d.t1a0.x.json
	# And so is what is submitted anew.
	id=20260102T030405678-0a1b2c3e
	mkdir -p "$S/done/20260102"
	echo "$lie" >"$S/done/20260102/50.$id.t1a0@w-00000a.json"
	echo "{\"_id\":\"$id\",\"status\":200}" >"$S/outcomes/$id.json"
	for verb in retry rerun; do
		chown $BERT "$S/done/20260102/50.$id.t1a0@w-00000a.json"
		is "$(text_of "$(spool $verb $id)" | jq -c .order.owner)" null $verb
		chown 0 "$S/done/20260102/50.$id.t1a0@w-00000a.json"
		is "$(text_of "$(spool $verb $id)" | jq -c .order.owner.uid)" 0 $verb
		rm "$S"/new/50.*.t1a0*
	done
	is "$(orders)" 2 'orders' # the bundle, and that one
}

p_symlink() { ln -s "$2" "$1"; }
p_dangling() { ln -s /nowhere "$1"; }
p_hard_link() { ln "$2" "$1"; }
p_fifo() { mkfifo "$1"; }
p_directory() { mkdir "$1" && : >"$1/x"; }
p_socket() { "$PYTHON" -c 'import socket,sys,os; os.chdir(os.path.dirname(sys.argv[1])); socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))' "$1"; }
p_device() { mknod "$1" c 1 5; }
p_large() { truncate -s 2G "$1"; }
p_group_writes() { cp "$2" "$1"; chmod 664 "$1"; }
p_all_write() { cp "$2" "$1"; chmod 646 "$1"; }
p_nul() { printf '{"scriptName":"ok.sh","a":"x\000y"}' >"$1"; }
p_path() { echo '{"scriptName":"../../etc/passwd"}' >"$1"; }
p_dash() { echo '{"scriptName":"-c"}' >"$1"; }

planted() {
	shared
	chmod 777 "$S/incoming" # to make them all as root would
	for p in symlink dangling hard_link fifo directory socket device large \
	    group_writes all_write nul path dash; do
		"p_$p" "$S/incoming/$p.json" "$T/job.json" || fail "cannot make $p"
		chown -h $BERT "$S/incoming/$p.json"
	done
	chown 0 "$T/job.json"
	chmod 1733 "$S/incoming"
	cp "$T/job.json" "$T/good"
	"$@"
	as $BERT cp "$T/good" "$S/incoming/good.json"
	soon has_id $BERT good.json
	for p in symlink dangling hard_link fifo directory socket device large \
	    group_writes all_write nul path dash; do
		soon has_why "$(stat -c %u "$S/incoming/$p.json")" "$p.json" \
		    'What is wrong: '
		echo "$p" >>"$T/rows"
	done
	has "$(cat "$S/answers/$BERT/all_write.json.why")" 'chmod go-w'
	is "$(cat "$T/job.json")" "$(cat "$T/good")"
}
t_planted() {
	planted start_spoold
	is "$(orders)" 1 orders
	dead "$SPOOLD" && fail 'spoold died'
	exits 0 spool check
}
t_planted_worker() {
	planted start_worker
	dead "$WORKER" && fail 'workerd died'
	soon outcomes_are 1
}

# The file is exchanged while it is looked at.  The secret has the form of a
# job, so that it would come in if it were read.
swapped() {
	shared
	job ok.sh '"secret":"mark-secret"' >"$T/secret"
	chown $BERT "$T/secret"
	chmod 600 "$T/secret"
	# A hard link to it can be made by its owner alone: worse for us.
	as $BERT true
	cp "$T/secret" "$T/bert-secret"
	chown $BERT "$T/bert-secret"
	"$@"
	as $ANNA swap "$S/incoming" x.json "$T/job.json" "$T/secret" 3 >"$T/swaps" &
	_a=$!
	as $BERT swap "$S/incoming" y.json "$T/job.json" "$T/secret" 3 >"$T/swaps2" &
	wait $_a $!
	[ "$(cat "$T/swaps")" -gt 100 ] || fail "exchanged $(cat "$T/swaps") times only"
	drop $ANNA last.json
	soon has_id $ANNA last.json
	! grep -rl mark-secret "$S/new" "$S/waiting" "$S/done" "$S/assigned" "$S/bad" "$S/tmp" ||
	    fail 'a secret came in'
	for f in "$S"/new/*.json; do
		jq -c '[.order.owner.uid,.a]' "$f"
	done | sort | uniq -c >"$T/kinds"
	has "$(cat "$T/kinds")" "[$ANNA,1]"
	hasnt "$(cat "$T/kinds")" null
	is "$(grep -c . "$T/kinds")" 2 "$(cat "$T/kinds")"
}
t_swapped() {
	swapped start_spoold
	exits 0 spool check
}

# The same at the worst moment, once for each kind (tests/shim/swapat.c): between
# the look and the opening, and between coming in and being removed.
t_exchanged() {
	shared
	case $BIN in */plain) ;; *) skip 'the sanitizers are first' ;; esac
	${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o "$T/swapat.so" "$TOP/tests/shim/swapat.c" -ldl
	job ok.sh '"secret":"mark-secret"' >"$T/secret"
	chmod 600 "$T/secret"
	chown $BERT "$T/secret"
	for kind in symlink hard_link fifo all_write; do
		drop $ANNA "$kind.json"
		"p_$kind" "$T/evil" "$T/secret"
		ACTOR_ENV="LD_PRELOAD=$T/swapat.so SWAP_CALL=lstat SWAP_NAME=$kind.json SWAP_FROM=$T/evil"
		start_spoold
		soon not_there "$T/evil"
		drop $ANNA "after_$kind.json"
		soon has_id $ANNA "after_$kind.json"
		stop "$SPOOLD"
		! grep -rlq mark-secret "$S/new" || fail "$kind: a secret came in"
		echo "$kind" >>"$T/rows"
	done
	is "$(find "$S/new" -name "*.after_*" | wc -l)" 4
	# What has the name now is the next drop: it is not removed unread.
	drop $ANNA next.json
	job ok.sh '"n":2' >"$T/evil"
	chown $ANNA "$T/evil"
	ACTOR_ENV="LD_PRELOAD=$T/swapat.so SWAP_CALL=rename SWAP_NAME=next.json SWAP_FROM=$T/evil"
	start_spoold
	soon no_drop next.json
	soon two_came
	is "$(cat "$S"/new/*.next.json | jq -c '[.a,.n]' | sort | tr '\n' ' ')" '[1,null] [null,2] '
}
two_came() { [ "$(find "$S/new" -name '*.next.json' | wc -l)" = 2 ]; }
not_there() { [ ! -e "$1" ] && [ ! -L "$1" ]; }
no_drop() { [ ! -e "$S/incoming/$1" ]; }

t_quota() {
	shared
	policy lease=1 beat=0.2 settle=0.2 poll=0.2 ownerJobs=3 ownerBytes=100000
	start_spoold
	for i in 1 2 3 4 5; do drop $ANNA $i.json; done
	drop $BERT b.json
	soon has_id $BERT b.json
	soon has_why $ANNA 5.json 'waits there'
	soon has_why $ANNA 4.json 'may have 3'
	is "$(count new)" 4 'in the queue'
	# So many will never fit.
	{ job ok.sh; job ok.sh; job ok.sh; job ok.sh; } | put $BERT four.jsonl
	soon has_why $BERT four.jsonl '4 jobs are more than the 3'
	"$PYTHON" -c 'print("{\"scriptName\":\"ok.sh\",\"x\":\"" + "a" * 200000 + "\"}")' | put $BERT long.json
	soon has_why $BERT long.json 'more than the 100000'
	# The next keeper knows as well, and when there is room they come in.
	stop "$SPOOLD"
	start_spoold
	drop $ANNA 6.json
	soon has_why $ANNA 6.json 'waits there'
	is "$(count new)" 4 'in the queue'
	start_worker
	soon has_id $ANNA 6.json
	soon outcomes_are 7
	[ ! -e "$S/answers/$ANNA/6.json.why" ] || fail 'still said to wait'
	promises
}

# Who dies between the two finds it again, and each drop comes in once.
t_once() {
	shared
	[ -x "$CRASHBIN/spoold" ] || skip 'no programs with crash points'
	n=0
	for point in tmp.written incoming.noted submit.before submit.after \
	    submit.synced incoming.in incoming.away incoming.removed; do
		for nth in 1 2; do
			n=$((n + 1))
			drop $ANNA "$n-a.json"
			drop $BERT "$n-b.json"
			SPOOL_CRASH=$point:$nth timeout 10 "$CRASHBIN/spoold" "$S" \
			    >>"$T/spoold.log" 2>&1 &
			PIDS="$PIDS $!"
			soon over_or_in $! "$n"
			stop $!
			start_spoold
			soon has_id $ANNA "$n-a.json"
			soon has_id $BERT "$n-b.json"
			soon no_drop "$n-a.json"
			soon no_drop "$n-b.json"
			soon no_note
			stop "$SPOOLD"
			is "$(find "$S/new" -name "*.$n-?.json" | wc -l)" 2 "$point:$nth: orders"
		done
		echo "$point" >>"$T/rows"
	done
	is "$(count new)" $((2 * n)) 'orders'
	is "$(find "$S/answers" -name '.taken*' | wc -l)" 0 'left over'
	drain
	OVER=1 promises
}
over_or_in() { dead "$1" || { no_drop "$2-a.json" && no_drop "$2-b.json"; }; }
no_note() { [ ! -e "$S/answers/.taking" ]; }

# A flood: memory stays small, and who drops one job beside it is served.
t_flood() {
	shared
	n=${FLOOD:-4000}
	policy lease=1 beat=0.2 settle=0.2 poll=0.2 ownerJobs=100
	as $ANNA "$PYTHON" -c 'import sys,os
os.umask(0o022)
text = open(sys.argv[2]).read()
for i in range(int(sys.argv[3])):
    with open(sys.argv[1] + "/%06d.json" % i, "w") as f: f.write(text if i % 2 else "no job")' \
	    "$S/incoming" "$T/job.json" "$n"
	start_spoold
	soon has_id $ANNA 000001.json
	drop $BERT zz.json
	soon has_id $BERT zz.json
	rss=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$SPOOLD/status")
	[ "$rss" -lt 65536 ] || fail "$rss KiB of memory"
	[ "$(find "$S/answers/$ANNA" -name '*.why' | wc -l)" -le 1000 ] || fail 'too many answers'
	is "$(find "$S/new" -name '*.json' | wc -l)" 101 'in the queue'
}

# submit where only incoming/ may be written.
t_submit() {
	shared
	start_spoold
	cd "$T" || exit 1
	as $ANNA spool submit "$T/job.json" -p a=2 --priority 7 >"$T/ids"
	id=$(cat "$T/ids")
	is "$(text_of "$id" | jq -c '[.a,.order.owner.uid,.order.name,.order.priority]')" "[2,$ANNA,\"job\",7]"
	{ job ok.sh; echo '{"scriptName":"../x"}'; job ok.sh; } >"$T/many.jsonl"
	chmod 644 "$T/many.jsonl"
	exits 1 as $ANNA spool submit "$T/many.jsonl"
	is "$(grep -c . "$T/out")" 2
	has "$(cat "$T/err")" 'many.jsonl:2: scriptName'
	# What the spool alone refuses is heard of as well.
	echo '{"scriptName":"ok.sh","order":{"owner":{"uid":0,"user":"root"}}}' >"$T/lie.json"
	chmod 644 "$T/lie.json"
	exits 1 as $ANNA spool submit "$T/lie.json"
	has "$(cat "$T/err")" order.owner
	chmod 755 "$S/scripts" "$S/data"
	has "$(as $BERT spool doctor 2>&1 || :)" 'you may drop into incoming/'
	# Who may read no more than incoming/ can drop, too.
	chmod 711 "$S"
	chmod 700 "$S/new"
	as $ANNA spool submit --json "$T/job.json" | jq -e .id >/dev/null
}

# Its modes are what all hangs on.
t_modes() {
	shared
	exits 0 spool check
	chmod 777 "$S/incoming"
	exits 1 spool check
	has "$(cat "$T/out")" 'chmod 1733 incoming'
	has "$(spool doctor || :)" 'bad	incoming'
	# Nothing is taken from one like that.
	start_spoold
	drop $ANNA a.json
	soon grep -q 'chmod 1733' "$T/spoold.log"
	is "$(count new)" 0
	exits 0 spool check --repair
	is "$(stat -c %a "$S/incoming")" 1733
	stop "$SPOOLD"
	start_spoold
	soon has_id $ANNA a.json
	chmod 777 "$S/new"
	has "$(spool doctor || :)" 'anybody may write to new/'
	# A spool without it is a spool.
	chmod 755 "$S/new"
	mv "$S/incoming" "$T/elsewhere"
	exits 0 spool check
	hasnt "$(spool doctor || :)" incoming
}

# What nobody mends goes, and so do answers; never from a stranger's directory.
t_swept() {
	shared
	policy lease=1 beat=0.2 settle=0.1 poll=0.2
	echo no job | put $ANNA a.json
	as $ANNA mkdir "$S/incoming/d" "$S/incoming/e"
	as $ANNA touch "$S/incoming/d/x" "$S/incoming/.hidden"
	start_spoold
	soon grep -q 'refuse incoming=a.json' "$T/spoold.log"
	policy lease=1 beat=0.2 settle=0.1 poll=0.2 answerAge=0.2
	swept() { stop "$SPOOLD"; start_spoold; [ ! -e "$S/incoming/a.json" ] && [ ! -e "$S/incoming/.hidden" ] && [ ! -e "$S/incoming/e" ] && [ ! -e "$S/answers/$ANNA/a.json.why" ]; }
	soon swept
	[ -e "$S/incoming/d/x" ] || fail 'what was in a directory is gone'
}

run_stories "$@"
