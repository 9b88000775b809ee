# What people look at orders with: expressions, columns, CSV; without spoold
# and with it.
. "$TOP/tests/lib.sh"
CRASHBIN=${CRASHBIN:-${BIN%/*}/crash}

err_has() { has "$(cat "$T/err")" "$1"; }
out_is() { is "$(cat "$T/out")" "$1" "${2:-output}"; }

# Three runs of one group: the last fails; and one that waits.
fixture() {
	script run.sh <<-'SH'
	#!/bin/sh
	lr=$(jq .lr "$SPOOL_JOB")
	for i in 1 2 3; do echo "{\"step\":$i,\"loss\":$((4 - i)).5,\"val\":{\"acc\":0.$((i % 3))}}"; done >"$SPOOL_METRICS"
	[ "$lr" != 0.3 ] || exit 3
	echo "{\"loss\":$lr}"
	SH
	for lr in 0.1 0.2 0.3; do
		job run.sh "\"lr\":$lr,\"opt\":\"adam\",\"seed\":18446744073709551615,\"order\":{\"group\":\"g1\",\"name\":\"n$lr\",\"tags\":[\"wine\",\"lr $lr\"]}" |
		    sed 's/"n0\.\(.\)"/"n\1"/'
	done >"$T/three.jsonl"
	spool submit --no-pin "$T/three.jsonl" >"$T/ids"
	drain
	job run.sh '"lr":0.4,"opt":"sgd","projectName":"beer, and \"wine\""' >"$T/w.json"
	spool submit --no-pin --name n4 "$T/w.json" >>"$T/ids"
	spool hold n4 >/dev/null
}
id() { sed -n "$1p" "$T/ids"; }

# EXPRESSION | the names that it means
where_rows() {
	cat <<'ROWS'
state=failed and lr<0.5|n3
state=failed or lr=0.4|n3 n4
state=done|n1 n2
not state=done|n3 n4
lr>0.1 and lr<=0.3|n2 n3
tags=wine|n1 n2 n3
tags='lr 0.2'|n2
tags!=wine|n4
opt~AD and loss<0.15|n1
group=g1 and status=500|n3
order.group=g1 and cause=exit|n3
project~beer|n4
age<1h|n1 n2 n3 n4
age>1d|
submitted>2001-01-01|n1 n2 n3 n4
loss.best=1.5|n1 n2 n3
val/acc.max=0.2 and val/acc.last=0|n1 n2 n3
metrics.loss.max=3.5 and params.lr=0.1|n1
metrics.loss=1.5 and loss=0.2|n2
nope=null and seed=18446744073709551615 and state=done|n1 n2
worker|n1 n2 n3
ROWS
}

t_ls_where() {
	fixture
	where_rows >"$T/table"
	all_rows() {
		while IFS='|' read -r expr names; do
			exits 0 spool ls --json --where "$expr"
			is "$(jq -r .name "$T/out" | tr '\n' ' ')" "${names:+$names }" "$expr"
		done <"$T/table"
		is "$(spool ls --json --where 'state=done' failed)" ''
		is "$(spool ls --json --group g1 -n 1 | jq -r .name)" n3
		is "$(spool ls --json --group g1 --where 'lr<0.3' -n 1 | jq -r .name)" n2
		is "$(spool ls --json --group g2)" ''
	}
	all_rows
	start_spoold
	soon test -e "$S/index/ready.jsonl"
	all_rows
	# What is wrong, and the mend.
	exits 100 spool ls --where 'state failed'
	err_has 'an operator (= != < <= > >= ~)'
	err_has 'at "failed"'
	exits 100 spool ls --where 'lr<0.1 and'
	err_has 'it ends where the name of a field is expected'
	exits 100 spool ls --where a --where b
	err_has "join them by 'and'"
	exits 0 spool ls --where 'Lr>0'
	err_has "is 'lr' meant?"
	exits 0 spool ls --where 'stat=done'
	err_has "is 'state' meant?"
}

t_ls_shapes() {
	fixture
	is "$(spool ls --csv --columns name,lr,loss,val/acc.best,project,seed,tags | tr -d '\r')" \
'name,lr,loss,val/acc.best,project,seed,tags
n1,0.1,0.1,0.2,,18446744073709551615,"[""wine"",""lr 0.1""]"
n2,0.2,0.2,0.2,,18446744073709551615,"[""wine"",""lr 0.2""]"
n3,0.3,,0.2,,18446744073709551615,"[""wine"",""lr 0.3""]"
n4,0.4,,,"beer, and ""wine""",,'
	# as another reader of CSV has it
	spool ls --csv | "$PYTHON" -c 'import csv, sys
print([(r["name"], r["state"], r["project"]) for r in csv.DictReader(sys.stdin)][2:])' >"$T/csv"
	is "$(cat "$T/csv")" "[('n3', 'failed', ''), ('n4', 'waiting', 'beer, and \"wine\"')]"
	# sorted: what has no value stands last, whichever way
	is "$(spool ls --json --sort -lr | jq -r .name | tr '\n' ' ')" 'n4 n3 n2 n1 '
	is "$(spool ls --json --sort loss | jq -r .name | tr '\n' ' ')" 'n1 n2 n3 n4 '
	is "$(spool ls --json --sort -loss | jq -r .name | tr '\n' ' ')" 'n2 n1 n3 n4 '
	is "$(spool ls --json --sort -opt -n 2 | jq -r .name | tr '\n' ' ')" 'n4 n3 '
	is "$(spool ls --json --columns id,lr,tags,seed,loss,order.group --where name=n3)" \
	    "{\"id\":\"$(id 3)\",\"lr\":0.3,\"tags\":[\"wine\",\"lr 0.3\"],\"seed\":18446744073709551615,\"loss\":null,\"order.group\":\"g1\"}"
	is "$(spool ls --columns name,lr,opt --sort -lr failed waiting)" 'name   lr  opt
n4    0.4  sgd
n3    0.3  adam'
	exits 100 spool ls --columns ''
	exits 100 spool ls --columns a,,b
	err_has 'commas between'
	exits 100 spool ls --sort -
	exits 100 spool ls --csv -n x
	# What jobs say reaches no terminal as it is.
	printf '{"scriptName":"run.sh","evil":"\\u001b[31mred\\n","projectName":"\\u001b]0;x\\u0007"}' >"$T/evil.json"
	spool submit --no-pin --name evil "$T/evil.json" >/dev/null
	export TERM=dumb
	for form in '' --csv --json; do
		command script -qec "spool ls $form --where name=evil --columns name,evil,project" /dev/null >"$T/tty" 2>&1 </dev/null
		hasnt "$(tr '\033\007' '!!' <"$T/tty")" '!'
		has "$(cat "$T/tty")" red
	done
}

# The same expression means the same to the verbs that act.
t_act_where() {
	fixture
	for i in 5 6 7; do job run.sh "\"lr\":0.$i,\"order\":{\"group\":\"g2\"}" >"$T/j.json"; spool submit --no-pin --name "n$i" "$T/j.json" >/dev/null; done
	exits 0 spool hold --where 'lr>=0.5 and lr<0.7'
	is "$(spool ls --json waiting | jq -r .name | tr '\n' ' ')" 'n4 n5 n6 '
	exits 0 spool unhold --group g2 --where 'lr=0.5'
	is "$(spool ls --json new | jq -r .name | tr '\n' ' ')" 'n5 n7 '
	exits 0 spool cancel --group g2
	is "$(spool ls --json --where 'status=499' | jq -r .name | tr '\n' ' ')" 'n5 n6 n7 '
	exits 1 spool cancel --where 'lr<=0.3' # they are over
	err_has 'no order is meant'
	exits 1 spool cancel --where 'lr>100'
	err_has 'no order is meant'
	exits 100 spool cancel --where 'lr>100' n4
	exits 100 spool cancel
	exits 100 spool cancel --where 'lr>'
	is "$(spool ls --json --where name=n4 | jq -r .state)" waiting
	promises
}

t_compare() {
	fixture
	is "$(spool compare g1 --metric loss --json | jq -c '[.rank,.star,.name,.params.lr,.last,.best]')" \
'[1,true,"n1",0.1,0.1,0.1]
[2,false,"n2",0.2,0.2,0.2]
[3,false,"n3",0.3,1.5,1.5]'
	# only what differs; the seed is the same, and no number is bent
	is "$(spool compare g1 --json | jq -c '.params | keys' | sort -u)" '["lr"]'
	is "$(spool compare --json | jq -c '.params | keys' | sort -u)" '["lr","opt","projectName","seed"]'
	has "$(spool compare --json)" '"seed":18446744073709551615'
	is "$(spool compare g1 --metric val/acc --top 1 --csv | tr -d '\r')" \
"rank,id,name,state,lr,last,best
1,$(id 1),n1,done,0.1,0,0.2"
	is "$(spool compare "$(id 2)" "$(id 3)" --metric loss --json | jq -r .name | tr '\n' ' ')" 'n2 n3 '
	is "$(spool compare --metric seconds --max --where 'state=done' --json | jq -r .name | sort | tr '\n' ' ')" 'n1 n2 '
	has "$(spool compare g1)" "*  $(id 1)  n1    done    0.1        0.1        0.1"
	exits 100 spool compare g1 --metric foo
	err_has 'say --min or --max'
	exits 0 spool compare g1 --metric foo --max
	err_has "none of 3 has a value of 'foo'"
	exits 1 spool compare nobody
	exits 1 spool compare --where 'lr>100'
	exits 100 spool compare --top 0
	# A parameter's name is a stranger's as well.
	printf '{"scriptName":"run.sh","a\\u001b[31mb":1}' >"$T/evil.json"
	spool submit --no-pin --name evil "$T/evil.json" >/dev/null
	TERM=dumb COLUMNS=300 command script -qec "spool compare" /dev/null >"$T/tty" 2>&1 </dev/null
	hasnt "$(tr '\033' '!' <"$T/tty")" '!'
	has "$(cat "$T/tty")" 'x1b[31mb'
}

t_diff() {
	fixture
	exits 1 spool diff --json n1 n3
	jq -c '[.section,.name,.a,.b]' "$T/out" | grep -v '"environment"' >"$T/d"
	is "$(grep -v '"outcome"' "$T/d")" \
'["parameters","lr",0.1,0.3]
["order","name","n1","n3"]
["order","tags",["wine","lr 0.1"],["wine","lr 0.3"]]'
	has "$(cat "$T/d")" '["outcome","status",200,500]'
	has "$(cat "$T/d")" '["outcome","loss",0.1,null]'
	has "$(cat "$T/d")" '["outcome","cause","ok","exit"]'
	exits 1 spool diff n1 n3
	has "$(tr -s ' ' <"$T/out")" 'parameters lr 0.1 0.3'
	exits 0 spool diff n1 n1
	out_is ''
	exits 100 spool diff n1 nobody
	exits 100 spool diff n1
	# pinned code: which files
	mkdir "$T/src"
	echo 'import helper' >"$T/src/a.py"
	echo 'x = 1' >"$T/src/helper.py"
	job a.py >"$T/src/j.json"
	spool submit --name p1 "$T/src/j.json" >/dev/null
	echo 'x = 2' >"$T/src/helper.py"
	spool submit --name p2 "$T/src/j.json" >/dev/null
	exits 1 spool diff --json p1 p2
	is "$(jq -r 'select(.section == "code") | .name' "$T/out" | tr '\n' ' ')" 'code code/helper.py '
	is "$(jq -r 'select(.name == "code/helper.py") | .b' "$T/out")" "$(sha256sum <"$T/src/helper.py" | cut -c1-64)"
}

t_rerun() {
	fixture
	# What ran runs again, though nobody pinned it and it was edited since.
	sha=$(sha256sum <"$S/scripts/run.sh" | cut -c1-64)
	echo 'exit 9' >>"$S/scripts/run.sh"
	exits 0 spool rerun n1 -p lr=0.15 -p seed=7 --name again --priority 3
	new=$(cat "$T/out")
	is "$(jq -c '[.lr,.seed,.opt,.order.group,.order.name,.order.priority]' "$S/new/03.$new.t1a0.again.json")" '[0.15,7,"adam","g1","again",3]'
	drain
	is "$(status_of "$new")" 200
	is "$(jq -r .run.scriptSha256 "$S/outcomes/$new.json")" "$sha"
	# The text of the rest stays: only what is set is written anew.
	exits 0 spool rerun n2
	is "$(jq -S 'del(.order.scriptSha256)' "$S"/new/*"$(cat "$T/out")"*)" "$(jq -S . "$S"/done/*/*.n2.json)"
	# Another script is meant as it is now.
	exits 0 spool rerun "$new" -p scriptName=run.sh
	is "$(jq -c .order.scriptSha256 "$S"/new/*"$(cat "$T/out")"*)" null
	exits 100 spool rerun n1 -p lr
	exits 100 spool rerun
	exits 1 spool rerun nobody
	n=$(count new)
	exits 100 spool rerun n1 -p order.priority=soon
	is "$(count new)" "$n"
	promises
}

