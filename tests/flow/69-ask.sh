# spool ask and spool tell: somebody else proposes parameters, and hears what
# came of them; whoever crashes goes on where he was.
# shellcheck shell=sh disable=SC2154
. "$TOP/tests/lib.sh"
PLAIN_ONLY="optimizer follows"

spool() { command spool -s "$S" "$@"; }
ok_script() {
	script ok.py <<-'END'
		import json, os, sys
		job = json.loads(sys.argv[1])
		with open(os.environ["SPOOL_METRICS"], "w") as out:
		    for step in range(3):
		        print(json.dumps({"step": step, "val": {"acc": job["x"] + step % 2}}), file=out)
		if job["x"] < 0:
		    sys.exit(3)
		print(json.dumps({"loss": job["x"] * 2}))
	END
	printf '{"scriptName":"ok.py"}\n' >"$T/job.json"
}
ask() { spool ask --job "$T/job.json" "$@"; }
proposal() { printf '{"trial":%d,"parameters":{"x":%s}}\n' "$1" "$2"; }

# Ids follow from the numbers, nothing is made twice, and all is told again.
t_again() {
	ok_script
	s=$(spool ask --new)
	{ proposal 0 1.5; proposal 7 2; } | ask "$s" >"$T/one" || fail 'not taken'
	is "$(jq -c '[.trial, .id, .sweep, .again]' "$T/one" | tr '\n' ' ')" \
	    "[0,\"${s}0001\",\"$s\",false] [7,\"${s}0008\",\"$s\",false] "
	is "$(count new)" 2
	# asked again, with others, it is what it was
	{ proposal 7 99; proposal 1 -1; } | ask "$s" >"$T/two"
	is "$(jq -c '[.id, .again, .parameters]' "$T/two" | tr '\n' ' ')" \
	    "[\"${s}0008\",true,{\"x\":2}] [\"${s}0002\",false,null] "
	is "$(count new)" 3
	is "$(spool tell --now "$s")" ''
	drain
	proposal 0 7 | ask "$s" >"$T/three"
	is "$(jq -c '[.again, .parameters.x]' "$T/three")" '[true,1.5]' 'of one that is over'
	is "$(count new)" 0
	spool tell --metric val/acc --steps "$s" >"$T/told"
	is "$(jq -c '[.trial, .state, .status, .parameters.x, .value, .best, .steps]' "$T/told" | sort | tr '\n' ' ')" \
	    '[0,"complete",200,1.5,1.5,2.5,[[0,1.5],[1,2.5],[2,1.5]]] [1,"fail",500,-1,-1,0,[[0,-1],[1,0],[2,-1]]] [7,"complete",200,2,2,3,[[0,2],[1,3],[2,2]]] '
	is "$(spool tell "$s" | jq -sc 'sort_by(.trial) | map([.value, .outcome.loss])')" '[[3,3],[null,null],[4,4]]'
	spool tell "$s" | cmp - "$T/told" >/dev/null 2>&1 && fail 'another metric, the same lines'
	exits 0 spool check
}

# What cannot be is said in the answer to it, and the others go on.
t_wrong() {
	ok_script
	s=$(spool ask --new)
	{
		proposal 0 1
		printf '%s\n' '{"trial":-1,"parameters":{}}' '{"trial":1}' 'nonsense' '[1]' \
		    '{"trial":2,"parameters":{"order.priority":"high"}}' '{"trial":65535,"parameters":{}}'
		proposal 3 2
	} >"$T/in"
	exits 1 ask "$s" <"$T/in"
	is "$(jq -c '[.trial, .id == null]' "$T/out" | tr '\n' ' ')" \
	    '[0,false] [-1,true] [1,true] [null,true] [null,true] [2,true] [65535,true] [3,false] '
	has "$(cat "$T/out")" 'order.priority: found \"high\", expected'
	has "$(cat "$T/out")" 'parameters: an object is wanted'
	is "$(count new)" 2
	exits 100 ask wine </dev/null
	has "$(cat "$T/err")" "'wine' is no sweep: 'spool ask --new' makes a name"
	exits 1 spool tell 20261123T161200123-0000
	exits 100 spool tell --steps "$s"
}

# One line at a time, as a program would; what is told follows.
t_follows() {
	ok_script
	s=$(spool ask --new)
	start_worker
	mkfifo "$T/in" "$T/told"
	ask "$s" <"$T/in" >"$T/answers" &
	spool tell --follow "$s" >"$T/told" &
	follower=$!
	exec 7>"$T/in" 8<"$T/told"
	proposal 0 1 >&7
	read -r line <&8
	is "$(echo "$line" | jq -c '[.trial, .value]')" '[0,2]'
	is "$(jq -c .again "$T/answers")" false
	proposal 1 2 >&7
	read -r line <&8
	is "$(echo "$line" | jq -c '[.trial, .value]')" '[1,4]'
	exec 7>&- 8<&-
	soon dead $follower # with its reader
}

# Killed in the middle, the optimizer goes on: no trial is run twice.
t_optimizer() {
	cp "$TOP/examples/line.py" "$TOP/examples/spool.py" "$S/scripts/"
	printf '{"scriptName":"line.py","epochs":20}\n' >"$T/job.json"
	s=$(spool ask --new)
	start_worker -j 2
	optimize() { SPOOL_DIR=$S timeout "$DEADLINE" "$PYTHON" "$TOP/examples/optimize.py" "$s" "$1" 2 "$T/job.json"; }
	optimize 4 >"$T/first" || fail 'the optimizer'
	optimize 12 >"$T/second" || fail 'the optimizer, again'
	is "$(jq .trials "$T/second")" 12
	is "$(jq -s '(.[1].best <= .[0].best)' "$T/first" "$T/second")" true
	is "$(spool ls --json | jq -s 'length <= 13 and (map(.id) | unique | length) == length')" true
	is "$(jq -s '.[0] as $it | map(.loss // empty) | min' "$S"/outcomes/2*.json)" "$(jq .best "$T/second")"
}

run_stories "$@"
