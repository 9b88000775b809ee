# What people and their programs watch: /healthz, /metrics, /v1/events.
. "$TOP/tests/lib.sh"

PLAIN_ONLY="metrics_grammar"

shim() {
	# Shut in, it cannot be looked through for leaks at its end.
	env ASAN_OPTIONS=detect_leaks=0 spool-httpd -v \
	    --listen "127.0.0.1:${PORT:-0}" "$S" \
	    >>"$T/httpd.log" 2>&1 &
	SHIM=$!
	PIDS="$PIDS $SHIM"
	soon shim_is
	PORT=${URL##*:}
}
shim_is() {
	URL=$(sed -n 's/.*start spool=.* listen=\(http:[^ ]*\).*/\1/p' \
	    "$T/httpd.log" | sed -n "$((${SHIMS:-0} + 1))p")
	[ -n "$URL" ] && SHIMS=$((${SHIMS:-0} + 1))
}
# get PATH: prints the body, leaves the status in $T/status.
get() {
	"$PYTHON" - "$T/status" "$URL$1" <<-'PY'
	import sys, urllib.error, urllib.request
	try:
	    a = urllib.request.urlopen(sys.argv[2], timeout=20)
	except urllib.error.HTTPError as e:
	    a = e
	open(sys.argv[1], "w").write(str(a.status))
	sys.stdout.write(a.read().decode())
	PY
}
health() { get /healthz | jq -r .status; }
health_is() { [ "$(health)" = "$1" ]; }
value() { get /metrics | sed -n "s/^$1 //p"; }

t_healthz() {
	shim
	# The spool works without spoold; one that has fallen silent is another
	# matter.
	is "$(get /healthz | jq -c '[.status,.spool,.spoold,.disk]')" \
	    '["ok","ok","none","ok"]'
	is "$(cat "$T/status")" 200
	start_spoold
	spoold_is() { [ "$(get /healthz | jq -r .spoold)" = "$1" ]; }
	soon spoold_is beating
	kill -STOP "$SPOOLD"
	soon spoold_is silent
	is "$(cat "$T/status")" 503
	kill -CONT "$SPOOLD"
	soon health_is ok
	# Nothing can be written.
	# At once, for there is always somebody who writes there.
	: >"$T/none"
	mv "$S/tmp" "$T/tmp.was"
	mv -T "$T/none" "$S/tmp"
	soon health_is unwell
	is "$(cat "$T/status")" 503
	rm "$S/tmp"
	mkdir "$S/tmp"
	soon health_is ok
}

t_metrics() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job ok.sh >"$T/ok.json"
	spool submit "$T/ok.json" "$T/ok.json" "$T/ok.json" >"$T/ids"
	timeout 30 workerd $ROOTOK --work "$T/work" --once "$S"
	spool hold "$(sed -n 2p "$T/ids")" "$(sed -n 3p "$T/ids")"
	start_worker -j 3
	shim
	soon eval '[ "$(value "spool_orders{state=\"done\"}")" = 1 ]'
	for s in 'new"} 0' 'waiting"} 2' 'assigned"} 0' 'failed"} 0'; do
		soon eval 'get /metrics | grep -qF "spool_orders{state=\"$s"'
	done
	soon eval '[ "$(value spool_slots)" = 3 ]'
	is "$(value spool_up)" 1
	get /nothing
	has "$(get /metrics)" 'spool_http_answers_total{method="GET",status="4xx"} 1'
}

# As Prometheus reads it.
t_metrics_grammar() {
	/usr/bin/python3 -c 'import prometheus_client' 2>/dev/null ||
	    skip 'no prometheus_client'
	shim
	get /nothing >"$T/out"
	get /metrics >"$T/metrics"
	/usr/bin/python3 - "$T/metrics" <<-'PY'
	import sys
	from prometheus_client.parser import text_string_to_metric_families as parse
	seen = {}
	for f in parse(open(sys.argv[1]).read()):
	    assert f.documentation, f.name
	    assert f.type in ("gauge", "counter"), (f.name, f.type)
	    assert f.name not in seen, f.name
	    seen[f.name] = f
	    assert f.samples, f.name
	    for s in f.samples:
	        assert s.value == s.value and s.value >= 0, s
	for name in ("spool_orders", "spool_workers", "spool_up", "spool_slots",
	             "spool_disk_free_bytes", "spool_http_answers"):
	    assert name in seen, name
	assert {s.labels["state"] for s in seen["spool_orders"].samples} == \
	    {"new", "waiting", "assigned", "done", "failed"}
	PY
}

