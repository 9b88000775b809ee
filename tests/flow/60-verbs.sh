# Every verb of spool, as a person and as a script meet it; where it makes a
# difference once without spoold and once with it.
. "$TOP/tests/lib.sh"
CRASHBIN=${CRASHBIN:-${BIN%/*}/crash}

row_done() { echo "$1" >>"$T/rows"; }
err_has() { has "$(cat "$T/err")" "$1"; }
out_is() { is "$(cat "$T/out")" "$1" "${2:-output}"; }
state_is() { [ "$(spool ls --json | jq -r "select(.id == \"$1\").state")" = "$2" ]; }
job_of() { find "$S/new" "$S/waiting" "$S/assigned" "$S/done" "$S/failed" -name "*$1*" -exec cat {} +; }
# A python one-liner's output: the index as SQLite has it.
sql() {
	"$PYTHON" -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)' "$S/index/spool.db" "$1"
}

fixture() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo a word
	echo '{"loss":0.25,"metric":"0.5"}'
	SH
	script fail.sh <<-'SH'
	#!/bin/sh
	echo no luck >&2
	exit 3
	SH
	script wait.sh <<-'SH'
	#!/bin/sh
	echo "try $SPOOL_ATTEMPT begins"
	echo '{"step":1,"loss":-0.0,"val":{"acc":1e-300},"x":NaN}' >"$SPOOL_METRICS"
	: >"$MARK.$SPOOL_ATTEMPT"
	while [ ! -e "$GO" ]; do sleep 0.05; done
	echo "try $SPOOL_ATTEMPT ends"
	[ "$SPOOL_ATTEMPT" -ge "${NEED:-1}" ] || { rm "$GO"; exit 3; }
	echo '{"loss":1}'
	SH
	job ok.sh >"$T/ok.json"
	job fail.sh >"$T/fail.json"
	waiting_job >"$T/wait.json"
}
waiting_job() { job wait.sh "\"order\":{\"env\":{\"GO\":\"$T/go\",\"MARK\":\"$T/mark\"${1:-}}${2:-}}"; }

# ---- init ----

t_init() {
	S2=$T/second
	exits 0 spool init "$S2"
	out_is "$S2 is a spool now"
	for d in tmp new waiting assigned "done" failed bad repair cancel hold outcomes runs \
	    scripts data blobs/sha256 workers index; do
		[ -d "$S2/$d" ] || fail "no $d/"
	done
	is "$(jq .format "$S2/spool.json")" 1
	# One that is there keeps all it has, and gets what it lacks.
	echo '{"format":1,"lease":7}' >"$S2/spool.json"
	job x.py >"$S2/new/mine.json"
	rmdir "$S2/hold"
	exits 0 spool -s "$S2" init
	out_is "$S2 is a spool already"
	is "$(jq .lease "$S2/spool.json")" 7
	[ -d "$S2/hold" ] && [ -f "$S2/new/mine.json" ]
	# where: DIR, else -s, else $SPOOL_DIR, else ./spool
	mkdir "$T/here"
	cd "$T/here" || exit
	SPOOL_DIR='' exits 0 spool init
	[ -f spool/spool.json ] || fail 'not in ./spool'
	SPOOL_DIR=$T/third exits 0 spool init
	[ -f "$T/third/spool.json" ] || fail 'not in $SPOOL_DIR'
	job ok.py >j.json
	SPOOL_DIR='' exits 0 spool submit j.json
	is "$(ls spool/new | wc -l)" 1 './spool'
	: >"$T/file"
	exits 100 spool init "$T/file"
	err_has "$T/file"
	exits 100 spool init a b
	# as workerd takes it, too; of a medium that nobody knows in words
	exits 0 spool -s "dir://$S2" submit j.json
	SPOOL_DIR=file:$S2 exits 0 spool ls
	exits 100 spool -s gopher://boss/spool ls
	err_has 'no way is known to a spool at gopher://'
	exits 100 spool init gopher://boss/spool
}

# ---- wrong requests ----

usage_rows() {
	cat <<'ROWS'
frobnicate|no verb 'frobnicate'
sumbit x|do you mean 'submit'?
submit|name the files
submit --priority 100 -|0 (first) to 99
submit --priority x -|--priority x
submit --name a/b -|--name a/b
submit -p novalue -|novalue
submit -p =3 -|-p
submit --frob -|frob
log --metrics|usage: spool log
ls nowhere|there are new, waiting, assigned, done and failed
ls -n 0|-n 0
ls --frob|frob
show|usage: spool show
show a b|usage: spool show
show --frob x|frob
wait|usage: spool wait
wait --timeout soon x|give seconds
log|usage: spool log
log --attempt 1 x|--attempt 1
cancel|usage: spool cancel
hold|usage: spool hold
unhold|usage: spool unhold
retry|usage: spool retry
compare --frob|frob
diff|usage: spool diff
rerun|usage: spool rerun
rerun -p x y|KEY=VALUE
prio|usage: spool prio
export --frob|frob
plot --frob|frob
plot|usage: spool plot
notify --frob|frob
notify|usage: spool notify
top x|usage: spool top
export|say --format
prio x y|is no priority
ls --where|requires an argument
ls --sort|requires an argument
workers x|usage: spool workers
check x|usage: spool check
prove a b|usage: spool prove
doctor a b|usage: spool doctor
reindex x|usage: spool reindex
ROWS
}

t_wrong_usage() {
	usage_rows >"$T/table"
	while IFS='|' read -r line words; do
		# shellcheck disable=SC2086
		exits 100 spool $line
		err_has "$words"
		is "$(cat "$T/out")" '' "output of $line"
		row_done "$(echo "$line" | tr -c 'a-zA-Z0-9\n' _)"
	done <"$T/table"
	exits 100 spool
	exits 0 spool help
	for v in init submit ls show why wait log cancel hold unhold retry compare diff rerun prio workers check prove doctor reindex; do
		has "$(spool help)" "  $v "
		has "$(spool help "$v")" "usage: spool $v"
		is "$(spool "$v" --help)" "$(spool help "$v")"
	done
	row_done help
}

t_no_spool() {
	mkdir "$T/empty"
	cd "$T/empty" || exit
	job ok.sh >"$T/j.json"
	for line in "submit $T/j.json" ls 'show x' 'wait x' 'log x' 'cancel x' 'hold x' \
	    'unhold x' 'retry x' compare 'diff x y' 'rerun x' 'prio 1 x' workers check prove reindex; do
		# shellcheck disable=SC2086
		for where in nowhere empty; do
			exits 100 spool -s "$T/$where" $line
			err_has "$T/$where"
			err_has 'spool'
		done
		# shellcheck disable=SC2086
		SPOOL_DIR='' exits 100 spool $line
		[ -s "$T/err" ] || fail "not a word of $line without a spool"
		is "$(cat "$T/out")" ''
		row_done "${line%% *}"
	done
	is "$(ls -A "$T/empty")" ''
	[ ! -e "$T/nowhere" ]
}

# ---- submit ----

t_submit_forms() {
	fixture
	# a file; its text goes in byte for byte
	printf '{ "scriptName" : "ok.sh",\n  "lr": 0.050, "n": 18446744073709551615 }' >"$T/my job.json"
	exits 0 spool submit --no-pin "$T/my job.json"
	id=$(cat "$T/out")
	cmp "$T/my job.json" "$S/new/50.$id.t1a0.my_job.json"
	# standard input: one object over many lines, or one a line
	exits 0 spool submit --no-pin - <"$T/my job.json"
	is "$(wc -l <"$T/out")" 1
	cmp "$T/my job.json" "$S/new/50.$(cat "$T/out").t1a0.json"
	{ job ok.sh '"i":1'; echo; job ok.sh '"i":2'; printf '{"scriptName":"ok.sh","i":3}'; } >"$T/three.jsonl"
	exits 0 spool submit - <"$T/three.jsonl"
	is "$(wc -l <"$T/out")" 3
	for i in 1 2 3; do
		is "$(jq .i "$S"/new/*"$(sed -n ${i}p "$T/out")"*)" $i
	done
	# .jsonl, and several files; ids in the order of the jobs
	exits 0 spool submit "$T/three.jsonl" "$T/ok.json"
	is "$(wc -l <"$T/out")" 4
	is "$(sort "$T/out")" "$(cat "$T/out")" 'ids in order'
	is "$(ls "$S"/new/*.three.json | wc -l)" 3
	# in one submit the ids differ, whatever the number
	i=0
	while [ $i -lt 300 ]; do i=$((i + 1)); echo '{"scriptName":"ok.sh"}'; done >"$T/many.jsonl"
	exits 0 spool submit "$T/many.jsonl"
	is "$(sort -u "$T/out" | wc -l)" 300
	exits 0 spool submit --json "$T/ok.json"
	is "$(jq -c '[(.id|length), (.from|endswith("/ok.json:1")), .error]' "$T/out")" '[27,true,null]'
	# an empty stream is no job, and no crime
	exits 1 spool submit - </dev/null
	err_has 'no job'
}

t_submit_options() {
	fixture
	cat >"$T/base.json" <<-'JSON'
	{"scriptName":"ok.sh","lr":0.050,"layers":[{"n":3},{"n":5}],"deep":{"a":{"b":1}},
	 "order":{"tags":["keep"],"priority":60}}
	JSON
	exits 0 spool submit --no-pin "$T/base.json" -p lr=0.1 -p layers.1.n=7 -p deep.a.c=text -p 'deep.a.b=[1, {"x":null}]' \
	    -p fresh.x.y=true -p 's="0.5"' -p null=null -p 'words=two words' -p empty= -p order.cpus=2 \
	    --name wine --priority 3
	id=$(cat "$T/out")
	is "$(jq -Sc . "$S/new/03.$id.t1a0.wine.json")" "$(jq -Sc . <<-'JSON'
	{"scriptName":"ok.sh","lr":0.1,"layers":[{"n":3},{"n":7}],
	 "deep":{"a":{"b":[1,{"x":null}],"c":"text"}},"fresh":{"x":{"y":true}},"s":"0.5","null":null,
	 "words":"two words","empty":"","order":{"tags":["keep"],"cpus":2,"priority":3,"name":"wine"}}
	JSON
	)"
	# Numbers stay what they are, also those that no double holds.
	job ok.sh '"seed":18446744073709551615,"lr":0.1,"n":[1e5,-0.0,3]' >"$T/seed.json"
	exits 0 spool submit --no-pin "$T/seed.json" -p other=18446744073709551614 -p x=1
	is "$(job_of "$(cat "$T/out")")" \
	    '{"scriptName":"ok.sh","seed":18446744073709551615,"lr":0.1,"n":[100000.0,-0.0,3],"other":18446744073709551614,"x":1}'
	# What does not fit is refused, and nothing goes in.
	n=$(count new)
	exits 1 spool submit "$T/base.json" -p lr.x=1
	err_has 'base.json:1'
	err_has 'lr'
	exits 1 spool submit "$T/base.json" -p order.priority=soon
	err_has 'priority'
	exits 1 spool submit "$T/base.json" -p layers.9.n=1
	err_has 'layers'
	is "$(count new)" "$n"
	# --after, by parts and by names, added to what the job says itself
	exits 0 spool submit --name first "$T/ok.json"
	one=$(cat "$T/out")
	exits 0 spool submit "$T/ok.json"
	two=$(cat "$T/out")
	job ok.sh "\"order\":{\"after\":[\"$one\"]}" >"$T/dep.json"
	exits 0 spool submit "$T/dep.json" --after first --after "$(echo "$two" | cut -c19-)"
	is "$(job_of "$(cat "$T/out")" | jq -c .order.after)" "[\"$one\",\"$two\"]"
	state_is "$(cat "$T/out")" waiting
	n=$(count waiting)
	exits 1 spool submit --after nobody "$T/ok.json"
	err_has nobody
	exits 100 spool submit --after 2 "$T/ok.json"
	is "$(count waiting)" "$n"
}

# What is bad is named by file, line, field and mend; the rest goes in.
bad_rows() {
	cat <<'ROWS'
{"scriptName":3}|scriptName|name of a file
{"epochs":3}|scriptName|
{"scriptName":"../x"}|scriptName|
{"scriptName":"ok.sh","order":{"priorty":3}}|priorty|priority
{"scriptName":"ok.sh","order":{"priority":300}}|priority|99
{"scriptName":"ok.sh","order":{"after":["gestern"]}}|after|
{"scriptName":"ok.sh",}|comma|remove
{'scriptName':'ok.sh'}|'|"
not json|not|{
[1]|[|object
{"scriptName":"ok.sh","a":1,"a":2}|"a"|
{"scriptName":"ok.sh","lr":NaN}|NaN|
ROWS
}

t_submit_bad() {
	fixture
	good=0
	n=0
	bad_rows >"$T/table"
	: >"$T/mixed.jsonl"
	while IFS='|' read -r text _; do
		job ok.sh >>"$T/mixed.jsonl"
		printf '%s\n' "$text" >>"$T/mixed.jsonl"
	done <"$T/table"
	job ok.sh >>"$T/mixed.jsonl"
	exits 1 spool submit "$T/none.json" "$T/mixed.jsonl" "$T/ok.json"
	cp "$T/err" "$T/all.err"
	bads=$(wc -l <"$T/table")
	is "$(wc -l <"$T/out")" $((bads + 2)) 'good ones'
	is "$(count new)" $((bads + 2)) 'good ones in new/'
	is "$(sort -u "$T/out" | wc -l)" $((bads + 2)) 'ids'
	is "$(wc -l <"$T/all.err")" $((bads + 1)) 'one line a complaint'
	has "$(grep -F "$T/none.json" "$T/all.err")" 'No such file'
	while IFS='|' read -r text field mend; do
		n=$((n + 2))
		line=$(grep -F "mixed.jsonl:$n:" "$T/all.err") || fail "no word of line $n: $text"
		has "$line" "$field"
		has "$line" "$mend"
		row_done "line_$n"
	done <"$T/table"
	# a whole file: the line in it; --json says the same
	printf '{\n  "scriptName": "ok.sh",\n  "lr": 0.1,,\n}\n' >"$T/multi.json"
	exits 1 spool submit "$T/multi.json"
	err_has 'multi.json:3:'
	exits 1 spool submit --json "$T/multi.json" "$T/ok.json"
	is "$(jq -sc '[(.[0].from|endswith("multi.json:3")), .[0].id, (.[0].error|length > 9), (.[1].id|length)]' "$T/out")" \
	    '[true,null,true,27]'
	row_done whole_file
	# --wait tells the worse of both
	start_worker
	exits 1 spool submit --wait "$T/none.json" "$T/ok.json"
	is "$(status_of "$(cat "$T/out")")" 200
	row_done with_wait
}

# Ids are printed when the order is durable, and not before: killed at any
# point up to the directory's fsync, it has printed nothing.
t_submit_durable() {
	[ -x "$CRASHBIN/spool" ] || fail "make VARIANT=crash programs"
	fixture
	SPOOL_CRASH_LOG=$T/points "$CRASHBIN/spool" submit "$T/ok.json" >"$T/ids"
	is "$(wc -l <"$T/ids")" 1
	is "$(tail -n 1 "$T/points")" submit.synced 'the last point'
	sort -u "$T/points" >"$T/each"
	is "$(tr '\n' ' ' <"$T/each")" 'blob.poured file.after file.before submit.after submit.before submit.synced tmp.written '
	while read -r point; do
		rm -f "$S"/blobs/sha256/* # so that pinning is on the way, too
		SPOOL_CRASH=$point "$CRASHBIN/spool" submit "$T/ok.json" >"$T/printed" && fail "$point not hit"
		is "$(cat "$T/printed")" '' "printed at $point"
		is "$(cd "$S/blobs/sha256" && sha256sum -- * 2>/dev/null | awk '$1 != $2')" '' "half a blob at $point"
	done <"$T/each"
	# A disk that takes nothing: no id, and nothing left.
	n=$(count new)
	ls "$S/tmp" >"$T/tmp.before"
	trap '' XFSZ
	rc=0
	(ulimit -f 0 && exec spool submit "$T/ok.json" 2>/dev/null) | cat >"$T/printed"
	(ulimit -f 0 && exec spool submit "$T/ok.json" >/dev/null 2>&1) || rc=$?
	[ $rc != 0 ] || fail 'accepted without a disk'
	is "$(cat "$T/printed")" '' 'printed without a disk'
	is "$(count new)" "$n"
	is "$(ls "$S/tmp")" "$(cat "$T/tmp.before")" 'tmp/'
	promises
}

# Ids come while the stream goes on: whoever sends jobs may wait for them.
t_submit_stream() {
	fixture
	mkfifo "$T/jobs" "$T/ids"
	timeout "$DEADLINE" spool submit - <"$T/jobs" >"$T/ids" 2>"$T/err" &
	pid=$!
	PIDS="$PIDS $pid"
	exec 8>"$T/jobs" 9<"$T/ids"
	for i in 1 2 3; do
		job ok.sh "\"i\":$i" >&8
		read -r id <&9 || fail 'no id before the end of the stream'
		is "$(jq .i "$S"/new/*"$id"*)" $i
	done
	exec 8>&-
	wait $pid || fail "exit $?"
}

t_submit_wait() {
	fixture
	start_worker
	exits 0 spool submit --wait "$T/ok.json" "$T/ok.json"
	for id in $(cat "$T/out"); do is "$(status_of "$id")" 200; done
	exits 1 spool submit --wait "$T/ok.json" "$T/fail.json"
	err_has "$(sed -n 2p "$T/out")"
	err_has 500
}

# ---- finding an order ----

t_pick() {
	fixture
	a=$(spool submit --name wine "$T/ok.json")
	b=$(spool submit --name wine-2 "$T/ok.json")
	c=$(spool submit --name beer "$T/ok.json")
	shown() { exits 0 spool show --json "$1"; is "$(jq -r .row.id "$T/out")" "$2" "show $1"; }
	pick_all() {
		shown "$a" "$a"
		shown "$(echo "$b" | cut -c20-)" "$b"
		shown "$(echo "$b" | cut -c20-25)" "$b"
		shown beer "$c"
		shown ine-2 "$b"
		shown wine "$a" # whole, though others have it in them
		shown "$S/new/50.$c.t1a0.beer.json" "$c"
		shown "$c.json" "$c"
		exits 100 spool show win
		err_has "$a"
		err_has "$b"
		hasnt "$(cat "$T/err")" "$c"
		exits 1 spool show nobody
		err_has nobody
		exits 1 spool show 20010101T000000000-00000000
		exits 100 spool show 'a b'
		exits 100 spool show ''
		# many: those that are known go on; the worst answer counts
		exits 1 spool hold nobody beer
		[ -e "$S/hold/$c" ] || fail 'the known one was not held'
		exits 100 spool unhold beer win
		[ ! -e "$S/hold/$c" ] || fail 'the known one is still held'
		printf '%s\n%s %s\n' beer "$b" wine | exits 0 spool hold -
		is "$(ls "$S/hold" | wc -l)" 3
		exits 0 spool unhold beer "$b" "$a"
	}
	pick_all
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	pick_all
}

# ---- ls ----

KEYS='id name state prio ticket attempt worker script data project retryOf owner status cause error loss metric step progress eta seconds submitted started finished order '

t_ls() {
	fixture
	job ok.sh '"dataFileName":"d.csv","projectName":"p"' >"$T/full.json"
	echo 1 >"$S/data/d.csv"
	a=$(spool submit --name full "$T/full.json")
	f=$(spool submit "$T/fail.json")
	drain
	q=$(spool submit --priority 2 "$T/ok.json")
	w=$(spool submit --after "$q" "$T/ok.json")
	ls_all() {
		is "$(spool ls --json | jq -r .id | tr '\n' ' ')" "$a $f $q $w " 'oldest first'
		is "$(spool ls --json | jq -r 'keys_unsorted | join(" ") + " "' | sort -u)" "$KEYS"
		is "$(spool ls --json "done" | jq -c '[.id,.name,.state,.prio,.ticket,.attempt,.script,.data,.project,.retryOf,.status,.cause,.error,.loss,.metric]')" \
		    "[\"$a\",\"full\",\"done\",50,1,0,\"ok.sh\",\"d.csv\",\"p\",null,200,\"ok\",null,0.25,0.5]"
		is "$(spool ls --json "done" | jq -c '[.seconds > 0, .started <= .finished, .submitted <= .started, (.worker|startswith("'"$(uname -n | cut -c1-4)"'"))]')" \
		    '[true,true,true,true]'
		is "$(spool ls --json "done" | jq -r .order)" "$(ls "$S"/done/*)"
		is "$(spool ls --json failed | jq -c '[.id,.status,.cause]')" "[\"$f\",500,\"exit\"]"
		is "$(spool ls --json new | jq -c '[.id,.prio,.status,.worker,.started]')" "[\"$q\",2,null,null,null]"
		is "$(spool ls --json waiting | jq -r .id)" "$w"
		is "$(spool ls --json new failed | jq -r .id | tr '\n' ' ')" "$f $q "
		is "$(spool ls --json -n 2 | jq -r .id | tr '\n' ' ')" "$q $w "
		is "$(spool ls --json assigned)" ''
		exits 0 spool ls assigned
		is "$(spool ls | awk 'NR > 1 {print $1, $2}')" "$a done
$f failed
$q new
$w waiting"
		has "$(spool ls | head -n 1)" STATUS
		has "$(spool ls "done")" 0.25
	}
	ls_all
	start_spoold
	soon sh -c 'grep -q "$1" "$0/index/ready.jsonl"' "$S" "$q"
	ls_all
	# Into a pipe that closes early it ends quietly.
	is "$(spool ls 2>"$T/err" | head -n 1 | wc -l)" 1
}

# All that others can write into a spool is text, also for a terminal.
hostile() {
	esc=$(printf '\033')
	script evil.sh <<-SH
	#!/bin/sh
	printf '\033]0;title\007\033[31mred\033[0m\r\nplain\n'
	printf '%s\n' '{"error":"\u001b[31mred\u0007\u009b5m","loss":1,"status":500}'
	SH
	job evil.sh '"x":"\u001b[31mred"' >"$T/evil.json"
	cp "$T/evil.json" "$S/new/$(printf 'esc\033[31mred\nline.json')"
	cp "$T/evil.json" "$S/new/$(printf 'blank and \342\200\256 rlo.json')"
	printf '{"scriptName":"\\u001b[31m.sh"}' >"$S/new/$(printf 'bad\033[31m.json')"
	drain
	printf '{"worker":"w-0000aa","role":"worker","host":"h\\u001b[31m","boot":"b","pid":1,"beat":1,"note":"n\\u0007\\u001b[31m"}' \
	    >"$S/workers/w-0000aa.json"
	printf 'x' >"$S/outcomes/$(printf 'stray\033[31m')"
	is "$(count outcomes)" 4
	ids=$(spool ls --json | jq -r .id)
}
views() {
	spool ls
	for id in $ids; do spool show "$id"; done
	# shellcheck disable=SC2086
	spool wait $ids || :
	spool workers
	spool check || :
	spool show "$(printf '\033[31m')" || :
	spool "$(printf '\033[31m')" || :
	spool submit "$(printf '/nowhere/\033[31m')" || :
	spool cancel "$(echo "$ids" | head -n 1)" || :
}

t_hostile_into_a_pipe() {
	hostile
	views >"$T/seen" 2>&1
	has "$(cat "$T/seen")" 'red'
	! LC_ALL=C grep -n "[^ -~	]" "$T/seen" || fail 'not printable, or not escaped'
	spool ls --json >"$T/json"
	spool workers --json >>"$T/json"
	for id in $ids; do spool show --json "$id" >>"$T/json"; done
	spool check --json >>"$T/json" || :
	! grep -q "$esc" "$T/json" || fail 'an escape sequence in JSON'
	is "$(jq -r 'select(.host).host' "$T/json")" "h${esc}[31m" 'JSON keeps it'
	# A log is what the job wrote, byte for byte.
	for id in $ids; do
		[ "$(spool ls --json | jq -r "select(.id == \"$id\").status")" != 400 ] || continue
		spool log "$id" >"$T/log"
		cmp "$T/log" "$(echo "$S"/runs/*/"$id"/*.log)"
		has "$(cat "$T/log")" "$esc"
	done
}

# The same before a terminal: colours of ours, and nothing of theirs.
on_terminal() { # COMMAND...
	"$PYTHON" -c 'import os, pty, sys
sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))' "$@" </dev/null
}
t_hostile_on_a_terminal() {
	hostile
	export TERM=xterm
	on_terminal spool ls >"$T/seen"
	has "$(cat "$T/seen")" "${esc}[31mfailed"
	NO_COLOR=1 on_terminal spool ls >"$T/seen"
	hasnt "$(cat "$T/seen")" "$esc"
	export NO_COLOR=1
	for id in $ids; do
		on_terminal spool show "$id"
		on_terminal spool log "$id" || :
	done >"$T/seen"
	on_terminal spool workers >>"$T/seen"
	on_terminal spool check >>"$T/seen" || :
	hasnt "$(cat "$T/seen")" "$esc"
	hasnt "$(cat "$T/seen")" "$(printf '\007')"
	has "$(cat "$T/seen")" plain
	grep -q "^red.$(printf '\r')" "$T/seen" || grep -q '^red' "$T/seen" || fail 'more than its text'
}

t_bar_on_a_terminal() {
	fixture
	ids="$(spool submit "$T/wait.json") $(spool submit "$T/wait.json" -p order.env.GO="$T/go.2")"
	start_worker -j 2
	# shellcheck disable=SC2086
	on_terminal timeout --foreground "$DEADLINE" spool wait $ids >"$T/seen" &
	pid=$!
	PIDS="$PIDS $pid"
	soon grep -q '0 of 2' "$T/seen"
	touch "$T/go"
	soon grep -q '1 of 2.*left about' "$T/seen"
	touch "$T/go.2"
	wait $pid || fail "exit $?"
}

# ---- show ----

t_show() {
	fixture
	job wait.sh "\"order\":{\"name\":\"twice\",\"retry\":[\"exit\"],\"env\":{\"GO\":\"$T/go\",\"MARK\":\"$T/mark\",\"NEED\":\"2\"}}" >"$T/twice.json"
	id=$(spool submit --no-pin "$T/twice.json")
	dep=$(spool submit --after "$id" "$T/fail.json")
	later=$(spool submit -p order.notBefore=2999-01-01T00:00:00Z "$T/ok.json")
	has "$(spool show "$dep")" "after $id"
	has "$(spool show "$later")" 'not before 2999'
	has "$(spool show twice)" 'queued: 0 ahead of it, 0 workers'
	spool hold "$later" >/dev/null
	has "$(spool show "$later")" 'spool unhold'
	start_worker --name gpu
	soon test -e "$T/mark.1"
	has "$(spool show twice)" 'runs on gpu-'
	touch "$T/go"
	soon test -e "$T/mark.2"
	touch "$T/go"
	soon over "$id"
	soon over "$dep"
	spool show twice >"$T/seen"
	for words in "$id  twice" 'stands in done/, priority 50, ticket 3, 1 attempt spent' 'status 200, cause ok, loss 1' \
	    't1a0 on gpu-' 'exit' 't3a1 on gpu-' "outcomes/$id.json" "runs/" '"NEED":"2"'; do
		has "$(cat "$T/seen")" "$words"
	done
	spool show --json twice >"$T/j"
	is "$(jq -c 'keys' "$T/j")" '["attempts","job","metrics","outcome","row"]'
	is "$(jq -Sc .job "$T/j")" "$(jq -Sc . "$T/twice.json")"
	is "$(jq -Sc .outcome "$T/j")" "$(jq -Sc . "$S/outcomes/$id.json")"
	is "$(jq -c .row "$T/j")" "$(spool ls --json | grep "^{\"id\":\"$id" | jq -c .)"
	is "$(jq -c '[.attempts[] | [.attempt, (.worker|startswith("gpu-")), .note.cause]]' "$T/j")" \
	    '[["t1a0",true,"exit"],["t3a1",true,null]]'
	[ -f "$S/$(jq -r '.attempts[0].log' "$T/j")" ] || fail 'no such log'
	has "$(spool show "$dep")" '500'
	stop "$WORKER"
}

# ---- wait ----

# It, or what `timeout` runs for us, watches for outcomes.
waits_for() { ls -l /proc/"$1"/fd /proc/"$(pgrep -P "$1")"/fd | grep -q inotify; }

waits() {
	fixture
	start_worker -j 2
	ok=$(spool submit "$T/ok.json")
	bad=$(spool submit "$T/fail.json")
	long=$(spool submit "$T/wait.json")
	exits 0 spool wait "$ok"
	is "$(cat "$T/out")$(cat "$T/err")" ''
	exits 0 spool wait "$ok" "$ok" "$(echo "$ok" | cut -c20-)"
	exits 1 spool wait "$ok" "$bad"
	err_has "$bad: status 500"
	soon test -e "$T/mark.1"
	exits 111 spool wait --timeout 0.2 "$ok" "$long"
	err_has '1 of 2'
	exits 111 spool wait --timeout 0 "$long"
	exits 1 spool wait --timeout 0.1 nobody
	printf '%s\n%s\n' "$ok" "$long" >"$T/ids"
	timeout "$DEADLINE" spool wait - <"$T/ids" 2>"$T/err" &
	pid=$!
	PIDS="$PIDS $pid"
	soon waits_for "$pid"
	touch "$T/go"
	wait $pid || fail "exit $?"
	printf '%s %s\n' "$ok" "$bad" | exits 1 spool wait -
	exits 0 spool wait - </dev/null
}
t_wait_alone() { waits; }
t_wait_with_spoold() { start_spoold; waits; }

# One that is taken away by hand will never be over.
t_wait_for_what_is_gone() {
	fixture
	gone=$(spool submit "$T/ok.json")
	timeout $((DEADLINE + 15)) spool wait "$gone" 2>"$T/err" &
	pid=$!
	PIDS="$PIDS $pid"
	soon waits_for "$pid"
	rm "$S"/new/*"$gone"*
	rc=0
	wait $pid || rc=$?
	is $rc 1
	err_has 'no longer in the spool'
}

# ---- log ----

# Followed while it runs, through a second attempt, until the order is over.
follows() {
	fixture
	waiting_job ',"NEED":"2"' ',"retry":["exit"]' >"$T/twice.json"
	id=$(spool submit "$T/twice.json")
	exits 1 spool log "$id"
	err_has 'nothing was written'
	timeout $((DEADLINE * 2)) spool log -f "$id" >"$T/followed" 2>"$T/err" &
	pid=$!
	PIDS="$PIDS $pid"
	start_worker
	soon grep -q 'try 1 begins' "$T/followed"
	hasnt "$(cat "$T/followed")" 'ends'
	exits 0 spool log "$id"
	out_is 'try 1 begins'
	kill -0 $pid || fail 'it did not follow'
	touch "$T/go"
	soon grep -q 'try 2 begins' "$T/followed"
	touch "$T/go"
	wait $pid || fail "exit $?"
	over "$id" || soon over "$id"
	is "$(cat "$T/followed")" 'try 1 begins
try 1 ends
try 2 begins
try 2 ends
{"loss":1}'
	err_has 'another attempt'
	exits 0 spool log "$id"
	is "$(head -n 1 "$T/out")" 'try 2 begins' 'the last attempt'
	exits 0 spool log --attempt t1a0 "$id"
	is "$(tail -n 1 "$T/out")" 'try 1 ends'
	exits 1 spool log --attempt t9a9 "$id"
	exits 0 spool log -f "$id"
	is "$(tail -n 1 "$T/out")" '{"loss":1}'
}
t_log_alone() { follows; }
t_log_with_spoold() { start_spoold; follows; }

# ---- cancel, hold, unhold, retry ----

changes() {
	fixture
	a=$(spool submit "$T/ok.json")
	b=$(spool submit "$T/ok.json")
	c=$(spool submit --name third "$T/ok.json")
	exits 0 spool cancel "$a"
	out_is "$a cancelled"
	is "$(status_of "$a")" 499
	exits 1 spool cancel "$a"
	err_has '499'
	exits 0 spool hold "$b" third
	is "$(cat "$T/out")" "$b held
$c held"
	state_is "$b" waiting || fail 'held, and not in waiting/'
	exits 0 spool hold "$b"
	exits 1 spool hold "$a"
	err_has 'over already'
	exits 1 spool unhold "$a"
	exits 0 spool unhold "$b"
	state_is "$b" new || fail 'let go, and not in new/'
	exits 1 spool unhold "$b"
	err_has 'not held'
	exits 1 spool retry "$b"
	err_has 'not over'
	# held and after another: unhold leaves it to the other
	d=$(spool submit --after "$b" "$T/ok.json")
	exits 0 spool hold "$d"
	exits 0 spool unhold "$d"
	has "$(cat "$T/out")" 'other things'
	start_worker
	soon over "$d"
	is "$(status_of "$b") $(status_of "$d")" '200 200'
	state_is "$c" waiting || fail 'held, and started'
	exits 0 spool cancel third
	is "$(status_of "$c")" 499
	soon sh -c 'test -z "$(find "$0"/cancel "$0"/hold -name "2*")"' "$S"
	# one that runs
	long=$(spool submit "$T/wait.json")
	soon test -e "$T/mark.1"
	exits 0 spool hold "$long"
	has "$(cat "$T/out")" 'runs on'
	exits 0 spool unhold "$long"
	exits 0 spool cancel "$long"
	has "$(cat "$T/out")" 'will stop it'
	soon over "$long"
	is "$(status_of "$long")" 499
	# again
	exits 0 spool retry "$c" "$b"
	new=$(sed -n 1p "$T/out")
	is "$(wc -l <"$T/out")" 2
	soon over "$new"
	is "$(status_of "$new")" 200
	is "$(spool ls --json | jq -r "select(.id == \"$new\") | .retryOf + \" \" + .name")" "$c third"
	is "$(jq -c .order.retryOf "$S"/done/*/*"$new"*)" "\"$c\""
	is "$(status_of "$c")" 499 'the old one'
	has "$(spool show "$new")" "retry of  $c"
	soon over "$(sed -n 2p "$T/out")"
	OVER=1 promises
}
t_changes_alone() { changes; }
t_changes_with_spoold() { start_spoold; changes; }

