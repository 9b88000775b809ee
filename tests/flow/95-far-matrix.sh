# The crash matrix over SFTP and HTTP: whoever speaks over them is killed at each
# named point: a worker and each verb at this end, and the HTTP server while it
# serves them.  Nobody of ours is at the other end of SFTP (a stock sshd; what
# its death does is told in 76-sftp-worker.sh and 94-far-race.sh).
#
# All of it takes long and is told in the labs (MATRIX_FAR=1, COVER=FILE); the
# last story there holds what was hit against the points that the source has:
# one that nobody was killed at, and that is not named below, is a failure.
. "$TOP/tests/lib.sh"
. "$TOP/tests/matrix.sh"

far() { spool -s "$URL" "$@"; }

# ---- the engine ----

# one SCENE VICTIM POINT: SCENE_set prepares, SCENE_act does it, by the victim
# among others, SCENE_mend goes on when that is dead.  HIT: it died.
one() {
	fresh_spool
	fast_policy
	fixture
	rm -rf "$T/ids" "$T/begun".* "$T/go" "$T/said"
	: >>"$T/worker.log"
	SAID=$(wc -l <"$T/worker.log")
	: >"$T/ids"
	VICTIM=$2
	WORKER=
	"$1_set"
	CRASH=SPOOL_CRASH=$3
	if [ "$3" = none ]; then
		POINTS=$T/points
		[ "$VICTIM" != server ] || POINTS=$S/tmp/.points
		CRASH=SPOOL_CRASH_LOG=$POINTS
	fi
	if [ "$OVER" = http ]; then
		ACTOR_ENV=
		[ "$VICTIM" != server ] || ACTOR_ENV=$CRASH
		shim_here
	fi
	ACTOR_ENV=
	HIT=0
	"$1_act"
	if [ "$VICTIM" = server ]; then
		if dead "$SHIM"; then HIT=1; fi
		kill -KILL "$SHIM" 2>/dev/null || :
		wait "$SHIM" 2>/dev/null || :
		[ "$POINTS" = "$T/points" ] || cp "$POINTS" "$T/points" 2>/dev/null || :
		shim_up
	elif [ -n "$WORKER" ] && [ "$HIT" = 1 ]; then
		wait "$WORKER" 2>/dev/null || :
	fi
	"$1_mend"
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
	end_all
	PIDS=
}
# by VERB...: by the victim, if that is the client.
by() {
	_rc=0
	if [ "$VICTIM" = client ]; then
		env "$CRASH" spool -s "$URL" "$@" 2>>"$T/said" || _rc=$?
	else
		far "$@" 2>>"$T/said" || _rc=$?
	fi
	if [ "$VICTIM" = client ] && [ $_rc = 137 ]; then HIT=1; fi
}
# Everybody who may die is dead, or it is so.
or_hit() {
	if [ "$VICTIM" = server ]; then dead "$SHIM" && return; fi
	if [ "$VICTIM" = client ] && [ -n "$WORKER" ]; then dead "$WORKER" && return; fi
	"$@"
}
scene() { # SCENE VICTIM
	POINTS=$T/points
	rm -f "$T/points"
	one "$1" "$2" none
	for point in $(sort -u "$T/points" 2>/dev/null | head -n "${MATRIX_MOST:-1000}"); do
		for _try in 1 2 3 4; do
			one "$1" "$2" "$point"
			if [ "$HIT" = 1 ]; then break; fi
		done
		[ "$HIT" = 1 ] || fail "$1: $point was never hit"
		KIND=$OVER-$2
		covered "$point" "$1.$point"
	done
}

# ---- verbs ----

# What is left is run and mended by somebody on the spot.
finish_here() {
	start_worker
	soon over_all
	soon reaped
	stop "$WORKER"
	is "$(grep -o 'start order=[^ ]* ticket=[0-9]*' "$T/worker.log" | sort | uniq -d)" '' \
	    'started twice under one ticket'
}
prepared() { spool submit --no-pin "$T/ok.json"; }
where() { spool ls --json | jq -r "select(.id == \"$1\") | .state"; }

