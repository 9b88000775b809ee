#!/bin/sh
# 76-http.sh - a spool over HTTP, asked by curl(1): jobs in, orders out, and
# what happens when answers are lost, workers lie and strangers call.
. "$TOP/tests/lib.sh"

PLAIN_ONLY="shut_in tls crowd steady"
# In its box the server cannot be looked through for leaks, when it ends.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
W=box-0a1b2c

# The server, by itself; $U is where.
started_is() { [ "$(grep -c ' start spool=' "$T/httpd.log")" = "$1" ]; }
start_httpd() {
	touch "$T/httpd.log"
	_had=$(grep -c ' start spool=' "$T/httpd.log" || :)
	spool-httpd -v --listen 127.0.0.1:0 ${1+"$@"} "$S" >>"$T/httpd.log" 2>&1 &
	HTTPD=$!
	PIDS="$PIDS $HTTPD"
	soon started_is $((_had + 1))
	U=$(sed -n 's/.* start spool=.*listen=\([^ ]*\).*/\1/p' "$T/httpd.log" | tail -n 1)
}

# ask METHOD PATH [curl's...]: the status to $CODE, the body to $T/body
ask() {
	_m=$1 _p=$2
	shift 2
	CODE=$(curl -sS -m 100 -X "$_m" -H "Content-Type: ${TYPE:-application/json}" \
	    ${TOKEN:+-H "Authorization: Bearer $TOKEN"} \
	    -D "$T/head" -o "$T/body" -w '%{http_code}' "$U$_p" ${1+"$@"})
}
# want CODE METHOD PATH [curl's...]
want() {
	_want=$1
	shift
	ask "$@"
	[ "$CODE" = "$_want" ] || fail "$1 $2: wanted $_want, got $CODE: $(cat "$T/body")"
}
got() { jq -r "$1" "$T/body"; }
head_of() { sed -n "s/^$1: *\(.*[^\r]\)\r*\$/\1/Ip" "$T/head"; }
offer() { printf '{"worker":"%s","offer":{"gpus":%s,"cpus":8},"wait":%s,"holds":[%s]}' "$W" "${1:-0}" "${2:-0}" "${3:-}"; }
# A claim of $W's: $N its name, $ID its id.
claim() {
	want 200 POST /v1/claim -d "$(offer)"
	N=$(got .name) ID=$(got .id)
}
ended() { jq -cn --arg n "$1" --arg t "$2" '{ended: [{name: $n, text: $t}]}'; }
submit() { want 201 POST /v1/orders -d "$(job a.py "${1:-}")"; }

t_submit() {
	start_httpd
	want 201 POST /v1/orders -d "$(job a.py '"loss":0.10')"
	_id=$(got .id)
	is "$(head_of Location)" "/v1/orders/$_id"
	is "$(cat "$S/new/50.$_id.t1a0.json")" '{"scriptName":"a.py","loss":0.10}' "byte for byte"
	want 422 POST /v1/orders -d '{"scriptNam":"a.py"}'
	is "$(got .error)" bad
	has "$(got .reason)" scriptName
	want 422 POST /v1/orders -d '{"scriptName":'
	TYPE=text/plain
	want 415 POST /v1/orders -d "$(job a.py)"
	TYPE=
	want 400 POST '/v1/orders?prio=3' -d "$(job a.py)"
	has "$(got .reason)" "do you mean 'priority'?"
	want 400 POST '/v1/orders?priority=100' -d "$(job a.py)"
	want 201 POST '/v1/orders?priority=60&label=slow' -d "$(job a.py)"
	is "$(find "$S/new" -name '60.*.slow.json' | wc -l)" 1
	# Many: one bad line does not stop the others; with ids of ours the same
	# request may come again.
	printf '{"scriptName":"a.py"}\nno\n{"scriptName":"b.py"}\n\n{"scriptName":"c.py"}' >"$T/many"
	_first=20260101T000000000-00000010
	TYPE=application/jsonl
	for _n in 1 2; do
		want 207 POST "/v1/orders?id=$_first" --data-binary "@$T/many"
		is "$(got '"\(.accepted) \(.refused)"')" "3 1"
		is "$(got '.orders[1].line')" 2
		is "$(got '.orders[3].id')" 20260101T000000000-00000013
	done
	is "$(got '[.orders[] | select(.again) | .id] | length')" 3
	is "$(ls "$S"/new/50.20260101* | wc -l)" 3
	want 422 POST /v1/orders -d 'no'
	TYPE=
	# Also when they have moved on meanwhile.
	claim
	is "$ID" "$_first"
	want 201 POST "/v1/orders?id=$_first" -d "$(job a.py)"
	is "$(got '"\(.again) \(.state)"')" "true assigned"
	promises
}

