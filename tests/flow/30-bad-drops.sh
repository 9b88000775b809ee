# What people and enemies drop into new/: set aside in bad/ with a .why that a
# person understands, refused by name with an outcome 400, or left alone; it
# never blocks or crashes anything, and the good job beside it runs.
. "$TOP/tests/lib.sh"

row_done() { echo "$1" >>"$T/rows"; }

# ---- the drops; each makes what it is named after at $1 ----
d_symlink() { echo '{"scriptName":"ok.py"}' >"$T/elsewhere"; ln -s "$T/elsewhere" "$1"; }
d_dangling_symlink() { ln -s /nowhere/at/all "$1"; }
d_fifo() { mkfifo "$1"; }
d_socket() { "$PYTHON" -c 'import socket,sys,os; os.chdir(os.path.dirname(sys.argv[1])); socket.socket(socket.AF_UNIX).bind(os.path.basename(sys.argv[1]))' "$1"; }
d_device() { mknod "$1" c 1 5 2>/dev/null; }
d_directory() { mkdir "$1"; echo '{}' >"$1/x"; }
d_hard_link() { echo '{"scriptName":"ok.py"}' >"$T/elsewhere2"; ln "$T/elsewhere2" "$1"; }
d_two_gigabytes() { truncate -s 2G "$1"; }
d_deep() { "$PYTHON" -c 'print("{\"a\":" + "["*100000 + "]"*100000 + "}")' >"$1"; }
d_nul() { printf '{"scriptName":"ok.py","a":"x\000y"}' >"$1"; }
d_escaped_nul() { printf '{"scriptName":"ok.py","a":"x\\u0000y"}' >"$1"; }
d_nul_filled() { head -c 600 /dev/zero >"$1"; }
d_duplicate_key() { echo '{"scriptName":"ok.py","a":1,"a":2}' >"$1"; }
d_invalid_utf8() { printf '{"scriptName":"ok.py","a":"\377\376"}' >"$1"; }
d_half_written() { printf '{"scriptName":"ok.py","epochs":' >"$1"; }
d_empty() { : >"$1"; }
d_array() { echo '[{"scriptName":"ok.py"}]' >"$1"; }
d_trailing_garbage() { echo '{"scriptName":"ok.py"} and more' >"$1"; }
d_two_objects() { echo '{"scriptName":"ok.py"}{"scriptName":"ok.py"}' >"$1"; }
d_nan() { echo '{"scriptName":"ok.py","lr":NaN}' >"$1"; }
d_bom() { printf '\357\273\277{"scriptName":"ok.py"}' >"$1"; }
d_python_dict() { echo "{'scriptName': 'ok.py'}" >"$1"; }
d_plain_text() { echo 'hello world' >"$1"; }

BROKEN='symlink dangling_symlink fifo socket device directory hard_link
two_gigabytes deep nul escaped_nul nul_filled duplicate_key invalid_utf8
half_written empty array trailing_garbage two_objects nan bom python_dict
plain_text'

# name | the job | what the outcome 400 must say
invalid_rows() {
	cat <<'ROWS'
no_script|{"epochs":3}|scriptName
script_number|{"scriptName":3}|scriptName
script_path|{"scriptName":"../../etc/passwd"}|scriptName
script_dash|{"scriptName":"-c"}|scriptName
data_path|{"scriptName":"ok.py","dataFileName":"a/b"}|dataFileName
order_typo|{"scriptName":"ok.py","order":{"priorty":3}}|priority
order_text|{"scriptName":"ok.py","order":"high"}|order
prio_range|{"scriptName":"ok.py","order":{"priority":100}}|priority
prio_negative|{"scriptName":"ok.py","order":{"priority":-1}}|priority
timeout_words|{"scriptName":"ok.py","order":{"timeout":"soon"}}|timeout
after_bad|{"scriptName":"ok.py","order":{"after":["yesterday"]}}|after
env_bad|{"scriptName":"ok.py","order":{"env":{"SPOOL_ID":"x"}}}|SPOOL_ID
attempts_zero|{"scriptName":"ok.py","order":{"attempts":0}}|attempts
ROWS
}

good_job() {
	script ok.py <<-'PY'
	print('{"status":200,"loss":1}')
	PY
	job ok.py >"$T/good.json"
}

bad_is() { [ -e "$S/bad/$1.json" ] || [ -L "$S/bad/$1.json" ]; }
why_is() { [ -s "$S/bad/$1.json.why" ]; }

