#!/bin/sh
# The door to libcurl against a server with faults (tests/far/stand.py): every
# call ends, and a file is whole or not there.
. "$TOP/tests/lib.sh"
. "$TOP/tests/tls.sh"

PLAIN_ONLY="slow proxy"

stand() { # [CERT KEY [CA]]: PORT
	rm -f "$T/port"
	"$PYTHON" "$TOP/tests/far/stand.py" "$T/port" "$@" >>"$T/stand.log" 2>&1 &
	STAND=$!
	PIDS="$PIDS $STAND"
	soon test -s "$T/port"
	PORT=$(cat "$T/port")
}

at() { timeout $((DEADLINE * 2)) wire "http://127.0.0.1:$PORT" "$@" >"$T/out" 2>&1 || :; }

# line N: of what was printed
line() { sed -n "$1p" "$T/out"; }

# The bytes that stand.py calls body(N, SEED).
body() {
	"$PYTHON" -c 'import sys
n, s = int(sys.argv[1]), int(sys.argv[2])
sys.stdout.buffer.write(bytes((i * 7 + i // 251 + s) % 256 for i in range(n)))' "$1" "$2"
}
same() { # N SEED FILE
	body "$1" "$2" >"$T/wanted"
	cmp "$T/wanted" "$3" || fail "$3 is not what it was to be"
}

# One connection for calls one after another; few for many threads.
t_keep_alive() {
	stand
	at -- get /ok post /x hello get /nothing get /code/500 connects
	is "$(line 1)" '200 2 ok'
	is "$(line 2)" '200 5 5 532'
	has "$(line 3)" '404 12 nothing here'
	has "$(line 4)" '500 20 {"error"'
	is "$(line 5)" 1
	at -- many 8 /ok connects
	is "$(line 1)" 160
	[ "$(line 2)" -le 8 ] || fail "$(line 2) connections for 8 threads"
}

# A file comes whole whatever happens on the way.
t_resume() {
	stand
	at least=10 most=40 -- file /size/200000 "$T/a" file /cut "$T/b" \
	    file /cut-changes "$T/c" file /cut-unnamed "$T/d" \
	    file /cut-whole "$T/e" file /cut-shrinks "$T/f" file /size/0 "$T/g" \
	    get /times/cut
	is "$(line 1)" '200 200000 '
	same 200000 0 "$T/a"
	same 100000 1 "$T/b"
	is "$(line 8)" '200 1 4' # 30000 of it each time
	same 100000 2 "$T/c"
	same 100000 3 "$T/d"
	same 100000 4 "$T/e"
	same 1000 5 "$T/f"
	is "$(stat -c %s "$T/g")" 0
	at least=10 most=40 -- file /other-part "$T/h" file /endless "$T/i" \
	    file /garbage "$T/j"
	has "$(line 1)" 'none '
	has "$(line 1)" 'another part'
	has "$(line 2)" 'no length'
	has "$(line 3)" 'none '
}

# Sent from a file; cut in the middle it is no answer.
t_send() {
	stand
	body 3000000 9 >"$T/large"
	at least=10 most=40 -- put /x "$T/large" put /cut-request "$T/large" \
	    wait get /ok
	is "$(line 1)" "200 17 3000000 $(body 3000000 9 | od -An -v -tu1 -w1 |
	    awk '{ n += $1 } END { printf "%d", n }')"
	has "$(line 2)" 'none '
	is "$(line 3)" '200 2 ok'
}

# What does not answer is given up in time; what is slow is not.
t_frozen() {
	stand
	at call=400 stall=1000 least=10 most=20 -- get /frozen wait stop /frozen \
	    wait get /garbage wait get /long wait get /long-head wait get /ok
	has "$(line 1)" 'none '
	has "$(line 2)" 'stopped'
	has "$(line 3)" 'none '
	has "$(line 4)" 'bad '
	has "$(line 5)" 'none '
	is "$(line 6)" '200 2 ok'
	ms=$(line 1 | sed 's/none \([0-9]*\):.*/\1/')
	[ "$ms" -ge 390 ] || fail "given up after $ms ms"
}

t_slow() {
	stand
	at stall=1000 call=1000 least=10 most=20 -- file /slow "$T/slow" \
	    file /half-frozen "$T/half"
	is "$(line 1)" '200 40 '
	has "$(line 2)" 'none '
	ms=$(line 2 | sed 's/none \([0-9]*\):.*/\1/')
	[ "$ms" -lt 25000 ] || fail "given up after $ms ms only"
}

# A server that is not there costs the next calls nothing, and is tried again.
t_down() {
	stand
	stop "$STAND"
	at least=300 most=600 -- get /ok get /ok away wait away get /ok away
	has "$(line 1)" 'none '
	hasnt "$(line 1)" 'tried again'
	has "$(line 2)" 'none 0: '
	has "$(line 2)" 'tried again'
	is "$(line 3)" away
	is "$(line 4)" up
	hasnt "$(line 5)" 'tried again'
	is "$(line 6)" away
	stand
	at least=100 most=100 -- get /later get /later wait get /later get /ok
	is "$(line 1)" '503 5 later'
	has "$(line 2)" 'busy'
	is "$(line 3)" '200 3 now'
	is "$(line 4)" '200 2 ok'
}

# A token goes to nobody else, is read again when it no longer holds, and is
# never seen by others.
t_token() {
	stand
	at token=good-one -- get /token get /redirect get /times/secret
	is "$(line 1)" '200 15 Bearer good-one'
	has "$(line 2)" '302 '
	is "$(line 3)" '200 1 0'
	echo old-one >"$T/token"
	at token-file="$T/token" -- get /token
	is "$(line 1)" '401 14 Bearer old-one'
	at token-file="$T/token" -- get /token until "$T/go" get /token &
	soon grep -q 401 "$T/out"
	echo good-one >"$T/token"
	: >"$T/go"
	wait $!
	is "$(line 2)" '200 15 Bearer good-one'
	printf 'two words\n' >"$T/token"
	at token-file="$T/token" -- get /ok
	has "$(line 1)" 'never: '
	has "$(line 1)" 'no token'
	at token-file="$T/none" -- get /ok
	has "$(line 1)" 'never: '
	wire "http://boss.invalid:1" token=good-one -- get /ok >"$T/out" 2>&1 || :
	has "$(line 1)" 'https://'
	wire "http://good-one@127.0.0.1:$PORT" -- get /ok >"$T/out" 2>&1 || :
	has "$(line 1)" '--token-file'
}

# Whom we trust, and that we are who we say.
t_tls() {
	ca "$T/ca"
	ca "$T/other"
	cert "$T/ca" "$T/boss" IP:127.0.0.1
	cert "$T/ca" "$T/wrong" DNS:elsewhere.test
	cert "$T/ca" "$T/me" DNS:worker
	stand "$T/boss.pem" "$T/boss.key"
	wire "https://127.0.0.1:$PORT" cacert="$T/ca.pem" -- get /ok get /ok \
	    connects >"$T/out"
	is "$(line 1)" '200 2 ok'
	is "$(line 3)" 1
	wire "https://127.0.0.1:$PORT" -- get /ok >"$T/out"
	has "$(line 1)" 'never '
	wire "https://127.0.0.1:$PORT" cacert="$T/other.pem" -- get /ok >"$T/out"
	has "$(line 1)" 'never '
	stand "$T/wrong.pem" "$T/wrong.key"
	wire "https://127.0.0.1:$PORT" cacert="$T/ca.pem" -- get /ok >"$T/out"
	has "$(line 1)" 'never '
	stand "$T/boss.pem" "$T/boss.key" "$T/ca.pem"
	wire "https://127.0.0.1:$PORT" cacert="$T/ca.pem" -- get /ok >"$T/out"
	hasnt "$(line 1)" '200'
	wire "https://127.0.0.1:$PORT" cacert="$T/ca.pem" cert="$T/me.pem" \
	    key="$T/me.key" -- get /ok >"$T/out"
	is "$(line 1)" '200 2 ok'
}

# Proxies come from the environment, but never between us and ourselves.
t_proxy() {
	stand
	http_proxy=http://127.0.0.1:$PORT wire http://boss.test -- get /ok \
	    >"$T/out"
	is "$(line 1)" '200 29 by proxy: http://boss.test/ok'
	http_proxy=http://127.0.0.1:1 at -- get /ok
	is "$(line 1)" '200 2 ok'
}

run_stories "$@"
