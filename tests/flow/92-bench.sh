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
	# Each row has two figures, a ratio with its range, and its rounds.
	is "$(grep -cE ' : .* [0-9.]+ +[0-9.]+  [A-Za-z/]+ +[0-9.]+ \([0-9.]+\.\.[0-9.]+\) +1 +x[0-9.]+$' \
	    "$T/table")" $((58 - $(grep -c '^SKIP' "$T/table"))) rows
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

run_stories "$@"
