#!/bin/sh
# A spool reached by its HTTP server, with the real one: whole jobs, and verbs
# that say the same as on the spool's own host.
. "$TOP/tests/lib.sh"
. "$TOP/tests/tls.sh"

PLAIN_ONLY="http2 same_words away token race pages"

listens() { [ -n "$(sed -n 's/.* listen=\([^ ]*\).*/\1/p' "$T/httpd.log")" ]; }

serve() { # [OPTION...]: a server on any port; URL, HTTPD
	: >"$T/httpd.log"
	# What is shut in cannot be looked at by the leak checker.
	ASAN_OPTIONS=detect_leaks=0 spool-httpd -v --listen "127.0.0.1:${PORT:-0}" "$@" "$S" >"$T/httpd.log" 2>&1 &
	HTTPD=$!
	PIDS="$PIDS $HTTPD"
	soon listens
	URL=$(sed -n 's/.* listen=\([^ ]*\).*/\1/p' "$T/httpd.log")
	PORT=${URL##*:}
}

# A worker over HTTP; options of workerd.
http_worker() {
	env ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    ${1+"$@"} "$URL" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
}
http_drain() {
	timeout $((DEADLINE * 3)) workerd $ROOTOK --work "$T/work" \
	    --python "$PYTHON" --drain ${1+"$@"} "$URL" >>"$T/worker.log" 2>&1
}

# Something of everything.
fill() {
	script ok.py <<-'PY'
	import os, sys
	open(os.environ['SPOOL_OUT'] + '/model.bin', 'w').write('weights')
	with open(os.environ['SPOOL_METRICS'], 'w') as f:
	    for i in range(3):
	        f.write('{"step": %d, "loss": %g}\n' % (i, 1 / (i + 1)))
	print('some words')
	print('{"loss": 0.25}')
	PY
	script bad.py <<-'PY'
	raise SystemExit('no good')
	PY
	mkdir "$T/jobs"
	job ok.py '"a":1' >"$T/jobs/one.json"
	job bad.py '"order":{"attempts":1}' >"$T/jobs/two.json"
	spool submit --name one "$T/jobs/one.json" >/dev/null
	spool submit --name two "$T/jobs/two.json" >/dev/null
	drain
	spool submit --name three --priority 7 "$T/jobs/one.json" >/dev/null
	spool submit --name four "$T/jobs/one.json" >/dev/null
	spool hold four >/dev/null
	spool submit --name five --after one "$T/jobs/one.json" >/dev/null
}

# both VERB...: said on the disk and over HTTP, without what moves by itself
both() {
	spool "$@" 2>&1 | moves >"$T/near"
	spool -s "$URL" "$@" 2>&1 | moves >"$T/far"
	[ -s "$T/near" ] || fail "spool $* says nothing"
	cmp -s "$T/near" "$T/far" || {
		diff "$T/near" "$T/far" | sed 's/^/      /' >&2
		fail "spool $* says something else over HTTP"
	}
}
moves() { sed -E 's/"beat":[0-9]+/"beat":0/g; s/"silent":[0-9.e-]+/"silent":0/g; s/ +[0-9]+(\.[0-9])?[smhd][0-9smh]*( ago)?$//'; }

idles() { grep -q drained "$S"/workers/idle-*.json; }
began() { grep -q began "$S"/runs/*/"$ID"/*.log; }

t_same_words() {
	fill
	serve
	: >"$S/drain/idle"
	start_worker --name idle
	soon idles
	both ls --json
	both ls --json --metrics 'done'
	both ls --json new waiting
	both ls --json -n 2
	both show one
	both show --json one
	both show two
	both show four
	both log one
	both log two
	both log --metrics one
	both why three
	both why four
	both why five
	both why two
	both show nothing-like-it
	both show o
	both workers --json
	exits 0 spool -s "$URL" wait one
	exits 1 spool -s "$URL" wait one two
	exits 111 spool -s "$URL" wait --timeout 0.2 four
	for verb in init check reindex; do
		exits 100 spool -s "$URL" $verb
		has "$(cat "$T/err")" 'run it where they are, or with -s sftp://'
	done
	exits 100 spool -s "$URL" token --role read add
	has "$(cat "$T/err")" 'run it where they are'
	hasnt "$(cat "$T/err")" 'sftp'
}

# What changes something: submitted with its pins, held, cancelled, retried.
no_wishes() { [ -z "$(ls "$S/drain")" ]; }
boxes() { ls "$S"/workers/box-*.json; }

t_verbs() {
	script there.py <<-'PY'
	print('{"a": 1}')
	PY
	serve
	mkdir "$T/jobs"
	echo 'import helper; print("{\"loss\": %d}" % helper.N)' >"$T/jobs/mine.py"
	echo 'N = 7' >"$T/jobs/helper.py"
	job mine.py >"$T/jobs/mine.json"
	{ job there.py '"n":1'; job there.py '"n":2'; } >"$T/jobs/two.jsonl"
	ID=$(spool -s "$URL" submit --name mine "$T/jobs/mine.json")
	spool -s "$URL" submit "$T/jobs/two.jsonl" >"$T/two"
	is "$(grep -c . "$T/two")" 2
	is "$(count new)" 3
	is "$(find "$S/tmp" -type f -name "[!.]*")" "" tmp
	two=$(tail -n 1 "$T/two")
	is "$(spool -s "$URL" hold "$two")" "$two held"
	is "$(count waiting)" 1
	is "$(spool -s "$URL" unhold "$two")" "$two is queued again"
	is "$(count waiting)" 0
	exits 1 spool -s "$URL" unhold "$two"
	is "$(spool -s "$URL" cancel "$two")" "$two cancelled"
	is "$(status_of "$two")" 499
	exits 1 spool -s "$URL" cancel "$two"
	drain
	is "$(jq .loss "$S/outcomes/$ID.json")" 7
	again=$(spool -s "$URL" retry mine)
	is "$(jq -r .order.retryOf "$S"/new/*"$again"*)" "$ID"
	http_worker --name box
	soon boxes
	has "$(spool -s "$URL" drain box)" box
	soon grep -q drained "$(echo "$S"/workers/box-*.json)"
	spool -s "$URL" resume box >/dev/null
	soon no_wishes
	stop $WORKER
	echo '{"scriptName":"x"' >"$T/jobs/broken.json"
	exits 1 spool -s "$URL" submit "$T/jobs/broken.json"
	promises
}

# Whole jobs over TLS: staged, with log, metrics and artifacts.
t_worker() {
	ca "$T/ca"
	cert "$T/ca" "$T/boss" IP:127.0.0.1
	serve --cert "$T/boss.pem" --key "$T/boss.key"
	has "$URL" https://
	fill
	mkdir -p "$S/data/set/deep"
	echo 1 >"$S/data/set/a.csv"
	echo 2 >"$S/data/set/deep/b.csv"
	script sum.py <<-'PY'
	import os, helper
	d = os.environ['SPOOL_DATA']
	print('{"loss": %d}' % (helper.N + sum(int(open(d + f).read())
	    for f in ('/a.csv', '/deep/b.csv'))))
	PY
	echo 'N = 100' >"$S/scripts/helper.py"
	start_spoold
	job sum.py '"dataFileName":"set"' >"$S/new/sum.json"
	exits 100 workerd $ROOTOK --work "$T/work" --drain "$URL"
	has "$(cat "$T/err")" certificate
	spool unhold four >/dev/null
	http_drain --cacert "$T/ca.pem"
	is "$(count 'done')" 5
	is "$(count failed)" 1
	id=$(spool ls --json 'done' | jq -r 'select(.script == "sum.py").id')
	is "$(jq .loss "$S/outcomes/$id.json")" 103
	is "$(jq .run.codeSha256 "$S/outcomes/$id.json" | wc -c)" 67
	is "$(spool log --metrics three | wc -l)" 3
	is "$(find "$T/work" -name 'spool-out*' | wc -l)" 0
	promises
}

# Behind a proxy that speaks HTTP/2 all is asked for by that, worker and verbs.
t_http2() {
	command -v nghttpx >/dev/null || skip 'no nghttpx'
	ca "$T/ca"
	cert "$T/ca" "$T/boss" IP:127.0.0.1
	serve
	_plain=$URL
	free_port
	nghttpx --conf=/dev/null --frontend="127.0.0.1,$PORT" \
	    --backend="127.0.0.1,${_plain##*:}" --workers=1 --single-process \
	    --accesslog-file="$T/h2.log" --accesslog-format='$alpn $status $request' \
	    --errorlog-file="$T/h2.err" "$T/boss.key" "$T/boss.pem" &
	PIDS="$PIDS $!"
	URL=https://127.0.0.1:$PORT
	soon asks ls
	fill
	start_spoold
	spool unhold four >/dev/null
	echo '# no other file' >>"$S/scripts/ok.py" # it comes through the proxy
	asks submit "$T/jobs/one.json"
	http_drain --cacert "$T/ca.pem"
	is "$(count 'done')" 5
	is "$(count failed)" 1
	asks log --metrics three
	is "$(wc -l <"$T/asked")" 3
	has "$(cat "$T/h2.log")" /v1/claim
	has "$(cat "$T/h2.log")" PUT
	is "$(cut -d' ' -f1 "$T/h2.log" | sort -u)" h2
	promises
}
asks() { spool --cacert "$T/ca.pem" -s "$URL" "$@" >"$T/asked"; }

# One that is given back goes on elsewhere with what it had left in out/, and
# what it took away there is gone.
t_resume() {
	script again.py <<-'PY'
	import os, sys
	out = os.environ['SPOOL_OUT']
	print('attempt', os.environ.get('SPOOL_RESUME', 'first'), flush=True)
	if not os.path.exists(out + '/sub/state'):
	    os.mkdir(out + '/sub')
	    open(out + '/sub/state', 'w').write('half')
	    open(out + '/gone', 'w').write('x')
	    sys.exit(75)
	os.remove(out + '/gone')
	print('{"metric": %d}' % len(open(out + '/sub/state').read()))
	PY
	serve
	job again.py >"$T/again.json"
	ID=$(spool submit --no-pin "$T/again.json")
	mkdir "$T/one" "$T/two"
	workerd $ROOTOK --work "$T/one" --python "$PYTHON" --once "$URL" \
	    2>>"$T/worker.log"
	is "$(ls "$S"/runs/*/"$ID"/out)" 'gone
sub'
	workerd $ROOTOK --work "$T/two" --python "$PYTHON" --once "$URL" \
	    2>>"$T/worker.log"
	is "$(jq .metric "$S/outcomes/$ID.json")" 4
	is "$(jq -r '.run.artifacts[].name' "$S/outcomes/$ID.json")" sub/state
	is "$(find "$S"/runs/*/"$ID"/out -type f -printf '%P\n')" sub/state
	is "$(cat "$S"/runs/*/"$ID"/*.log)" 'attempt first
attempt 1
{"metric": 4}'
	promises
}

