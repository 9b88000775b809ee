# libspool in worlds that are made up (tests/model/): a file server in memory,
# NFS clients that remember, hosts and processes that die, answers that are lost;
# the three promises are held after every step.
#
#	MODEL_ORDERS	how many (100,000; a million in the labs)
#	MODEL_SEED	which worlds (1)
. "$TOP/tests/lib.sh"

t_kept() {
	MODEL_ORDERS=${MODEL_ORDERS:-100000} model >"$T/log" || {
		cat "$T/log" >&2
		fail "a promise was broken; the lines above are its script"
	}
	cat "$T/log"
	has "$(cat "$T/log")" kept
}

# What was broken once, and mended.
t_scripts() {
	for f in "$TOP"/tests/model/scripts/*; do
		is "$(model --replay "$f" 2>/dev/null | tail -n 1)" kept "$f"
	done
}

# Without the fsync of new/ what was accepted can be lost: the model must find
# that, and its script must show it.
t_finds() {
	exits 1 model -f new -n 20000
	cp "$T/out" "$T/log"
	has "$(cat "$T/log")" 'was accepted and is lost'
	sed -n '/^seed .*/h;/^seed /!H;/^BROKEN:/{g;p;}' "$T/log" | sed '/^BROKEN/d' >"$T/script"
	[ "$(grep -c '^at ' "$T/script")" -lt 10 ] || fail "a long script: $(cat "$T/script")"
	exits 1 model --replay "$T/script"
	has "$(tail -n 1 "$T/out")" 'was accepted and is lost'
}

run_stories "$@"