t_orders() {
	start_httpd
	for _n in 1 2 3; do submit; done
	want 200 GET '/v1/orders?limit=2'
	is "$(got '.orders | length')" 2
	want 200 GET "/v1/orders?after=$(got .next)"
	is "$(got '"\(.orders | length) \(.next)"')" "1 null"
	_id=$(got '.orders[0].id')
	want 200 GET '/v1/orders?last=1'
	is "$(got '.orders[].id')" "$_id"
	want 200 GET '/v1/orders?state=done,failed'
	is "$(got '.orders | length')" 0
	want 400 GET '/v1/orders?state=old'
	want 200 GET "/v1/orders/$_id"
	is "$(got '"\(.state) \(.script)"')" "new a.py"
	want 404 GET "/v1/orders/20260101T000000000-00000010"
	is "$(got .error)" gone
	want 400 GET /v1/orders/17
	want 404 GET "/v1/orders/$_id/outcome"
	want 200 PUT "/v1/orders/$_id/hold"
	want 200 GET /v1/marks
	is "$(got '.hold[]')" "$_id"
	want 200 DELETE "/v1/orders/$_id/hold"
	want 200 POST "/v1/orders/$_id/cancel"
	is "$(got .status)" 499
	want 200 POST "/v1/orders/$_id/cancel"
	want 200 GET "/v1/orders/$_id/outcome"
	is "$(got .status)" 499
	claim
	want 202 POST "/v1/orders/$ID/cancel"
	want 200 GET "/v1/workers/$W/held"
	is "$(got '.cancel[]')" "$ID"
	want 200 POST "/v1/claims/$N/cancel" -d '{"why":"asked to"}'
	want 200 POST "/v1/claims/$N/cancel" -d '{"why":"asked to"}'
	is "$(status_of "$ID")" 499
	promises
}

t_claim() {
	start_httpd
	want 204 POST /v1/claim -d "$(offer)"
	submit '"order":{"gpus":2}'
	submit '"order":{"requires":["fast"]}'
	want 204 POST /v1/claim -d "$(offer 1)"
	want 200 GET '/v1/ready?gpus=1'
	is "$(got '.orders | length')" 0
	want 200 GET '/v1/ready?gpus=2&cpus=1&tag=slow&tag=fast'
	is "$(got '.orders | length')" 2
	want 200 POST /v1/claim -d '{"worker":"'$W'","offer":{"tags":["fast"]}}'
	has "$(got .text)" requires
	# What may not run now is in no listing, and nobody gets it.
	want 200 GET /v1/ready
	_name=$(got '.orders[0].name')
	_id=${_name#50.} _id=${_id%%.*}
	spool hold "$_id" >/dev/null
	touch "$S/hold/$_id"
	_empty() { ask GET /v1/ready && [ "$(got '.orders | length')" = 0 ]; }
	soon _empty
	# By eight at once: one winner.
	submit
	want 200 GET /v1/ready
	_name=$(got '.orders[0].name')
	for _n in 1 2 3 4 5 6 7 8; do
		curl -sS -o /dev/null -w '%{http_code}\n' -H 'Content-Type: application/json' \
		    -d "{\"worker\":\"w-00000$_n\",\"name\":\"$_name\"}" "$U/v1/claim" &
		PIDS="$PIDS $!"
	done >"$T/codes"
	eight() { [ "$(grep -c . "$T/codes")" = 8 ]; }
	soon eight
	is "$(sort "$T/codes" | uniq -c | tr -s ' \n' ' ')" " 1 200 7 409 "
	want 400 POST /v1/claim -d '{"worker":"box"}'
	want 400 POST /v1/claim -d '{"worker":"'$W'"}'
	want 400 POST /v1/claim -d '{"worker":"'$W'","offer":{"gpu":1}}'
	promises
}

# Waiting claims: woken by what this server does and by what others do, in the
# spool, without looking all the time.
t_wait() {
	start_httpd
	_held=
	for _how in post cp; do
		curl -sS -m 100 -H 'Content-Type: application/json' -d "$(offer 0 20 "$_held")" "$U/v1/claim" >"$T/claimed" &
		_c=$!
		PIDS="$PIDS $_c"
		_n=$(awk '{print $14 + $15}' "/proc/$HTTPD/stat")
		sleep 1
		[ $(($(awk '{print $14 + $15}' "/proc/$HTTPD/stat") - _n)) -lt 30 ] || fail "it looks all the time"
		kill -0 $_c || fail "it did not wait"
		case $_how in
		post) submit ;;
		cp) job b.py >"$S/tmp/b" && mv "$S/tmp/b" "$S/new/b.json" ;;
		esac
		wait $_c || fail "no answer"
		is "$(jq -r .again "$T/claimed")" false
		_held=${_held:+$_held,}$(jq .name "$T/claimed")
	done
	# When the time is up there is nothing to say.
	want 204 POST /v1/claim -d "$(offer 0 1 "$_held")"
	# The queue's state, for those who choose themselves.
	want 200 GET '/v1/ready?limit=0'
	_seen=$(got .seen)
	curl -sS -m 100 "$U/v1/ready?seen=$_seen&wait=20&limit=0" >"$T/seen" &
	_c=$!
	PIDS="$PIDS $_c"
	submit
	wait $_c || fail "no answer"
	[ "$(jq -r .seen "$T/seen")" != "$_seen" ] || fail "the same"
}