# ---- workers ----

t_workers() {
	fixture
	exits 0 spool workers
	err_has 'no worker'
	start_spoold
	start_worker --name gpu07 -j 3
	id=$(spool submit "$T/wait.json")
	soon test -e "$T/mark.1"
	soon sh -c 'spool workers --json | jq -c "select(.role == \"worker\") | .running | length" | grep -qx 1'
	spool workers --json | jq -c 'select(.role == "worker")' >"$T/w"
	is "$(jq -c '[(.worker|test("^gpu07-[0-9a-f]{6}$")), .state, .slots, .pid, .silent < 20, .beat > 0, .note]' "$T/w")" \
	    "[true,\"busy\",3,$WORKER,true,true,null]"
	is "$(jq -r '.running[0]' "$T/w")" "$(ls "$S/assigned")"
	is "$(spool workers --json | jq -r 'select(.role == "spoold").pid')" "$SPOOLD"
	has "$(spool workers)" busy
	has "$(spool workers | head -n 1)" SILENT
	# silent for longer than the lease: said so
	printf '{"worker":"old-0000aa","role":"worker","state":"idle","host":"h","boot":"b","pid":1,"beat":1}' \
	    >"$S/workers/old-0000aa.json"
	touch -d '-90 seconds' "$S/workers/old-0000aa.json"
	has "$(spool workers | grep old-0000aa)" silent
	is "$(spool workers --json | jq -c 'select(.worker == "old-0000aa") | [.silent > 85, .silent < 200]')" '[true,true]'
	echo garbage >"$S/workers/x.json"
	exits 0 spool workers
	err_has 'workers/x.json'
	rm "$S/workers/x.json"
	touch "$T/go"
	soon over "$id"
	stop "$WORKER"
	hasnt "$(spool workers)" gpu07
}

