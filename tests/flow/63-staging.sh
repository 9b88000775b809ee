# What a job is made of comes through the cache, by its content, and stays the
# same for all attempts.
. "$TOP/tests/lib.sh"
PLAIN_ONLY=busy # it waits

CACHE=
fixture() {
	CACHE=$T/cache
	script cat.sh <<-'SH'
	#!/bin/sh
	echo "{\"said\":\"$(cat "$SPOOL_DATA")\",\"links\":$(stat -c %h "$SPOOL_DATA")}"
	SH
	printf one >"$S/data/d"
}

# A file so young may change and look the same: grow older.
old() { for _f in "$@"; do soon is_old "$_f"; done; }
is_old() { [ $(($(date +%s) - $(stat -c %Z "$1"))) -gt 3 ]; }

hash_of() { sha256sum "$1" | cut -d' ' -f1; }
# put NAME SCRIPT [MORE]: a raw drop
put() { job "$2" "${3:-}" >"$T/j.$1" && mv "$T/j.$1" "$S/new/$1.json"; }
of() {
	_f=$(find "$S/done" "$S/failed" -name "*.$1.json")
	[ -n "$_f" ] || fail "$1 is not over: $(ls "$S"/new "$S"/assigned)"
	cat "$S/outcomes/$(basename "$_f" | cut -d. -f2).json"
}
pick() { of "$1" | jq -cr "$2"; }
work() { drain --cache "$CACHE" -v "$@"; }
fetched() { grep -c "fetch $1 sha256=" "$T/worker.log" || :; }
entries() { find "$CACHE" -mindepth 1 -name '*[0-9a-f]' ! -name '*.*' | wc -l; }

# Fetched once, by whoever needs it; what changed is fetched anew.
t_cache() {
	fixture
	for i in 1 2 3; do put "a$i" cat.sh '"dataFileName":"d"'; done
	work -j 2
	for i in 1 2 3; do is "$(pick a$i .said)" one; done
	h=$(hash_of "$S/data/d")
	is "$(pick a1 .run.dataSha256)" "$h"
	is "$(pick a1 .run.scriptSha256)" "$(hash_of "$S/scripts/cat.sh")"
	is "$(cat "$CACHE/$h")" one
	old "$S/data/d"
	put old cat.sh '"dataFileName":"d"'
	work # and now the version is known
	is "$(find "$CACHE" -name '*.v' | wc -l)" 2
	printf two >"$S/data/d"
	old "$S/data/d"
	put b cat.sh '"dataFileName":"d"'
	work
	is "$(pick b .said)" two 'a new version'
	is "$(entries)" 2
	is "$(ls "$CACHE" | grep -c part)" 0
	is "$(stat -c %a "$CACHE")" 700
}

# A large one: one fetch for two workers, however close they come.
t_two_fetchers() {
	fixture
	head -c 3000000 /dev/zero >"$S/data/big"
	old "$S/data/big"
	script size.sh <<-'SH'
	#!/bin/sh
	echo "{\"size\":$(wc -c <"$SPOOL_DATA")}"
	SH
	# Both find it locked by a third, whose end leaves it to one of them.
	v=$(stat -c '%D %i %s' "$S/data/big")
	key=$(LC_ALL=C stat -c '%.9Y %.9Z' "$S/data/big")
	key=$(printf 'dir %s %s' "$v" "$key" | sha256sum | cut -d' ' -f1)
	mkdir -m 700 "$CACHE"
	mkfifo "$T/hold"
	flock "$CACHE/$key.part" cat "$T/hold" &
	PIDS="$PIDS $!"
	for i in 1 2; do put "a$i" size.sh '"dataFileName":"big"'; done
	for i in 1 2; do start_worker --cache "$CACHE" -v; done
	soon waiting 2
	is "$(ls "$S/outcomes")" ''
	: >"$T/hold"
	soon outcomes_are 2
	for i in 1 2; do is "$(pick a$i .size)" 3000000; done
	is "$(fetched big)" 1 'copies made'
}
waiting() { [ "$(grep -c 'somebody else fetches it' "$T/worker.log")" = "$1" ]; }

