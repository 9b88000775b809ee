# verdict.sh - sourced by labs on several hosts or mounts: stories, what became
# of the orders in them, and a row for each:
#
#	lost      accepted orders of which nothing is known any more
#	double    orders with two entries, an outcome that is not their entry's,
#	          or two living workers who both say that they ended them
#	stranded  left in assigned/ when all had been given time
#	recovery  seconds until all that stood in assigned/ at the fault was over
#	          or given back: from the end of the fault, or from the fault
#	          where somebody does not come back; the median and the most
#
# A lab has LAB_NAME, fresh (a new spool, $R for what is known of it: accepted, asked, ran/,
# recovery, logs of workers cN.log; DEAD is a name whose word counts for
# nothing), end_all, collect DIR (a copy of the spool), forget.  LAB_KEEP=DIR keeps
# what is left of a broken run.
# shellcheck shell=sh disable=SC2034,SC2046
FAILED=0
NTH=0

broken() { echo "$*" >>"$R/broken"; }

heading() {
	printf '#    %-28s %4s %6s %5s %6s %8s %9s\n' story runs orders lost double stranded recovery
}

# judge: orders lost double stranded; words into broken
judge() {
	mkdir "$R/spool"
	collect "$R/spool"
	(
		cd "$R/spool" || exit 1
		find new waiting assigned 'done' failed -name '[0-9][0-9].2*' |
		    sed -E 's#^([a-z]*)/.*[0-9][0-9]\.(2[^.]*)\.t([0-9]*)a[0-9]*(@([^.]*))?.*#\2 \1 \3 \5#'
	) | LC_ALL=C sort >"$R/entries"
	LC_ALL=C sort "$R/accepted" >"$R/wanted"
	cut -d' ' -f1 "$R/entries" | uniq -d >"$R/double"
	find "$R/spool/outcomes" -name '2*.json' -exec cat {} + |
	    jq -r '"\(._id) \(.run.ticket) \(.run.worker)"' | LC_ALL=C sort >"$R/outs"
	# Nobody but workers ends anything here: who committed it wrote it.
	awk 'NR == FNR {o[$1] = $2 " " $3; next}
	    ($2 == "done" || $2 == "failed") && o[$1] != $3 " " $4 {print $1}' \
	    "$R/outs" "$R/entries" >>"$R/double"
	# What a worker ends it commits, or says that it had to discard it.
	cat "$R"/c?.log 2>/dev/null | awk -v dead="$DEAD" '
	    $2 == "work" {me = $3; sub("worker=", "", me)}
	    me ~ "^" dead "-" {next}
	    $2 == "end" && $4 == "status=200" {n[$3]++}
	    $2 == "discard" {sub(":$", "", $3); n[$3]--}
	    END {for (o in n) if (n[o] > 1) print substr(o, 7)}' >>"$R/double"
	lost=$(LC_ALL=C comm -23 "$R/wanted" - <<-X | wc -l
	$(cut -d' ' -f1 "$R/entries" | uniq)
	X
	)
	double=$(sort -u "$R/double" | wc -l)
	stranded=$(grep -c ' assigned ' "$R/entries")
	OVER=1 PATH=$BIN/helpers:$PATH xargs -r sh "$TOP/tests/promises" "$R/spool" \
	    <"$R/wanted" 2>>"$R/broken" >/dev/null
	asked=$(awk '{n += $1} END {print n + 0}' "$R/asked")
	[ -n "$FEWER" ] || [ "$(wc -l <"$R/wanted")" = "$asked" ] ||
	    broken "accepted: $(wc -l <"$R/wanted") of $asked"
	grep -hE 'Sanitizer|runtime error' "$R"/*.log >>"$R/broken"
}

# story NAME RUNS COMMAND...
story() {
	_name=$1
	_runs=$2
	shift 2
	case " $WANTED " in "  " | *" ${_name} "*) ;; *) return ;; esac
	t_orders=0 t_lost=0 t_double=0 t_stranded=0 bad=
	: >"$LAB/recovery"
	for _run in $(seq "$_runs"); do
		fresh
		"$@"
		end_all
		judge
		t_orders=$((t_orders + $(wc -l <"$R/wanted")))
		t_lost=$((t_lost + lost)) t_double=$((t_double + double))
		t_stranded=$((t_stranded + stranded))
		cat "$R/recovery" >>"$LAB/recovery"
		if [ "$lost$double$stranded" != 000 ] || [ -s "$R/broken" ]; then
			bad=$bad$(sed 's/^/; /' "$R/broken" 2>/dev/null | head -n 5 | tr -d '\n')
			bad=${bad:-; see above}
			[ -z "${LAB_KEEP:-}" ] || cp -r "$R" "$LAB_KEEP/$_name.$_run"
		fi
		rm -rf "$R"
		forget
	done
	row
}

row() {
	_r=$(sort -n "$LAB/recovery" | awk '{v[NR] = $1}
	    END {if (!NR) print "-"; else printf "%s/%s", v[int((NR + 1) / 2)], v[NR]}')
	[ -z "$bad" ] && _ok='ok  ' || _ok=FAIL
	printf '%s %-28s %4s %6s %5s %6s %8s %9s%s\n' "$_ok" "$LAB_NAME.$_name" "$_runs" \
	    $t_orders $t_lost $t_double $t_stranded "$_r" "$bad"
	[ -z "$bad" ] || FAILED=1
}

