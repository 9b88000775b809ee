# Each fuzz target still holds what its corpus once showed: what a target asserts
# grows old when a format grows, and nobody fuzzes every day.
. "$TOP/tests/lib.sh"
PLAIN_ONLY='replayed'

t_replayed() {
	n=0
	for f in "$TOP"/tests/fuzz/fuzz_*.c; do
		f=${f##*/fuzz_} f=${f%.c}
		[ "$f" != http ] || continue # a server of its own: make fuzz
		set -- "$TOP/tests/fuzz/corpus/$f"/*
		[ -f "$1" ] || fail "no corpus of $f"
		"$BIN/replay/$f" "$@" >"$T/log" 2>&1 ||
		    fail "$f: $(tail -n 3 "$T/log")"
		n=$((n + 1))
	done
	[ $n -gt 10 ] || fail "only $n targets"
}

run_stories "$@"