t_retry_failed() {
	fixture
	exits 0 spool cancel n4
	exits 0 spool retry --failed
	is "$(wc -l <"$T/out")" 1
	is "$(spool ls --json new | jq -r '.retryOf')" "$(id 3)"
	# not twice; and by group
	exits 0 spool retry --failed
	out_is ''
	err_has '1 left alone'
	drain
	exits 0 spool retry --failed g1
	is "$(wc -l <"$T/out")" 1 'the retry failed as well'
	exits 1 spool retry --failed g9
	exits 100 spool retry --failed --frob
	exits 0 spool retry --where 'state=done and lr=0.1'
	is "$(spool ls --json --where "retryOf=$(id 1)" new | jq -r .name)" n1
}

t_prio() {
	fixture
	for i in 5 6; do job run.sh "\"lr\":0.$i" >"$T/j.json"; spool submit --no-pin --name "n$i" "$T/j.json" >/dev/null; done
	exits 0 spool prio 7 n6 n4
	has "$(cat "$T/out")" 'has priority 7'
	is "$(ls "$S/new" | sed 's/\.2.*\.t/ t/')" '07 t2a0.n6.json
50 t1a0.n5.json'
	is "$(ls "$S/waiting" | sed 's/\.2.*\.t/ t/')" '07 t3a0.n4.json'
	# Killed on either side of the rename, it is one order still.
	[ -x "$CRASHBIN/spool" ] || fail "make VARIANT=crash programs"
	SPOOL_CRASH=urge.before "$CRASHBIN/spool" prio 8 n5 2>/dev/null && fail 'urge.before not hit'
	is "$(ls "$S"/new/*n5* | wc -l) $(ls "$S"/new/50*t1a0.n5* | wc -l)" '1 1'
	SPOOL_CRASH=urge.after "$CRASHBIN/spool" prio 50 n6 2>/dev/null && fail 'urge.after not hit'
	is "$(ls "$S"/new/*n6* | wc -l) $(ls "$S"/new/50*t3a0.n6* | wc -l)" '1 1'
	exits 0 spool prio 7 n6
	exits 0 spool prio 7 n6 # as it is
	is "$(ls "$S"/new/07*t4a0* | wc -l)" 1
	exits 0 spool prio 99 --where 'lr>0.4'
	is "$(spool ls --json new | jq -c '[.name,.prio,.ticket]' | tr '\n' ' ')" '["n5",99,2] ["n6",99,5] '
	exits 1 spool prio 1 n1
	err_has 'is over already'
	exits 100 spool prio 100 n5
	exits 100 spool prio n5 3
	exits 100 spool prio 3
	drain
	is "$(spool ls --json --where 'lr>0.4' | jq -r .status | sort -u)" 200
	promises
}