submit_set() {
	mkdir -p "$T/here"
	printf '#!/bin/sh\necho "{\"loss\":1}" # %s\n' "$(date +%N)" >"$T/here/own.sh"
	job own.sh >"$T/here/own.json"
}
submit_act() {
	by submit "$T/here/own.json" >>"$T/ids"
	by submit --no-pin - <"$T/three.jsonl" >>"$T/ids"
	[ "$OVER/$VICTIM" != http/server ] ||
	    curl -s --data-binary "@$T/three.jsonl" -H 'Content-Type: application/jsonl' \
		"$URL/v1/orders" | jq -r '.orders[].id' >>"$T/ids" 2>/dev/null || :
}
submit_mend() {
	far submit "$T/here/own.json" >>"$T/ids" || fail 'submit'
	far submit --no-pin - <"$T/three.jsonl" >>"$T/ids" || fail 'submit'
	# What has a hash for its name is that.
	for _b in "$S"/blobs/sha256/*; do
		is "$(sha256sum <"$_b" | cut -c 1-64)" "${_b##*/}" 'a blob'
	done
	finish_here
}

hold_set() { prepared >"$T/ids"; }
hold_act() { by hold "$(cat "$T/ids")" >/dev/null; }
hold_mend() {
	far hold "$(cat "$T/ids")" >/dev/null || fail 'hold'
	is "$(where "$(cat "$T/ids")")" waiting
	spool unhold "$(cat "$T/ids")" >/dev/null
	finish_here
	is "$(status_of "$(cat "$T/ids")")" 200
}

unhold_set() {
	prepared >"$T/ids"
	spool hold "$(cat "$T/ids")" >/dev/null
}
unhold_act() { by unhold "$(cat "$T/ids")" >/dev/null; }
unhold_mend() {
	# The mark went first: then a keeper has the rest.
	if far unhold "$(cat "$T/ids")" >/dev/null 2>"$T/said"; then
		is "$(where "$(cat "$T/ids")")" new
	else
		has "$(cat "$T/said")" 'is not held'
	fi
	finish_here
	is "$(status_of "$(cat "$T/ids")")" 200
}

# One that is new, and one that waits.
cancel_set() {
	prepared >"$T/ids"
	prepared >>"$T/ids"
	spool hold "$(tail -n 1 "$T/ids")" >/dev/null
}
cancel_act() {
	for _id in $(cat "$T/ids"); do by cancel "$_id" >/dev/null; done
}
cancel_mend() {
	for _id in $(cat "$T/ids"); do
		far cancel "$_id" >/dev/null 2>"$T/said" || has "$(cat "$T/said")" 'is over already'
	done
	finish_here
	for _id in $(cat "$T/ids"); do is "$(status_of "$_id")" 499; done
}