# An answer was lost: the worker says what it knows that it holds.
t_again() {
	start_httpd
	submit
	submit
	claim
	_first=$N
	want 200 POST /v1/claim -d "$(offer)"
	is "$(got '"\(.again) \(.name)"')" "true $_first"
	want 200 POST /v1/claim -d "$(offer 0 0 "\"$_first\"")"
	is "$(got .again)" false
	_second=$(got .name)
	want 200 GET "/v1/workers/$W/held"
	is "$(got '.held | length')" 2
	# By name it is the same answer again.
	submit
	want 200 GET /v1/ready
	_name=$(got '.orders[0].name')
	for _n in false true; do
		want 200 POST /v1/claim -d "{\"worker\":\"$W\",\"name\":\"$_name\"}"
		is "$(got .again)" $_n
	done
	_third=$(got .name)
	# A newer request ends one that waits.
	_all="\"$_first\",\"$_second\",\"$_third\""
	curl -sS -m 100 -o /dev/null -w '%{http_code}' -H 'Content-Type: application/json' \
	    --trace-ascii "$T/sent1" -d "$(offer 0 60 "$_all")" "$U/v1/claim" >"$T/code" &
	_c=$!
	PIDS="$PIDS $_c"
	soon grep -q '^=> Send data' "$T/sent1"
	want 204 POST /v1/claim -d "$(offer 0 1 "$_all")"
	wait $_c || fail "it still waits"
	is "$(cat "$T/code")" 204
	# Whoever is gone gets no order.
	curl -sS -m 100 -H 'Content-Type: application/json' --trace-ascii "$T/sent2" \
	    -d '{"worker":"dead-000000","offer":{},"wait":60}' "$U/v1/claim" >/dev/null 2>&1 &
	_c=$!
	soon grep -q '^=> Send data' "$T/sent2"
	kill -KILL $_c
	wait $_c 2>/dev/null || :
	submit
	claim_new() { ask POST /v1/claim -d "$(offer 0 0 "$_all")" && [ "$CODE" = 200 ]; }
	soon claim_new
	is "$(ls "$S/assigned" | grep -c dead-000000)" 0
}

t_logs() {
	start_httpd
	submit
	claim
	for _n in 1 2; do # what was lost on its way back is simply said again
		want 200 PUT "/v1/claims/$N/log?at=0" -d 'one '
		want 200 PUT "/v1/claims/$N/log?at=4" -d 'two '
		is "$(got .size)" 8
	done
	# However late it comes: what is behind it stays.
	want 200 PUT "/v1/claims/$N/log?at=0" -d 'one '
	is "$(got .size)" 8
	want 200 PUT "/v1/claims/$N/log?at=4" -d 'two three'
	is "$(got .size)" 13
	want 409 PUT "/v1/claims/$N/log?at=20" -d 'x'
	is "$(got '"\(.error) \(.size)"')" "offset 13"
	want 200 PUT "/v1/claims/$N/log"
	is "$(got .size)" 13
	# Another try that says something else is the one that counts.
	want 200 PUT "/v1/claims/$N/log?at=8" -d 'four'
	want 200 GET "/v1/orders/$ID/log"
	is "$(cat "$T/body")" "one two four"
	is "$(head_of Spool-Attempt)" "t1a0@$W"
	want 206 GET "/v1/orders/$ID/log" -r 8-
	is "$(cat "$T/body")" four
	is "$(head_of Content-Range)" "bytes 8-11/12"
	want 206 GET "/v1/orders/$ID/log" -r -4
	is "$(cat "$T/body")" four
	want 416 GET "/v1/orders/$ID/log" -r 12-
	curl -sS -m 100 -r 12- "$U/v1/orders/$ID/log?wait=60" >"$T/tail" &
	_c=$!
	PIDS="$PIDS $_c"
	want 200 PUT "/v1/claims/$N/log?at=12" -d ' five'
	wait $_c || fail "no answer"
	is "$(cat "$T/tail")" " five"
	want 200 PUT "/v1/claims/$N/metrics?at=0" --data-binary '{"step":1,"loss":0.5}
'
	want 200 GET "/v1/orders/$ID"
	is "$(got .step)" 1
	want 200 GET "/v1/orders/$ID/attempts"
	is "$(got '.attempts[] | "\(.attempt) \(.log) \(.metrics)"')" "t1a0@$W 17 22"
	# Pins: the first that comes.
	want 404 GET "/v1/orders/$ID/pins"
	want 201 PUT "/v1/claims/$N/pins" -d '{"scriptSha256":"x"}'
	want 409 PUT "/v1/claims/$N/pins" -d '{"scriptSha256":"y"}'
	want 200 GET "/v1/orders/$ID/pins"
	is "$(got .scriptSha256)" x
	# What was taken away may end what it began, and begins nothing.
	want 200 POST "/v1/claims/$N/release" -d '{"how":"back"}'
	want 200 PUT "/v1/claims/$N/log?at=17" -d '.'
	rm -rf "$S/runs/"*
	want 409 PUT "/v1/claims/$N/log?at=0" -d 'x'
}