t_export() {
	fixture
	exits 0 spool export --format jsonl g1
	is "$(jq -c '[.name,.job.lr,.outcome.status,.metrics.keys.loss.best]' "$T/out" | tr '\n' ' ')" \
	    '["n1",0.1,200,1.5] ["n2",0.2,200,1.5] ["n3",0.3,500,1.5] '
	exits 0 spool export --format csv --where 'lr<0.3 or lr=0.4'
	"$PYTHON" -c 'import csv, sys
print([(r["name"], r["params.lr"], r["params.seed"], r["metrics.val/acc.best"], r["project"]) for r in csv.DictReader(sys.stdin)])' <"$T/out" >"$T/csv"
	is "$(cat "$T/csv")" "[('n1', '0.1', '18446744073709551615', '0.2', ''), ('n2', '0.2', '18446744073709551615', '0.2', ''), ('n4', '0.4', '', '', 'beer, and \"wine\"')]"
	exits 0 spool export --format sqlite -o "$T/all.db"
	is "$("$PYTHON" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
print(db.execute("""select o.name, typeof(p.value), p.value, m.best from orders o join params p using(id)
 join metrics m using(id) where p.name = ? and m.name = ? and state = ?""", ("lr", "loss", "failed")).fetchall(),
 db.execute("select count(*), count(status), group_concat(distinct grouped) from orders").fetchall(),
 db.execute("select json_extract(job, \"$.opt\") from orders where name = \"n4\"").fetchall())' "$T/all.db")" \
	    "[('n3', 'real', 0.3, 1.5)] [(4, 3, 'g1')] [('sgd',)]"
	exits 100 spool export --format sqlite -o "$T/all.db"
	err_has 'made anew'
	# Every line has every column, in its type; the schema says which.
	job run.sh '"lr":1,"opt":3,"on":true' >"$T/j.json"
	spool submit --no-pin "$T/j.json" >/dev/null
	exits 0 spool export --format parquet-ready -o "$T/flat.jsonl"
	is "$("$PYTHON" -c 'import json, sys
schema = {c["name"]: c["type"] for c in json.load(open(sys.argv[1] + ".schema.json"))["columns"]}
kinds = {"string": str, "double": float, "int64": int, "bool": bool}
rows = [json.loads(l) for l in open(sys.argv[1])]
for row in rows:
    assert list(row) == list(schema), row
    for k, v in row.items(): assert v is None or type(v) is kinds[schema[k]], (k, v)
print(len(rows), [schema["params." + k] for k in ("lr", "opt", "on", "seed")], schema["metrics.loss.best"], schema["status"])' "$T/flat.jsonl")" \
	    "5 ['double', 'string', 'bool', 'string'] double int64"
	exits 100 spool export --format parquet-ready
	err_has 'give -o FILE'
	exits 100 spool export --format xml
	err_has 'jsonl, csv, sqlite and parquet-ready'
	exits 100 spool export
	exits 100 spool export --format csv -o "$T/no/such"
}

