# The page in a real browser: clicks, news, filters, brushes, a hundred thousand
# rows, hostile texts, a phone, a keyboard alone, and axe-core.  Needs Debian's
# chromium and chromium-driver; axe-core comes from npm, checked by its hash.
. "$TOP/tests/lib.sh"

SUITE=$TOP/tests/page/suite.py
AXE=4.10.2
AXE_SHA=sha512-RE3mdQ7P3FRSe7eqCWoeQ/Z9QXrtniSjp1wUjt5nRC3WIpz5rSCve6o3fsZ2aCpJtrZjSZgjwXAoTO5k4tEI0w==

serve() {
	spool-httpd --listen 127.0.0.1:0 "$S" >>"$T/httpd.log" 2>&1 &
	PIDS="$PIDS $!"
	soon served
}
served() {
	U=$(sed -n 's/.*start spool=.* listen=\(http:[^ ]*\).*/\1/p' "$T/httpd.log")
	[ -n "$U" ]
}
suite() { # STORY ARGUMENT...
	for p in chromium chromedriver; do
		command -v $p >/dev/null || skip "no $p (tools/packages-labs names it)"
	done
	timeout 900 "$PYTHON" "$SUITE" "$@" >"$T/suite.out" 2>&1 || {
		tail -n 30 "$T/suite.out"
		fail "suite.py $1"
	}
	sed 's/^/# /' "$T/suite.out"
}
# A small sweep of train.py; naps between epochs.
sweep() {
	/usr/bin/python3 -c 'import numpy' 2>/dev/null || skip 'no numpy'
	cp "$TOP/tests/page/train.py" "$S/scripts/"
	for rate in 0.002 0.01 0.05; do
		for hidden in 4 16; do
			printf '{"scriptName":"train.py","projectName":"wine","learningRate":%s,"hidden":%s,"optimizer":"adam","epochs":20,"nap":%s,"order":{"name":"wine-%s-%s","tags":["sweep"]}}\n' \
			    $rate $hidden "${1:-0}" ${rate#0.} $hidden
		done
	done >"$T/sweep.jsonl"
	spool submit --no-pin "$T/sweep.jsonl" >"$T/ids"
}
work() { PYTHON=/usr/bin/python3 drain -j 2; }

t_clicks() {
	sweep
	work
	serve
	suite clicks "$U"
}

t_live() {
	sweep 0.2
	policy beat=0.5 lease=4
	start_spoold
	serve
	PYTHON=/usr/bin/python3 start_worker --name gpu07
	suite live "$U" "$WORKER" "$T/more.json"
}

t_hostile() {
	script evil.py <<-'PY'
	import json, os, sys
	evil = "<img src=x onerror=window.owned=1><script>window.owned=1</script>"
	with open(os.environ["SPOOL_METRICS"], "a") as f:
	    for step in (1, 2, 3):
	        f.write(json.dumps({"step": step, evil[:60]: step, "loss": 1 / step}) + "\n")
	with open(os.path.join(os.environ["SPOOL_OUT"], "<img src=x onerror=window.owned=1>"), "w") as f:
	    f.write("<script>window.owned=1</script>")
	print(evil, "\x1b]0;" + evil + "\x07", "\u202e" + evil)
	print(json.dumps({"status": 500 if len(sys.argv) > 1 and "bad" in sys.argv[1] else 200, "loss": 1, "error": evil}))
	PY
	e='<img src=x onerror=window.owned=1><script>window.owned=1</script>'
	for bad in true false; do
		printf '{"scriptName":"evil.py","projectName":"%s","%s":"%s","n":%s,"order":{"name":"evil","tags":["%s"],"group":"%s","git":{"commit":"%s","branch":"%s"}}}\n' \
		    "$e" "$e" "$e" "$bad" "$e" "$e" "$e" "$e"
	done >"$T/j.jsonl"
	spool submit --no-pin "$T/j.jsonl" >"$T/ids"
	drain
	# A beat can say anything but its name.
	printf '{"worker":"evil-00000a","beat":1,"role":"worker","state":"%s","host":"%s","note":"%s","gpu":[{"index":0,"name":"%s","blocked":{"why":"%s","user":"%s"}}]}' \
	    "$e" "$e" "$e" "$e" "$e" "$e" >"$S/workers/evil-00000a.json"
	serve
	spool page -o "$T/page.html"
	suite hostile "$U" "$T/page.html" "$(head -n 1 "$T/ids")"
}

t_many() {
	"$PYTHON" - "$S" <<-'PY'
	import json, os, random, sys
	random.seed(5)
	S = sys.argv[1]
	day = S + "/done/20261120"
	os.makedirs(day)
	for i in range(100000):
	    id = "20261120T%02d%02d%02d%03d-%08x" % (i // 36000 % 24, i // 600 % 60, i // 10 % 60, i % 10, i)
	    job = {"scriptName": "a.py", "projectName": ["wine", "iris"][i % 2], "learningRate": 10 ** random.uniform(-4, -1),
	           "hidden": random.choice([8, 16, 32])}
	    open("%s/50.%s.t1a0@w-00000a.run%d.json" % (day, id, i), "w").write(json.dumps(job))
	    out = {"_id": id, "status": 200, "loss": random.random(), "run": {"seconds": 3, "cause": "ok"}}
	    open("%s/outcomes/%s.json" % (S, id), "w").write(json.dumps(out))
	PY
	timeout 300 spool reindex >"$T/reindex" 2>&1 || fail 'reindex'
	serve
	suite many "$U"
}

t_saved() {
	sweep
	work
	spool page -o "$T/page.html"
	suite saved "$T/page.html"
}

t_phone() {
	sweep
	work
	serve
	suite phone "$U" "$T"
}

t_keys() {
	sweep
	work
	serve
	suite keys "$U"
}

t_token() {
	sweep
	spool token --role read add >"$T/reader"
	spool token --role read,submit add >"$T/writer"
	serve
	suite token "$U" "$(cat "$T/reader")" "$(cat "$T/writer")"
}

t_axe() {
	sweep
	work
	serve
	command -v npm >/dev/null || skip 'no npm to fetch axe-core with'
	(cd "$T" && npm pack --silent axe-core@$AXE) >"$T/npm" 2>&1 && [ -s "$T/axe-core-$AXE.tgz" ] || skip 'axe-core cannot be had'
	is "sha512-$(openssl dgst -sha512 -binary "$T/axe-core-$AXE.tgz" | base64 -w 0)" "$AXE_SHA"
	tar -xzf "$T/axe-core-$AXE.tgz" -C "$T"
	suite axe "$U" "$T/package/axe.min.js"
}

run_stories "$@"