t_files() {
	start_httpd
	seq 20000 >"$T/nn.csv"
	_sha=$(sha256sum <"$T/nn.csv" | cut -d' ' -f1)
	want 201 PUT "/v1/data/nn.csv?sha256=$_sha" --data-binary "@$T/nn.csv"
	cmp "$T/nn.csv" "$S/data/nn.csv"
	want 422 PUT "/v1/data/x.csv?sha256=$_sha" -d x
	[ ! -e "$S/data/x.csv" ] || fail "it is there"
	want 200 GET /v1/data/nn.csv
	cmp "$T/body" "$T/nn.csv"
	_tag=$(head_of ETag)
	want 304 GET /v1/data/nn.csv -H "If-None-Match: $_tag"
	want 206 GET /v1/data/nn.csv -r 100-199 -H "If-Range: $_tag"
	is "$(cat "$T/body")" "$(dd if="$T/nn.csv" bs=100 skip=1 count=1 2>/dev/null)"
	want 200 GET /v1/data/nn.csv -r 100-199 -H 'If-Range: "x"'
	want 412 PUT /v1/data/nn.csv -H 'If-None-Match: *' -d x
	want 201 PUT /v1/data/nn.csv -d x
	want 200 HEAD /v1/data/nn.csv -I
	is "$(head_of Content-Length)" 1
	[ "$(head_of ETag)" != "$_tag" ] || fail "the same version"
	is "$(head_of Spool-Kind)" file
	# In parts, and where it was when the connection broke; a restart between.
	head -c 50000 "$T/nn.csv" >"$T/part1"
	tail -c +40001 "$T/nn.csv" >"$T/part2"
	_q="total=$(wc -c <"$T/nn.csv")&sha256=$_sha"
	want 202 PUT "/v1/data/two.csv?at=7&$_q"
	is "$(got .size)" 0
	want 202 PUT "/v1/data/two.csv?at=0&$_q" --data-binary "@$T/part1"
	is "$(got .size)" 50000
	want 409 PUT "/v1/data/two.csv?at=60000&$_q" -d x
	is "$(got .size)" 50000
	stop "$HTTPD"
	start_httpd
	want 202 PUT "/v1/data/two.csv?at=0&$_q"
	is "$(got .size)" 50000
	want 201 PUT "/v1/data/two.csv?at=40000&$_q" --data-binary "@$T/part2"
	cmp "$T/nn.csv" "$S/data/two.csv"
	is "$(ls "$S/tmp")" ""
	# Blobs are what they are called.
	want 404 HEAD "/v1/blobs/$_sha" -I
	is "$(head_of Spool-Error)" gone
	want 422 PUT "/v1/blobs/$_sha" -d x
	want 201 PUT "/v1/blobs/$_sha" --data-binary "@$T/nn.csv"
	cmp "$T/nn.csv" "$S/blobs/sha256/$_sha"
	want 200 GET "/v1/blobs/$_sha"
	is "$(head_of ETag)" "\"$_sha\""
	# Directories, and what a script imports.
	want 201 PUT /v1/scripts/net/layers.py -d 'x = 1'
	want 201 PUT /v1/scripts/net/__init__.py -d ''
	want 200 GET /v1/scripts/net
	is "$(got '.paths | join(" ")')" "net/__init__.py net/layers.py"
	is "$(head_of Spool-Kind)" directory
	want 200 POST /v1/imports -d 'import os, net.layers'
	is "$(got '.paths | join(" ")')" "net/__init__.py net/layers.py"
	want 200 GET /v1/scripts
	is "$(got '.names | join(" ")')" net
	# Nothing leads out.
	ln -s /etc "$S/scripts/etc"
	want 422 GET /v1/scripts/etc/passwd
	want 400 GET /v1/scripts/%2e%2e/spool.json
	want 400 GET /v1/scripts/..%2fspool.json
	want 422 GET /v1/scripts/.hidden
	want 422 PUT /v1/scripts/-x -d x
}

# A file that changes while it is sent: half of two versions is no version.
t_steady() {
	start_httpd
	head -c 30000000 /dev/zero >"$S/data/long"
	curl -sS -m 100 --limit-rate 6M -o "$T/long" "$U/v1/data/long" 2>"$T/err" &
	_c=$!
	PIDS="$PIDS $_c"
	soon test -s "$T/long"
	printf x | dd of="$S/data/long" bs=1 seek=20000000 conv=notrunc 2>/dev/null
	if wait $_c; then fail "half of two versions"; fi
}

