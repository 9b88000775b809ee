# The original Worker on our server, and our worker on the original Boss, by
# stand-ins that send and do what those do (tests/origin/).
. "$TOP/tests/lib.sh"

# boss DIALECT [ARGS]: a stand-in of the original Boss; $BOSS is its URL.
boss() {
	_d=$1
	shift
	rm -f "$T/boss.port"
	"$PYTHON" "$TOP/tests/origin/boss.py" --dialect "$_d" \
	    --state "$T/boss.json" --port-file "$T/boss.port" ${1+"$@"} \
	    >>"$T/boss.log" 2>&1 &
	BOSS_PID=$!
	PIDS="$PIDS $BOSS_PID"
	soon test -s "$T/boss.port"
	BOSS=http://127.0.0.1:$(cat "$T/boss.port")
}
# create JSON: a job at the Boss; prints the order.
create() { http POST "$BOSS/job/create" "$1"; }
http() { # METHOD URL [JSON]
	"$PYTHON" - "$@" <<-'PY'
	import sys, urllib.request
	m, url = sys.argv[1:3]
	data = sys.argv[3].encode() if len(sys.argv) > 3 else None
	r = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=m)
	try:
	    a = urllib.request.urlopen(r, timeout=20)
	except urllib.error.HTTPError as e:
	    a = e
	sys.stdout.write("" if len(sys.argv) > 3 or m == "GET" else "%d " % a.status)
	sys.stdout.write(a.read().decode())
	PY
}
state() { jq -r "$1" "$T/boss.json"; }
state_is() { [ "$(state "$1")" = "$2" ]; }
# owed: what our worker has in its book.
owed() { find "$S/origin" -name '*.json' 2>/dev/null | wc -l; }
owed_is() { [ "$(owed)" = "$1" ]; }

# What the original's nn.py does with its job, in few lines.
nn() {
	script nn.py <<-'PY'
	import json, sys
	job = json.loads(sys.argv[1])
	print("Epoch 1/%d" % job["epochs"])
	loss = str(job["epochs"] * 0.5)
	print(json.dumps({"status": 200, "jobId": job["assignmentId"],
	                  "loss": job.get("say", loss), "metric": "0.25"}))
	PY
}

# ---- our worker, an original Boss ----

t_our_worker_dialect_1() {
	nn
	boss 1
	create '{"scriptName":"nn.py","epochs":2,"bogus":7}' >"$T/order"
	order=$(jq -r ._id "$T/order")
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	is "$(state '.outcomes[0]|[.status,.jobId,.loss,.metric]|@csv')" \
	    "200,\"$order\",1,0.25"
	soon owed_is 0
	# Its whole story is here, too: the job as the Boss had it.
	is "$(outcome | jq -c '[.status,.loss]')" '[200,"1.0"]'
	ls "$S"/done/*/*."$order".json
	is "$(jq -r .assignmentId "$S"/done/*/*."$order".json)" "$order"
	# The Boss dies of being asked for what it has not: it lives.
	ours "$BOSS_PID" || fail 'we have killed the Boss'
	is "$(state '[.requests[]|select(.[1]|test("undefined"))]|length')" 0
	stop "$WORKER"
	ours "$BOSS_PID" || fail 'we have killed the Boss'
}

t_our_worker_dialect_2() {
	nn
	boss 2
	create '{"scriptName":"nn.py","epochs":2,"projectName":"wine"}' >"$T/o1"
	create '{"scriptName":"nn.py","epochs":4}' >"$T/o2"
	create '{"scriptName":"../nn.py","epochs":4}' >"$T/o3"
	exits 0 timeout 60 workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    --drain --origin "$BOSS/" "$S"
	# It ended when the Boss had no more and had answered to all.
	is "$(state '[.orders[].status]|@csv')" '"completed","completed","failed"'
	is "$(state '[.outcomes[]|.loss]|sort|@csv')" ',1,2'
	is "$(owed)" 0
}