# ---- reindex; and the same answer from everywhere ----

# At least 30 orders of all states and of many fates.
gallery() {
	fixture
	for i in 1 2 3 4 5 6 7 8; do job ok.sh "\"n\":$i,\"projectName\":\"p\",\"order\":{\"name\":\"ok-$i\"}"; done |
	    spool submit - >/dev/null
	spool submit "$T/fail.json" --name failed >/dev/null
	f=$(spool submit "$T/fail.json" --priority 90)
	spool submit --after "$f" "$T/ok.json" >/dev/null
	echo '{"epochs":3}' >"$S/new/invalid.json"
	for i in 1 2 3; do job ok.sh "\"i\":$i"; done >"$S/new/bundle.jsonl"
	script odd.sh <<-'SH'
	#!/bin/sh
	printf '%s\n' '{"loss":-0.0,"metric":1e-300,"error":"\u001b[31m \"quoted\" \u00e4\u20ac","status":"no"}'
	SH
	script silent.sh <<-'SH'
	#!/bin/sh
	SH
	script nan.sh <<-'SH'
	#!/bin/sh
	printf '{"epoch":%d,"time":17638370%d,"f1":0.%d}\n' 1 11 5 2 22 7 3 33 6 >"$SPOOL_METRICS"
	echo '{"loss":NaN,"metric":Infinity}'
	SH
	for s in odd silent nan; do job $s.sh >"$S/new/$s.json"; done
	job ok.sh '"x":"\u00e4\u20ac \u001b","projectName":"Z\u00fcrich"' >"$S/new/unicode.json"
	drain
	spool retry "$f" >/dev/null
	spool cancel "$(spool submit "$T/ok.json")" >/dev/null
	# running: on this worker, and on one that will never be heard of again
	policy lease=3600 beat=0.2 settle=0.5 backoff=3600 backoffMax=3600 attempts=3
	spool submit --name running -p epochs=3 "$T/wait.json" >/dev/null
	start_worker -j 2
	soon test -e "$T/mark.1"
	soon sh -c 'spool ls --json assigned | grep -q "\"step\":1,\"progress\":0.3333"'
	job fail.sh '"order":{"retry":["exit"],"name":"backoff"}' >"$S/new/backoff.json"
	soon sh -c 'ls "$0"/waiting | grep -q backoff' "$S"
	for i in 1 2 3; do spool submit -p order.gpus=8 "$T/ok.json" --name "big-$i" >/dev/null; done
	spool submit -p order.notBefore=2999-01-01T00:00:00Z "$T/ok.json" >/dev/null
	spool hold "$(spool submit -p order.gpus=8 "$T/ok.json" --name held)" >/dev/null
	spool submit --after big-1 "$T/ok.json" >/dev/null
	spool submit "$T/ok.json" -p order.gpus=8 --priority 0 >/dev/null
	# an order whose outcome is not published, and one whose text is none
	n=$(spool submit --name unpublished -p order.gpus=8 "$T/ok.json")
	mv "$S"/new/*"$n"* "$S/done/$(echo "$n" | cut -c1-8)/50.$n.t1a0@gone-0000aa.unpublished.json"
	soon sh -c 'test "$(spool ls --json | wc -l)" -ge 30'
}
quiet() { # nothing moves: two looks are alike
	_a=$(spool ls --json)
	sleep 0.2
	[ "$_a" = "$(spool ls --json)" ]
}
same_as() { cmp "$T/$1" "$T/$2" || { diff "$T/$1" "$T/$2"; fail "$1 and $2 differ"; }; }

# Many are read ahead, by threads: it is seen in no row, whatever lies between.
t_many_in_the_index() {
	"$BIN/helpers/lay" "$S" 700 300
	_n=0
	for f in "$S"/new/*; do
		_n=$((_n + 1))
		case $_n in
		3 | 300) echo '{"scriptName":' >"$f" ;;
		5 | 301) echo '{"order":{"gpus":"many"}}' >"$f" ;;
		7 | 302) rm "$f" && mkdir "$f" ;;
		9 | 303) mv "$f" "$S/new/x${f##*/}" ;;
		690) echo '{"scriptName":"x.py","order":{"gpus":2,"requires":["big"]}}' >"$f" ;;
		esac
	done
	rm "$(find "$S/outcomes" -name '*.json' | sort | sed -n 150p)"
	spool ls --json >"$T/dirs"
	is "$(wc -l <"$T/dirs")" 998
	rm -rf "$S/index"
	exits 0 spool reindex
	is "$(sql 'SELECT count(*) FROM entry')" 998
	is "$(sql "SELECT count(*) FROM entry WHERE need LIKE '%\"gpus\":2,%[\"big\"]%'")" 1
	is "$(wc -l <"$S/index/outcomes.jsonl")" 299
	spool ls --json >"$T/index"
	same_as dirs index
}