t_plot() {
	fixture
	exits 100 env PATH=/nowhere "$BIN/spool" plot g1
	err_has 'gnuplot is not installed'
	exits 100 env PATH=/nowhere "$BIN/spool" plot g1 -o "$T/x.svg"
	[ ! -e "$T/x.svg" ] || fail 'half a file is left'
	command -v gnuplot >/dev/null || fail 'no gnuplot (tools/packages names it)'
	mkdir "$T/tmp"
	export TMPDIR="$T/tmp"
	exits 0 spool plot g1
	has "$(cat "$T/out")" "n1 $(id 1 | cut -c20-)"
	has "$(cat "$T/out")" '3.5 +'
	exits 0 spool plot n1 n2 n4 --metric val/acc --log -o "$T/x.svg"
	has "$(head -c 300 "$T/x.svg")" '<svg'
	is "$(grep -c 'gnuplot_plot_[12]"' "$T/x.svg")" 2
	err_has '1 without a value left out'
	exits 0 spool plot --where 'lr<0.3' -o "$T/x.png"
	is "$(head -c 4 "$T/x.png" | tail -c 3)" PNG
	# Names that mean something to gnuplot, the shell, or SVG, mean nothing.
	cat >"$T/evil.jsonl" <<-'JSON'
	{"step":1,"a\"; system(\"touch HIT\")\n`touch HIT`":1,"<b>%s$(touch HIT)":2,"'; system('touch HIT'); #":3}
	JSON
	cat >"$S/scripts/evil.sh" <<-SH
	#!/bin/sh
	cp "$T/evil.jsonl" "\$SPOOL_METRICS"
	echo '{}'
	SH
	chmod +x "$S/scripts/evil.sh"
	printf '{"scriptName":"evil.sh","order":{"name":"evil"}}' >"$T/j.json"
	spool submit --no-pin "$T/j.json" >/dev/null
	drain
	cd "$T" || exit
	exits 0 spool plot evil
	exits 0 spool plot evil --metric '<b>%s$(touch HIT)' -o evil.svg
	hasnt "$(cat evil.svg)" '<b>'
	exits 0 spool plot evil --metric "'; system('touch HIT'); #" -o evil.svg
	[ -z "$(find "$T" -name HIT)" ] || fail 'a command ran'
	"$PYTHON" -c 'import sys, xml.dom.minidom; xml.dom.minidom.parse(sys.argv[1])' evil.svg
	is "$(ls "$TMPDIR")" '' 'left in /tmp'
	exits 1 spool plot g1 --metric nope
	err_has "none of 3 has a value of 'nope'"
	exits 100 spool plot g1 -o x.pdf
	err_has '.svg or .png'
	exits 100 spool plot
	exits 100 spool plot g1 -o "$T/no/such.svg"
}

