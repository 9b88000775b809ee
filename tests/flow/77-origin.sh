# The original Worker on our server, and our worker on the original Boss, by
# stand-ins that send and do what those do (tests/origin/).
. "$TOP/tests/lib.sh"

PLAIN_ONLY="original_argv our_worker_unanswered our_worker_odd_boss"
PLAIN_ONLY="$PLAIN_ONLY our_worker_configured our_worker_nan_and_failure"

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
# http METHOD URL [JSON]: prints the body, leaves the status in $T/status.
http() {
	"$PYTHON" - "$T/status" "$@" <<-'PY'
	import sys, urllib.error, urllib.request
	to, m, url = sys.argv[1:4]
	data = sys.argv[4].encode() if len(sys.argv) > 4 else None
	r = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=m)
	try:
	    a = urllib.request.urlopen(r, timeout=20)
	except urllib.error.HTTPError as e:
	    a = e
	open(to, "w").write(str(a.status))
	sys.stdout.write(a.read().decode())
	PY
}
status_was() { is "$(cat "$T/status")" "$1" 'status'; }
# create JSON: a job at the Boss; prints the order.
create() { http POST "$BOSS/job/create" "$1"; }
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

# shim: our server on this spool; $BOSS is its URL, the same each time.
shim() {
	spool-httpd -v --listen "127.0.0.1:${PORT:-0}" "$S" \
	    >>"$T/httpd.log" 2>&1 &
	SHIM=$!
	PIDS="$PIDS $SHIM"
	soon shim_is "$SHIM"
	PORT=${BOSS##*:}
}
shim_is() {
	BOSS=$(sed -n 's/.*start spool=.* listen=\(http:[^ ]*\).*/\1/p' \
	    "$T/httpd.log" | sed -n "$((${SHIMS:-0} + 1))p")
	[ -n "$BOSS" ] && SHIMS=$((${SHIMS:-0} + 1))
}
# legacy [ARGS]: a stand-in of the original Worker, its log in $T/legacy.log.
legacy() {
	"$PYTHON" "$TOP/tests/origin/worker.py" --boss "$BOSS" --every 0.3 \
	    --scripts "$S/scripts" --python "$PYTHON" ${1+"$@"} \
	    >>"$T/legacy.log" 2>&1 &
	LEGACY=$!
	PIDS="$PIDS $LEGACY"
}
submit() { spool submit --no-pin "$@"; }
said() { grep -qF -- "$1" "$T/legacy.log"; }
at() { find "$S/$1" -name '[0-9]*.json' | wc -l; }
at_is() { [ "$(at "$1")" = "$2" ]; }
beats() { jq .beat "$S"/workers/dl-*.json; }
beats_beyond() { [ "$(beats)" -gt "$1" ]; }

# ---- the stand-ins ----

# They go wrong as the original did, or all of this shows nothing.
t_stand_ins() {
	script bad.py <<-'PY'
	import json
	print(json.dumps({"status": 400, "error": "no id"}))
	PY
	boss 1
	create '{"scriptName":"bad.py"}' >"$T/o"
	legacy
	soon grep -q 'never answered' "$T/boss.log"
	is "$(state '.orders[0].status')" assigned
	hasnt "$(cat "$T/legacy.log")" answered
	# Asked when it has nothing, it is gone.
	legacy --name other
	soon dead "$BOSS_PID"
	# The later one says so, with 200, and is asked for "undefined".
	boss 2
	create '{"scriptName":"bad.py"}' >"$T/o"
	http POST "$BOSS/bored/dl" >"$T/a"
	legacy --name third
	soon state_is '[.requests[]|select(.[1]=="/retrieve/job/undefined")]|length' 1
}

# ---- the original Worker, our server ----

# Whole jobs, in both dialects and both manners of connection.
t_original_worker() {
	nn
	script nn2.py <<-'PY'
	import json, sys
	job = json.loads(sys.argv[1])
	print(json.dumps({"status": "completed", "orderId": job["assignmentId"],
	                  "loss": job["loss"], "metric": "nan"}))
	PY
	shim
	legacy
	http POST "$BOSS/job/create" '{"scriptName":"nn.py","epochs":2,"projectName":"wine"}' >"$T/o1"
	status_was 200
	is "$(jq -r '[.status,.projectName,(._id==.jobId)]|@csv' "$T/o1")" \
	    '"unassigned","wine",true'
	soon over "$(jq -r ._id "$T/o1")"
	is "$(outcome | jq -c '[.status,.loss,.metric,.run.attempt]')" \
	    '[200,1,0.25,1]'
	soon said 'answered 200'
	legacy --close --name other
	stop "$LEGACY"
	legacy --close --name other
	http POST "$BOSS/job/create" '{"scriptName":"nn2.py","loss":7}' >"$T/o2"
	soon over "$(jq -r ._id "$T/o2")"
	is "$(jq -c '[.status,.loss,.metric,.metricText,.run.nonFinite]' \
	    "$S/outcomes/$(jq -r ._id "$T/o2").json")" \
	    '[200,7,null,"nan",["metric"]]'
	is "$(http GET "$BOSS/retrieve/order" | jq -c '[.[].status]')" \
	    '["completed","completed"]'
	is "$(http GET "$BOSS/retrieve/latest-job" | jq .loss)" 7
	is "$(http GET "$BOSS/retrieve/outcome/$(jq -r ._id "$T/o1")" |
	    jq .loss)" 1
	hasnt "$(cat "$T/legacy.log")" undefined
	promises
}