# What runs is cancelled; what nobody has heard of is not.
t_cancel() {
	script long.py <<-'PY'
	import time
	print('began', flush=True)
	time.sleep(600)
	PY
	serve
	job long.py >"$T/long.json"
	ID=$(spool -s "$URL" submit --no-pin "$T/long.json")
	http_worker
	soon began
	has "$(spool -s "$URL" log "$ID")" began
	has "$(spool -s "$URL" cancel "$ID")" 'will stop it'
	soon over "$ID"
	is "$(status_of "$ID")" 499
	stop $WORKER
	is "$(ls "$S"/workers/*.json 2>/dev/null)" '' workers
	promises
}

lossy() { # RULE...: between us and the server; URL
	printf '%s\n' "$@" >"$T/rules"
	: >"$T/rules.lost"
	rm -f "$T/port"
	"$PYTHON" "$TOP/tests/far/lossy.py" "$T/port" "$PORT" "$T/rules" \
	    >>"$T/lossy.log" 2>&1 &
	PIDS="$PIDS $!"
	soon test -s "$T/port"
	URL=http://127.0.0.1:$(cat "$T/port")
}

# Answers are lost, requests and answers break off in the middle: all of it
# comes once, in order, and whole.
t_lost() {
	script talk.py <<-'PY'
	import os, sys, time
	out = os.environ['SPOOL_OUT']
	with open(out + '/large', 'wb') as f:
	    f.write(bytes(i * 7 % 251 for i in range(7000)) * 1300)
	with open(os.environ['SPOOL_METRICS'], 'w') as f:
	    for i in range(300):
	        f.write('{"step": %d}\n' % i)
	for i in range(40):
	    print('line', i, flush=True)
	    time.sleep(0.02)
	print('{"loss": 1}')
	PY
	head -c 500000 /dev/urandom >"$S/data/large.bin"
	serve
	for i in 1 2 3; do
		job talk.py '"dataFileName":"large.bin"' >"$S/new/j$i.json"
	done
	lossy 'answer POST /v1/claim 1' 'answer POST /v1/commit 1' \
	    'answer PUT /log 3' 'answer PUT /metrics 2' 'half GET /v1/data 2' \
	    'request PUT /out/.*at=0 1' \
	    'request PUT /out/.*at=[1-9] 2' 'answer PUT /out/ 1' 'request PUT /log 1' \
	    'answer PUT /v1/workers 1' 'half GET /v1/ready 1' \
	    'answer PUT /v1/blobs 1' 'freeze POST /v1/claim 1'
	http_drain
	is "$(count 'done')" 3
	for ID in $(ls "$S/outcomes" | sed 's/.json//'); do
		is "$(cat "$S"/runs/*/"$ID"/*.log | grep -c line)" 40 lines
		is "$(cat "$S"/runs/*/"$ID"/*.log | sort | uniq -d)" '' twice
		is "$(cat "$S"/runs/*/"$ID"/*.metrics.jsonl | jq .step | tr '\n' ' ')" \
		    "$(seq -s ' ' 0 299) " steps
		is "$(sha256sum <"$(echo "$S"/runs/*/"$ID"/out/large)" | cut -c 1-64)" \
		    "$(jq -r '.run.artifacts[0].sha256' "$S/outcomes/$ID.json")"
		is "$(jq -r .run.dataSha256 "$S/outcomes/$ID.json")" \
		    "$(sha256sum <"$S/data/large.bin" | cut -c 1-64)"
	done
	for what in claim commit log metrics data out workers ready blobs; do
		has "$(cat "$T/rules.lost")" "/$what"
	done
	promises
}

# The claim is done there and its answer never comes: the worker finds that it
# holds the order, which runs once.
t_lost_claim() {
	script ran.sh <<-SH
	#!/bin/sh
	echo ran >>"$T/ran"
	echo '{"loss":1}'
	SH
	serve
	job ran.sh >"$T/job.json"
	ID=$(spool submit --no-pin "$T/job.json")
	lossy 'answer POST /v1/claim 1'
	http_worker --name far
	soon over "$ID"
	stop "$WORKER"
	has "$(cat "$T/rules.lost")" /v1/claim
	is "$(wc -l <"$T/ran")" 1 'times that it ran'
	is "$(outcome | jq .run.attempt)" 1
	is "$(grep -c 'start order=' "$T/worker.log")" 1 'starts'
	promises
}

# With tokens, over TLS, served by spoold: each may what its roles say, and a
# worker is who its token says.
t_token() {
	ca "$T/ca"
	cert "$T/ca" "$T/boss" IP:127.0.0.1
	script n.sh <<-'SH'
	#!/bin/sh
	env | grep -q TOKEN && exit 1
	echo '{"loss": 1}'
	SH
	for role in read submit work admin; do
		spool token --role $role add >"$T/may-$role"
	done
	spool token --role work --worker box add >"$T/may-box"
	free_port
	start_spoold --listen "127.0.0.1:$PORT" --cert "$T/boss.pem" \
	    --key "$T/boss.key"
	URL=https://127.0.0.1:$PORT
	export SPOOL_TOKEN_FILE="$T/may-submit"
	soon answers
	job n.sh >"$T/n.json"
	ID=$(spool --cacert "$T/ca.pem" -s "$URL" submit --no-pin "$T/n.json")
	exits 100 spool --cacert "$T/ca.pem" -s "$URL" ls
	has "$(cat "$T/err")" 'read'
	exits 0 spool --cacert "$T/ca.pem" --token-file "$T/may-read" -s "$URL" ls
	exits 100 spool --cacert "$T/ca.pem" --token-file "$T/may-read" -s "$URL" \
	    cancel "$ID"
	echo 00000000.none >"$T/wrong"
	exits 100 spool --cacert "$T/ca.pem" --token-file "$T/wrong" -s "$URL" ls
	has "$(cat "$T/err")" 'token'
	exits 100 timeout 60 workerd $ROOTOK --work "$T/work" --drain --cacert "$T/ca.pem" "$URL"
	has "$(cat "$T/err")" 'role'
	timeout 120 workerd $ROOTOK --work "$T/work" --drain --cacert "$T/ca.pem" \
	    --token-file "$T/may-box" --name other "$URL" >>"$T/worker.log" 2>&1
	is "$(jq -r .run.worker "$S/outcomes/$ID.json" | cut -c 1-4)" box-
	is "$(jq -r .loss "$S/outcomes/$ID.json")" 1
	promises
}
answers() { spool --cacert "$T/ca.pem" --token-file "$T/may-read" -s "$URL" ls; }
free_port() {
	PORT=$("$PYTHON" -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
}

# The server goes while a job runs, and comes back: nothing is lost, and an
# idle worker takes up its work again.
t_away() {
	script told.py <<-PY
	import os, time
	print('began', flush=True)
	while not os.path.exists('$T/end'):
	    time.sleep(0.05)
	print('{"loss": 3}')
	PY
	serve
	job told.py >"$T/told.json"
	ID=$(spool submit --no-pin "$T/told.json")
	http_worker --name far
	soon began
	stop $HTTPD
	soon grep -q 'beat failed' "$T/worker.log"
	: >"$T/end"
	soon grep -q 'end order=' "$T/worker.log"
	serve
	soon over "$ID"
	is "$(jq .loss "$S/outcomes/$ID.json")" 3
	is "$(cat "$S"/runs/*/"$ID"/*.log)" 'began
{"loss": 3}'
	ID=$(spool submit --no-pin "$T/told.json")
	soon over "$ID"
	stop $WORKER
	promises
}

# More of the newest than one answer holds.
t_pages() {
	serve
	for _i in $(seq 1010); do job x.py; done | spool submit --no-pin - >/dev/null
	both ls --json -n 1003
	is "$(wc -l <"$T/far")" 1003 rows
}

# Workers here and there at the same orders.
t_race() {
	script n.sh <<-'SH'
	#!/bin/sh
	echo '{"loss": 1}'
	SH
	serve
	for i in $(seq 120); do job n.sh "\"n\":$i"; done >"$T/many.jsonl"
	spool -s "$URL" submit --no-pin "$T/many.jsonl" >/dev/null
	http_worker --name a -j 2
	http_worker --name b -j 2
	start_worker --name c
	soon outcomes_are 120
	is "$(count 'done')" 120
	soon no_claims
	# shellcheck disable=SC2086
	stop $PIDS
	promises
}
no_claims() { [ -z "$(ls "$S/assigned")" ]; }

run_stories "$@"
