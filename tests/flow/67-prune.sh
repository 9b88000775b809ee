# order.prune: runs of a sweep that others have left behind are stopped between
# steps, by what the metrics files say and nothing else.
# shellcheck shell=sh disable=SC2154
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"
PLAIN_ONLY="halves asha_alone strange far http"

SWEEP=20261123T161200123-9f3c

# lay N MEMBERS [ORDER]: the N-th run of the sweep into the queue
lay() {
	printf '{"scriptName":"curve.py",%s,"order":{"sweep":{"id":"%s","run":%d,"runs":27}%s}}\n' \
	    "$2" "$SWEEP" "$1" "${3:+,$3}" >"$S/tmp/lay"
	mv "$S/tmp/lay" "$S/new/50.$(run_id "$1").t1a0.json"
}
run_id() { printf '%s%04x' "$SWEEP" "$1"; }

# A learning curve that says from its first step on where it will end.
curve() {
	script curve.py <<-'END'
		import json, os, sys, time
		job = json.loads(sys.argv[1])
		floor = (job["lr"] - 0.3) ** 2 + 0.1 * job.get("layers", 0) + 0.01 * job.get("width", 0)
		with open(os.environ["SPOOL_METRICS"], "a") as out:
		    for step in range(1, job["epochs"] + 1):
		        time.sleep(job["pause"])
		        loss = floor + (3 - floor) * 0.8 ** step
		        out.write(json.dumps({"step": step, "loss": loss}) + "\n")
		        out.flush()
		while job.get("stays"):
		    time.sleep(0.1)
		print(json.dumps({"loss": loss}))
	END
}

# PAUSE [ORDER]: 27 runs, in no good order
grid() {
	_n=0
	for _lr in 0.1 0.3 0.9; do
		for _layers in 3 1 2; do
			for _width in 8 2 4; do
				_n=$((_n + 1))
				lay $_n "\"lr\":$_lr,\"layers\":$_layers,\"width\":$_width,\"epochs\":27,\"pause\":$1" "${2:-}"
			done
		done
	done
}
epochs() { cat "$S"/runs/*/*/*.metrics.jsonl | wc -l; }
best() { jq -s 'map(.loss // empty) | min' "$S"/outcomes/2*.json; }

# The same best in at most half of the epochs, and nobody is lost.
t_halves() {
	curve
	grid 0
	drain -j 4
	is "$(epochs)" 729
	all=$(best)
	mkdir "$T/all"
	mv "$S"/outcomes/2*.json "$S/done" "$S/runs" "$T/all/"
	mkdir "$S/done" "$S/runs"

	grid 0.2 '"prune":{"method":"asha","metric":"loss"}'
	drain -j 6
	is "$(jq -s length "$S"/outcomes/2*.json)" 27
	is "$(count 'done')" 27 # an end like another: nothing has failed
	is "$(count failed)" 0
	is "$(best)" "$all" 'the best'
	n=$(epochs)
	[ "$n" -le 364 ] || fail "$n epochs of 729"
	# with their best, and why
	is "$(jq -s 'map(select(.status == 206)) | length > 13 and all(.run.cause == "pruned" and
	    .run.pruned.metric == "loss" and .run.pruned.best > 0.3 and .error == null and .run.attempt == 1)' \
	    "$S"/outcomes/2*.json)" true
	has "$(jq -r 'select(.status == 206).run.note' "$S"/outcomes/2*.json | head -n 1)" 'did better and'
	exits 0 spool check
}

ends() { [ "$(jq .status "$S/outcomes/$(run_id "$1").json")" = "$2" ]; }