# What it gets is what the original gave it.
t_original_argv() {
	script tell.py <<-'PY'
	import json, os, sys
	open(os.environ["TOLD"], "w").write(sys.argv[1])
	print(json.dumps({"status": 200}))
	PY
	export TOLD="$T/told"
	shim
	http POST "$BOSS/job/create" \
	    '{"scriptName":"tell.py","big":12345678901234567890123,"x":{"y":[1.50]}}' >"$T/o"
	id=$(jq -r ._id "$T/o")
	legacy
	# No id in the outcome: it is that of what it holds.
	soon over "$id"
	is "$(jq -r '[._id,.assignmentId,.callbackAddress]|@csv' "$T/told")" \
	    "\"$id\",\"$id\",\"$BOSS\""
	has "$(http GET "$BOSS/retrieve/job/$id")" \
	    '"scriptName":"tell.py","big":12345678901234567890123,"x":{"y":[1.50]}}'
}

# Nothing that it sends, and nothing that is wrong, is left without an answer.
t_original_errors() {
	script bad.py <<-'PY'
	import json
	print(json.dumps({"status": 400, "error": "There was a problem."}))
	PY
	script ok.py <<-'PY'
	import json, sys
	print(json.dumps({"status": 200, "error": "No Job info found."}))
	PY
	shim
	for p in retrieve/job/undefined retrieve/job/5bcc93d67f0b3f4844c87c79 \
	    retrieve/outcome/undefined retrieve/other retrieve; do
		http GET "$BOSS/$p" | jq -e .error >/dev/null || fail "$p"
		status_was 404
	done
	http GET "$BOSS/retrieve/job" | jq -e .error
	status_was 400
	for p in bored/dl bored job/other worker-node/other; do
		http POST "$BOSS/$p" | jq -e .error >/dev/null || fail "$p"
		status_was 404
	done
	http POST "$BOSS/job/create" '{"epochs":3}' | jq -e .error
	status_was 422
	http POST "$BOSS/job/create" 'nonsense' | jq -e .error
	status_was 422
	http POST "$BOSS/callback" 'nonsense' | jq -e .error
	status_was 422
	http POST "$BOSS/worker-node/create" '{"name":"dl"}' | jq -e .error
	status_was 422
	is "$(http GET "$BOSS/retrieve/order")" '[]'
	legacy
	job bad.py >"$T/b.json"
	job ok.py >"$T/k.json"
	submit "$T/b.json" "$T/k.json" >"$T/ids"
	soon outcomes_are 2
	is "$(cat "$S"/outcomes/2*.json | jq -r .error | tr '\n' ' ')" \
	    'There was a problem. No Job info found. '
	is "$(count failed)" 2
	# What is no job at all is ended, also when nobody else is here.
	echo '{"epochs":1}' >"$S/new/no.json"
	soon outcomes_are 3
	has "$(cat "$S"/outcomes/2*.json)" '"status":400,"error":"scriptName'
	promises
}

# Callbacks of nobody, twice, and too late: each is answered and kept.
t_original_callbacks() {
	shim
	job nn.py >"$T/j.json"
	id=$(submit "$T/j.json")
	http POST "$BOSS/callback" '{"status":200,"jobId":"5bcc93d67f0b3f4844c87c79","loss":1}'
	status_was 202
	http POST "$BOSS/callback" '{"status":400,"error":"who am I"}'
	status_was 202
	http POST "$BOSS/callback" '{"status":400,"error":"who am I"}'
	status_was 202
	is "$(find "$S/outcomes/orphans" -name '*.json' | wc -l)" 2
	# Of an order that nobody was given: kept beside it.
	http POST "$BOSS/callback" "{\"status\":200,\"jobId\":\"$id\"}" >"$T/a"
	status_was 200
	is "$(jq -r .status "$T/a")" unassigned
	http POST "$BOSS/bored/dl" >"$T/a"
	is "$(jq -r '[._id,.status]|@csv' "$T/a")" "\"$id\",\"assigned\""
	http POST "$BOSS/callback" "{\"status\":\"ok\",\"orderId\":\"$id\",\"loss\":\"2\"}" >"$T/a"
	status_was 200
	is "$(jq -r '[._id,.status]|@csv' "$T/a")" "\"$id\",\"completed\""
	for n in 3 3 4; do
		http POST "$BOSS/callback" "{\"status\":500,\"jobId\":\"$id\",\"loss\":$n}" >"$T/a"
		status_was 200
		is "$(jq -r .status "$T/a")" completed
	done
	is "$(outcome | jq -c '[.status,.loss]')" '[200,2]'
	is "$(find "$S/runs" -name 'callback-*.json' | wc -l)" 3
	exits 0 spool check
	promises
}