t_out() {
	start_httpd
	submit
	claim
	want 200 GET "/v1/orders/$ID/out"
	is "$(got '.files | length')" 0
	want 201 PUT "/v1/claims/$N/out/sub/model.bin" -d weights
	want 201 PUT "/v1/claims/$N/out/.best" -d x
	ln -s /etc/passwd "$(echo "$S"/runs/*/"$ID"/out)/link"
	want 200 GET "/v1/orders/$ID/out"
	is "$(got '[.files[].path] | join(" ")')" ".best sub/model.bin"
	is "$(got .skipped)" 1
	want 200 GET "/v1/orders/$ID/out/sub/model.bin"
	is "$(cat "$T/body")" weights
	want 422 GET "/v1/orders/$ID/out/link"
	want 204 DELETE "/v1/claims/$N/out/sub/model.bin"
	want 204 DELETE "/v1/claims/$N/out/sub/model.bin"
	is "$(find "$S/runs" -name sub)" "" "an empty directory"
	want 422 PUT "/v1/claims/$N/out/.best/x" -d x
	want 409 PUT "/v1/claims/50.$ID.t1a0@other-000000.json/out/x" -d x
}

t_finish() {
	start_httpd
	submit
	submit
	claim
	_o="{\"_id\":\"$ID\",\"status\":200,\"loss\":0.10}"
	# Its answer is lost, and it is asked again.
	for _n in 1 2; do
		want 200 POST /v1/commit -d "$(ended "$N" "$_o")"
		is "$(got '.ended[].status')" ok
	done
	is "$(cat "$S/outcomes/$ID.json")" "$_o" "byte for byte"
	is "$(ls -A "$S/outcomes" | wc -l)" 1
	is "$(ls "$S"/done/*/ | wc -l)" 1
	want 200 GET "/v1/orders/$ID/outcome?wait=1"
	is "$(cat "$T/body")" "$_o"
	# A worker that lies: what it does not hold, what is no outcome, another's.
	want 200 POST /v1/commit -d "$(ended "${N%%@*}@other-000000.json" "$_o")"
	is "$(got '.ended[].status')" lost
	claim
	want 200 POST /v1/commit -d "$(ended "$N" '{"loss":1}')"
	is "$(got '.ended[].status')" bad
	want 200 POST /v1/commit -d "$(ended "$N" "$_o")"
	is "$(got '.ended[].status')" bad
	is "$(ls -A "$S/outcomes" | wc -l)" 1
	want 400 POST /v1/commit -d '{"ended":[]}'
	# Given back, twice; then it is somebody's else.
	for _n in 1 2; do want 200 POST "/v1/claims/$N/release" -d '{"how":"preempted","why":"w"}'; done
	_old=$N
	claim
	has "$N" .t2a0@
	want 409 POST "/v1/claims/$_old/release" -d '{"how":"back"}'
	want 200 POST /v1/commit -d "$(ended "$_old" "{\"_id\":\"$ID\",\"status\":200}")"
	is "$(got '.ended[].status')" lost
	want 404 GET "/v1/claims/$_old"
	want 200 GET "/v1/claims/$N"
	want 200 POST "/v1/claims/$N/release" -d '{"how":"retry"}'
	[ -e "$S"/waiting/50."$ID".t3a1.json ] || fail "not waiting"
	# No valid job: ended, but only when it is none.
	submit
	want 200 GET /v1/ready
	_name=$(got '.orders[0].name')
	want 409 POST "/v1/ready/$_name/refuse" -d '{"worker":"'$W'","why":"I do not like it"}'
	job a.py '"order":{"gpu":1}' >"$S/new/50.20260101T000000000-00000010.t1a0.json"
	want 200 POST /v1/ready/50.20260101T000000000-00000010.t1a0.json/refuse -d '{"worker":"'$W'","why":"w"}'
	has "$(cat "$S/outcomes/20260101T000000000-00000010.json")" gpus
	promises
}

t_workers() {
	start_httpd
	want 422 PUT /v1/workers/$W -d '{"worker":"other-000000","beat":1}'
	want 422 PUT /v1/workers/$W -d '{"worker":"'$W'","role":"spoold","beat":1}'
	want 200 PUT /v1/workers/$W -d '{"worker":"'$W'","role":"worker","beat":1,"scripts":[{"script":"a.py","good":3,"bad":1}]}'
	is "$(got '"\(.held | length) \(.wishes.drain)"')" "0 false"
	want 200 GET /v1/workers
	is "$(got '.workers[] | "\(.worker) \(.beat) \(.silent >= 0)"')" "$W 1 true"
	want 200 POST /v1/peers -d '{"worker":"other-000000","scripts":["a.py","b.py"]}'
	is "$(got '.scripts | map(.good) | join(" ")')" "3 0"
	want 200 PUT /v1/wishes/box/drain
	want 200 GET "/v1/workers/$W/held"
	is "$(got .wishes.drain)" true
	want 204 DELETE /v1/wishes/box/drain
	want 200 PUT "/v1/wishes/$W/resume"
	want 400 PUT /v1/wishes/box/resume
	want 200 GET /v1/wishes
	is "$(got '.wishes[] | "\(.who) \(.wish)"')" "$W resume"
	want 204 DELETE "/v1/workers/$W/wishes/resume"
	want 200 POST /v1/drained -d '{"unfit":[]}'
	is "$(got .drained)" true
	want 204 DELETE "/v1/workers/$W"
	is "$(ls "$S/workers")" ""
	want 404 GET "/v1/workers/$W"
}