t_same_from_everywhere() {
	gallery
	soon quiet
	rm -rf "$S/index"
	spool ls --json --metrics >"$T/dirs"
	[ "$(wc -l <"$T/dirs")" -ge 30 ] || fail "only $(wc -l <"$T/dirs") orders"
	for s in new waiting assigned "done" failed; do
		spool ls --json --metrics $s >"$T/dirs.$s"
		[ -s "$T/dirs.$s" ] || fail "none in $s"
	done
	is "$(cat "$T"/dirs.* | sort)" "$(sort "$T/dirs")"
	is "$(jq -c 'select(.metrics) | [.state, .step, .metrics.keys.f1.best]' "$T/dirs" | sort | tr '\n' ' ')" \
	    '["assigned",1,null] ["done",3,0.7] '
	# made by hand
	exits 0 spool reindex
	out_is 'index made anew'
	same() {
		spool ls --json --metrics >"$T/$1"
		same_as dirs "$1"
		for s in new waiting assigned "done" failed; do
			spool ls --json --metrics $s >"$T/$1.$s"
			same_as "dirs.$s" "$1.$s"
		done
		spool ls --json --metrics -n 7 >"$T/$1.last"
		is "$(cat "$T/$1.last")" "$(tail -n 7 "$T/dirs")" '-n 7'
	}
	same by_hand
	# That it came from the index: a word changed there is seen, until
	# anything changes in a directory.
	is "$(sql 'SELECT count(*) FROM entry')" "$(wc -l <"$T/dirs")"
	plant() {
		spool reindex >/dev/null
		"$PYTHON" -c 'import sqlite3, sys
d = sqlite3.connect(sys.argv[1]); d.execute("UPDATE entry SET title = \"planted\" WHERE title = \"held\""); d.commit()' \
		    "$S/index/spool.db"
		spool ls | grep -q planted
	}
	# (again, if a directory changed at that very moment)
	soon plant
	touch "$S/new/.x" && rm "$S/new/.x"
	same stale
	spool reindex >/dev/null
	# by spoold, and by spoold when asked to
	start_spoold
	soon sh -c 'test -s "$0/index/outcomes.jsonl" && test -s "$0/index/ready.jsonl"' "$S"
	# spoold publishes what was committed without its outcome
	soon quiet
	spool ls --json --metrics >"$T/dirs.now"
	stop "$SPOOLD"
	rm -rf "$S/index"
	spool ls --json --metrics >"$T/dirs"
	same_as dirs dirs.now
	for s in new waiting assigned "done" failed; do spool ls --json --metrics $s >"$T/dirs.$s"; done
	start_spoold
	soon sh -c 'test -s "$0/index/outcomes.jsonl" && test -s "$0/index/ready.jsonl"' "$S"
	same by_spoold
	is "$(sql 'SELECT count(*) FROM entry')" "$(wc -l <"$T/dirs")"
	exits 0 spool reindex
	out_is 'index made anew by spoold'
	same by_spoold_when_asked
	stop "$SPOOLD"
	same left_by_spoold
	touch "$T/go"
}

run_stories "$@"