# It asks again while it holds an order: it has lost it.
t_original_lost() {
	nn
	policy lease=1 beat=0.2 settle=0.5 attempts=2 backoff=0.1 backoffMax=1
	start_spoold
	shim
	job nn.py '"epochs":2' >"$T/j.json"
	id=$(submit "$T/j.json")
	http POST "$BOSS/bored/dl" >"$T/a"
	is "$(jq -r ._id "$T/a")" "$id"
	# Two polls may overlap: not yet.
	http POST "$BOSS/bored/dl" >"$T/a"
	status_was 404
	is "$(at assigned)" 1
	asked() { http POST "$BOSS/bored/dl" >"$T/a"; [ "$(jq -r ._id "$T/a")" = "$id" ]; }
	soon asked
	ls "$S/assigned"/*.t*a1@dl-*.json
	has "$(cat "$S"/runs/*/"$id"/t1a0@dl-*.json)" 'bored again'
	# And a second time: that was all.
	bored() { http POST "$BOSS/bored/dl" >"$T/a"; over "$id"; }
	soon bored
	is "$(outcome | jq .status)" 503
	promises
}

# Nobody hears of it in the time that it had; what it cannot do it is not
# given; what is cancelled ends at once, and it is answered all the same.
t_original_time_and_cancel() {
	policy lease=1 beat=0.2 settle=0.5 attempts=1
	nn
	shim
	job nn.py '"order":{"timeout":"1s"}' >"$T/j.json"
	id=$(submit "$T/j.json")
	http POST "$BOSS/bored/dl" >"$T/a"
	soon over "$id"
	is "$(status_of "$id")" 503
	for more in '"gpus":1' '"requires":["a100"]' '"memory":"1G"' \
	    '"env":{"A":"b"}' '"python":"python3"'; do
		job nn.py "\"order\":{$more}" >"$T/j.json"
		submit "$T/j.json"
	done >"$T/ids" 2>"$T/err"
	job nn.sh >"$T/j.json"
	submit "$T/j.json" >>"$T/ids" 2>>"$T/err"
	# Nor what is pinned to bytes that only our own workers bring.
	job nn.py '"epochs":2' >"$T/j.json"
	spool submit "$T/j.json" >>"$T/ids"
	is "$(count new)" 7
	http POST "$BOSS/bored/dl" >"$T/a"
	status_was 404
	job nn.py >"$T/j.json"
	id=$(submit "$T/j.json")
	http POST "$BOSS/bored/dl" >"$T/a"
	is "$(jq -r ._id "$T/a")" "$id"
	spool cancel "$id"
	soon over "$id"
	is "$(status_of "$id")" 499
	http POST "$BOSS/callback" "{\"status\":200,\"jobId\":\"$id\"}" >"$T/a"
	status_was 200
	is "$(jq -r .status "$T/a")" failed
	: >"$S/drain/dl"
	job nn.py >"$T/j.json"
	id=$(submit "$T/j.json")
	http POST "$BOSS/bored/dl" >"$T/a"
	status_was 404
	http POST "$BOSS/bored/other" >"$T/a"
	status_was 200
}

# The server dies and comes back: what its workers hold is theirs.  It is away
# for longer than a lease: what they bring counts all the same.
t_original_server_restarts() {
	script slow.py <<-'PY'
	import json, os, sys, time
	job = json.loads(sys.argv[1])
	while not os.path.exists(os.environ["GO"] + str(job["n"])): time.sleep(0.02)
	print(json.dumps({"status": 200, "jobId": job["assignmentId"], "loss": job["n"]}))
	PY
	export GO="$T/go"
	policy lease=4 beat=0.2 settle=0.5 attempts=3 backoff=1000 backoffMax=1000
	start_spoold
	shim
	legacy
	job slow.py '"n":1' >"$T/j.json"
	one=$(submit "$T/j.json")
	soon said 'runs slow.py'
	kill -KILL "$SHIM"
	n=$(beats)
	shim
	soon beats_beyond $((n + 3))
	: >"$T/go1"
	soon over "$one"
	is "$(jq -c '[.status,.loss,.run.attempt]' "$S/outcomes/$one.json")" '[200,1,1]'

	job slow.py '"n":2' >"$T/j.json"
	two=$(submit "$T/j.json")
	# It has it, and knows it.
	runs() { [ "$(grep -c 'runs slow.py' "$T/legacy.log")" = 2 ]; }
	soon runs
	kill -KILL "$SHIM"
	soon at_is waiting 1
	shim
	: >"$T/go2"
	soon over "$two"
	is "$(jq -c '[.status,.loss,.run.attempt]' "$S/outcomes/$two.json")" '[200,2,2]'
	exits 0 spool check
	promises
}