# listen [LAST]: what comes goes to $T/events.
listen() {
	"$PYTHON" -u - "$URL/v1/events" ${1+"$1"} <<-'PY' >>"$T/events" 2>&1 &
	import sys, urllib.request
	r = urllib.request.Request(sys.argv[1])
	if len(sys.argv) > 2:
	    r.add_header("Last-Event-ID", sys.argv[2])
	a = urllib.request.urlopen(r, timeout=60)
	print("type", a.headers["Content-Type"])
	for line in a:
	    print(line.decode().rstrip())
	print("end")
	PY
	LISTEN=$!
	PIDS="$PIDS $LISTEN"
}
heard() { grep -qF -- "$1" "$T/events"; }
last_id() { sed -n 's/^id: //p' "$T/events" | tail -n 1; }

t_events() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job ok.sh >"$T/ok.json"
	shim
	: >"$T/events"
	listen
	soon heard 'event: hello'
	heard 'type text/event-stream' || fail "type"
	id=$(spool submit "$T/ok.json")
	soon heard "{\"id\":\"$id\",\"state\":\"new\""
	kill "$LISTEN"
	last=$(last_id)
	# What happens while nobody is there is told to who comes back.
	drain
	is "$(status_of "$id")" 200
	: >"$T/events"
	listen "$last"
	soon heard "\"id\":\"$id\",\"state\":\"done\""
	heard '"status":200' || fail 'no status'
	heard 'event: hello' && fail 'it did not go on'
	# One who knows another server's is told to look anew.
	kill "$LISTEN"
	: >"$T/events"
	listen 00000000-1
	soon heard 'event: reset'
	# The server ends, and so does the stream.
	kill "$SHIM"
	wait "$SHIM" || fail 'it did not end well'
	soon heard end
	is "$(tail -n 1 "$T/events")" end
	shim
	: >"$T/events"
	listen "$last"
	soon heard 'event: reset'
}

# Many may listen, and who cannot keep up is told so and goes on: what he has
# missed costs no memory.
t_events_flood() {
	shim
	timeout 60 "$PYTHON" - "$URL" "$S" <<-'PY' >"$T/flood.log" 2>&1 ||
	import os, socket, sys, urllib.parse
	u = urllib.parse.urlsplit(sys.argv[1])
	def until(s, what):
	    got = b""
	    while what not in got:
	        more = s.recv(65536)
	        assert more, "cut off"
	        got = got[-200:] + more
	def listen():
	    s = socket.socket()
	    # What the kernel keeps for who does not read must not be all.
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
	    s.connect((u.hostname, u.port))
	    s.sendall(b"GET /v1/events HTTP/1.1\r\nHost: %s\r\n\r\n" % u.netloc.encode())
	    until(s, b"event: hello")
	    return s
	all = [listen() for i in range(30)]
	# Names are all that is looked at here, and nobody else looks.
	one = sys.argv[2] + "/tmp/one"
	open(one, "w").write('{"scriptName":"x"}')
	def order(n):
	    os.link(one, "%s/new/50.20261122T190212345-%08x.t1a0.json" % (sys.argv[2], n))
	order(0)
	for s in all:
	    until(s, b"-00000000\",\"state\":\"new\"")
	for n in range(1, 6000):
	    order(n)
	for s in all:
	    until(s, b"event: reset")
	n = 6000
	for s in all:
	    s.settimeout(0.2)
	    while True:
	        order(n)
	        n += 1
	        try:
	            until(s, b"-%08x\",\"state\":\"new\"" % (n - 1))
	            break
	        except socket.timeout:  # it was reset once more, behind this one
	            pass
	PY
	fail "$(cat "$T/flood.log")"
	is "$(get /healthz | jq -r .status)" ok
}

run_stories "$@"
