# spool sweep: a file as W&B writes it becomes orders, all or none of them.
# shellcheck shell=sh disable=SC2154
. "$TOP/tests/lib.sh"
PLAIN_ONLY="grid example big pinned"

spool() { command spool -s "$S" "$@"; }
ok_script() {
	script ok.py <<-'END'
		import json, sys
		job = json.loads(sys.argv[1])
		print(json.dumps({"loss": job["lr"] * 2, "layers": job.get("layers")}))
	END
}

# A grid goes in as one file, in the order of the loops, and comes out as runs
# whose ids begin with the name that was printed.
t_grid() {
	ok_script
	cat >"$T/sweep.yaml" <<-'END'
		name: wine lr
		method: grid
		program: ok.py
		parameters:
		  lr: {values: [0.5, 0.25]}
		  layers:
		    parameters:
		      n: {min: 1, max: 3}
		order: {timeout: 2h}
	END
	exits 0 spool sweep --dry-run "$T/sweep.yaml"
	is "$(jq -c '[.lr, .layers.n, .order.timeout, .order.sweep.run, .order.sweep.runs]' "$T/out" | tr '\n' ' ')" \
	    '[0.5,1,"2h",1,6] [0.5,2,"2h",2,6] [0.5,3,"2h",3,6] [0.25,1,"2h",4,6] [0.25,2,"2h",5,6] [0.25,3,"2h",6,6] '
	has "$(cat "$T/err")" '6 runs, a grid:'
	is "$(count new)" 0 'a dry run'

	exits 0 spool sweep "$T/sweep.yaml"
	g=$(cat "$T/out")
	is "$(count new)" 1 'one bundle'
	is "$(ls "$S/new")" "50.${g}0000.t1a0.wine_lr.jsonl"
	drain
	exits 0 spool wait "$g"
	is "$(jq -s length "$S/outcomes/$g"000[1-6].json)" 6
	is "$(jq -sc 'map(.layers.n)' "$S/outcomes/$g"000[1-6].json)" '[1,2,3,1,2,3]'
	exits 0 spool check
}

