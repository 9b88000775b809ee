#!/bin/sh
# Workers and verbs over SFTP, with a real sshd: what only there is so.  What is
# the same over every medium is told by 79-remote.sh.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"

PLAIN_ONLY="verbs refused documented half_claim late_claim"

over_sftp() { # ARGUMENTS of workerd: until nothing is left
	timeout $((DEADLINE * 3)) workerd $ROOTOK --work "$T/work" \
	    --python "$PYTHON" --drain "$@" "$URL" >>"$T/worker.log" 2>&1
}
start_sftp() {
	env ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    ${1+"$@"} "$URL" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
}
out_of() { echo "$S/runs/$(echo "$1" | cut -c1-8)/$1/out"; }
logged() { grep -q "$1" "$T/worker.log"; }

# A whole job: script, module, data, log, metrics, files; and nothing of it is
# left on the worker.
t_job() {
	sshd_up
	echo 'WORD = "hello"' >"$S/scripts/words.py"
	script job.py <<-'PY'
	import json, os, words
	out = os.environ["SPOOL_OUT"]
	os.makedirs(out + "/deep/er")
	open(out + "/deep/er/model.bin", "wb").write(b"m" * 100000)
	open(out + "/a file", "w").write("x")
	os.symlink("/etc/passwd", out + "/planted")
	os.mkfifo(out + "/fifo")
	open(os.environ["SPOOL_METRICS"], "a").write('{"step":1,"loss":2}\n')
	data = open("d.txt").read().strip()
	print(words.WORD, data)
	print(json.dumps({"said": words.WORD + data}))
	PY
	echo data >"$S/data/d.txt"
	job job.py '"dataFileName":"d.txt"' >"$S/new/first.json"
	job job.py '"dataFileName":"d.txt"' >"$T/second.json"
	_id=$(spool -s "$URL" submit "$T/second.json")
	over_sftp
	outcomes_are 2
	is "$(status_of "$_id")" 200
	is "$(outcome | jq -rs '.[0].said')" hellodata
	_out=$(out_of "$_id")
	is "$(wc -c <"$_out/deep/er/model.bin")" 100000
	is "$(cat "$_out/a file")" x
	is "$(find "$_out" -mindepth 1 | wc -l)" 4
	is "$(jq -c '[.run.artifacts[].name]' "$S/outcomes/$_id.json")" \
	    '["a file","deep/er/model.bin"]'
	is "$(jq -r '.run.artifacts[1].sha256' "$S/outcomes/$_id.json")" \
	    "$(sha256sum <"$_out/deep/er/model.bin" | cut -d' ' -f1)"
	has "$(cat "$S"/runs/*/"$_id"/*.log)" 'hello data'
	has "$(cat "$S"/runs/*/"$_id"/*.metrics.jsonl)" '"loss":2'
	_sha=$(sha256sum <"$S/scripts/job.py" | cut -d' ' -f1)
	cmp "$S/blobs/sha256/$_sha" "$S/scripts/job.py" || fail 'no such blob'
	is "$(find "$T/work" -path '*outbox*')" ''
	is "$(ls "$S/workers")" ''
	promises
	spool check
}