# While one slot waits for its data, another runs and is stopped in time; and
# the one that waits can be cancelled.
t_beside() {
	fixture
	head -c 3000000 /dev/zero >"$S/data/big"
	h=$(hash_of "$S/data/big")
	cp "$S/data/big" "$S/blobs/sha256/$h" 2>/dev/null ||
	    { mkdir -p "$S/blobs/sha256"; cp "$S/data/big" "$S/blobs/sha256/$h"; }
	mkdir -m 700 "$CACHE"
	mkfifo "$T/hold"
	flock "$CACHE/$h.part" cat "$T/hold" &
	PIDS="$PIDS $!"
	put big cat.sh "\"dataFileName\":\"big\",\"order\":{\"priority\":1,\"dataSha256\":\"$h\"}"
	start_worker --cache "$CACHE" -j 2 -v
	soon waiting 1
	script sleeps.sh <<-'SH'
	#!/bin/sh
	exec sleep 600
	SH
	put slow sleeps.sh '"order":{"timeout":0.3}'
	soon outcomes_are 1
	is "$(pick slow .status)" 408
	id=$(ls "$S/assigned" | cut -d. -f2)
	spool cancel "$id"
	soon over "$id"
	is "$(status_of "$id")" 499
	stop "$WORKER"
	no_work_left || fail "left: $(work_left)"
}

# Data that are written to all the while: the order comes back, others run, and
# in the end it fails and says why; told to end, a worker does not wait for it.
t_busy() {
	fixture
	truncate -s 50M "$S/data/grows"
	"$PYTHON" -c 'import sys, time
while True: open(sys.argv[1], "ab").write(b"more"); time.sleep(0.002)' "$S/data/grows" &
	writer=$!
	PIDS="$PIDS $writer"
	waits() { [ "$(grep -c 'wait for grows' "$T/worker.log")" = "$1" ]; }
	put a cat.sh '"dataFileName":"grows"'
	start_worker --cache "$CACHE" -v
	soon waits 1
	stop "$WORKER"
	has "$(tail -n 1 "$T/worker.log")" 'as back: the worker was told to end'
	start_worker --cache "$CACHE" -v --patience 3
	soon waits 2
	put b cat.sh '"dataFileName":"d"'
	soon outcomes_are 1
	is "$(pick b .said)" one
	soon outcomes_are 2
	is "$(pick a '[.status, .run.cause]')" '[500,"invalid"]'
	has "$(pick a .error)" 'data/grows is being written to, still after'
	has "$(pick a .error)" '(mv) when it is whole'
	grep -q 'warning: start' "$T/worker.log" && fail 'taken for a fault of this host'
	kill "$writer"
	stop "$WORKER"
	no_work_left || fail "left: $(work_left)"
	promises
}

# What was used least lately goes; what is larger than all is staged without.
t_evict() {
	fixture
	script use.sh <<-'SH'
	#!/bin/sh
	echo "{\"size\":$(wc -c <"$SPOOL_DATA")}"
	SH
	for f in a b c d; do head -c 400000 /dev/urandom >"$S/data/$f"; done
	head -c 2000000 /dev/urandom >"$S/data/e"
	n=0
	# The script takes a block, too: three fit.
	for f in a b c a d e; do
		n=$((n + 1))
		put "$f$n" use.sh "\"dataFileName\":\"$f\""
		work --cache-size 1300K
		is "$(pick "$f$n" .size)" "$(wc -c <"$S/data/$f")"
	done
	for f in a c d; do
		[ -e "$CACHE/$(hash_of "$S/data/$f")" ] || fail "$f is gone"
	done
	[ ! -e "$CACHE/$(hash_of "$S/data/b")" ] || fail 'b was used before all others'
	[ ! -e "$CACHE/$(hash_of "$S/data/e")" ] || fail 'e is larger than the cache'
}

# As root nothing is read-only, and others may chmod: a job that writes through
# its link, or bytes that rot, hurt nobody else.
t_poison() {
	fixture
	script poison.sh <<-'SH'
	#!/bin/sh
	chmod u+w "$SPOOL_DATA"
	printf bad >"$SPOOL_DATA"
	SH
	put p poison.sh '"dataFileName":"d"'
	work
	put a cat.sh '"dataFileName":"d"'
	work
	is "$(pick a .said)" one
	# Only its bytes: mode and name are right.
	h=$CACHE/$(hash_of "$S/data/d")
	chmod u+w "$h"; printf bad >"$h"; chmod 444 "$h"
	put b cat.sh '"dataFileName":"d"'
	work
	is "$(pick b .said)" one
	is "$(cat "$h")" one
	has "$(cat "$T/worker.log")" 'thrown away'
	is "$(cat "$S/data/d")" one
}

