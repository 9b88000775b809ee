# The page: that it is served as it should be, and written as one file.  What it
# does in a browser is told by tests/labs/page.sh.
. "$TOP/tests/lib.sh"

PLAIN_ONLY="modules sizes"
MOST=400000 # bytes of all files together

serve() {
	env ASAN_OPTIONS=detect_leaks=0 spool-httpd --listen 127.0.0.1:0 "$S" \
	    >>"$T/httpd.log" 2>&1 &
	SHIM=$!
	PIDS="$PIDS $SHIM"
	soon served
}
served() {
	U=$(sed -n 's/.*start spool=.* listen=\(http:[^ ]*\).*/\1/p' "$T/httpd.log")
	[ -n "$U" ]
}
# A run with parameters and metrics, all of whose texts are hostile.
EVIL='</script><img src=x onerror=alert(1)>'
hostile_run() {
	script ok.py <<-'PY'
	import json, os, sys
	with open(os.environ["SPOOL_METRICS"], "a") as f:
	    for step in range(1, 301):
	        f.write(json.dumps({"step": step, "loss": 1 / step, "</script><b>": step}) + "\n")
	print("</script><script>alert(2)</script>\x1b[31m")
	print(json.dumps({"loss": 0.25, "error": None}))
	PY
	job ok.py "\"projectName\":\"$EVIL\",\"learningRate\":0.05,\"net\":{\"layers\":[{\"units\":4}]},\"$EVIL\":\"$EVIL\",\"order\":{\"name\":\"evil\",\"tags\":[\"$EVIL\"],\"group\":\"g\",\"git\":{\"commit\":\"0123456789abcdef\",\"dirty\":true}}" \
	    >"$T/j.json"
	spool submit --no-pin "$T/j.json" >"$T/id"
	drain
	ID=$(cat "$T/id")
	is "$(status_of "$ID")" 200
}

t_served() {
	serve
	for f in '' index.html page.css page.js d3.js favicon.svg; do
		curl -sS -D "$T/head" -o "$T/body" "$U/$f"
		has "$(head -n 1 "$T/head")" ' 200 ' "$f"
		[ -s "$T/body" ] || fail "$f is empty"
		tr -d '\r' <"$T/head" >"$T/h"
		grep -qx 'X-Content-Type-Options: nosniff' "$T/h" || fail "$f: nosniff"
		grep -qx 'Referrer-Policy: no-referrer' "$T/h" || fail "$f: referrer"
		is "$(grep -c '^Cache-Control: ' "$T/h")" 1 "$f: Cache-Control"
		policy=$(sed -n 's/^Content-Security-Policy: //p' "$T/h")
		for rule in "default-src 'none'" "script-src 'self';" "style-src 'self';" \
		    "connect-src 'self';" "img-src 'self' data:;" "base-uri 'none'" \
		    "form-action 'none'" "frame-ancestors 'none'" "require-trusted-types-for 'script'"; do
			has "$policy" "$rule"
		done
		hasnt "$policy" unsafe
		tag=$(sed -n 's/^ETag: //p' "$T/h")
		is "$(curl -sS -o "$T/none" -w '%{http_code} %{size_download}' -H "If-None-Match: $tag" "$U/$f")" '304 0' "$f again"
		is "$(curl -sS -I -o "$T/none" -w '%{http_code}' "$U/$f")" 200 "HEAD $f"
		case $f in
		*.css) want=text/css ;;
		*.js) want=text/javascript ;;
		*.svg) want=image/svg+xml ;;
		*) want=text/html ;;
		esac
		has "$(grep '^Content-Type: ' "$T/h")" "$want"
	done
	is "$(curl -sS -o "$T/none" -w '%{http_code}' "$U/page.mjs")" 404
	# The page needs no token, what it asks for does.
	token=$(spool token --role read add)
	code() { curl -sS -o "$T/none" -w '%{http_code}' "$@"; }
	soon eval '[ "$(code "$U/v1/table")" = 401 ]'
	is "$(code "$U/")" 200
	is "$(code -H "Authorization: Bearer $token" "$U/v1/table")" 200
	is "$(code "$U/t/$token/index.html")" 200
	is "$(code "$U/t/$token/page.js")" 200
	is "$(code -X POST -H "Authorization: Bearer $token" "$U/v1/orders/20260101T000000000-00000010/retry")" 403
}

# What the page is told of a run, with an index and without.
t_rows() {
	hostile_run
	serve
	told() {
		curl -sS "$U/v1/table" >"$T/table"
		jq -e --arg evil "$EVIL" '.columns as $c | .rows | length == 1 and
		    ((.[0] | [$c, .] | transpose | map({(.[0]): .[1]}) | add) as $r |
		    $r.state == "done" and $r.loss == 0.25 and $r.project == $evil and
		    $r.facts.params == {"learningRate":0.05,"net.layers.0.units":4,($evil):$evil} and
		    $r.facts.tags == [$evil] and $r.facts.group == "g" and $r.facts.git == "0123456789ab+" and
		    ($r.metrics.loss | .[1] < 0.0034 and .[2] == 300 and .[3] == 1))' "$T/table" >/dev/null ||
		    fail "$(cat "$T/table")"
	}
	told
	spool reindex >"$T/out" 2>&1
	told
	has "$(curl -sS "$U/v1/table?ids=$ID")" '"learningRate":0.05'
	# Points are few, evenly chosen, and the last is the last.
	curl -sS "$U/v1/curves?ids=$ID&points=30&keys=loss" >"$T/curves"
	jq -e --arg id "$ID" '.curves[$id] | keys == ["loss"] and (.loss | (.x | length) == 30 and (.y | length) == 30 and
	    .x[-1] == 300 and .x == (.x | sort | unique))' "$T/curves" >/dev/null || fail "$(cat "$T/curves")"
}