# The name stands for all runs, also while they are lines of a bundle.
t_group() {
	ok_script
	g=$(spool sweep --json -p order.priority=9 - 2>"$T/err" <<-'END' | jq -r '.sweep, .last' | tr '\n' ' '
		{"method": "random", "run_cap": 4, "program": "ok.py",
			"parameters": {"lr": {"min": 0.001, "max": 1, "distribution": "log_uniform_values"}}}
	END
	)
	last=${g#* }
	g=${g%% *}
	is "${last% }" "${g}0004"
	is "$(ls "$S/new")" "09.${g}0000.t1a0.jsonl"
	exits 111 spool wait --timeout 0.1 "$g"
	has "$(cat "$T/err")" '4 of 4 not over yet'
	exits 0 spool cancel "$g"
	is "$(count failed)" 4 'opened to be cancelled'
	exits 1 spool wait "$g"
	is "$(jq -s 'map(.status) | unique' -c "$S/outcomes/$g"000[1-4].json)" '[499]'
	exits 1 spool wait 20261123T161200123-0000
	has "$(cat "$T/err")" 'no run of sweep 20261123T161200123-0000'
}

# The seed stands in the jobs, and gives the same again.
t_seeds() {
	ok_script
	cat >"$T/sweep.yaml" <<-'END'
		method: random
		program: ok.py
		parameters:
		  lr: {min: 1.0e-4, max: 1e-1, distribution: log_uniform_values}
		  layers: {values: [1, 2, 3], probabilities: [0.2, 0.3, 0.5]}
	END
	exits 1 spool sweep "$T/sweep.yaml"
	has "$(cat "$T/err")" 'run_cap: missing; random has no end'
	exits 0 spool sweep -n 3 --dry-run "$T/sweep.yaml"
	jq -c '[.lr, .layers]' "$T/out" >"$T/first"
	seed=$(jq -r .order.sweep.seed "$T/out" | uniq)
	exits 0 spool sweep -n 5 --seed "$seed" --dry-run "$T/sweep.yaml"
	jq -c '[.lr, .layers]' "$T/out" | head -n 3 | cmp - "$T/first" || fail 'not the same'
	exits 0 spool sweep -n 3 --seed $((seed + 1)) --dry-run "$T/sweep.yaml"
	! jq -c '[.lr, .layers]' "$T/out" | cmp -s - "$T/first" || fail 'the same'
}

# What is wrong is said with file, line, field and mend, and nothing goes in.
t_wrong() {
	ok_script
	wrong() { # WORDS: of what stands in sweep.yaml
		exits 1 spool sweep "$T/sweep.yaml"
		has "$(cat "$T/err")" "$1"
		is "$(cat "$T/out")" ''
		is "$(count new)" 0
	}
	printf 'method: bayes\n' >"$T/sweep.yaml"
	wrong "$T/sweep.yaml:1: method: a queue does not choose"
	printf 'method: grid\nparameters:\n  lr:\n    vals: [1]\n' >"$T/sweep.yaml"
	wrong "$T/sweep.yaml:4: parameters.lr.vals: is not known; is \"value\" meant?"
	printf 'method: grid\nparameters:\n  lr: [1\n' >"$T/sweep.yaml"
	wrong "$T/sweep.yaml:4: column 1: "
	printf 'method: grid\nparameters:\n  lr: {value: 1}\n' >"$T/sweep.yaml"
	wrong 'program: missing; name the script there, or a job that does by --job'
	printf 'method: grid\nprogram: ok.py\nparameters:\n  lr: {min: 1, max: 100000}\n' >"$T/sweep.yaml"
	wrong '100000 runs are too many'
	printf 'method: grid\nprogram: ok.py\nparameters: {lr: {value: 1}}\norder: {timeuot: 3}\n' >"$T/sweep.yaml"
	wrong 'run 1: order: unknown member "timeuot"; is "timeout" meant?'
	printf '{"method": "grid",\n"parameters": {"lr" {"value": 1}}}\n' >"$T/sweep.json"
	exits 1 spool sweep "$T/sweep.json"
	has "$(cat "$T/err")" "$T/sweep.json:2: "
	exits 1 spool sweep "$T/none.yaml"
	has "$(cat "$T/err")" 'No such file'
	exits 100 spool sweep
	exits 100 spool sweep --seed x "$T/sweep.yaml"
}

# A job of one's own, what is set for all, and what must be a file of its own.
t_pinned() {
	mkdir "$T/mine"
	cat >"$T/mine/mine.py" <<-'END'
		import json, sys
		print(json.dumps({"x": json.loads(sys.argv[1])["a"]["b"]}))
	END
	printf '{"scriptName":"mine.py","a":{"b":0,"c":1},"order":{"tags":["t"]}}\n' >"$T/mine/job.json"
	printf 'method: grid\nprogram: else.py\nparameters: {a.b: {values: [7, 8]}}\n' >"$T/mine/sweep.yaml"
	exits 0 spool sweep --job "$T/mine/job.json" -p order.notBefore=1 "$T/mine/sweep.yaml"
	has "$(cat "$T/err")" 'program: passed over, the job names its script'
	g=$(cat "$T/out")
	is "$(count waiting)" 2 'what waits is a file of its own'
	rm -r "$T/mine"
	drain
	exits 0 spool wait "$g"
	is "$(jq -sc 'map(.x)' "$S"/outcomes/2*.json)" '[7,8]'
}

t_example() {
	exits 0 spool sweep "$TOP/examples/sweep.yaml"
	g=$(cat "$T/out")
	drain
	exits 0 spool wait "$g"
	is "$(jq -s length "$S/outcomes/$g"000[1-6].json)" 6
	# the best is no loser, whatever the others are
	is "$(jq -s 'map(select(.loss)) | min_by(.loss).status' "$S/outcomes/$g"000[1-6].json)" 200
}

# More than a slice: several bundles, and all their ids begin alike.
t_big() {
	ok_script
	printf 'method: grid\nprogram: ok.py\nparameters: {lr: {min: 1, max: 2500}}\n' >"$T/sweep.yaml"
	exits 0 spool sweep --no-pin "$T/sweep.yaml"
	g=$(cat "$T/out")
	is "$(count new)" 3
	is "$(find "$S/new" -name "50.$g*.jsonl" -exec cat {} + | jq -s 'map(.lr) | sort == [range(1; 2501)]')" true
	exits 111 spool wait --timeout 0 "$g"
	has "$(cat "$T/err")" '2500 of 2500 not over yet'
	exits 0 spool check
}

run_stories "$@"