# Nobody plants a cache for us.
t_planted() {
	fixture
	mkdir -m 777 "$CACHE"
	chmod 777 "$CACHE"
	exits 100 timeout 30 workerd $ROOTOK --cache "$CACHE" --drain "$S"
	has "$(cat "$T/err")" 'not ours alone'
	exits 100 timeout 30 workerd $ROOTOK --cache-size lots --drain "$S"
	# The usual place taken: work goes on, without it.
	ln -s "$CACHE" "$T/work/spool-cache.$(id -u)"
	put a cat.sh '"dataFileName":"d"'
	drain
	is "$(pick a .said)" one
	is "$(ls -A "$CACHE")" ''
}

# Queued jobs are made of what was pinned, whatever happens to the files.
t_pinned() {
	fixture
	mkdir -p "$S/blobs/sha256" "$T/pkg"
	cat >"$T/main.py" <<-'PY'
	import json, os, helper, pkg.mod
	print(json.dumps({"loss": helper.x + pkg.mod.y, "d": open(os.environ["SPOOL_DATA"]).read()}))
	PY
	echo 'x = 1' >"$T/helper.py"
	: >"$T/pkg/__init__.py"
	echo 'y = 10' >"$T/pkg/mod.py"
	blob() { _h=$(hash_of "$1"); cp "$1" "$S/blobs/sha256/$_h"; echo "$_h"; }
	m=$T/manifest
	printf '{"files":{"helper.py":"%s","pkg/__init__.py":"%s","pkg/mod.py":"%s"}}' \
	    "$(blob "$T/helper.py")" "$(blob "$T/pkg/__init__.py")" "$(blob "$T/pkg/mod.py")" >"$m"
	code=$(blob "$m")
	s=$(blob "$T/main.py")
	d=$(blob "$S/data/d")
	pins="\"scriptSha256\":\"$s\",\"dataSha256\":\"$d\",\"code\":\"sha256:$code\""
	echo 'raise SystemExit(9)' >"$S/scripts/main.py"
	echo 'x = 1000' >"$S/scripts/helper.py"
	printf other >"$S/data/d"
	put a main.py "\"dataFileName\":\"d\",\"order\":{$pins}"
	work
	is "$(pick a '[.status, .loss, .d]')" '[200,11,"one"]'
	is "$(pick a '[.run.scriptSha256, .run.dataSha256, .run.codeSha256]')" "[\"$s\",\"$d\",\"$code\"]"
	# In a fresh cache, with one that was damaged, and one that is gone.
	rm -rf "$CACHE"
	printf 'x = 2' >"$S/blobs/sha256/$(hash_of "$T/helper.py")"
	put b main.py "\"dataFileName\":\"d\",\"order\":{$pins}"
	rm "$S/blobs/sha256/$d"
	put c cat.sh "\"dataFileName\":\"d\",\"order\":{\"dataSha256\":\"$d\"}"
	for bad in '"../x"' '"/x"' '".spool-job.json"' '"a//b"'; do
		printf '{"files":{%s:"%s"}}' "$bad" "$s" >"$m"
		put "m$(blob "$m" | cut -c1-6)" main.py "\"order\":{\"code\":\"sha256:$(blob "$m")\"}"
	done
	work
	is "$(pick b '[.status, .run.cause]')" '[500,"invalid"]'
	has "$(pick b .error)" 'does not hold what its name says'
	is "$(pick c '[.status, .run.cause]')" '[500,"invalid"]'
	has "$(pick c .error)" 'order.dataSha256'
	has "$(pick c .error)" 'submit'
	is "$(outcome | jq -r 'select(.error) | .error' | grep -c 'no file of a tree')" 4
	no_work_left || fail "left: $(work_left)"
}

