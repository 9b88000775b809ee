# spool-cookbook(7): each command of the page, as it is printed there, on the
# spool that the page begins with, and what it prints.
# shellcheck shell=sh disable=SC2154
. "$TOP/tests/lib.sh"
PLAIN_ONLY="as_printed with_pandas"

SWEEP=20261122T190212345-9f3c

# lay ID.LABEL MEMBERS
lay() {
	_name=$1
	shift
	printf '{%s}\n' "$*" >"$S/tmp/lay"
	mv "$S/tmp/lay" "$S/new/$_name.json"
}

# The spool of the page.
kitchen() {
	script nn.py <<-'END'
		import json, os, sys
		job = json.loads(sys.argv[1])
		loss = round(abs(job["learningRate"] - 0.08) + 0.1 * job["layers"], 3)
		if loss > 0.4:
		    raise ZeroDivisionError("the loss is not finite")
		with open(os.environ["SPOOL_METRICS"], "w") as out:
		    for epoch in (1, 2, 3):
		        print(json.dumps({"step": epoch, "loss": round(loss * (4 - epoch), 3)}), file=out)
		with open(os.environ["SPOOL_OUT"] + "/model.json", "w") as out:
		    json.dump({"weights": [loss] * job["layers"]}, out)
		print(json.dumps({"loss": loss}))
	END
	script prep.sh <<-'END'
		#!/bin/sh
		echo ready
	END
	_n=0
	for _rate in 0.3 0.1 0.03 0.01; do
		for _layers in 1 2; do
			_n=$((_n + 1))
			lay "50.${SWEEP}000$_n.t1a0.wine" '"scriptName":"nn.py","projectName":"wine",' \
			    '"learningRate":'$_rate,'"layers":'$_layers, \
			    '"order":{"name":"wine","sweep":{"id":"'$SWEEP'","run":'$_n',"runs":8}}'
		done
	done
	lay 20.20261121T080000000-0badcafe.t1a0.prep '"scriptName":"prep.sh","projectName":"cars"'
	drain --name gpu07
	lay 10.20261122T200000000-0000000c.t1a0.urgent '"scriptName":"nn.py","projectName":"wine","learningRate":0.07,"layers":1'
	lay 50.20261122T200000000-0000000a.t1a0.wine '"scriptName":"nn.py","projectName":"wine","learningRate":0.05,"layers":1'
	lay 50.20261122T200000000-0000000b.t1a0.cars '"scriptName":"prep.sh","projectName":"cars"'
}

# Commands and their output of the printed page: block N is in $T/N.sh and
# $T/N.want, its title in $T/N.title.
pages() {
	command -v mandoc >/dev/null || skip 'mandoc is not installed'
	mandoc -T ascii -O width=200 "$TOP/man/spool-cookbook.7" | sed "s,.$(printf "\\010"),,g" | expand |
	    awk -v to="$T" '
		/^   [^ ]/ { title = $0; next }
		/^ *\$ / && !open {
			n++; open = 1; indent = index($0, "$") - 1
			print title >(to "/" n ".title")
			printf "" >(to "/" n ".want")
		}
		/^ *$/ { open = 0 }
		!open { next }
		{
			line = substr($0, indent + 1)
			if (line ~ /^[$>] / || line == ">") print substr(line, 3) >(to "/" n ".sh")
			else print line >(to "/" n ".want")
		}
		END { print n >(to "/blocks") }'
	blocks=$(cat "$T/blocks")
}

# with|without WORD: the blocks that have it in them, or have not.
cook() {
	cd "${S%/spool}" || exit
	_i=0
	_ran=0
	while [ $((_i += 1)) -le "$blocks" ]; do
		_has=without
		! grep -q "$2" "$_i.sh" || _has=with
		[ "$_has" = "$1" ] || continue
		# Sorting as the page was written.
		LC_ALL=C PATH="$T/bin:$PATH" sh "$_i.sh" >"$_i.got" 2>&1 || :
		tr -d '\r' <"$_i.got" | sed 's/ *$//' >"$_i.trim"
		diff "$_i.want" "$_i.trim" >"$_i.diff" || {
			cat "$_i.title" "$_i.sh" "$_i.diff" >&2
			fail "block $_i:$(cat "$_i.title")"
		}
		_ran=$((_ran + 1))
	done
}

python() { # MODULE: the python3 of the commands has it
	mkdir -p "$T/bin"
	ln -sf "$PYTHON" "$T/bin/python3"
	"$PYTHON" -c "import $1" 2>/dev/null || skip "no $1 for $PYTHON"
}

t_as_printed() {
	kitchen
	pages
	is "$blocks" 20 'tasks'
	cook without pandas
	[ $_ran = 19 ] || fail "only $_ran were run"
	exits 0 spool check
}

t_with_pandas() {
	python pandas
	kitchen
	pages
	cook with pandas
	[ $_ran -ge 1 ] || fail 'none'
}

run_stories "$@"
