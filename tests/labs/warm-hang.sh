# warm-hang.sh - a server of warm interpreters that never has imported all: its
# jobs run cold meanwhile, and after two minutes it is given up.
. "$TOP/tests/lib.sh"
PYTHON=$("$PYTHON" -c 'import sys; print(sys.executable)')

t_hangs() {
	mkdir "$T/mods"
	export PYTHONPATH="$T/mods"
	echo 'import time, os; open(__file__ + ".pid", "w").write(str(os.getpid())); time.sleep(6000)' >"$T/mods/hangs.py"
	echo pass | script job.py
	one() { spool submit - <<-E
	$(job job.py '"order":{"warm":["hangs"]}')
	E
	}
	start_worker -v
	id=$(one)
	soon over "$id"
	soon test -s "$T/mods/hangs.py.pid"
	until_ 180 grep -q 'hangs unfit: not ready in two minutes' "$T/worker.log"
	soon dead "$(cat "$T/mods/hangs.py.pid")"
	id=$(one)
	soon over "$id"
	is "$(jq -c '[.status, .run.warm, .run.warmWhy]' "$S/outcomes/$id.json")" \
	    '[204,false,"not ready in two minutes"]'
	stop "$WORKER"
	promises
}

run_stories "$@"
