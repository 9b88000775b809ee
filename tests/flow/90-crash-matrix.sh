# The crash matrix: every named point between the steps of every transition is
# hit with SIGKILL once; then others recover, with a daemon and without one;
# then the three promises are held against the files alone.  Over SFTP and HTTP:
# 95-far-matrix.sh.
. "$TOP/tests/lib.sh"
. "$TOP/tests/matrix.sh"

# ---- submit ----
# Prints the ids that were accepted (printed by submit before it died).
t_submit() {
	fixture
	SPOOL_CRASH_LOG=$T/points spool submit "$T/ok.json" "$T/fail.json" >"$T/ids"
	[ -s "$T/points" ] || fail 'submit passes no crash point'
	for point in $(actor_points); do
		for nth in 1 2; do
			SPOOL_CRASH=$point:$nth spool submit "$T/ok.json" \
			    "$T/ok.json" >>"$T/ids" 2>/dev/null || :
		done
		echo "$point" >>"$T/rows"
	done
	drain
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
}

# Many at once, as lines of bundles: what was printed is somewhere, and runs.
t_submit_packed() {
	fixture
	policy lease=1 beat=0.2 settle=0.1 poll=0.2 slice=2
	SPOOL_CRASH_LOG=$T/points spool submit "$T/three.jsonl" >"$T/ids"
	is "$(wc -l <"$T/ids")" 3
	for point in $(actor_points); do
		for nth in 1 2; do
			SPOOL_CRASH=$point:$nth spool submit "$T/three.jsonl" \
			    >>"$T/ids" 2>/dev/null || :
		done
		echo "$point" >>"$T/rows"
	done
	drain
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
}

t_worker_alone() { matrix worker alone; }
t_worker_with_daemon() { matrix worker daemon; }
t_spoold_with_daemon() { matrix spoold daemon; }
t_spoold_alone() { matrix spoold alone; }

run_stories "$@"