# What an attempt left goes on with the next one, also what it took away.
t_resume() {
	sshd_up
	script stays.sh <<-'SH'
	#!/bin/sh
	trap 'echo saved >>"$SPOOL_OUT/state"; exit 75' TERM
	printf '%s ' "${SPOOL_RESUME:-0}" "$SPOOL_ATTEMPT" "$(cat "$SPOOL_OUT/sub/state" 2>/dev/null)" >>"$SPOOL_OUT/seen"
	mkdir -p "$SPOOL_OUT/sub"
	echo "$SPOOL_TICKET" >>"$SPOOL_OUT/sub/state"
	rm -f "$SPOOL_OUT/old"
	[ ! -e enough ] && [ "$SPOOL_TICKET" -lt 3 ] || { echo '{"loss":1}'; exit 0; }
	echo >"$SPOOL_OUT/old"
	echo >here
	while :; do sleep 0.1; done
	SH
	job stays.sh >"$T/job.json"
	_id=$(spool -s "$URL" submit "$T/job.json")
	_out=$(out_of "$_id")
	for _n in 1 2; do
		start_sftp --preempt
		until_ "$DEADLINE" sh -c "find '$T/work' -name here | grep -q ."
		kill -TERM "$WORKER"
		soon dead "$WORKER"
		wait "$WORKER" || :
		is "$(ls "$S/new")" "50.$_id.t$((_n + 1))a0.job.json"
		is "$(wc -l <"$_out/state")" $_n
		[ -e "$_out/old" ] || fail 'old is not there'
		rm -rf "$T"/work/spool-kept*
	done
	over_sftp
	is "$(status_of "$_id")" 200
	is "$(cat "$_out/seen")" '0 1  1 1 1 1 1 1
2 '
	[ ! -e "$_out/old" ] || fail 'old came back'
	is "$(find "$T/work" -path '*outbox*')" ''
	promises "$_id"
}

# The link is cut at all times, and away when jobs end: work goes on, and what
# came of it is handed over later, files and all.
t_away() {
	sshd_up
	script waits.sh <<-SH
	#!/bin/sh
	echo started
	: >"$T/started.\$SPOOL_ID"
	until [ -e "$T/go" ]; do sleep 0.05; done
	echo ended; echo end >"\$SPOOL_OUT/file"
	echo '{"x":1}'
	: >"$T/ended.\$SPOOL_ID"
	SH
	policy lease=60 beat=0.5 settle=0.5 poll=0.2
	for _i in 1 2; do job waits.sh >"$S/new/$_i.json"; done
	ACTOR_ENV=SPOOL_TIMEOUT=2
	start_sftp -j 2
	until_ "$DEADLINE" sh -c "[ \$(ls '$T' | grep -c started) = 2 ]"
	sshd_cut
	soon logged 'link up'
	sshd_down
	: >"$T/go"
	until_ "$DEADLINE" sh -c "[ \$(ls '$T' | grep -c ended) = 2 ]"
	soon logged 'keep order='
	outcomes_are 0
	sshd_again
	soon outcomes_are 2
	for _o in "$S"/outcomes/2*.json; do
		_id=$(jq -r ._id "$_o")
		is "$(jq .status "$_o")" 200
		is "$(cat "$(out_of "$_id")/file")" end
		is "$(cat "$S"/runs/*/"$_id"/*.log)" 'started
ended
{"x":1}'
	done
	stop "$WORKER"
	is "$(find "$T/work" -path '*outbox*')" ''
	promises
}

# The worker is killed while the server is away: the next of its name delivers.
t_next_delivers() {
	sshd_up
	script waits.sh <<-SH
	#!/bin/sh
	: >"$T/started"
	until [ -e "$T/go" ]; do sleep 0.05; done
	mkdir "\$SPOOL_OUT/d"
	echo end >"\$SPOOL_OUT/d/file"
	echo '{"x":1}'
	SH
	policy lease=60 beat=0.5 settle=0.5 poll=0.2
	job waits.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	ACTOR_ENV=SPOOL_TIMEOUT=2
	start_sftp --name me
	soon test -e "$T/started"
	sshd_down
	: >"$T/go"
	soon logged 'waits in'
	kill -KILL "$WORKER"
	wait "$WORKER" || :
	sshd_again
	over_sftp --name me
	is "$(status_of "$_id")" 200
	is "$(cat "$(out_of "$_id")/d/file")" end
	is "$(jq .run.attempt "$S/outcomes/$_id.json")" 1
	is "$(find "$T/work" -path '*outbox*')" ''
	promises "$_id"
}