# What it cannot take is not sent, what is no number is left out.
t_our_worker_nan_and_failure() {
	nn
	boss 1
	create '{"scriptName":"nn.py","epochs":2,"loss":"mse"}' >"$T/o1"
	script bad.py <<-'PY'
	import json
	print(json.dumps({"status": 200, "loss": "nan", "metric": float("inf")}))
	PY
	create '{"scriptName":"bad.py"}' >"$T/o2"
	script worse.py <<-'PY'
	raise SystemExit("nothing works")
	PY
	create '{"scriptName":"worse.py"}' >"$T/o3"
	exits 0 timeout 60 workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    --drain --origin "$BOSS" "$S"
	is "$(state '[.outcomes[]|[.status,.loss,.metric]|@csv]|join(" ")')" \
	    '200,1,0.25 200,, 500,,'
	ours "$BOSS_PID" || fail 'we have killed the Boss'
}

# The original's own script looks for its configuration beside itself.
t_our_worker_configured() {
	script nn.py <<-'PY'
	import json, os
	here = os.path.dirname(os.path.realpath(__file__))
	conf = json.load(open(here + "/worker-node-configure.json"))
	rows = open(conf["dataPath"] + "wine.csv").read().count("\n")
	print(json.dumps({"status": 200, "loss": rows}))
	PY
	mkdir "$S/scripts/origin"
	echo "{\"dataPath\":\"$S/data/\"}" \
	    >"$S/scripts/origin/worker-node-configure.json"
	printf '1\n2\n' >"$S/data/wine.csv"
	boss 2
	create '{"scriptName":"nn.py","dataFileName":"wine.csv"}' >"$T/o"
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	is "$(state '.outcomes[0].loss')" 2
	stop "$WORKER"
}

# The Boss is away, our worker dies, both come back: nothing is lost.
t_our_worker_boss_away() {
	script slow.py <<-'PY'
	import os, time, json
	while not os.path.exists(os.environ["GO"]): time.sleep(0.02)
	print(json.dumps({"loss": 3}))
	PY
	export GO="$T/go"
	boss 2
	create '{"scriptName":"slow.py"}' >"$T/o"
	start_worker --origin "$BOSS"
	soon owed_is 1
	soon ls "$S"/assigned/*
	kill -KILL "$BOSS_PID"
	: >"$GO"
	soon outcomes_are 1
	owed_is 1 || fail 'it was forgotten before it was answered to'
	kill -KILL "$WORKER"
	port=${BOSS##*:}
	boss 2 --port "$port"
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	soon owed_is 0
	is "$(state '.orders[0].status')" completed
	is "$(outcome | jq .run.attempt)" 1
	stop "$WORKER"
}

# No answer comes: it is asked again, not for ever, and nothing is lost.
t_our_worker_unanswered() {
	nn
	boss 2 --deaf 1
	create '{"scriptName":"nn.py","epochs":2}' >"$T/o"
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	soon owed_is 0
	stop "$WORKER" "$BOSS_PID"
	rm "$T/boss.json"
	boss 2 --deaf 1000
	create '{"scriptName":"nn.py","epochs":2}' >"$T/o"
	start_worker --origin "$BOSS"
	gave_up() { [ -e "$(echo "$S"/origin/*/"$(jq -r ._id "$T/o")".unanswered)" ]; }
	soon gave_up
	is "$(state '[.requests[]|select(.[1]=="/callback")]|length')" 5
	# It goes on with others.
	create '{"scriptName":"nn.py","epochs":2}' >"$T/o2"
	soon outcomes_are 3
	stop "$WORKER"
}

# Two get one order; a job is gone; an order has an id that is none: none of it
# stops us.
t_our_worker_odd_boss() {
	nn
	boss 1 --race 1
	create '{"scriptName":"nn.py","epochs":2}' >"$T/o"
	mkdir "$T/work2"
	spool init "$T/spool2" >/dev/null
	cp "$S/spool.json" "$T/spool2/"
	cp "$S/scripts/nn.py" "$T/spool2/scripts/"
	start_worker --origin "$BOSS"
	workerd $ROOTOK --work "$T/work2" --python "$PYTHON" --name other \
	    --origin "$BOSS" "$T/spool2" >>"$T/worker2.log" 2>&1 &
	PIDS="$PIDS $!"
	soon state_is '.outcomes|length' 2
	is "$(state '[.outcomes[].jobId]|unique|length')" 1
	soon owed_is 0
	# The second of one spool has to stay away.
	exits 100 timeout 20 workerd $ROOTOK --work "$T/work" --drain \
	    --origin "$BOSS" "$S"
	has "$(cat "$T/err")" 'another workerd serves'
}

run_stories "$@"
