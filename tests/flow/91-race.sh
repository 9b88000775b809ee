# 64 processes claim 3,000 orders (RACE_ORDERS; 20,000 in the labs); some are
# killed and some stopped while they hold orders, and the stopped ones wake up as
# zombies when all is over.
. "$TOP/tests/lib.sh"

t_race() {
	policy lease=3 beat=0.5 settle=0.5 backoff=0.1 backoffMax=1 halfRename=2
	line=$(race "$S" 64 "${RACE_ORDERS:-3000}" 20 10)
	echo "$line"
	has "$line" 'killed=20 zombies=10'
	OVER=1 promises
	is "$(find "$S/outcomes" -name '2*.json' | wc -l)" "${RACE_ORDERS:-3000}" outcomes
	# One winner for each published name, ever.
	is "$(sed 's/@.*//' "$S/wins" | sort | uniq -d | wc -l)" 0 'names won twice'
	# The zombies did come back and were refused: else this proves little.
	late=${line##*late=}
	[ "$late" -gt 0 ] || fail "no zombie came back: $line"
	is "$(ls "$S/assigned" "$S/new" "$S/waiting" | grep -c json)" 0 'left over'
}

run_stories "$@"