retry_set() {
	spool submit --no-pin "$T/fail.json" >"$T/ids"
	drain
}
retry_act() {
	by retry "$(head -n 1 "$T/ids")" >"$T/retried"
	grep -o '2[0-9]*T[0-9]*-[0-9a-f]*$' "$T/retried" >>"$T/ids" || :
}
retry_mend() {
	far retry "$(head -n 1 "$T/ids")" >/dev/null || fail 'retry'
	finish_here
	[ "$(outcomes_n)" -ge 2 ] || fail 'not tried again'
}
outcomes_n() { set -- "$S"/outcomes/2*.json; echo $#; }

# To one that is there and not shot at.
wish_set() {
	start_worker
	WORKER=
	soon somebody
}
somebody() { [ -n "$(ls "$S/workers")" ]; }
wish_act() {
	by drain --all >/dev/null
	by resume --all >/dev/null
}
wish_mend() {
	far drain --all >/dev/null || fail 'drain'
	far resume --all >/dev/null || fail 'resume'
	prepared >"$T/ids"
	soon over_all
	soon reaped
	is "$(status_of "$(cat "$T/ids")")" 200
}

# ---- a worker and what ends without a run ----

# One that says much and leaves something, one that is cancelled while it runs,
# one that is preempted when the worker is told to go, one that is no job.
ends_set() {
	script talk.sh <<-'SH'
	#!/bin/sh
	for i in 1 2 3; do echo "line $i"; sleep 0.1; done
	echo '{"step":1}' >"$SPOOL_METRICS"
	echo left >"$SPOOL_OUT/left"
	echo '{"loss":1}'
	SH
	script long.sh <<-SH
	#!/bin/sh
	: >"$T/begun.long"
	exec sleep 1000
	SH
	script again.sh <<-SH
	#!/bin/sh
	[ -e "$T/go" ] || { : >"$T/begun.again"; exec sleep 1000; }
	echo '{"loss":2}'
	SH
	for _s in talk long again; do
		job $_s.sh | spool submit --no-pin - >>"$T/ids"
	done
	TALK=$(sed -n 1p "$T/ids") LONG=$(sed -n 2p "$T/ids") AGAIN=$(sed -n 3p "$T/ids")
	WRONG=$(prepared)
	echo '{"scriptName":5}' >"$(ls "$S"/new/*"$WRONG"*)"
}
worker_far() {
	# shellcheck disable=SC2086
	env ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    --name far -j 4 "$URL" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
}
ends_begun() {
	[ -e "$T/begun.long" ] && [ -e "$T/begun.again" ] && over "$TALK" && over "$WRONG"
}
# The worker has said so in this cycle.
told() { tail -n "+$((SAID + 1))" "$T/worker.log" | grep -q "$1"; }
no_wish() { [ -z "$(ls "$S/drain")" ]; }
ends_told() { # to go now, not when all is over
	kill -TERM "$WORKER" 2>/dev/null || :
	soon or_hit told 'no more claims'
	kill -TERM "$WORKER" 2>/dev/null || :
}
ends_act() {
	if [ "$VICTIM" = client ]; then ACTOR_ENV=$CRASH; fi
	worker_far
	ACTOR_ENV=
	soon or_hit ends_begun
	or_hit false || spool resume far >/dev/null 2>&1 || :
	soon or_hit no_wish
	or_hit false || : >"$S/cancel/$LONG"
	soon or_hit over "$LONG"
	if ! or_hit false; then
		ends_told
		soon or_hit dead "$WORKER"
	fi
	if [ "$VICTIM" = client ]; then
		wait "$WORKER" 2>/dev/null || { [ $? != 137 ] || HIT=1; }
	fi
}
ends_mend() {
	: >"$T/go"
	: >"$S/cancel/$LONG"
	# Over HTTP nobody at this end takes from the dead.
	if [ "$OVER" = http ]; then start_spoold; fi
	# One that lives goes on where its server is back, until it is told to go.
	if ! dead "$WORKER"; then
		soon over "$LONG"
		ends_told
		soon dead "$WORKER"
	fi
	worker_far
	soon over_all
	soon reaped
	stop "$WORKER"
	is "$(status_of "$TALK")" 200
	is "$(status_of "$AGAIN")" 200
	is "$(status_of "$WRONG")" 400
	is "$(status_of "$LONG")" 499
	_a=$(find "$S/done" -name "*$TALK*" | sed 's/.*\.\(t[0-9]*a[0-9]*@[^.]*\).*/\1/')
	is "$(grep -c . "$S/runs"/*/"$TALK/$_a.log")" 4 'lines of the log'
	is "$(cat "$S"/runs/*/"$TALK"/out/left)" left
}

# ---- what was dropped ----

# Nobody but the server is there to admit it, or to set it aside.
drop_set() {
	cp "$T/ok.json" "$S/new/dropped.json"
	cp "$T/three.jsonl" "$S/new/three.jsonl"
	echo 'no json' >"$S/new/broken.json"
}
drop_act() {
	worker_far
	soon or_hit settled
}
drop_mend() {
	start_spoold
	soon settled
	stop "$WORKER"
	is "$(find "$S/done" -name '*.json' | wc -l)" 4 'done'
	is "$(find "$S/bad" -name 'broken.json*' ! -name '*.why' | wc -l)" 1 'set aside'
}

# ---- what the dead held ----

# Taken by somebody who is no more: his only attempt, one that was cancelled, one
# whose outcome is written, one to be tried again.
reap_set() {
	job ok.sh '"order":{"attempts":1}' >"$T/once.json"
	spool submit --no-pin "$T/once.json" >"$T/ids"
	for _i in 1 2 3; do prepared >>"$T/ids"; done
	for _id in $(cat "$T/ids"); do
		_n=$(basename "$S"/new/*"$_id"*)
		mv "$S/new/$_n" "$S/assigned/$(echo "$_n" | sed 's/t1a0/&@dead-123456/')"
	done
	: >"$S/cancel/$(sed -n 2p "$T/ids")"
	_id=$(sed -n 3p "$T/ids")
	printf '{"_id":"%s","status":200,"loss":7}\n' "$_id" \
	    >"$S/outcomes/.$_id.t1a0@dead-123456"
}
reap_act() {
	if [ "$VICTIM" = client ]; then ACTOR_ENV=$CRASH; fi
	worker_far
	ACTOR_ENV=
	soon or_hit over_all
	if dead "$WORKER"; then HIT=1; else stop "$WORKER"; fi
}
reap_mend() {
	worker_far
	soon over_all
	soon reaped
	stop "$WORKER"
	is "$(status_of "$(sed -n 2p "$T/ids")")" 499
	is "$(jq .loss "$S/outcomes/$(sed -n 3p "$T/ids").json")" 7
	is "$(status_of "$(sed -n 4p "$T/ids")")" 200
}
# Nothing is half done.
reaped() { OVER=1 sh "$TOP/tests/promises" "$S" 2>/dev/null; }

# ---- an original Worker ----

# It takes an order that has one attempt and asks for another before it has
# answered: that one is spent.  The next it fails, which is tried again, and
# then does.
origin_set() {
	echo 'print("{}")' | script nn.py
	job nn.py '"order":{"attempts":1}' >"$T/once.json"
	spool submit --no-pin --priority 1 "$T/once.json" >"$T/ids"
	job nn.py '"order":{"retry":["exit"]}' >"$T/again.json"
	spool submit --no-pin "$T/again.json" >>"$T/ids"
}
bored() { # STATUS: what it says of the next, if there is one
	_got=$(curl -s -m 10 -X POST "$URL/bored/dl" | jq -r '._id // empty' 2>/dev/null)
	[ -n "$_got" ] && [ "$_got" != "$(head -n 1 "$T/ids")" ] || return 1
	curl -s -m 10 -H 'Content-Type: application/json' -d \
	    "{\"status\":$1,\"jobId\":\"$_got\",\"loss\":1}" "$URL/callback" >/dev/null
}
bored_until() { # STATUS CONDITION...
	bored "$1" || :
	shift
	"$@"
}
failed_once() { [ -n "$(ls "$S"/waiting "$S"/new | grep t2a1)" ]; }
origin_act() {
	soon or_hit bored_until 500 failed_once
	start_spoold
	soon or_hit bored_until 200 over_all
}
origin_mend() {
	start_spoold
	soon bored_until 200 over_all
	soon reaped
	is "$(status_of "$(sed -n 2p "$T/ids")")" 200
}

# ---- over SFTP ----

# Without posix-rename each rename of theirs is a link and an unlink, and others
# keep house; with it they do that, too.
t_sftp_links() {
	OVER=sftp HELP=yes KIND=sftp-client
	SFTP_ARGS='-P posix-rename'
	sshd_up
	matrix worker daemon
}
t_sftp_alone() {
	OVER=sftp KIND=sftp-client
	sshd_up
	matrix worker alone
}
sftp_scenes() {
	OVER=sftp
	sshd_up
	for _scene; do scene "$_scene" client; done
}
t_sftp_verbs() { sftp_scenes submit hold unhold cancel retry wish; }
t_sftp_ends() { sftp_scenes ends; }
t_sftp_reap() { sftp_scenes reap; }

# ---- over HTTP ----

t_http_worker() {
	OVER=http HELP=yes KIND=http-client
	matrix worker daemon
}
t_http_server() {
	OVER=http HELP=yes KIND=http-server
	matrix shim daemon
}
http_scenes() { # VICTIM SCENE...
	OVER=http
	_victim=$1
	shift
	for _scene; do scene "$_scene" "$_victim"; done
}
t_http_verbs() { http_scenes client submit hold unhold cancel retry wish; }
t_http_ends() { http_scenes client ends; }
t_http_server_verbs() { http_scenes server submit hold unhold cancel retry wish; }
t_http_server_ends() { http_scenes server ends drop; }
t_http_server_origin() { http_scenes server origin; }

# ---- is that all? ----

every_point() {
	grep -rhoE 'SP_CRASH\("[a-z.]+"\)' --include='*.c' "$TOP"/libspool \
	    "$TOP"/transport "$TOP"/workerd "$TOP"/httpd "$TOP"/index "$TOP"/spoold \
	    "$TOP"/tools | sed 's/.*("\(.*\)")/\1/'
	sed -n 's/.*\[SP_STEP_[A-Z]*\] = "\([a-z]*\)".*/\1.before\n\1.after/p' \
	    "$TOP/libspool/state.c"
}
# KIND POINTS WHY: who cannot come there, whatever he does.
unreachable() {
	cat <<-X
	sftp-client http\..* who speaks HTTP
	sftp-client append\..* the HTTP server
	sftp-client index\..* spoold, and that needs the spool where it is
	sftp-client apart\..* half a rename is told by inodes, which SFTP has not
	sftp-client aside.after SFTP has no rename that never replaces: by a name of our own
	http-client (append|admit|aside|apart|bundle|index)\..* the server, or who keeps house
	http-client (bad.moved|beside.linked) the server, or who keeps house
	http-client (claim|commit|release|retry|hold|promote|end|spent)\..* the server, asked by http.*
	http-client outcome\..* the server, asked by http.commit
	http-server http\..* who asks it
	http-server index\..* spoold
	http-server apart\..* half a rename is mended by who keeps house
	http-server beside.linked a filesystem that cannot rename without replacing
	X
}
t_every_point() {
	if [ ! -s "${COVER:-}" ]; then skip 'what was hit is told in COVER, by the others'; fi
	every_point | LC_ALL=C sort -u >"$T/every"
	[ "$(grep -c . "$T/every")" -gt 60 ] || fail 'the points are not found'
	for _kind in sftp-client http-client http-server; do
		sed -n "s/^$_kind //p" "$COVER" | LC_ALL=C sort -u >"$T/hit"
		unreachable | sed -n "s/^$_kind \([^ ]*\) .*/^(\1)\$/p" >"$T/not"
		is "$(grep -Ef "$T/not" "$T/hit")" '' "$_kind: hit, though it is said to be out of reach"
		is "$(LC_ALL=C comm -23 "$T/every" "$T/hit" | grep -Evf "$T/not")" '' \
		    "$_kind: nobody was killed at"
		echo "$_kind.hit.$(grep -c . "$T/hit").out.of.reach.$(grep -cEf "$T/not" "$T/every")" >>"$T/rows"
	done
}

# Little of it, where all of it would take too long.
t_sample() {
	MATRIX_MOST=2
	sftp_scenes cancel
	sshd_down
	http_scenes server cancel
}

if [ -z "${MATRIX_FAR:-}" ] && [ $# = 0 ]; then set -- sample; fi
if [ -n "${MATRIX_FAR:-}" ] && [ $# = 0 ]; then
	set -- sftp_links sftp_alone sftp_verbs sftp_ends sftp_reap http_worker \
	    http_server http_verbs http_ends http_server_verbs http_server_ends \
	    http_server_origin every_point
fi
run_stories "$@"
