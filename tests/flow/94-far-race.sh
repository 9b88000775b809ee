# Workers beside the spool, over SFTP and over HTTP claim the same orders: each
# is run once and none is lost, also while links break, hang and slow down,
# answers get lost, and sshd and the HTTP server are killed and come back.
#
#	RACE_ORDERS	how many (150, in the storm 60; 20,000 in the labs)
#	RACE_NAP	seconds that a job takes, at least (0.3)
#	RACE_NEAR	the same beside the spool, where all else is quicker:
#			so that those from afar get their part (RACE_NAP)
#	RACE_EACH	workers by each way (2; 4 in the labs)
#	RACE_SLOTS	jobs at once, each from afar (1)
#	RACE_SEED	of the links' troubles (1)
#	RACE_STORM	ms that each takes, and the quiet after it, on average
#			(700; a connection of its own takes SFTP a part of that)
#	RACE_ROUNDS	of killed servers, at most (1); none in the last tenth
#	RACE_SECONDS	that all may take
#	RACE_REPORT	a file to which one line of figures is appended
. "$TOP/tests/lib.sh"
. "$TOP/tests/media.sh"

ORDERS=${RACE_ORDERS:-150}
EACH=${RACE_EACH:-2}
SEED=${RACE_SEED:-1}

worker_at() { # NAME URL SLOTS
	# shellcheck disable=SC2086
	workerd $ROOTOK --work "$T/work" --cold --name "$1" -j "$3" "$2" \
	    >>"$T/worker.$1.log" 2>&1 &
	PIDS="$PIDS $!"
	WORKERS="$WORKERS $!"
}

# A link of its own for SFTP and one for HTTP.
field() {
	script ok.sh <<-SH
	#!/bin/sh
	case \$SPOOL_WORKER in
	near*) sleep ${RACE_NEAR:-${RACE_NAP:-0.3}} ;;
	*) sleep ${RACE_NAP:-0.3} ;;
	esac
	echo '{"loss":1}'
	SH
	policy lease=${RACE_LEASE:-6} beat=0.5 settle=0.5 poll=0.3 attempts=99 \
	    backoff=0.1 backoffMax=1 halfRename=2
	for i in $(seq "$ORDERS"); do job ok.sh "\"n\":$i"; done >"$T/all.jsonl"
	medium_sftp
	read -r BEGAN _idle </proc/uptime
	BEGAN=${BEGAN%%.*}
	SFTP_URL=$URL SFTP_LINK=$LINK
	LINK=$T/link.http
	shim_up
	proxy_up "$SHIM_PORT" "$LINK"
	HTTP_URL=http://127.0.0.1:$PROXY_PORT HTTP_LINK=$LINK
	spool submit "$T/all.jsonl" >"$T/ids"
	start_spoold
	WORKERS=
	for i in $(seq "$EACH"); do
		worker_at "near$i" "$S" 1
		worker_at "sftp$i" "$SFTP_URL" "${RACE_SLOTS:-1}"
		worker_at "http$i" "$HTTP_URL" "${RACE_SLOTS:-1}"
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
	report
	for _w in near sftp http; do
		cat "$T"/worker.$_w*.log | grep -q 'start order=' || fail "no $_w worker had any"
	done
}

# Whose outcome was accepted: the name that an order ended under says it.
took() { find "$S/done" -name "*@$1*.json" | wc -l; }
report() {
	[ -n "${RACE_REPORT:-}" ] || return 0
	read -r _now _idle </proc/uptime
	{
		printf 'orders=%s seconds=%s over=%s runs=%s near=%s sftp=%s http=%s' \
		    "$ORDERS" $((${_now%%.*} - BEGAN)) "$(find "$S/done" -name '*.json' | wc -l)" \
		    "$(ran)" "$(took near)" "$(took sftp)" "$(took http)"
		printf ' killed=%s' "${KILLED:-0}"
		for _e in freeze mute slow reset cut; do
			printf ' %s=%s' $_e "$(grep -c "^$_e" "$T/proxy.log" || :)"
		done
		printf '\n'
	} >>"$RACE_REPORT"
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
	STEP=$((5 + ORDERS / 150))
	KILLED=0
	field
	LINK=$SFTP_LINK
	net random "$SEED" "${RACE_STORM:-700}"
	LINK=$HTTP_LINK
	net random $((SEED + 1)) "${RACE_STORM:-700}"
	for _round in $(seq "${RACE_ROUNDS:-1}"); do
		! least $((ORDERS * 9 / 10)) || break
		sshd_cut
		outcomes_more
		kill -KILL "$SHIM"
		wait "$SHIM" 2>/dev/null || :
		outcomes_more
		shim_up
		sshd_down
		outcomes_more
		sshd_again
		KILLED=$((KILLED + 3))
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
	_want=$(($# + STEP))
	[ $_want -le "$ORDERS" ] || _want=$ORDERS
	soon least "$_want"
}

run_stories "$@"