# A raw drop is made of the same at each attempt.
t_raw() {
	fixture
	script try.sh <<-'SH'
	#!/bin/sh
	[ "$SPOOL_ATTEMPT" = 2 ] || exit 1
	echo "{\"first\":\"$(cat "$SPOOL_DATA")\"}"
	SH
	s=$(hash_of "$S/scripts/try.sh")
	put a try.sh '"dataFileName":"d","order":{"retry":["exit"],"attempts":2}'
	policy lease=1 beat=0.2 settle=0.5 backoff=600 backoffMax=600 poll=0.2
	start_worker --cache "$CACHE"
	soon count_is waiting 1
	is "$(jq -r .scriptSha256 "$S"/runs/*/*/pins.json)" "$s"
	is "$(hash_of "$S/blobs/sha256/$s")" "$s" 'the script is kept'
	[ ! -e "$S/blobs/sha256/$(hash_of "$S/data/d")" ] || fail 'data are not'
	stop "$WORKER"
	echo 'edited' >"$S/scripts/try.sh"
	printf two >"$S/data/d"
	fast_policy
	work
	is "$(pick a '[.status, .first, .run.attempt]')" '[200,"one",2]'
	is "$(pick a .run.scriptSha256)" "$s"
	# Of data no copy is kept: without one the job says so.
	put b try.sh '"dataFileName":"d","order":{"retry":["exit"],"attempts":2}'
	printf '#!/bin/sh\nexit 1\n' >"$S/scripts/try.sh"
	policy lease=1 beat=0.2 settle=0.5 backoff=600 backoffMax=600 poll=0.2
	start_worker --cache "$CACHE"
	soon count_is waiting 1
	stop "$WORKER"
	rm -rf "$CACHE"
	printf three >"$S/data/d"
	fast_policy
	work
	is "$(pick b '[.status, .run.cause]')" '[500,"invalid"]'
	has "$(pick b .error)" 'not what it was at the first attempt'
}

# What a raw script imports lies beside it, too, and is pinned with it.
t_imports() {
	fixture
	mkdir "$S/scripts/pkg"
	echo 'from .b import y' >"$S/scripts/pkg/__init__.py"
	echo 'y = 20' >"$S/scripts/pkg/b.py"
	printf 'import other\nx = 1 + other.z\n' >"$S/scripts/helper.py"
	echo 'z = 300' >"$S/scripts/other.py"
	echo 'raise SystemExit(1)' >"$S/scripts/unrelated.py"
	script try.py <<-'PY'
	import json, os, sys
	import helper, pkg
	if os.environ["SPOOL_ATTEMPT"] == "1": sys.exit(1)
	print(json.dumps({"sum": helper.x + pkg.y, "here": sorted(os.listdir("."))}))
	PY
	put a try.py '"order":{"retry":["exit"],"attempts":2}'
	policy lease=1 beat=0.2 settle=0.5 backoff=600 backoffMax=600 poll=0.2
	start_worker --cache "$CACHE"
	soon count_is waiting 1
	stop "$WORKER"
	echo 'x = -1' >"$S/scripts/helper.py"
	rm -rf "$S/scripts/pkg" "$CACHE"
	fast_policy
	work
	is "$(pick a '[.status, .sum]')" '[200,321]' "$(of a)"
	hasnt "$(pick a .here)" unrelated
	is "$(jq -c '.files | keys' "$S/blobs/sha256/$(pick a .run.codeSha256)")" \
	    '["helper.py","other.py","pkg/__init__.py","pkg/b.py"]'
	# One alone learns of a neighbour that comes later.
	script lone.py <<-'PY'
	try:
	    import late
	    print('{"late": true}')
	except ImportError:
	    print('{"late": false}')
	PY
	old "$S/scripts"
	start_worker --cache "$CACHE"
	for n in 1 2; do
		put "l$n" lone.py
		soon outcomes_are $((n + 1))
		is "$(pick "l$n" .late)" false
	done
	: >"$S/scripts/late.py"
	old "$S/scripts"
	put l3 lone.py
	soon outcomes_are 4
	is "$(pick l3 .late)" true
	stop "$WORKER"
}

# Directories: code and data.
t_trees() {
	fixture
	mkdir -p "$S/scripts/proj/sub" "$S/data/set/deep" "$S/scripts/proj/.git"
	echo 'x = 5' >"$S/scripts/proj/helper.py"
	echo 'y = 6' >"$S/scripts/proj/sub/mod.py"
	: >"$S/scripts/proj/.git/config"
	printf 1 >"$S/data/set/a"
	printf 2 >"$S/data/set/deep/b"
	script main.py <<-'PY'
	import json, os, helper, sub.mod
	d = os.environ["SPOOL_DATA"]
	assert not os.path.exists(".git")
	print(json.dumps({"sum": helper.x + sub.mod.y,
	    "files": sorted(f for _, _, fs in os.walk(d) for f in fs), "b": open(d + "/deep/b").read(),
	    "mode": os.stat(d + "/a").st_mode & 0o777}))
	PY
	put a main.py '"dataFileName":"set","order":{"code":"proj"}'
	work
	is "$(pick a '[.sum, .files, .b, .mode]')" '[11,["a","b"],"2",292]' "$(of a)"
	c=$(pick a .run.codeSha256)
	is "$(jq -c '.files | keys' "$S/blobs/sha256/$c")" '["helper.py","sub/mod.py"]'
	first=$(pick a .run.dataSha256)
	printf 3 >"$S/data/set/deep/b"
	put b main.py '"dataFileName":"set","order":{"code":"proj"}'
	ln -s /etc "$S/scripts/proj/out"
	work
	is "$(pick b .status)" 500
	has "$(pick b .error)" 'proj/out'
	rm "$S/scripts/proj/out"
	put c main.py '"dataFileName":"set","order":{"code":"proj"}'
	put d main.py '"dataFileName":"set","order":{"code":"none"}'
	work
	[ "$(pick c .run.dataSha256)" != "$first" ] || fail 'other data, the same hash'
	is "$(pick c .b)" 3
	has "$(pick d .error)" 'order.code names "none"'
}

