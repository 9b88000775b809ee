# The benchmarks work: every row prints a number.  How large it is, nobody asks
# here, for a busy machine would answer.
. "$TOP/tests/lib.sh"

# A build folder of our own, so that build/ keeps the table of a real run.
bins() {
	mkdir -p "$T/build/plain/helpers"
	cp -R "$BIN/bench" "$BIN/spool" "$BIN/spoold" "$BIN/spool-httpd" "$BIN/workerd" "$BIN/far" \
	    "$T/build/plain/"
	cp "$BIN/helpers/proxy" "$BIN/helpers/lay" "$T/build/plain/helpers/"
}

bench() {
	BENCH_QUICK=1 BENCH_DIR=$T sh "$TOP/tests/bench/run" "$TOP" \
	    "$T/build/plain"
}

t_quick() {
	bins
	bench >"$T/table" 2>"$T/err" || fail "$(tail -n 5 "$T/err")"
	cmp "$T/table" "$T/build/bench-quick.txt" || fail 'not the same table'
	# As many as each program is known to have (tests/bench/run).
	rows=$(sed -n '/^all="/,/"$/ s/.* \([0-9]*\)"*$/\1/p' "$TOP/tests/bench/run" |
	    awk '{ n += $1 } END { print n + 0 }')
	# Each row has two figures, a ratio with its range, and its rounds.
	is "$(grep -cE ' : .* [0-9.]+ +[0-9.]+  [A-Za-z/]+ +[0-9.]+ \([0-9.]+\.\.[0-9.]+\) +1 +x[0-9.]+$' \
	    "$T/table")" $((rows - $(grep -c '^SKIP' "$T/table"))) rows
	is "$(find "$T" -maxdepth 1 -name 'spool-bench.*' | wc -l)" 0 'scratch left'
}

# Jobs that do not come back are not a slow row but a failure.
t_broken() {
	bins
	ln -sf /bin/true "$T/build/plain/workerd"
	export BENCH_ONLY='noop submit'
	if bench >"$T/table" 2>"$T/err"; then
		fail 'a worker that does nothing passed'
	fi
	has "$(cat "$T/err")" 'noop failed'
	hasnt "$(cat "$T/table")" 'no-op jobs'
	has "$(cat "$T/table")" 'submit : '
}

# Somebody is at work below our folder: a peer, a server, a worker of ours.
busy() {
	for _p in /proc/[0-9]*/cwd; do
		case $(readlink "$_p" 2>/dev/null) in
		"$T"/spool-peers.*) return 0 ;;
		esac
	done
	return 1
}
idle() { ! busy; }

peers() { # in a shell of its own
	export BENCH_DIR="$T" PEERS_ROOT="${PEERS_ROOT:-$TOP/build/peers/root}"
	exec sh "$TOP/tests/bench/peers/run" "$TOP" "$T/build/plain"
}

# Ours beside a peer, where that is installed; all has ended then.
t_peers() {
	bins
	export BENCH_ONLY='noop start spool beanstalkd' BENCH_QUICK=1
	(peers) >"$T/table" 2>"$T/err" || fail "$(tail -n 5 "$T/err")"
	cmp "$T/table" "$T/build/bench-peers-quick.txt" || fail 'not the same table'
	is "$(grep -cE '^spool.* [0-9.]+ +[0-9.]+  [a-z/]+ +[0-9.]+ \([0-9.]+\.\.[0-9.]+\) +1 +x[0-9.]+$' \
	    "$T/table")" $((9 - $(grep -c '^spool.*: not here: ' "$T/table"))) 'rows of ours'
	is "$(grep -cE '^  (spool|beanstalkd).*: ' "$T/table")" 10 commands
	idle || fail 'somebody is left'
	is "$(find "$T" -maxdepth 1 -name 'spool-peers.*' | wc -l)" 0 'scratch left'
	n=$(grep -cE '^beanstalkd.* [0-9.]+ +[0-9.]+  [a-z/]+ +[0-9.]+ \(' "$T/table" || :)
	[ "$n" = 0 ] || { is "$n" 6 'rows of beanstalkd'; return; }
	is "$(grep -c '^beanstalkd.*: not here: no beanstalkd is installed$' "$T/table")" \
	    4 'what is not here'
	skip 'beanstalkd is not installed'
}

# Whoever ends a run ends all that it started.
t_peers_ended() {
	bins
	export BENCH_ONLY='python spool'
	peers >"$T/table" 2>"$T/err" &
	soon sh -c "ls $T/spool-peers.*/m/spool.*/spool/workers/bench-*"
	busy || fail 'nobody is at work'
	kill "$!"
	wait "$!" && fail 'it ended well'
	soon idle
	is "$(find "$T" -maxdepth 1 -name 'spool-peers.*' | wc -l)" 0 'scratch left'
}

run_stories "$@"