t_complete() {
	fixture
	may() { spool complete "$@" | tr '\n' ' '; }
	is "$(may com)" 'compare '
	has "$(may '')" 'init submit '
	has "$(may '')" ' compare diff '
	hasnt "$(may '')" 'complete'
	is "$(may ls --so)" '--sort '
	is "$(may compare --m)" '--metric --min --max '
	is "$(may ls --sort star)" 'started '
	is "$(may ls w)" 'waiting '
	is "$(may export --format p)" 'parquet-ready '
	is "$(may show "$(id 2)")" "$(id 2) "
	is "$(may plot g)" 'g1 '
	is "$(may -s "$S" show n)" 'n1 n2 n3 n4 '
	is "$(SPOOL_DIR='' may show n 2>/dev/null)" ''
	is "$(may nonsense x)" ''
	# as the shells ask
	is "$(bash --norc -c 'source "$1/completions/spool.bash"
	    COMP_WORDS=(spool show n) COMP_CWORD=2; _spool; echo "${COMPREPLY[@]}"' - "$TOP")" 'n1 n2 n3 n4'
	if command -v fish >/dev/null; then
		is "$(fish --no-config -c "source $TOP/completions/spool.fish; complete -C 'spool plot g'" | cut -f1)" g1
	fi
	if command -v zsh >/dev/null; then
		is "$(zsh -f -c 'compadd() { print -r -- $words_ }; words=(spool ls w) CURRENT=3; source "$1/completions/_spool"' - "$TOP")" waiting
	fi
}