t_tokens() {
	_work=$(spool token --role work --worker box add)
	_read=$(spool token --role read --note people add)
	_admin=$(spool token --role admin add)
	is "$(stat -c %a "$S/tokens")" 600
	is "$(spool token ls | awk '{print $3, $4}' | tr '\n' ' ')" "work box read - admin - "
	! grep -qF "${_work#*.}" "$S/tokens" || fail "the secret is in the file"
	start_httpd
	has "$(cat "$T/httpd.log")" tokens=needed
	want 401 GET /v1
	is "$(head_of WWW-Authenticate)" Bearer
	TOKEN=$_read
	want 200 GET /v1
	is "$(got '.roles | join(",")')" read
	want 403 POST /v1/orders -d "$(job a.py)"
	has "$(got .reason)" submit
	TOKEN=$_admin
	submit
	submit
	# In front of the path, for those who cannot send headers.
	TOKEN=
	want 200 GET "/t/$_admin/v1/orders"
	hasnt "$(cat "$T/httpd.log")" "$_admin"
	# A worker acts for its own name only.
	TOKEN=$_work
	claim
	_mine=$N
	want 403 POST /v1/claim -d '{"worker":"other-0a1b2c","offer":{}}'
	want 403 POST /v1/claim -d '{"worker":"boxer-0a1b2c","offer":{}}'
	want 403 PUT /v1/workers/other-0a1b2c -d '{"worker":"other-0a1b2c","beat":1}'
	TOKEN=$_admin
	want 200 POST /v1/claim -d '{"worker":"other-0a1b2c","offer":{}}'
	_other=$(got .name)
	TOKEN=$_work
	want 403 POST "/v1/claims/$_other/release" -d '{"how":"back"}'
	want 403 PUT "/v1/claims/$_other/log?at=0" -d x
	want 403 POST /v1/commit -d "$(ended "$_other" '{"status":200}')"
	want 200 POST "/v1/claims/$_mine/release" -d '{"how":"back"}'
	# Made and revoked while it runs.
	TOKEN=$(spool token --role read add)
	want 200 GET /v1
	spool token revoke "${TOKEN%%.*}"
	revoked() { ask GET /v1 && [ "$CODE" = 401 ]; }
	soon revoked
	TOKEN=$(echo "$_read" | tr '0-9' '1-90')
	want 401 GET /v1
	# A file that is not understood lets nobody in, until it is mended.
	cp "$S/tokens" "$T/tokens"
	echo '{"id":"x"}' >>"$S/tokens"
	TOKEN=$_read
	soon revoked
	cp "$T/tokens" "$S/tokens"
	again() { ask GET /v1 && [ "$CODE" = 200 ]; }
	soon again
	# Too many wrong ones.
	TOKEN=00000000.$(printf %064d 0)
	barred() { ask GET /v1 && [ "$CODE" = 429 ]; }
	soon barred
	[ -n "$(head_of Retry-After)" ] || fail "no Retry-After"
	exits 100 spool token --role king add
	exits 1 spool token revoke 00000000
}

t_strangers() {
	start_httpd
	want 403 POST /v1/orders -H 'Origin: http://evil.example' -d "$(job a.py)"
	want 403 GET /v1/orders -H 'Host: evil.example'
	want 201 POST /v1/orders -H "Origin: $U" -d "$(job a.py)"
	want 403 OPTIONS /v1/orders -H 'Origin: http://evil.example'
	is "$(head_of Access-Control-Allow-Origin)" ""
	want 204 OPTIONS /v1/orders
	is "$(head_of Allow)" "GET, HEAD, POST, OPTIONS"
	want 405 DELETE /v1/orders
	want 405 PATCH /v1/orders
	want 404 GET /v2
	is "$(got .error)" no-route
	want 400 GET '/v1/orders?limit=%zz'
	# Elsewhere only with TLS and tokens.
	exits 100 spool-httpd --listen 0.0.0.0:0 "$S"
	has "$(cat "$T/err")" --cert
	exits 100 spool-httpd --listen nowhere "$S"
	exits 100 spool-httpd --listen 127.0.0.1:0 --cert /dev/null "$S"
}

