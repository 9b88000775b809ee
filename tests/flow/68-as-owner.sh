# workerd --as-owner: a job runs as the user who dropped it, with nothing of
# root's and nothing of anybody else's, or it does not run.
. "$TOP/tests/lib.sh"

NOBODY=$(id -u nobody 2>/dev/null || echo none)
ANNA=65533 # has no name here
as() { # UID COMMAND...
	_uid=$1
	shift
	setpriv --reuid "$_uid" --regid 65534 --clear-groups "$@"
}

shared() {
	[ "$(id -u)" = 0 ] || skip 'only root can be several users'
	[ "$NOBODY" != none ] && [ "$NOBODY" -ge 1000 ] || skip 'no user nobody'
	as $ANNA true 2>/dev/null || skip 'no setpriv'
	chmod 711 "$T" "$T/work"
	spool init --shared "$S" >/dev/null 2>&1
	chmod 700 "$S/scripts" "$S/data" "$S/new" "$S/assigned" "$S/tmp"
	start_spoold
}
drop() { # UID NAME: a job on standard input
	as "$1" sh -c 'cat >"$1"' sh "$S/incoming/.$2"
	as "$1" mv "$S/incoming/.$2" "$S/incoming/$2"
}
owners() { ROOTOK=--as-owner start_worker ${1+"$@"}; }
id_of() { cat "$S/answers/$1/$2.id"; }
has_id() { [ -s "$S/answers/$1/$2.id" ]; }
log_of() { cat "$S"/runs/*/"$1"/*.log; }

t_his() {
	shared
	: >"$T/secret"
	chmod 600 "$T/secret"
	mkdir "$T/open"
	chmod 1777 "$T/open"
	script who.sh <<-'SH'
	#!/bin/sh
	echo "ids $(id -u) $(id -g) $(id -G)"
	echo "home $HOME user $USER $LOGNAME"
	grep -E '^(NoNewPrivs|CapEff|CapPrm|CapBnd|Groups)' /proc/self/status
	[ -w . ] && echo "dir mine $(stat -c '%u %a' .)"
	echo text >"$SPOOL_OUT/result" && echo "out mine $(stat -c '%u %a' "$SPOOL_OUT")"
	echo '{"step":1,"loss":0.5}' >"$SPOOL_METRICS"
	cat "$SPOOL_JOB" >/dev/null && echo 'job read'
	echo err >/dev/stderr
	ls "$OPEN/.." >/dev/null 2>&1 || echo 'no other work directories'
	cat "$SECRET" 2>/dev/null || echo 'no secret'
	(: >"$SPOOL_DIR/new/x.json") 2>/dev/null || echo 'no new'
	(: >"$SPOOL_DIR/outcomes/x.json") 2>/dev/null || echo 'no outcomes'
	ls "$SPOOL_DIR/new" 2>/dev/null || echo 'no look'
	(: >>"$0") 2>/dev/null || echo 'no script'
	setpriv --reuid 0 true 2>/dev/null || echo 'no root'
	echo "fds $(ls /proc/self/fd | wc -l)"
	echo "leak=${LEAKED:-none}"
	SH
	export LEAKED=mark-leak
	owners
	printf '{"scriptName":"who.sh","order":{"env":{"SECRET":"%s","OPEN":"%s"}}}\n' \
	    "$T/secret" "$T/open" | drop "$NOBODY" a.json
	soon has_id "$NOBODY" a.json
	id=$(id_of "$NOBODY" a.json)
	soon over "$id"
	is "$(status_of "$id")" 204
	log=$(log_of "$id")
	gid=$(id -g nobody)
	has "$log" "ids $NOBODY $gid $gid"
	has "$log" 'user nobody nobody'
	has "$log" 'NoNewPrivs:	1'
	has "$log" 'CapEff:	0000000000000000'
	has "$log" 'CapPrm:	0000000000000000'
	has "$log" "dir mine $NOBODY 700"
	has "$log" "out mine $NOBODY 700"
	for w in 'job read' err 'no secret' 'no new' 'no outcomes' 'no look' 'no script' 'no root' 'leak=none'; do
		has "$log" "$w"
		echo "$w" | tr ' ' '_' >>"$T/rows"
	done
	# 0, 1, 2 and that of ls itself.
	has "$log" 'fds 4'
	# What he left is his to read, and nobody else's.
	f=$(echo "$S"/runs/*/"$id"/*.log)
	is "$(stat -c '%u %a' "$f")" "$NOBODY 400"
	as "$NOBODY" cat "$f" >/dev/null
	as "$NOBODY" cat "$S"/runs/*/"$id"/out/result >/dev/null
	exits 1 as $ANNA cat "$f"
	exits 1 as $ANNA cat "$S"/runs/*/"$id"/out/result
	is "$(cat "$S"/runs/*/"$id"/*.metrics.jsonl)" '{"step":1,"loss":0.5}'
	is "$(jq -r '.run.artifacts[0].name' "$S/outcomes/$id.json")" result
	stop "$WORKER"
	no_work_left || fail 'left over'
	promises
}

# Without an owner that can be believed nothing runs, and why says so.
t_declined() {
	shared
	script ok.sh <<-'SH'
	#!/bin/sh
	id -u
	SH
	owners
	job ok.sh | drop $ANNA unnamed.json
	job ok.sh >"$T/plain.json"
	plain=$(spool submit --no-pin "$T/plain.json")
	soon has_id $ANNA unnamed.json
	unnamed=$(id_of $ANNA unnamed.json)
	# Forged: in a file that is not the spool's owner's, or that others may write.
	forged() { # NAME UID MODE OWNER
		printf '{"scriptName":"ok.sh","order":{"owner":%s}}\n' "$4" >"$S/tmp/f"
		chmod "$3" "$S/tmp/f"
		chown "$2" "$S/tmp/f"
		mv "$S/tmp/f" "$S/new/50.20260102T030405678-$1.t1a0.json"
	}
	forged 0000000a $ANNA 644 "{\"uid\":$NOBODY,\"user\":\"nobody\"}"
	forged 0000000b 0 666 "{\"uid\":$NOBODY,\"user\":\"nobody\"}"
	forged 0000000c 0 644 '{"uid":0,"user":"root"}'
	forged 0000000d 0 644 '{"uid":999,"user":"daemon"}'
	said() { spool why "$1" 2>&1 | grep -q -- "$2"; }
	soon said "$plain" 'nobody has written down whose it is'
	soon said "$unnamed" 'had no name'
	soon said 20260102T030405678-0000000a 'not believed'
	soon said 20260102T030405678-0000000b 'not believed'
	soon said 20260102T030405678-0000000c 'uid 0'
	soon said 20260102T030405678-0000000d 'uid 999'
	is "$(count assigned) $(count outcomes)" '0 0'
	# One that is another user's by that number on this host.
	forged 0000000e 0 644 "{\"uid\":$NOBODY,\"user\":\"somebody\"}"
	soon grep -q 'bad-host\|another user' "$T/worker.log"
	log=$(log_of 20260102T030405678-0000000e)
	has "$log" "another user's on this host"
	# Who does not mind whose they are runs them.
	stop "$WORKER"
	rm "$S"/new/*0000000[a-e]* "$S"/waiting/*0000000e* 2>/dev/null || :
	drain
	is "$(status_of "$plain")" 204
	is "$(status_of "$unnamed")" 204
}

# What he leaves in the place of our files is not followed, whoever we are.
t_planted() {
	shared
	echo '{"mark":"mark-secret"}' >"$T/secret"
	chmod 600 "$T/secret"
	script plant.sh <<-'SH'
	#!/bin/sh
	ln -s "$SECRET" "$SPOOL_OUTCOME"
	ln "$SECRET" hard 2>/dev/null && mv hard "$SPOOL_OUTCOME"
	ln -s "$SECRET" "$SPOOL_METRICS"
	mkdir -p d/e && ln -s / d/e/root
	ln -s "$SECRET" "$SPOOL_OUT/link"
	mkfifo "$SPOOL_OUT/fifo"
	chmod 000 d
	rm -f "$SPOOL_JOB"; ln -s "$SECRET" "$SPOOL_JOB"
	SH
	owners
	for i in 1 2; do
		printf '{"scriptName":"plant.sh","order":{"env":{"SECRET":"%s"}}}\n' "$T/secret" |
		    drop "$NOBODY" "$i.json"
		soon has_id "$NOBODY" "$i.json"
		soon over "$(id_of "$NOBODY" "$i.json")"
	done
	! grep -rq mark-secret "$S/outcomes" "$S/runs" || fail 'read by way of a link'
	is "$(cat "$T/secret")" '{"mark":"mark-secret"}'
	is "$(stat -c '%u %a' "$T/secret")" '0 600'
	stop "$WORKER"
	no_work_left || fail 'left over'
}

# A variable that makes programs load something acts when he has the process,
# not before; and his own interpreter is not asked what it is.
t_preloaded() {
	shared
	script ok.py <<-'PY'
	print('{"status":200}')
	PY
	cat >"$T/python" <<-SH
	#!/bin/sh
	id -u >>"$T/open/asked"
	exec "$PYTHON" "\$@"
	SH
	mkdir "$T/open"
	chmod 755 "$T/python"
	chmod 1777 "$T/open"
	: >"$T/open/asked"
	chmod 666 "$T/open/asked"
	owners
	printf '{"scriptName":"ok.py","order":{"python":"%s","env":{"LD_PRELOAD":"/nowhere/evil.so"}}}\n' \
	    "$T/python" | drop "$NOBODY" a.json
	soon has_id "$NOBODY" a.json
	soon over "$(id_of "$NOBODY" a.json)"
	is "$(status_of "$(id_of "$NOBODY" a.json)")" 200
	is "$(sort -u "$T/open/asked")" "$NOBODY"
	# Said by his programs alone: workerd-as was not told of it.
	is "$(log_of "$(id_of "$NOBODY" a.json)" | grep -c 'workerd-as')" 0
}

# A stopped or killed worker takes his jobs along.
t_ended() {
	shared
	script long.sh <<-'SH'
	#!/bin/sh
	exec sleep 1000
	SH
	owners --grace 0.2s
	printf '{"scriptName":"long.sh"}\n' | drop "$NOBODY" a.json
	running() { pgrep -u "$NOBODY" -P "$WORKER" sleep >"$T/pid"; }
	soon running
	pid=$(cat "$T/pid")
	spool cancel "$(id_of "$NOBODY" a.json)"
	soon over "$(id_of "$NOBODY" a.json)"
	is "$(status_of "$(id_of "$NOBODY" a.json)")" 499
	soon dead "$pid"
	printf '{"scriptName":"long.sh"}\n' | drop "$NOBODY" b.json
	soon running
	pid=$(cat "$T/pid")
	kill -KILL "$WORKER"
	soon dead "$pid"
}

# The helper by itself: refuses all that it should, and says so.
t_helper() {
	[ "$(id -u)" = 0 ] || skip 'only root can be several users'
	[ "$NOBODY" != none ] && [ "$NOBODY" -ge 1000 ] || skip 'no user nobody'
	h=$BIN/workerd-as
	no() { # WORDS COMMAND...
		_w=$1
		shift
		exits 125 "$@"
		has "$(cat "$T/err")" "$_w"
		echo "$_w" | tr ' ' '_' >>"$T/rows"
	}
	chmod 711 "$T"
	"$h" "$NOBODY" nobody "$STORY" 1 A=b /bin/sh sh -c 'id -u; echo $A $HOME' >"$T/who"
	is "$(tr '\n' ' ' <"$T/who")" \
	    "$NOBODY b $(getent passwd nobody | cut -d: -f6) "
	no 'not root' setpriv --reuid "$NOBODY" --clear-groups "$h" "$NOBODY" nobody "$STORY" 0 /bin/true true
	no 'below 1000' "$h" 0 root "$STORY" 0 /bin/true true
	no 'below 1000' "$h" 1 daemon "$STORY" 0 /bin/true true
	no 'no such user' "$h" 65533 anna "$STORY" 0 /bin/true true
	no "another user's" "$h" "$NOBODY" anna "$STORY" 0 /bin/true true
	no 'no number' "$h" "x$NOBODY" nobody "$STORY" 0 /bin/true true
	no 'no number' "$h" ' 65534' nobody "$STORY" 0 /bin/true true
	no 'no number' "$h" -1 nobody "$STORY" 0 /bin/true true
	no 'too large' "$h" 4294967295 nobody "$STORY" 0 /bin/true true
	no 'fewer words' "$h" "$NOBODY" nobody "$STORY" 3 A=b /bin/true true
	no 'without =' "$h" "$NOBODY" nobody "$STORY" 1 Ab /bin/true true
	no 'worker is gone' "$h" "$NOBODY" nobody 1 0 /bin/true true
	no 'usage' "$h" "$NOBODY" nobody
	exits 127 "$h" "$NOBODY" nobody "$STORY" 0 /nowhere/x x
	exits 126 "$h" "$NOBODY" nobody "$STORY" 0 /etc/passwd x
	# It cannot be had by a program that keeps its capabilities.
	no 'capabilities' setpriv --securebits +no_setuid_fixup "$h" "$NOBODY" nobody "$STORY" 0 /bin/true true
	exits 100 workerd --as-owner --allow-root "$S"
	exits 100 setpriv --reuid "$NOBODY" --clear-groups workerd --as-owner "$S"
}

run_stories "$@"