# on_tty STEPS COMMAND...: in a terminal of its own.  STEPS is Python: sees(TEXT)
# waits until the screen has had it, keys(TEXT), size(ROWS, COLS), end(SIGNAL).
on_tty() {
	_steps=$1
	shift
	cat >"$T/screen.py" <<-'PY'
	import fcntl, os, pty, select, signal, struct, sys, termios, time
	limit = time.monotonic() + float(sys.argv[1])
	pid, fd = pty.fork()
	if pid == 0:
	    os.environ["TERM"] = "xterm"
	    os.execvp(sys.argv[3], sys.argv[3:])
	out = b""
	def more():
	    global out
	    if time.monotonic() > limit: sys.exit("never seen; so far: %r" % out[-3000:])
	    if select.select([fd], [], [], 0.2)[0]:
	        try: part = os.read(fd, 65536)
	        except OSError: return False
	        out += part
	        return part != b""
	    return True
	def sees(text): # painted anew now and then, for only what changes is sent
	    global out
	    n, rows, cols = 0, *struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, bytes(8)))[:2]
	    while text.encode() not in out:
	        n += 1
	        if n % 10 == 0: size(rows, cols + n // 10 % 2)
	        if not more(): sys.exit("gone before %r: %r" % (text, out[-3000:]))
	    out = out.partition(text.encode())[2]
	def keys(text): os.write(fd, text.encode())
	def size(rows, cols): fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
	def end(number): os.kill(pid, number)
	before = termios.tcgetattr(fd)
	size(30, 120)
	exec(sys.argv[2])
	rest = out
	while more(): pass
	status = os.waitpid(pid, 0)[1]
	if b"\x1b[?1049l" not in out and b"\x1b[?1049l" not in rest: sys.exit("the terminal was left as it was: %r" % out[-300:])
	sys.exit(os.waitstatus_to_exitcode(status))
	PY
	timeout $((DEADLINE * 2)) "$PYTHON" "$T/screen.py" "$DEADLINE" "$_steps" "$@"
}