# Nothing of it reaches a handler, and nothing hangs.
t_limits() {
	start_httpd --rate 0
	head -c 5000000 /dev/zero >"$T/big"
	want 413 POST /v1/claim --data-binary "@$T/big"
	# Of a length that is not said.
	_code=$(curl -sS -m 100 -o "$T/body" -w '%{http_code}' -X PUT -H 'Content-Type: application/json' \
	    -H 'Transfer-Encoding: chunked' --data-binary "@$T/big" "$U/v1/workers/$W" 2>/dev/null) || :
	case $_code in 413|000) ;; *) fail "got $_code" ;; esac
	want 413 GET /v1/orders -d x
	want 431 GET /v1 -H "X: $(head -c 60000 /dev/zero | tr '\0' x)"
	want 431 GET /v1 -H "X: $(head -c 34000 /dev/zero | tr '\0' x)"
	is "$(got .error)" too-large
	want 200 GET /v1 -H "X: $(head -c 32000 /dev/zero | tr '\0' x)"
	want 400 GET "/v1/orders?match=$(head -c 5000 /dev/zero | tr '\0' x)"
	want 200 GET /v1
	stop "$HTTPD"
	start_httpd --rate 5
	_urls=
	for _n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do _urls="$_urls $U/v1"; done
	busy() { curl -sS -o /dev/null -w '%{http_code} ' $_urls | grep -q 429; }
	soon busy
}

# Many that bring nothing, and one byte now and then: who has something to say
# is heard.
# What is dropped is taken in by the server, where nobody else is there: it is
# shut in, and must be allowed what that takes.
t_dropped() {
	start_httpd
	job a.py >"$S/new/one.json"
	for i in 1 2 3; do job a.py "\"n\":$i"; done >"$S/new/three.jsonl"
	soon all_four
	hasnt "$(cat "$T/httpd.log")" 'warning'
	is "$(ls "$S/waiting")" '' 'waiting/'
	promises
}
all_four() { ask GET /v1/ready && [ "$(got '.orders | length')" = 4 ]; }

# What libmicrohttpd refuses before we see it: as spool-httpd(8) has it.
no_http() {
	"$PYTHON" - "$U" >"$T/said" <<-'PY'
	import json, socket, ssl, sys, urllib.parse
	u = urllib.parse.urlparse(sys.argv[1])
	tls = ssl.create_default_context()
	tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
	host = "\r\nHost: localhost\r\n"
	chunks = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
	for raw in ("\x16\x03\x01\r\n\r\n", "hello\r\n\r\n", "GET /v1 HTTP/1.1\r\n\r\n",
	            "GET /v1 HTTP/1.1" + host + "none\r\n\r\n",
	            "POST /v1/claim HTTP/1.1" + host + "Content-Length: x\r\n\r\n",
	            "POST /v1/claim HTTP/1.1" + host + chunks + "zz\r\n",
	            "POST /v1/claim HTTP/1.1" + host + "Content-Length: " + "9" * 30 + "\r\n\r\n",
	            "GET /" + "x" * 60000 + " HTTP/1.1" + host + "\r\n",
	            "GET /v1 HTTP/2.1" + host + "\r\n"):
	    s = socket.create_connection((u.hostname, u.port), 20)
	    if u.scheme == "https": s = tls.wrap_socket(s)
	    said = b""
	    try:
	        s.sendall(raw.encode())
	        while part := s.recv(65536):  # until it ends the connection
	            said += part
	    except (ConnectionError, ssl.SSLError):
	        pass
	    head, _, body = said.partition(b"\r\n\r\n")
	    lines = dict(l.lower().split(b": ") for l in head.split(b"\r\n")[1:])
	    if said:
	        json.loads(body)["reason"]
	        assert int(lines[b"content-length"]) == len(body), said
	        assert lines[b"content-type"] == b"application/json", said
	    print(head.split(b" ")[1].decode() if said else "nothing")
	PY
	is "$(tr -s ' \n' ' ' <"$T/said")" 'nothing nothing 400 400 400 400 413 414 505 '
}
t_no_http() {
	start_httpd
	no_http
	want 200 GET /v1
}
t_crowd() {
	start_httpd --connections 16
	cat >"$T/crowd.py" <<-'P'
	import socket, sys, time
	host, port = sys.argv[1].split("//")[1].split(":")
	socks = []
	while True:
	    for s in list(socks):
	        try:
	            s.send(b"G" if len(socks) % 2 else b"")
	        except OSError:
	            socks.remove(s)
	    while len(socks) < 40:
	        s = socket.create_connection((host, int(port)), timeout=5)
	        s.send(b"GET /v1/orders HTTP/1.1\r\nX-A: ")
	        socks.append(s)
	    print("crowd", flush=True)
	    time.sleep(0.2)
	P
	$PYTHON "$T/crowd.py" "$U" >"$T/crowd" 2>&1 &
	PIDS="$PIDS $!"
	soon grep -q crowd "$T/crowd"
	for _n in 1 2 3; do
		heard() { ask GET /v1 && [ "$CODE" = 200 ]; }
		soon heard
	done
	soon grep -q 'connections: ' "$T/httpd.log"
}

