# Workers beside the spool, over SFTP and over HTTP claim the same orders: each
# is run once and none is lost, also while links break, hang and slow down,
# answers get lost, and sshd and the HTTP server are killed and come back.
#
#	RACE_ORDERS	how many (150, in the storm 60; 20,000 in the labs)
#	RACE_NAP	seconds that a job takes, at least (0.3)
#	RACE_EACH	workers by each way (2; 4 in the labs)
. "$TOP/tests/lib.sh"
. "$TOP/tests/media.sh"

ORDERS=${RACE_ORDERS:-150}
EACH=${RACE_EACH:-2}
SEED=${RACE_SEED:-1}

worker_at() { # NAME URL
	# shellcheck disable=SC2086
	workerd $ROOTOK --work "$T/work" --cold --name "$1" "$2" \
	    >>"$T/worker.$1.log" 2>&1 &
	PIDS="$PIDS $!"
	WORKERS="$WORKERS $!"
}

# A link of its own for SFTP and one for HTTP.
field() {
	script ok.sh <<-SH
	#!/bin/sh
	sleep ${RACE_NAP:-0.3}
	echo '{"loss":1}'
	SH
	policy lease=${RACE_LEASE:-6} beat=0.5 settle=0.5 poll=0.3 attempts=99 \
	    backoff=0.1 backoffMax=1 halfRename=2
	for i in $(seq "$ORDERS"); do job ok.sh "\"n\":$i"; done >"$T/all.jsonl"
	medium_sftp
	SFTP_URL=$URL SFTP_LINK=$LINK
	LINK=$T/link.http
	shim_up
	proxy_up "$SHIM_PORT" "$LINK"
	HTTP_URL=http://127.0.0.1:$PROXY_PORT HTTP_LINK=$LINK
	spool submit "$T/all.jsonl" >"$T/ids"
	start_spoold
	WORKERS=
	for i in $(seq "$EACH"); do
		worker_at "near$i" "$S"
		worker_at "sftp$i" "$SFTP_URL"
		worker_at "http$i" "$HTTP_URL"
	done
	soon eval '[ "$(cat "$T"/worker.*.log | grep -c "work worker=")" = '$((3 * EACH))' ]'
}

nothing_left() { [ -z "$(ls "$S/new" "$S/waiting" "$S/assigned" | grep json)" ]; }
ran() { cat "$T"/worker.*.log | grep -c 'start order='; }

# Everybody had some of it, and nobody what was another's.
judge() {
	until_ "${RACE_SECONDS:-$DEADLINE}" least "$ORDERS"
	soon nothing_left
	# What is still in somebody's hands may get through.
	for LINK in "$SFTP_LINK" "$HTTP_LINK"; do net pass; done
	# shellcheck disable=SC2086
	stop $WORKERS
	OVER=1 promises
	is "$(find "$S/outcomes" -name '2*.json' -exec cat {} + | jq -s 'map(select(.status != 200)) | length')" 0 'not 200'
	is "$(cat "$T"/worker.*.log | sed -n 's/.*\(start order=[^ ]* ticket=[0-9]*\).*/\1/p' |
	    sort | uniq -d)" '' 'started twice under one ticket'
	for _w in near sftp http; do
		cat "$T"/worker.$_w*.log | grep -q 'start order=' || fail "no $_w worker had any"
	done
}

t_calm() {
	field
	judge
	is "$(ran)" "$ORDERS" 'runs'
}

# The servers die and come back, sftp-server in the middle of link and unlink,
# for posix-rename is taken from it.
t_stormy() {
	SFTP_ARGS='-P posix-rename'
	ORDERS=${RACE_ORDERS:-60}
	field
	LINK=$SFTP_LINK
	net random "$SEED" 700
	LINK=$HTTP_LINK
	net random $((SEED + 1)) 700
	for _round in $(seq "${RACE_ROUNDS:-1}"); do
		sshd_cut
		outcomes_more
		kill -KILL "$SHIM"
		wait "$SHIM" 2>/dev/null || :
		outcomes_more
		shim_up
		sshd_down
		outcomes_more
		sshd_again
	done
	judge
}
# Without a fork: it is asked often.
least() { # NUMBER
	set -- "$1" "$S"/outcomes/2*.json
	[ $(($# - 1)) -ge "$1" ] && [ -e "$2" ]
}
# A few more are done than when it is called; or all.
outcomes_more() {
	set -- "$S"/outcomes/2*.json
	_want=$(($# + 5))
	[ $_want -le "$ORDERS" ] || _want=$ORDERS
	soon least "$_want"
}

run_stories "$@"