# Those that come later are judged, by what others have left behind too.
t_asha_alone() {
	curve
	lay 1 '"lr":0.3,"epochs":9,"pause":0' '"prune":{"method":"asha","metric":"loss"}'
	drain
	ends 1 200 || fail 'the first one has nobody to be worse than'
	# what is no order's is nobody's: only the sweep's own count
	lay 2 '"lr":0.9,"epochs":9,"pause":0,"stays":true' '"prune":{"method":"asha","metric":"loss","steps":3},"retry":"signal"'
	drain
	ends 2 206 || fail 'worse'
	is "$(jq -c '.run.pruned | [.metric, .step]' "$S/outcomes/$(run_id 2).json")" '["loss",3]'
	has "$(jq -r .run.note "$S/outcomes/$(run_id 2).json")" \
	    'pruned at step 3: loss 1.71'
	# at its own last step nobody is stopped, and better ones never are
	lay 3 '"lr":0.9,"epochs":2,"pause":0.5' '"prune":{"method":"asha","metric":"loss"}'
	lay 4 '"lr":0.31,"epochs":9,"pause":0.1' '"prune":{"method":"median","metric":"loss","peers":2}'
	lay 5 '"lr":0.7,"epochs":9,"pause":0,"stays":true' '"prune":{"method":"median","metric":"loss","peers":2}'
	drain
	ends 3 200 || fail 'was at its end'
	ends 4 200 || fail 'was better than the median'
	ends 5 206 || fail 'was worse than the median'
	has "$(spool show "$(run_id 5)")" 'the median of'
}

nine_are() { grep -qs '"step": 9' "$S/runs/$(echo "$1" | cut -c1-8)/$1/"*.metrics.jsonl; }

# Over SFTP the metrics of others are read there, and a sweep goes in there.
t_far() {
	sshd_up
	curve
	printf 'method: grid\nprogram: curve.py\nparameters:\n  lr: {values: [0.3, 0.9]}\n  epochs: {value: 9}\n  pause: {value: 0}\n' >"$T/s.yaml"
	printf 'order: {prune: {method: asha, metric: loss, steps: 3}}\n' >>"$T/s.yaml"
	g=$(spool -s "$URL" sweep -p stays=true "$T/s.yaml" 2>/dev/null)
	# the first one stays, for it has nobody to be worse than
	start_worker
	soon nine_are "${g}0001"
	workerd $ROOTOK --work "$T/work" --python "$PYTHON" "$URL" >>"$T/worker.log" 2>&1 &
	PIDS="$PIDS $!"
	soon over "${g}0002"
	is "$(status_of "${g}0002")" 206
	exits 0 spool -s "$URL" cancel "${g}0001"
	soon over "${g}0001"
	is "$(spool -s "$URL" tell "$g" | jq -sc 'sort_by(.trial) | map(.state)')" '["fail","pruned"]'
}

# Over HTTP nobody sees them: such an order is left to others, with a word.
t_http() {
	curve
	lay 1 '"lr":0.3,"epochs":3,"pause":0' '"prune":{"method":"asha","metric":"loss"}'
	spool-httpd -v --listen 127.0.0.1:0 "$S" >>"$T/httpd.log" 2>&1 &
	PIDS="$PIDS $!"
	soon grep -q 'start spool=.* listen=http:.* tokens=' "$T/httpd.log"
	port=$(sed -n 's/.* listen=http:[^ ]*:\([0-9]*\).*/\1/p' "$T/httpd.log")
	timeout "$DEADLINE" workerd $ROOTOK --work "$T/work" --python "$PYTHON" --drain "http://127.0.0.1:$port" \
	    >>"$T/worker.log" 2>&1 || fail 'does not end'
	is "$(count new)" 1 'left to others'
	has "$(cat "$T/worker.log")" 'order.prune compares the metrics of all runs'
	drain
	ends 1 200 || fail 'not run by another'
}

# What asks for no sweep is refused in words.
t_strange() {
	curve
	printf '{"scriptName":"curve.py","order":{"prune":{"method":"asha","metric":"loss"}}}' >"$T/job.json"
	exits 1 spool submit --no-pin "$T/job.json"
	has "$(cat "$T/err")" 'order.prune: needs order.sweep'
	# one of another id is compared with them all the same: a retry, say
	lay 1 '"lr":0.3,"epochs":9,"pause":0' '"prune":{"method":"asha","metric":"loss"}'
	drain
	jq -c --arg s $SWEEP '. + {lr: 0.9, epochs: 9, pause: 0, stays: true} | .order.sweep = $s' "$T/job.json" >"$T/again.json"
	id=$(spool submit --no-pin "$T/again.json")
	drain
	is "$(status_of "$id")" 206
}

run_stories "$@"