t_tls() {
	cat >"$T/template" <<-'X'
	cn = "localhost"
	dns_name = "localhost"
	ip_address = "127.0.0.1"
	expiration_days = 2
	tls_www_server
	ca
	cert_signing_key
	signing_key
	encryption_key
	X
	certtool --generate-privkey --no-text --outfile "$T/key.pem" 2>"$T/certtool.out"
	certtool --generate-self-signed --no-text --load-privkey "$T/key.pem" --template "$T/template" \
	    --outfile "$T/cert.pem" 2>>"$T/certtool.out"
	start_httpd --cert "$T/cert.pem" --key "$T/key.pem"
	has "$U" https://
	_p=${U##*:}
	is "$(curl -sS --cacert "$T/cert.pem" -o /dev/null -w '%{http_code}' "https://localhost:$_p/v1")" 200
	exits 60 curl -sS "https://localhost:$_p/v1"
	no_http
	submit_tls() { curl -sS --cacert "$T/cert.pem" -H 'Content-Type: application/json' -d "$(job a.py)" "https://localhost:$_p/v1/orders"; }
	submit_tls >/dev/null
	count_is new 1 || fail "nothing came"
	# Elsewhere: with both.
	exits 100 spool-httpd --listen 0.0.0.0:0 --cert "$T/cert.pem" --key "$T/key.pem" "$S"
	has "$(cat "$T/err")" "spool token add"
	TOKEN=$(spool token --role read add)
	start_httpd --cert "$T/cert.pem" --key "$T/key.pem" --listen 0.0.0.0:0
	is "$(curl -sS --cacert "$T/cert.pem" -H "Authorization: Bearer $TOKEN" -o /dev/null -w '%{http_code}' "https://localhost:${U##*:}/v1")" 200
	exits 100 spool-httpd --listen 127.0.0.1:0 --cert "$T/key.pem" --key "$T/cert.pem" "$S"
}

t_shut_in() {
	chmod 700 "$S"
	start_httpd
	_s=/proc/$HTTPD/status
	is "$(sed -n 's/^NoNewPrivs:[[:space:]]*//p' $_s)" 1
	is "$(sed -n 's/^Seccomp:[[:space:]]*//p' $_s)" 2
	is "$(sed -n 's/^CapEff:[[:space:]]*//p' $_s)" 0000000000000000
	is "$(sed -n 's/^CapBnd:[[:space:]]*//p' $_s)" 0000000000000000
	# The same box, and what is tried inside of it.
	boxed "$S" >"$T/boxed" || fail "$(cat "$T/boxed")"
	# Of a user: it becomes the one who owns the spool.
	[ "$(id -u)" = 0 ] || return 0
	stop "$HTTPD"
	chmod 755 "$T"
	chown -R nobody "$S"
	spool token --role submit add >"$T/token"
	TOKEN=$(cat "$T/token")
	start_httpd
	is "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$HTTPD/status")" "$(id -u nobody)"
	submit
	is "$(stat -c %U "$S"/new/*.json)" nobody
	exits 100 spool-httpd --user noSuchUser "$S"
}

# Nothing is kept that is not in the spool: killed at any moment, by whoever.
t_restart() {
	policy lease=60 # no worker beats here
	start_spoold --listen 127.0.0.1:0
	soon grep -q ' start spool=.*listen=' "$T/spoold.log"
	U=http://$(sed -n 's/.*listen at=//p' "$T/spoold.log")
	server() { ps -o pid= --ppid "$SPOOLD"; }
	submit
	claim
	want 200 PUT "/v1/claims/$N/log?at=0" -d 'one '
	_first=$(server)
	kill -KILL $_first
	# Who connects now waits; the claim stands, the log goes on.
	want 200 PUT "/v1/claims/$N/log?at=0" -d 'one two'
	want 200 GET "/v1/claims/$N"
	soon grep -q 'spool-httpd ended: signal 9' "$T/spoold.log"
	[ "$(server)" != "$_first" ] || fail "the same process"
	kill -KILL $(server)
	want 200 POST /v1/commit -d "$(ended "$N" "{\"_id\":\"$ID\",\"status\":200}")"
	is "$(got '.ended[].status')" ok
	# An orphan does not stay.
	_last=$(server)
	kill -KILL "$SPOOLD"
	gone() { dead "$_last"; }
	soon gone
	promises
}

# What openapi.json says is what is served, and nothing else is.
t_document() {
	submit_some() { for _n in 1 2 3 4 5 6; do submit; done; }
	start_httpd
	submit_some
	echo 'import os' >"$S/scripts/a.py"
	mkdir -p "$S/index"
	echo '{}' >"$S/index/outcomes.jsonl"
	$PYTHON "$TOP/tests/openapi.py" "$TOP/httpd/openapi.json" "$U" \
	    "$TOP/httpd/v1.c" "$TOP/httpd/health.c" >"$T/said" 2>&1 ||
	    fail "$(cat "$T/said")"
}

run_stories "$@"