# Its server dies or falls asleep in the middle (tests/shim/halt.c).
halting() {
	${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o "$T/halt.so" \
	    "$TOP/tests/shim/halt.c" -ldl
	SSHD_ENV="LD_PRELOAD=$T/halt.so"
	sshd_up
	script ran.sh <<-SH
	#!/bin/sh
	echo ran >>"$T/ran"
	echo '{"x":1}'
	SH
	ACTOR_ENV=SPOOL_TIMEOUT=0.5
}
halt() { echo "$*" >"$SSHD/root/halt.new" && mv "$SSHD/root/halt.new" "$SSHD/root/halt"; }
halted() { [ ! -e "$SSHD/root/halt" ]; }
no_twins() { [ -z "$(find "$S/new" "$S/waiting" "$S/assigned" -type f)" ]; }
once_run() {
	soon outcomes_are 1
	stop "$WORKER"
	soon no_twins
	is "$(wc -l <"$T/ran")" 1 'times that it ran'
	is "$(outcome | jq .run.attempt)" 1
	promises
}

# Killed between link and unlink: the order has two names, and nobody starts it
# before one that can tell has mended that.
t_half_claim() {
	SFTP_ARGS='-P posix-rename'
	halting
	halt unlink kill /new/
	job ran.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	start_sftp
	soon halted
	soon logged 'link down'
	soon logged 'link up'
	is "$(find "$S/new" "$S/assigned" -name "*$_id*" -links 2 | wc -l)" 2
	# It does not start it, though it is held under its name.
	soon sh -c "[ \$(grep -c . '$S'/workers/*.json) = 1 ]"
	[ ! -e "$T/ran" ] || fail 'started with two links'
	start_spoold
	once_run
}

# Likewise of its commit: the outcome counts once.
t_half_commit() {
	SFTP_ARGS='-P posix-rename'
	halting
	halt unlink kill /assigned/
	job ran.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	start_sftp
	soon halted
	soon logged 'link up'
	start_spoold
	once_run
}

# The server sleeps in the claim, and does it after we have given it up and are
# connected anew.
t_late_claim() {
	halting
	halt rename wait /assigned/
	job ran.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	start_sftp
	soon halted
	soon logged 'no answer in 500 ms'
	soon logged 'link up'
	: >"$SSHD/root/go"
	once_run
}

# The claim is done there and its answer never comes: what lies under the
# worker's own name tells, and the order runs once.
t_lost_claim() {
	halting
	halt rename lose /assigned/
	job ran.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	start_sftp
	soon halted
	soon logged 'link up'
	once_run
	is "$(grep -c 'start order=' "$T/worker.log")" 1 'starts'
}

# The same of its commit, late.
t_late_commit() {
	halting
	halt rename wait /done/
	job ran.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	start_sftp
	soon halted
	soon logged 'link up'
	: >"$SSHD/root/go"
	once_run
}

# A server that knows less: no rename in one step, no fsync.  What cannot be
# promised is said, and a worker takes nothing from another one.
t_less() {
	SFTP_ARGS='-P posix-rename,fsync,hardlink,limits,statvfs'
	sshd_up
	script s.sh <<-'SH'
	#!/bin/sh
	[ -e "$SPOOL_OUT/x" ] || { echo x >"$SPOOL_OUT/x"; exit 75; }
	[ -e "$SPOOL_OUT/y" ] || { echo y >"$SPOOL_OUT/y"; sleep 2; exit 75; }
	echo '{"loss":3}'
	SH
	job s.sh '"order":{"retry":["exit"]}' >"$S/new/a.json"
	_dead=50.$(date -u +%Y%m%dT%H%M%S000)-00000000.t1a0@dead-123456.json
	job s.sh >"$S/assigned/$_dead"
	start_sftp
	soon sh -c "spool workers | grep -q 'durability unknown'"
	soon outcomes_are 1
	stop "$WORKER"
	has "$(cat "$T/worker.log")" 'durability unknown'
	is "$(outcome | jq .status)" 200
	is "$(outcome | jq .run.attempt)" 1
	is "$(ls "$S/assigned")" "$_dead" 'what the dead held'
	promises
}

# Verbs, as on a directory.
t_verbs() {
	sshd_up
	script s.sh <<-'SH'
	#!/bin/sh
	echo a line
	echo '{"loss":3}'
	SH
	spool init "$URL/../made"
	is "$(spool -s "$SSHD/root/made" ls | wc -l)" 0
	exits 100 spool init "$URL/../not/made"
	export SPOOL_DIR="$URL"
	job s.sh >"$T/job.json"
	_id=$(spool submit "$T/job.json")
	has "$(spool ls)" new
	_other=$(spool submit "$T/job.json")
	spool cancel "$_other"
	over_sftp
	has "$(spool ls)" 'done'
	has "$(spool show "$_id")" '"loss":3'
	is "$(spool log "$_id")" 'a line
{"loss":3}'
	is "$(spool wait "$_id" >/dev/null; echo $?)" 0
	is "$(status_of "$_other")" 499
	has "$(spool check 2>&1)" 'all is well'
	spool retry "$_other"
	over_sftp
	outcomes_are 3
}

# Whom we may not trust, or who does not let us in, ends it at once.
t_refused() {
	sshd_up
	: >"$KNOWN"
	exits 100 workerd $ROOTOK --work "$T/work" "$URL"
	has "$(cat "$T/err")" 'is not known'
	exits 100 spool -s "$URL" ls
	has "$(cat "$T/err")" 'is not known'
	exits 0 workerd $ROOTOK --work "$T/work" --drain --accept-new "$URL"
	is "$(wc -l <"$KNOWN")" 1
	ssh-keygen -q -t ed25519 -N '' -f "$T/stranger"
	exits 100 workerd $ROOTOK --work "$T/work" -i "$T/stranger" "$URL"
	has "$(cat "$T/err")" 'with no key of ours'
	exits 100 workerd $ROOTOK --work "$T/work" "$URL-nix"
	has "$(cat "$T/err")" 'is no spool'
	exits 0 workerd $ROOTOK --work "$T/work" --drain --known-hosts "$KNOWN" "$URL"
	sshd_down
	exits 111 workerd $ROOTOK --work "$T/work" "$URL"
	has "$(cat "$T/err")" 'Connection refused'
}

# The set-up that workerd(8) has, with nobody for the account: it writes for its
# group, and has no shell.
t_documented() {
	sshd_make
	_g=$(id -gn nobody)
	mkdir "$SSHD/keys"
	echo "restrict $(cut -d' ' -f1,2 "$SSHD/id.pub") gpu07" >"$SSHD/keys/nobody"
	sshd_config >"$SSHD/config" <<-X
	Match Group $_g
	    ChrootDirectory $SSHD/root
	    ForceCommand internal-sftp -u 0007
	    AuthorizedKeysFile $SSHD/keys/%u
	    AllowTcpForwarding no
	    X11Forwarding no
	    PermitTTY no
	X
	sshd_begin
	URL=sftp://nobody@127.0.0.1:$SSHD_PORT/jobs
	S=$SSHD/root/jobs
	install -d -m 2770 -o nobody -g "$_g" "$S"
	(umask 007; runuser -u nobody -- "$BIN/spool" init "$S")
	script s.sh <<-'SH'
	#!/bin/sh
	echo x >"$SPOOL_OUT/file"
	SH
	job s.sh >"$T/job.json"
	_id=$(spool -s "$URL" submit "$T/job.json")
	over_sftp
	is "$(status_of "$_id")" 204
	is "$(stat -c '%U %G %a' "$(out_of "$_id")/file")" "nobody $_g 660"
	is "$(stat -c '%U %G %a' "$S/outcomes/$_id.json")" "nobody $_g 660"
	exits 1 ssh -F none -i "$KEY" -o "UserKnownHostsFile=$KNOWN" \
	    -o BatchMode=yes -p "$SSHD_PORT" nobody@127.0.0.1 id
	hasnt "$(cat "$T/out")" uid
}

run_stories "$@"
