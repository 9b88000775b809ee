# spool -s sftp://...: every verb as on the spot, with spoold there and without.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
PLAIN_ONLY="with_spoold init cut listed"

far() { spool -s "$URL" "$@"; }
fixture() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo a word
	echo '{"loss":0.25}'
	SH
	script wait.sh <<-SH
	#!/bin/sh
	: >"$T/begun"
	while [ ! -e "$T/go" ]; do sleep 0.1; done
	echo '{"loss":1}'
	SH
	sshd_up
}
state() { spool ls --json | jq -r "select(.id == \"$1\").state"; }
state_is() { [ "$(state "$1")" = "$2" ]; }
same() {
	far "$@" >"$T/far" || fail "far $*"
	spool "$@" >"$T/near" || fail "near $*"
	cmp "$T/near" "$T/far" || fail "$* says something else from far away"
}

verbs() {
	# In: from far, with what lies beside it there and here.
	mkdir "$T/here"
	printf '#!/bin/sh\necho mine\necho "{\\"loss\\":2}"\n' >"$T/here/own.sh"
	job own.sh >"$T/here/own.json"
	job ok.sh >"$T/ok.json"
	own=$(far submit "$T/here/own.json") || fail 'submit'
	ok=$(far submit "$T/ok.json")
	for _i in 1 2 3 4 5; do cat "$T/ok.json"; done | far submit --no-pin - >"$T/ids"
	is "$(wc -l <"$T/ids")" 5
	held=$(tail -n 1 "$T/ids")
	far hold "$held" >/dev/null
	gone=$(head -n 1 "$T/ids")
	far cancel "$gone" >/dev/null
	has "$(far why "$held")" hold
	start_worker
	soon over "$gone"
	far wait "$own" "$ok" || fail 'wait'
	has "$(far log "$own")" mine
	has "$(far log "$ok")" 'a word'
	is "$(far show --json "$ok" | jq -r .row.status)" 200
	same show --json "$own"
	far unhold "$held" >/dev/null
	far wait "$held" || fail 'unhold'
	soon sh -c '[ -z "$(ls "$0/new" "$0/assigned" | grep -v :)" ]' "$S"
	same ls --json
	exits 1 far wait "$gone"
	# What runs, and its worker.
	run=$(job wait.sh | far submit --no-pin -)
	soon test -e "$T/begun"
	busy() { far workers | grep -q busy; }
	soon busy
	far drain --all >/dev/null
	soon sh -c 'spool workers | grep -q drain'
	far cancel "$run" >/dev/null
	soon over "$run"
	far resume --all >/dev/null
	again=$(far retry "$gone" | tail -n 1)
	[ -n "$again" ] || fail 'retry'
	far wait "$(echo "$again" | grep -o '[0-9]*T[0-9]*-[0-9a-f]*' | tail -n 1)" || fail 'the second try'
	far check || fail 'check'
	exits 100 far check --repair
	has "$(cat "$T/err")" 'where it lies'
	exits 100 far token --role read add
	has "$(cat "$T/err")" 'run it there'
	exits 1 far show nothing
}

t_alone() {
	fixture
	verbs
}
t_with_spoold() {
	fixture
	start_spoold
	verbs
	soon sh -c 'test -e "$0/index/spool.db"' "$S"
	far reindex || fail 'reindex'
	stop "$SPOOLD"
}

# A spool of its own is made over there, and a missing directory is mended.
# Read many at a time, and only those that are shown; one whose text is longer
# than that, one that is damaged, one without an outcome are read alone.
t_listed() {
	sshd_up
	for _i in $(seq 90); do job x.py; done >"$T/many"
	printf '{"scriptName":"x.py","long":"%0100000d"}\n' 0 >>"$T/many"
	spool submit --no-pin - <"$T/many" >"$T/ids"
	# shellcheck disable=SC2046
	spool cancel $(sed -n '10,60p' "$T/ids") >/dev/null
	start_worker --drain
	soon sh -c '[ -z "$(ls "$0/new" "$0/assigned" | grep -v :)" ]' "$S"
	for _n in 5 20 50; do
		_one=$(sed -n "${_n}p" "$T/ids")
		case $_n in
		5) rm "$S/outcomes/$_one.json" ;;
		20) echo '{"status":' >"$S/outcomes/$_one.json" ;;
		50) echo '{' >"$(echo "$S"/failed/*/*"$_one"*)" ;;
		esac
	done
	same ls --json
	is "$(wc -l <"$T/far")" 91 rows
	same ls --json -n 20
	is "$(wc -l <"$T/far")" 20 rows
	same ls --json -n 1 failed
}

t_init() {
	fixture
	URL=${URL%/*}/second
	mkdir "$SSHD/root/second"
	has "$(far init)" "$URL is a spool now"
	[ -d "$SSHD/root/second/blobs/sha256" ] || fail 'half a spool'
	rmdir "$SSHD/root/second/hold"
	far ls || fail ls
	[ -d "$SSHD/root/second/hold" ] || fail 'not mended'
	URL=${URL%/*}/none
	exits 100 far ls
	has "$(cat "$T/err")" 'none'
}

# The link is gone while it follows: it goes on when that is back; one that
# begins without says that later is better.
t_cut() {
	script talk.sh <<-SH
	#!/bin/sh
	echo one
	while [ ! -e "$T/go" ]; do sleep 0.1; done
	echo two
	SH
	sshd_up
	id=$(job talk.sh | far submit --no-pin -)
	start_worker
	far log -f "$id" >"$T/log" 2>"$T/said" &
	_log=$!
	soon grep -q one "$T/log"
	sshd_down
	exits 111 far ls
	soon grep -q 'goes on when' "$T/said"
	sshd_again
	: >"$T/go"
	wait "$_log" || fail "log -f: $(cat "$T/said")"
	is "$(tail -n 1 "$T/log")" two
	is "$(wc -l <"$T/log")" 2
}

run_stories "$@"