# A token in the address says who it is, also when it says nothing itself.
t_original_tokens() {
	spool token --role work --worker dl add >"$T/t1"
	spool token --role work add >"$T/t2"
	spool token --role read add >"$T/t3"
	shim
	job nn.py >"$T/j.json"
	submit "$T/j.json" "$T/j.json" >"$T/ids"
	one=$(sed -n 1p "$T/ids")
	two=$(sed -n 2p "$T/ids")
	http POST "$BOSS/bored/dl" >"$T/a"
	status_was 401
	http POST "$BOSS/t/$(cat "$T/t3")/bored/dl" >"$T/a"
	status_was 403
	# It is bound to a name, whatever it calls itself.
	http POST "$BOSS/t/$(cat "$T/t1")/bored/other" | jq -e "._id == \"$one\""
	http POST "$BOSS/t/$(cat "$T/t2")/bored/dl" | jq -e "._id == \"$two\""
	is "$(ls "$S/assigned" | grep -c '@dl-')" 2
	is "$(ls "$S/assigned" | sed 's/.*@//' | sort -u | wc -l)" 2
	http GET "$BOSS/t/$(cat "$T/t1")/retrieve/job/$one" | jq -e .scriptName
	# Another's order is another's: kept aside.
	http POST "$BOSS/t/$(cat "$T/t2")/callback" "{\"status\":200,\"jobId\":\"$one\"}" |
	    jq -e '.status == "assigned"'
	status_was 200
	http POST "$BOSS/t/$(cat "$T/t1")/callback" '{"status":400,"error":"no data"}' |
	    jq -e "._id == \"$one\" and .status == \"failed\""
	status_was 200
	is "$(jq -c '[.status,.error]' "$S/outcomes/$one.json")" '[500,"no data"]'
	is "$(at assigned)" 1
	http POST "$BOSS/t/$(cat "$T/t2")/callback" "{\"status\":200,\"jobId\":\"$two\"}" |
	    jq -e '.status == "completed"'
	hasnt "$(cat "$T/httpd.log")" "$(cut -d. -f2 "$T/t1")"
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
	exits 0 spool check
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
	# Its address may have a token in it.
	boss 2 --prefix /t/SECRET
	BOSS=$BOSS/t/SECRET
	create '{"scriptName":"slow.py"}' >"$T/o"
	start_worker --origin "$BOSS"
	soon owed_is 1
	soon at_is assigned 1
	kill -KILL "$BOSS_PID"
	: >"$GO"
	soon outcomes_are 1
	soon grep -q 'warning: .*127.0.0.1' "$T/worker.log"
	owed_is 1 || fail 'it was forgotten before it was answered to'
	kill -KILL "$WORKER"
	port=${BOSS##*:}
	boss 2 --prefix /t/SECRET --port "${port%%/*}"
	BOSS=$BOSS/t/SECRET
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	soon owed_is 0
	is "$(state '.orders[0].status')" completed
	is "$(outcome | jq .run.attempt)" 1
	stop "$WORKER"
	hasnt "$(cat "$T/worker.log")" SECRET
	! grep -r SECRET "$S" || fail 'the token is in the spool'
}

# It dies between putting a job into new/ and noting which order that is.
t_our_worker_dies_in_between() {
	script slow.py <<-'PY'
	import os, time, json
	while not os.path.exists(os.environ["GO"]): time.sleep(0.02)
	print(json.dumps({"loss": 3}))
	PY
	export GO="$T/go"
	boss 2
	create '{"scriptName":"slow.py"}' >"$T/o"
	start_worker --origin "$BOSS"
	soon at_is assigned 1
	kill -KILL "$WORKER"
	note=$(echo "$S"/origin/*/"$(jq -r ._id "$T/o")".json)
	jq -c 'del(.id)' "$note" >"$T/note"
	cp "$T/note" "$note"
	: >"$GO"
	start_worker --origin "$BOSS"
	soon state_is '.outcomes|length' 1
	soon owed_is 0
	is "$(($(count new) + $(count waiting) + $(count assigned) + $(count 'done')))" 1
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
	order=$(jq -r ._id "$T/o")
	gave_up() { [ -e "$(echo "$S"/origin/*/"$order.unanswered")" ]; }
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