failed_with() { # LABEL: its outcome's error
	_f=$(find "$S/failed" -name "*.$1.json")
	[ -n "$_f" ] || return 1
	_id=$(basename "$_f" | cut -d. -f2)
	jq -r 'select(.status==400).error' "$S/outcomes/$_id.json"
}
refused() { failed_with "$1" | grep -qF "$2"; }

rows() {
	for d in $BROKEN; do
		"d_$d" "$S/new/$d.json" || echo "$d" >>"$T/cannot"
	done
	invalid_rows | while IFS='|' read -r name text _; do
		echo "$text" >"$S/new/$name.json"
	done
	cp "$T/good.json" "$S/new/good.json"
	for n in .hidden x~ x.tmp x.part x.swp x.filepart; do
		echo '{"scriptName":"ok.py"}' >"$S/new/$n"
	done
	soon good_is_done
	for d in $BROKEN; do
		if grep -qsx "$d" "$T/cannot"; then
			[ "$d" = device ] || fail "cannot make $d"
			continue
		fi
		soon bad_is "$d"
		soon why_is "$d"
		why=$(cat "$S/bad/$d.json.why")
		has "$why" 'What is wrong:'
		has "$why" 'What to do:'
		row_done "$d"
	done
	has "$(cat "$S/bad/half_written.json.why")" 'line 1'
	has "$(cat "$S/bad/symlink.json.why")" 'symbolic link'
	has "$(cat "$S/bad/duplicate_key.json.why")" '"a"'
	has "$(cat "$S/bad/two_gigabytes.json.why")" '2147483648'
	[ -e "$T/elsewhere" ] || fail 'the target of a symlink was touched'
	is "$(stat -c %s "$S/bad/two_gigabytes.json")" 2147483648
	invalid_rows | while IFS='|' read -r name text words; do
		soon refused "$name" "$words"
		row_done "$name"
	done
	for n in .hidden x~ x.tmp x.part x.swp x.filepart; do
		[ -e "$S/new/$n" ] || fail "$n was touched"
	done
	row_done ignored_names
	promises
}

good_is_done() { find "$S/done" -name '*.good.json' | grep -q .; }

t_with_spoold() {
	good_job
	start_spoold
	start_worker
	rows
	kill -0 "$SPOOLD" && kill -0 "$WORKER"
}

t_worker_only() {
	good_job
	start_worker
	rows
	kill -0 "$WORKER"
}

# ---- names ----
t_odd_names() {
	good_job
	start_spoold
	start_worker
	cp "$T/good.json" "$S/new/$(printf 'new\nline.json')"
	cp "$T/good.json" "$S/new/$(printf 'esc\033[31mred.json')"
	cp "$T/good.json" "$S/new/a b (1).json"
	cp "$T/good.json" "$S/new/-rf.json"
	cp "$T/good.json" "$S/new/$(printf '%0250d' 7)"
	cp "$T/good.json" "$S/new/no-ending"
	echo garbage >"$S/new/$(printf 'bad\033[31m.json')"
	soon outcomes_are 6
	soon sh -c 'ls "$0"/bad | grep -q why' "$S"
	# No control character gets from a name into a log.
	! grep -q "$(printf '\033')" "$T/spoold.log" "$T/worker.log" ||
	    fail 'an escape sequence in a log'
	promises
}

# ---- time ----
t_half_written_then_whole() {
	good_job
	policy lease=1 beat=0.2 settle=60
	start_spoold
	start_worker
	printf '{"scriptName":' >"$S/new/slow.json"
	cp "$T/good.json" "$S/new/good.json"
	soon good_is_done
	[ -e "$S/new/slow.json" ] || fail 'a young drop was touched'
	printf '"ok.py"}\n' >>"$S/new/slow.json"
	soon outcomes_are 2
	promises
}

# A canonical name whose content is broken is a drop like any other.
t_canonical_but_broken() {
	good_job
	start_spoold
	start_worker
	echo 'no json' >"$S/new/50.20260102T030405678-0a1b2c3d.t1a0.fake.json"
	soon sh -c 'test -e "$0"/bad/50.20260102T030405678-0a1b2c3d.t1a0.fake.json.why' "$S"
	cp "$T/good.json" "$S/new/good.json"
	soon good_is_done
}

# A drop that was set aside can be mended and put back, as its .why says.
t_mended() {
	good_job
	start_spoold
	start_worker
	echo '{"scriptName":"ok.py",}' >"$S/new/oops.json"
	soon why_is oops
	echo '{"scriptName":"ok.py"}' >"$S/bad/oops.json"
	mv "$S/bad/oops.json" "$S/new/"
	soon outcomes_are 1
}

run_stories "$@"