# No room: the order goes back, for a host that has it, and others come first.
t_no_room() {
	fixture
	head -c 3000000 /dev/urandom >"$S/data/big"
	mkdir "$T/small"
	cat >"$T/in" <<-'SH'
	mount -t tmpfs -o size=1M,mode=700 none "$T/small" || exit 77
	workerd $ROOTOK --work "$T/work" --cache "$T/small" --cache-size 100M --drain "$S" >>"$T/worker.log" 2>&1 &
	w=$!
	until ls "$S"/outcomes/2*.json; do sleep 0.05; done >/dev/null 2>&1
	kill $w
	wait $w
	SH
	export T S ROOTOK
	put a cat.sh '"dataFileName":"big","order":{"priority":1}'
	put b cat.sh
	_rc=0
	timeout "$DEADLINE" unshare -m sh "$T/in" || _rc=$?
	[ $_rc != 77 ] && [ $_rc != 1 ] || skip 'needs to mount a tmpfs'
	is "$_rc" 0
	is "$(count new)" 1
	has "$(cat "$T/worker.log")" 'No space left'
	has "$(ls "$S/new")" '.t2a0'
}

# The cache lets go before a worker stops claiming for want of room.
t_yields() {
	fixture
	for f in a b; do head -c 3000000 /dev/urandom >"$S/data/$f"; done
	mkdir "$T/small"
	cat >"$T/in" <<-'SH'
	mount -t tmpfs -o size=8M,mode=700 none "$T/small" || exit 77
	W() { workerd $ROOTOK --work "$T/small" --cache-size 100M --drain "$@" "$S" >>"$T/worker.log" 2>&1; }
	W --disk-floor 0
	mv "$T/j.c" "$S/new/c.json"
	W --disk-floor 3M
	SH
	script size.sh <<-'SH'
	#!/bin/sh
	echo "{\"size\":$(wc -c <"$SPOOL_DATA")}"
	SH
	export T S ROOTOK
	for f in a b; do put "$f" size.sh "\"dataFileName\":\"$f\""; done
	job size.sh '"dataFileName":"d"' >"$T/j.c"
	_rc=0
	timeout "$DEADLINE" unshare -m sh "$T/in" || _rc=$?
	[ $_rc != 77 ] && [ $_rc != 1 ] || skip 'needs to mount a tmpfs'
	is "$_rc" 0
	for f in a b c; do is "$(pick $f .status)" 200; done
	has "$(cat "$T/worker.log")" 'let go of'
}

