# table.awk - rows "ROW unit ours before after", one a round, to one line a row;
# what stands before the colon and is no floor is called `head`, or ours.

function sort(v, n,	i, k, t) {
	for (i = 2; i <= n; i++) {
		t = v[i]
		for (k = i - 1; k >= 1 && v[k] > t; k--)
			v[k + 1] = v[k]
		v[k + 1] = t
	}
}

function median(v, n) {
	sort(v, n)
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

# Three digits that mean something.
function short(x) {
	return sprintf(x >= 100 ? "%.0f" : x >= 10 ? "%.1f" : "%.2f", x)
}

NF == 5 && $3 + 0 > 0 && $4 + 0 > 0 && $5 + 0 > 0 {
	if (!($1 in count)) {
		order[++rows] = $1
		unit[$1] = $2
	}
	n = ++count[$1]
	ours[$1, n] = $3 + 0
	base[$1, n] = ($4 + $5) / 2
	swing = $4 > $5 ? $4 / $5 : $5 / $4
	if (swing > drift[$1])
		drift[$1] = swing
}

END {
	line = "%-57s %9s %9s  %-8s  %-18s %6s %6s\n"
	if (head == "")
		head = "ours"
	printf line, head " : floor", head, "floor", "", "ratio (min..max)", "rounds", "drift"
	for (r = 1; r <= rows; r++) {
		row = order[r]
		n = count[row]
		for (i = 1; i <= n; i++) {
			a[i] = ours[row, i]
			b[i] = base[row, i]
			q[i] = a[i] / b[i]
		}
		mid = median(q, n)
		printf line, row, short(median(a, n)), short(median(b, n)), \
		    unit[row], sprintf("%s (%s..%s)", short(mid), \
		    short(q[1]), short(q[n])), n, \
		    sprintf("x%.2f", drift[row])
	}
}