# One file that needs nobody, whatever jobs are called.
t_saved() {
	hostile_run
	exits 0 spool page -o "$T/page.html"
	exits 0 spool page --details 0
	exits 100 spool page -n 0
	"$PYTHON" - "$T/page.html" "$ID" "$EVIL" <<-'PY' || fail "see above"
	import base64, hashlib, html.parser, json, re, sys
	text, ID, evil = open(sys.argv[1]).read(), sys.argv[2], sys.argv[3]
	class P(html.parser.HTMLParser):
	    def __init__(self):
	        super().__init__()
	        self.inside, self.texts, self.tags, self.policy = None, [], [], None
	    def handle_starttag(self, tag, attrs):
	        a = dict(attrs)
	        self.tags.append((tag, a))
	        if a.get("http-equiv") == "Content-Security-Policy":
	            assert not self.texts, "the policy comes first"
	            self.policy = a["content"]
	        if tag in ("script", "style"):
	            self.texts.append((tag, a, ""))
	            self.inside = True
	    def handle_endtag(self, tag):
	        self.inside = None if tag in ("script", "style") else self.inside
	    def handle_data(self, data):
	        if self.inside:
	            tag, a, was = self.texts[-1]
	            self.texts[-1] = (tag, a, was + data)
	p = P()
	p.feed(text)
	p.close()
	for tag, a in p.tags:
	    assert not any(k.startswith("on") or k == "style" for k in a), (tag, a)
	    assert "src" not in a and a.get("href", "#").startswith("#"), (tag, a)
	assert not any(t == "img" for t, _ in p.tags), "a text became an element"
	hashes = lambda rule: re.search(rule + r"((?: 'sha256-[^']*')+);", p.policy).group(1).split()
	is_ = lambda s: "'sha256-%s'" % base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()
	scripts = [s for t, a, s in p.texts if t == "script" and a.get("type") != "application/json"]
	assert hashes("script-src") == [is_(s) for s in scripts] and len(scripts) == 2
	assert hashes("style-src") == [is_(s) for t, _, s in p.texts if t == "style"]
	assert "default-src 'none'" in p.policy and "unsafe" not in p.policy and "http" not in p.policy
	data, = [s for t, a, s in p.texts if a.get("id") == "data"]
	assert "<" not in data
	d = json.loads(data)
	row = dict(zip(d["table"]["columns"], d["table"]["rows"][0]))
	assert row["project"] == evil and row["facts"]["params"][evil] == evil
	assert d["table"]["counts"]["done"] == 1
	run = d["runs"][ID]
	assert run["job"]["learningRate"] == 0.05 and run["outcome"]["status"] == 200
	assert "alert(2)" in run["log"] and run["attempts"][0]["metrics"] > 0
	assert len(d["curves"][ID]["loss"]["x"]) == 200 and d["curves"][ID]["loss"]["x"][-1] == 300
	PY
}

t_sizes() {
	serve
	all=0
	for f in index.html page.css page.js d3.js favicon.svg; do
		n=$(curl -sS "$U/$f" | wc -c)
		all=$((all + n))
	done
	[ $all -lt $MOST ] || fail "$all bytes are too many"
	spool page -o "$T/page.html"
	[ "$(wc -c <"$T/page.html")" -lt $MOST ] || fail "$(wc -c <"$T/page.html") bytes of an empty page"
	# Whose the library is stands in it; what it is made of asks nobody.
	has "$(curl -sS "$U/d3.js" | head -n 12)" 'Redistribution and use'
	has "$(cat "$T/page.html")" 'Copyright 2010-2022 Mike Bostock'
	! curl -sS "$U/page.js" | grep -nE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?://' | grep -v www.w3.org ||
	    fail 'not in our scripts'
	! curl -sS "$U/page.css" | grep -nE 'url\(|@import' || fail 'styles that ask'
}

t_modules() {
	command -v node >/dev/null || skip 'no node'
	serve
	curl -sS "$U/page.js" >"$T/page.mjs"
	node --check "$T/page.mjs" || fail 'page.js does not parse'
	for f in "$TOP"/page/*.mjs; do node --check "$f" || fail "$f"; done
	timeout 60 node "$TOP/tests/page/unit.mjs" >"$T/out" 2>&1 || { tail -n 30 "$T/out"; fail 'unit.mjs'; }
	has "$(cat "$T/out")" checks
}

run_stories "$@"
