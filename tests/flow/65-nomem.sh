# Memory that runs out: each operation of libspool with each of its requests for
# memory refused in turn (tests/nomem/): clear words, nothing lost, nothing kept,
# and done again it succeeds.
. "$TOP/tests/lib.sh"

t_refused() {
	"$BIN/nomem" "$T/spool" >"$T/log" 2>/dev/null || {
		cat "$T/log" >&2
		fail 'see above'
	}
	has "$(tail -n 1 "$T/log")" 'well: 18 operations'
}

run_stories "$@"