t_top() {
	fixture
	job run.sh '"lr":0.9,"order":{"name":"evil"},"projectName":"\u001b[31m"' >"$T/j.json"
	spool submit --no-pin "$T/j.json" >/dev/null
	exits 100 spool top
	err_has 'it needs a terminal'
	exits 100 spool top x
	# the queue, priorities, hold, cancel after a yes, a log; q
	on_tty 'sees("1 new"); sees("evil"); keys("+"); sees("has priority 49")
keys("h"); sees("held"); keys("u"); sees("evil"); keys("c"); sees("y or n"); keys("n")
sees("evil"); keys("c"); sees("y or n"); keys("y"); sees("cancelled")
size(16, 60); keys("l"); sees("log of"); keys("jjjjkk"); keys("q")' spool top
	is "$(spool ls --json --where name=evil | jq -r .status)" 499
	# killed, it leaves the terminal as it was too
	on_tty 'sees("running"); end(signal.SIGTERM)' spool top
	on_tty 'sees("running"); end(signal.SIGINT)' spool top
	on_tty 'sees("running"); size(3, 10); keys("j"); size(1, 1); keys("l"); size(24, 80); keys("q")' spool top
}

t_notify() {
	fixture
	exits 1 env T="$T" spool notify --exec 'cat >"$T/said"; echo "$SPOOL_SUBJECT" >"$T/subject"' g1
	is "$(cat "$T/subject")" 'spool: g1 ended: 3 of 3 over, 1 failed'
	is "$(jq -c '[.event,.group,.orders,.succeeded,.failed,.failures[0].name,.failures[0].status]' "$T/said")" '["end","g1",3,2,1,"n3",500]'
	exits 0 spool notify --exec true n1 n2
	exits 111 spool notify --exec false n1
	err_has 'ended badly'
	# sendmail gets headers of one line each
	mkdir "$T/bin"
	printf '#!/bin/sh\ncat >"%s"\necho "$@" >"%s"\n' "$T/mail" "$T/mail.args" >"$T/bin/sendmail"
	chmod +x "$T/bin/sendmail"
	PATH=$T/bin:$PATH exits 1 spool notify --on failure --mail anna@example.org g1
	is "$(sed -n 1,2p "$T/mail")" 'To: anna@example.org
Subject: spool: g1 has a failure: 3 of 3 over, 1 failed'
	has "$(cat "$T/mail")" "$(id 3) n3  500 exit code 3"
	is "$(cat "$T/mail.args")" '-i -t'
	exits 100 spool notify --mail 'a@b -oQ/tmp' g1
	exits 100 spool notify g1
	err_has 'say how'
	exits 1 spool notify --exec true nobody
	exits 100 spool notify --on fire --exec true g1
	# A URL, and one that is not there.
	cat >"$T/hook.py" <<-'PY'
	import http.server, sys
	class H(http.server.BaseHTTPRequestHandler):
	    def do_POST(self):
	        open(sys.argv[1] + "/hook", "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
	        self.send_response(204 if self.path == "/hook?x=1" else 404); self.end_headers()
	s = http.server.HTTPServer(("127.0.0.1", 0), H)
	open(sys.argv[1] + "/port", "w").write(str(s.server_port) + "\n")
	s.serve_forever()
	PY
	"$PYTHON" "$T/hook.py" "$T" >"$T/hook.out" 2>&1 &
	PIDS="$PIDS $!"
	soon test -s "$T/port"
	exits 0 spool notify --webhook "http://127.0.0.1:$(cat "$T/port")/hook?x=1" n1
	is "$(jq -c '[.event,.orders,.failed]' "$T/hook")" '["end",1,0]'
	exits 111 spool notify --webhook "http://127.0.0.1:$(cat "$T/port")/other" n1
	err_has 'the answer was 404'
	exits 111 spool notify --webhook nonsense n1
	err_has 'begins with https://'
	# It waits: for the first failure, and for what comes to the group meanwhile.
	job run.sh '"lr":0.5,"order":{"group":"g5","name":"n5"}' >"$T/j.json"
	spool submit --no-pin "$T/j.json" >/dev/null
	spool notify --exec "cat >'$T/said5'" g5 >/dev/null 2>&1 &
	waiter=$!
	PIDS="$PIDS $waiter"
	job run.sh '"lr":0.3,"order":{"group":"g5","name":"n6"}' >"$T/j.json"
	spool submit --no-pin "$T/j.json" >/dev/null
	[ ! -e "$T/said5" ] || fail 'said too early'
	drain
	rc=0
	wait $waiter || rc=$?
	is $rc 1
	is "$(jq -c '[.orders,.failed]' "$T/said5")" '[2,1]'
}

run_stories "$@"