# Which Python: by order.python, a venv, a conda prefix or a program.
t_python() {
	fixture
	script which.py <<-'PY'
	import json, os, shutil, sys
	print(json.dumps({"prefix": sys.prefix, "venv": os.environ.get("VIRTUAL_ENV"),
	    "conda": os.environ.get("CONDA_PREFIX"), "tool": shutil.which("tool"), "first": os.environ["PATH"].split(":")[0]}))
	PY
	"$PYTHON" -m venv --without-pip "$T/venv"
	printf '#!/bin/sh\n' >"$T/venv/bin/tool"
	mkdir -p "$T/conda/bin" "$T/conda/conda-meta" "$T/nothing"
	printf '#!/bin/sh\n' >"$T/conda/bin/tool"
	printf '#!/bin/sh\nexec "%s" "$@"\n' "$PYTHON" >"$T/conda/bin/python"
	chmod +x "$T/venv/bin/tool" "$T/conda/bin/tool" "$T/conda/bin/python"
	put venv which.py "\"order\":{\"python\":\"$T/venv\"}"
	put inside which.py "\"order\":{\"python\":\"$T/venv/bin/python\",\"env\":{\"PATH\":\"/mine:/usr/bin:/bin\"}}"
	put conda which.py "\"order\":{\"python\":\"$T/conda/\"}"
	put nothing which.py "\"order\":{\"python\":\"$T/nothing\"}"
	put absent which.py '"order":{"python":"python0.9"}'
	put shell cat.sh '"dataFileName":"d"'
	PYTHONHOME='' work -j 2
	is "$(pick venv '[.prefix, .venv, .conda, .tool]')" "[\"$T/venv\",\"$T/venv\",null,\"$T/venv/bin/tool\"]"
	is "$(pick inside '[.prefix, .venv, .first]')" "[\"$T/venv\",\"$T/venv\",\"$T/venv/bin\"]"
	is "$(pick conda '[.conda, .venv, .tool]')" "[\"$T/conda\",null,\"$T/conda/bin/tool\"]"
	for n in nothing absent; do
		is "$(pick $n .run.cause)" bad-host
		has "$(pick $n .error)" 'order.python'
		is "$(pick $n .run.python)" null
	done
	has "$(pick nothing .error)" 'virtual environment'
	is "$(pick shell '[.run.python, .run.environment]')" '[null,null]'
	is "$(pick venv .run.python.path)" "$T/venv/bin/python"
	is "$(pick venv .run.python.version)" "$("$PYTHON" -c 'import platform; print(platform.python_version())')"
	# What is installed: one blob for all that had the same.
	e=$(pick venv .run.environment)
	is "$e" "$(pick inside .run.environment)"
	is "$(hash_of "$S/blobs/sha256/$e")" "$e"
	site=$(echo "$T"/venv/lib/python3*/site-packages)
	mkdir "$site/Thing-1.5.dist-info"
	printf 'Metadata-Version: 2.1\nName: Thing\nVersion: 1.5\n\nName: none\n' >"$site/Thing-1.5.dist-info/METADATA"
	printf 'Metadata-Version: 1.0\nversion: 0.1\nSummary: a\n b\nNAME: Old_er\n' >"$site/older-0.1.egg-info"
	mkdir "$site/an_egg.egg-info" "$site/empty.dist-info"
	printf 'Name: an-egg\nVersion: 3\n' >"$site/an_egg.egg-info/PKG-INFO"
	put later which.py "\"order\":{\"python\":\"$T/venv\"}"
	work
	l=$(pick later .run.environment)
	[ "$l" != "$e" ] || fail 'it has changed'
	is "$(sed 1d "$S/blobs/sha256/$l" | tr '\n' ' ')" 'an-egg==3 Old_er==0.1 Thing==1.5 '
	is "$(sed 1d "$S/blobs/sha256/$l")" "$("$T/venv/bin/python" -c 'from importlib.metadata import distributions
print(*sorted(("%s==%s" % (d.metadata["Name"], d.version) for d in distributions() if d.metadata["Name"]), key=str.lower), sep="\n")')"
	has "$(head -n 1 "$S/blobs/sha256/$l")" '# cpython 3'
}

# An environment that changes while the worker runs; one that does not answer.
t_python_changes() {
	fixture
	script ok.py <<-'PY'
	print('{"loss":1}')
	PY
	mkdir -p "$T/conda/bin" "$T/conda/conda-meta" "$T/lib"
	cat >"$T/conda/bin/python" <<-SH
	#!/bin/sh
	[ "\$1" != -c ] || [ ! -e "$T/mute" ] || exec sleep 600
	PYTHONPATH=$T/lib exec "$PYTHON" "\$@"
	SH
	chmod +x "$T/conda/bin/python"
	start_worker --cache "$CACHE"
	put a ok.py "\"order\":{\"python\":\"$T/conda\"}"
	soon outcomes_are 1
	mkdir "$T/lib/new-2.dist-info"
	printf 'Metadata-Version: 2.1\nName: new\nVersion: 2\n' >"$T/lib/new-2.dist-info/METADATA"
	put b ok.py "\"order\":{\"python\":\"$T/conda\"}"
	soon outcomes_are 2
	has "$(cat "$S/blobs/sha256/$(pick b .run.environment)")" 'new==2'
	hasnt "$(cat "$S/blobs/sha256/$(pick a .run.environment)")" 'new==2'
	: >"$T/mute"
	touch "$T/conda/bin/python"
	put c ok.py "\"order\":{\"python\":\"$T/conda\"}"
	soon outcomes_are 3
	is "$(pick c '[.status, .run.python, .run.environment]')" '[200,null,null]'
	stop "$WORKER"
}

run_stories "$@"
