# What `spool submit` pins: scripts, the modules that they import, data, and
# what git says; and that it is what runs.
. "$TOP/tests/lib.sh"

BLOBS=blobs/sha256
sha() { sha256sum "$@" | cut -d' ' -f1; }
# The only order of this id, wherever it stands.
order() { find "$S" -path "$S/runs" -prune -o -name "*$1*.json" ! -path '*/outcomes/*' -print; }
pin() { jq -r ".order.$2 // \"-\"" "$(order "$1")"; }
# The paths of its manifest, in one line.
files() { jq -r '.files | keys_unsorted | join(" ")' "$S/$BLOBS/$(pin "$1" code | sed 's/^sha256://')"; }
file() { jq -r --arg f "$2" '.files[$f]' "$S/$BLOBS/$(pin "$1" code | sed 's/^sha256://')"; }
# Every blob holds what it says, nothing half-done lies about.
blobs_good() {
	is "$(cd "$S/$BLOBS" && sha256sum ./* | sed 's#\./##' | awk '$1 != $2')" '' 'bad blobs'
	is "$(find "$S/tmp" -type f ! -name '.probe*')" '' 'left in tmp/'
	is "$(find "$S/$BLOBS" -type f -perm /222)" '' 'blobs that can be written to'
}
project() { # a directory with a job in it
	mkdir "$T/project"
	cd "$T/project" || exit
	echo 'print(1)' >nn.py
	printf '{"scriptName": "nn.py", "lr": 1e-3, "big": 12345678901234567890}\n' >job.json
}
refused() { # WORDS: submit refuses the job, with them
	exits 1 spool submit job.json
	has "$(cat "$T/err")" "$1"
	is "$(cat "$T/out")" '' 'an id'
	count_is new 0
}

# ---- what, and from where ----

t_beside() {
	project
	mkdir -p pkg/deep pkg/__pycache__ pkg/.hid near names results data
	cat >nn.py <<-'PY'
	import os, helper as h, numpy
	from pkg.deep import x
	try:
	    import near.mod, results
	except ImportError:
	    "import nothing"
	PY
	echo 'def f(): from other import (y,' >helper.py
	echo 'import nn' >other.py
	echo 'x = 2' >nothing.py
	: >pkg/__init__.py
	echo 'import names.one' >pkg/deep/x.py
	echo text >pkg/deep/table.txt
	echo no >pkg/__pycache__/x.pyc
	echo no >pkg/.hid/x.py
	echo no >pkg/.secret
	echo 1 >near/mod.py
	echo 1 >names/one.py
	echo 1 >results/log.txt
	echo 'a,b' >wine.csv
	echo '{"scriptName":"nn.py" , "lr": 1e-3,"dataFileName":"wine.csv", "order" : {"priority": 7}}' >job.json
	id=$(spool submit job.json)
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
	is "$(pin "$id" dataSha256)" "$(sha wine.csv)"
	is "$(pin "$id" git)" - 'git where there is none'
	is "$(files "$id")" 'helper.py names/one.py near/mod.py nn.py other.py pkg/__init__.py pkg/deep/table.txt pkg/deep/x.py'
	for f in helper.py names/one.py pkg/deep/table.txt; do
		is "$(file "$id" $f)" "$(sha $f)" $f
		cmp $f "$S/$BLOBS/$(sha $f)"
	done
	# byte for byte but for what is set
	is "$(sed 's/{"scriptSha256[^}]*"priority"/{"priority"/' "$(order "$id")")" "$(cat job.json)"
	blobs_good

	# what is queued stays as it is; what comes now is another
	cp "$(order "$id")" "$T/before"
	echo '# edited' >>nn.py
	echo '# edited' >>helper.py
	cmp "$(order "$id")" "$T/before"
	again=$(spool submit job.json)
	is "$(pin "$again" scriptSha256)" "$(sha nn.py)"
	is "$(file "$again" helper.py)" "$(sha helper.py)"
	[ "$(pin "$again" code)" != "$(pin "$id" code)" ]
	[ "$(pin "$again" scriptSha256)" != "$(pin "$id" scriptSha256)" ]
	blobs_good
	# the same code is the same, from wherever
	cp -r "$T/project" "$T/elsewhere"
	other=$(cd / && spool submit "$T/elsewhere/job.json")
	is "$(pin "$other" code)" "$(pin "$again" code)"
	is "$(pin "$other" scriptSha256)" "$(pin "$again" scriptSha256)"
}

# What is queued runs as it was submitted, whatever becomes of its files.
t_runs() {
	project
	mkdir pkg src
	cat >nn.py <<-'PY'
	import json, helper, pkg.deep
	print(json.dumps({"loss": helper.x + pkg.deep.y, "data": open("d.csv").read()}))
	PY
	echo 'x = 1' >helper.py
	echo 'y = 2' >pkg/deep.py
	echo 3 >d.csv
	cp -r nn.py helper.py pkg src
	job nn.py '"dataFileName":"d.csv"' >job.json
	beside=$(spool submit job.json)
	tree=$(spool submit job.json -p order.code=src)
	for f in *.py pkg/*.py src/*.py d.csv; do echo 'raise SystemExit("edited")' >$f; done
	cp *.py d.csv "$S/scripts"
	cp d.csv "$S/data"
	drain
	for id in "$beside" "$tree"; do
		is "$(jq -c '[.status, .loss, .data]' "$S/outcomes/$id.json")" '[200,3,"3\n"]'
		is "$(jq -r .run.scriptSha256 "$S/outcomes/$id.json")" "$(pin "$id" scriptSha256)"
		is "sha256:$(jq -r .run.codeSha256 "$S/outcomes/$id.json")" "$(pin "$id" code)"
	done
	promises
}

t_in_the_spool() {
	echo 'import helper' >"$S/scripts/nn.py"
	echo '1' >"$S/scripts/helper.py"
	ln -s /etc/passwd "$S/scripts/linked.py"
	echo 1,2 >"$S/data/d.csv"
	mkdir "$T/here"
	cd "$T/here" || exit
	echo '{"scriptName":"nn.py","dataFileName":"d.csv"}' >job.json
	id=$(spool submit job.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	is "$(pin "$id" scriptSha256)" "$(sha "$S/scripts/nn.py")"
	is "$(pin "$id" dataSha256)" "$(sha "$S/data/d.csv")"
	is "$(files "$id")" helper.py
	# the same beside the job is nothing to speak of, another one is
	cp "$S/scripts/nn.py" "$S/data/d.csv" .
	id=$(spool submit job.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	echo 'import sys' >nn.py
	echo 3 >>d.csv
	id=$(spool submit job.json job.json 2>"$T/err")
	is "$(grep -c warning "$T/err")" 2
	has "$(cat "$T/err")" "./nn.py and $S/scripts/nn.py differ"
	has "$(cat "$T/err")" "./d.csv and $S/data/d.csv differ"
	id=$(echo "$id" | tail -n 1)
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
	is "$(pin "$id" dataSha256)" "$(sha d.csv)"
	# standard input stands in the working directory
	id=$(spool submit - <job.json 2>/dev/null)
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
	# links in the spool lead nowhere
	id=$(job linked.py | spool submit - 2>"$T/err")
	is "$(pin "$id" scriptSha256)" -
	echo 'import linked' >"$S/scripts/uses.py"
	exits 1 sh -c 'echo "{\"scriptName\":\"uses.py\"}" | spool submit -'
	has "$(cat "$T/err")" 'linked.py is a symbolic link'
}

t_not_there() {
	project
	echo '{"scriptName":"later.py","dataFileName":"later.csv"}' >job.json
	id=$(spool submit job.json job.json 2>"$T/err" | tail -n 1)
	is "$(grep -c warning "$T/err")" 2
	has "$(cat "$T/err")" 'no file scripts/later.py in the spool (yet); it is not pinned'
	is "$(pin "$id" scriptSha256)" -
	is "$(pin "$id" dataSha256)" -
	cmp job.json "$(order "$id")"
	echo '{"scriptName":"nn.py","order":{"name":"x"}}' >job.json
	id=$(spool submit --no-pin job.json 2>"$T/err")
	cmp job.json "$(order "$id")"
	has "$(cat "$T/err")" 'no file scripts/nn.py'
	is "$(find "$S/$BLOBS" -type f)" ''
	# a directory of data is the worker's to pin
	mkdir "$S/data/images"
	echo '{"scriptName":"nn.py","dataFileName":"images"}' >job.json
	id=$(spool submit job.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	is "$(pin "$id" dataSha256)" -
	# no script by that name at all is for the job's own error
	echo '{"scriptName":"../nn.py"}' >job.json
	exits 1 spool submit job.json
	has "$(cat "$T/err")" 'not a plain file name'
}

# What was missing is looked for again when jobs come one after the other's id.
t_comes_later() {
	project
	mkfifo "$T/jobs" "$T/ids"
	timeout "$DEADLINE" spool submit - <"$T/jobs" >"$T/ids" 2>"$T/err" &
	pid=$!
	PIDS="$PIDS $pid"
	exec 8>"$T/jobs" 9<"$T/ids"
	for i in 1 2; do
		echo '{"scriptName":"later.py"}' >&8
		read -r id <&9 || fail 'no id before the end of the stream'
		case $i in
		1) is "$(pin "$id" scriptSha256)" - ;;
		2) is "$(pin "$id" scriptSha256)" "$(sha later.py)" ;;
		esac
		echo 'print(1)' >later.py
	done
	exec 8>&-
	wait $pid || fail "exit $?"
}

t_its_own_pins() {
	project
	echo 1 >data.csv
	id=$(spool submit job.json -p dataFileName=data.csv)
	cp "$(order "$id")" pinned.json
	echo 'print(2)' >nn.py
	again=$(spool submit pinned.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	cmp pinned.json "$(order "$again")"
	none=$(printf %064d 7)
	id=$(spool submit job.json -p "order.scriptSha256=\"$none\"" 2>"$T/err")
	has "$(cat "$T/err")" "no file blobs/sha256/$none"
	is "$(pin "$id" scriptSha256)" "$none"
	id=$(spool submit job.json -p order.scriptSha256=null)
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
	exits 1 spool submit job.json -p order.scriptSha256=7
	has "$(cat "$T/err")" 'order.scriptSha256: found 7'
}

# A retry runs what ran.
t_retry() {
	project
	id=$(spool submit job.json)
	echo 'print(2)' >nn.py
	spool cancel "$id" >/dev/null
	drain
	over "$id"
	again=$(spool retry "$id" 2>"$T/err")
	is "$(cat "$T/err")" ''
	is "$(pin "$again" scriptSha256)" "$(pin "$id" scriptSha256)"
	rm -f "$S/$BLOBS/$(pin "$id" scriptSha256)"
	spool retry "$id" 2>"$T/err" >/dev/null
	has "$(cat "$T/err")" "no file $BLOBS/$(pin "$id" scriptSha256)"
}

t_many() {
	project
	for i in 1 2 3 4 5 6 7 8 9 10; do echo '{"scriptName":"nn.py","n":'$i'}'; done >b.jsonl
	spool submit b.jsonl >"$T/ids"
	is "$(cat "$S"/new/*.json | jq -r .order.scriptSha256 | sort | uniq -c | awk '{print $1, $2}')" "10 $(sha nn.py)"
	is "$(cat "$S"/new/*.json | jq -c .n | tr '\n' ' ')" '1 2 3 4 5 6 7 8 9 10 '
	# what changes while jobs stream in is seen
	mkfifo "$T/jobs"
	spool submit - <"$T/jobs" >"$T/stream" &
	PIDS="$PIDS $!"
	exec 9>"$T/jobs"
	cat job.json >&9
	soon grep -q . "$T/stream"
	is "$(pin "$(cat "$T/stream")" scriptSha256)" "$(sha nn.py)"
	echo 'print(3)' >nn.py
	seen() { cat job.json >&9 && [ "$(pin "$(tail -n 1 "$T/stream")" scriptSha256)" = "$(sha nn.py)" ]; }
	soon seen
	exec 9>&-
	wait
}

# ---- order.code ----

t_code() {
	project
	mkdir -p src/lib src/venv src/__pycache__ src/.git
	echo 'import lib.a' >src/nn.py
	echo a >src/lib/a.py
	echo '%' >src/lib/weights.bin
	echo no | tee src/.git/x src/.env src/__pycache__/y src/venv/pyvenv.cfg src/venv/z.py >/dev/null
	ln -s lib/a.py src/b.py
	ln -s lib src/lib2
	echo '{"scriptName":"nn.py","order":{"code": "src"}}' >job.json
	id=$(spool submit job.json)
	is "$(pin "$id" scriptSha256)" "$(sha src/nn.py)"
	is "$(files "$id")" 'b.py lib/a.py lib/weights.bin lib2/a.py lib2/weights.bin nn.py'
	is "$(file "$id" b.py)" "$(sha src/lib/a.py)"
	blobs_good
	# data comes by itself
	echo 1 >src/d.csv
	echo 2 >d.csv
	other=$(spool submit job.json -p dataFileName=d.csv)
	is "$(pin "$other" code)" "$(pin "$id" code)"
	is "$(pin "$other" dataSha256)" "$(sha d.csv)"
	rm src/d.csv
	# by any path, and from the spool's scripts/
	mkdir deep
	cp job.json deep
	is "$(pin "$(spool submit deep/job.json -p order.code=../src)" code)" "$(pin "$id" code)"
	is "$(pin "$(spool submit job.json -p "order.code=$T/project/src")" code)" "$(pin "$id" code)"
	rm src/lib2 src/b.py
	mv src "$S/scripts/src"
	is "$(files "$(spool submit job.json)")" 'lib/a.py lib/weights.bin nn.py'
	rm "$S/scripts/src/nn.py"
	rm -f "$S"/new/*
	refused "no file nn.py at the top of $S/scripts/src"
	echo '{"scriptName":"nn.py","order":{"code": "none"}}' >job.json
	refused 'order.code: there is no directory none beside the job'
	echo '{"scriptName":"nn.py","order":{"code": 7}}' >job.json
	refused 'order.code: found 7'
}

# What cannot be pinned is named, and nothing is accepted.
t_refused() {
	project
	mkdir src
	cp nn.py src
	echo '{"scriptName":"nn.py","order":{"code": "src"}}' >job.json
	ln -s ../nn.py src/out.py
	refused 'src/out.py is a link that is absolute or leads out'
	rm src/out.py
	ln -s /etc src/etc
	refused 'src/etc is a link that is absolute or leads out'
	rm src/etc
	ln -s nowhere src/dangling
	refused src/dangling
	rm src/dangling
	mkdir src/a
	ln -s .. src/a/up
	refused 'src/a/up is a link to a directory above it'
	rm src/a/up
	mkfifo src/a/pipe
	refused 'src/a/pipe is a FIFO'
	rm src/a/pipe
	touch "src/a/$(printf 'x\ny')"
	refused 'has a name that cannot be pinned'
	rm src/a/x*
	(cd src/a && seq 1100 | xargs touch)
	refused 'more than 1000 files'
	rm -r src/a
	truncate -s 70M src/large
	refused 'more than 1000 files or 64 MiB'
	rm src/large
	# what a script imports likewise
	echo '{"scriptName":"nn.py","dataFileName":"d.csv"}' >job.json
	echo 'import a' >nn.py
	mkfifo a.py
	mkdir a && : >a/__init__.py && mkfifo a/pipe
	refused './a/pipe is a FIFO'
	rm -r a
	mkfifo d.csv
	refused './d.csv is no plain file'
	rm d.csv nn.py
	mkfifo nn.py
	refused './nn.py is no plain file'
	is "$(find "$S/tmp" -type f ! -name '.probe*')" '' 'left in tmp/'
}

t_unreadable() {
	project
	echo 'import helper' >nn.py
	echo 1 >helper.py
	chmod 0 helper.py
	if [ "$(id -u)" = 0 ]; then
		command -v setpriv >/dev/null || skip 'no setpriv'
		as='setpriv --bounding-set=-all --inh-caps=-all'
	else
		as=
	fi
	! $as cat helper.py >/dev/null 2>&1 || skip 'everything can be read here'
	exits 1 $as spool submit job.json
	has "$(cat "$T/err")" './helper.py: Permission denied'
	count_is new 0
	chmod 0 nn.py
	exits 1 $as spool submit job.json
	has "$(cat "$T/err")" './nn.py: Permission denied'
	chmod 644 nn.py
	[ -n "$($as spool submit --no-pin job.json 2>/dev/null)" ]
}

# ---- git ----

g() { git -c user.name=a -c user.email=a@b -c init.defaultBranch=main -c core.hooksPath=/dev/null "$@" >/dev/null 2>&1; }
repository() {
	command -v git >/dev/null || skip 'no git'
	HOME=$T
	export HOME
	project
	g init .
	g add nn.py
	g commit -m one
	COMMIT=$(git rev-parse HEAD)
}

t_git() {
	repository
	id=$(spool submit job.json)
	is "$(pin "$id" git)" "$(printf '{\n  "commit": "%s",\n  "branch": "main",\n  "dirty": false\n}' "$COMMIT")"
	has "$(spool show "$id")" "git       commit $COMMIT on main"
	hasnt "$(spool show "$id")" dirty,
	has "$(spool show "$id")" "pinned    script $(sha nn.py | cut -c 1-12)"
	echo '# edited' >>nn.py
	git diff >"$T/diff"
	id=$(spool submit job.json)
	is "$(pin "$id" git.dirty)" true
	cmp "$T/diff" "$S/$BLOBS/$(pin "$id" git.diff)"
	has "$(spool show "$id")" "on main, dirty; diff in $BLOBS/$(sha "$T/diff")"
	is "$(spool show --json "$id" | jq -r .job.order.git.commit)" "$COMMIT"
	g checkout nn.py
	# a commit without the script is no clean one
	echo 1 >new.py
	id=$(spool submit job.json -p scriptName=new.py)
	is "$(pin "$id" git.dirty)" true
	is "$(pin "$id" git.commit)" "$COMMIT"
	is "$(pin "$(spool submit job.json)" git.dirty)" -
	# from below, from outside, with an environment that means another one
	mkdir -p below
	cp nn.py job.json below
	g add below/nn.py
	g commit -m two
	is "$(cd / && GIT_DIR=/nowhere GIT_WORK_TREE=/ spool submit "$T/project/below/job.json" |
	    { read -r id && pin "$id" git.commit; })" "$(git rev-parse HEAD)"
	g checkout --detach
	id=$(spool submit job.json)
	is "$(pin "$id" git.branch)" -
	is "$(pin "$id" git.commit)" "$(git rev-parse HEAD)"
	# the user's own word stays; what comes from the spool has no commit
	is "$(pin "$(spool submit job.json -p order.git=mine)" git)" mine
	mv nn.py "$S/scripts"
	is "$(pin "$(spool submit job.json)" git)" -
	# before the first commit
	mkdir "$T/fresh"
	cd "$T/fresh" || exit
	g init .
	cp "$S/scripts/nn.py" ../project/job.json .
	id=$(spool submit job.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	is "$(pin "$id" git | tr -d ' \n')" '{"dirty":true}'
	blobs_good
}

t_git_long_diff() {
	repository
	seq 400000 >>nn.py
	id=$(spool submit job.json)
	is "$(pin "$id" git.cut)" true
	is "$(stat -c %s "$S/$BLOBS/$(pin "$id" git.diff)")" 1048576
	has "$(spool show "$id")" 'its first MiB'
}

t_no_git() {
	repository
	mkdir "$T/bin"
	ln -s "$BIN/spool" "$T/bin/spool"
	id=$(PATH=$T/bin "$T/bin/spool" submit job.json 2>"$T/err")
	has "$(cat "$T/err")" 'there is no git to ask'
	is "$(pin "$id" git)" -
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
	# one that never answers, and leaves a child behind
	printf '#!/bin/sh\n/bin/sleep 600 & echo $! >"%s/child"; wait\n' "$T" >"$T/bin/git"
	chmod +x "$T/bin/git"
	id=$(PATH=$T/bin "$T/bin/spool" submit job.json 2>"$T/err")
	has "$(cat "$T/err")" 'did not answer within 5 seconds'
	is "$(pin "$id" git)" -
	soon dead "$(cat "$T/child")"
	# one that refuses
	printf '#!/bin/sh\nexit 128\n' >"$T/bin/git"
	id=$(PATH=$T/bin "$T/bin/spool" submit job.json 2>"$T/err")
	has "$(cat "$T/err")" 'git refuses'
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
}

# A repository that runs programs when it is looked at: not for us.
t_git_hostile() {
	repository
	for w in monitor external text clean process hook pager sub; do
		printf '#!/bin/sh\necho %s >>"%s/ran"\ncat\n' $w "$T" >"$T/$w"
		chmod +x "$T/$w"
	done
	mkdir hooks
	cp "$T/hook" hooks/post-index-change
	for f in clean process text; do echo one >$f.txt; done
	git init -q sub
	(cd sub && echo one >x.txt && g add x.txt && g commit -m s)
	g add clean.txt process.txt text.txt sub
	g commit -m more
	printf 'nn.py diff=evil\ntext.txt diff=text\nclean.txt filter=clean\nprocess.txt filter=process\n' >.gitattributes
	git config core.fsmonitor "$T/monitor"
	git config diff.external "$T/external"
	git config diff.text.textconv "$T/text"
	git config diff.evil.command "$T/external"
	git config filter.clean.clean "$T/clean"
	git config filter.clean.required true
	git config filter.process.process "$T/process"
	git config core.hooksPath hooks
	git config core.pager "$T/pager"
	git config diff.submodule diff
	git -C sub config core.fsmonitor "$T/sub"
	for f in clean.txt process.txt text.txt nn.py sub/x.txt; do echo two >>$f; done
	# so it does run them
	git status >/dev/null 2>&1 || :
	for f in clean.txt process.txt text.txt nn.py sub; do git diff -- $f >/dev/null 2>&1 </dev/null || :; done
	git diff --no-ext-diff -- text.txt >/dev/null 2>&1 || :
	for w in monitor external text clean process hook sub; do has "$(cat "$T/ran")" $w; done
	rm "$T/ran"
	id=$(spool submit job.json 2>"$T/err")
	is "$(cat "$T/err")" ''
	[ ! -e "$T/ran" ] || fail "it ran: $(cat "$T/ran")"
	is "$(pin "$id" git.dirty)" true
	has "$(cat "$S/$BLOBS/$(pin "$id" git.diff)")" '+two'
	# a filter that cannot be switched off: no diff at all
	printf '[filter "a=b"]\n\tclean = %s\n' "$T/clean" >>.git/config
	echo 'clean.txt filter=a=b' >>.gitattributes
	id=$(spool submit job.json 2>"$T/err")
	has "$(cat "$T/err")" 'filters cannot be switched off'
	[ ! -e "$T/ran" ] || fail "it ran: $(cat "$T/ran")"
	is "$(pin "$id" scriptSha256)" "$(sha nn.py)"
}

# ---- spool check ----

t_check() {
	project
	echo 'import helper' >nn.py
	echo 1 >helper.py
	id=$(spool submit job.json)
	exits 0 spool check --blobs
	rm -f "$S/$BLOBS/$(sha helper.py)"
	chmod +w "$S/$BLOBS/$(sha nn.py)"
	echo x >>"$S/$BLOBS/$(sha nn.py)"
	echo x >"$S/$BLOBS/notes"
	none=$(printf %064d 7)
	echo x >"$S/$BLOBS/$none" # of no order
	exits 1 spool check
	{
		echo "blob $BLOBS/$(sha helper.py): missing; $id needs it"
		echo "blob $BLOBS/$(sha nn.py): damaged: it does not hold what its name says"
		echo "stray $BLOBS/notes: is not called by a hash"
	} | sort >"$T/want"
	sort "$T/out" | cmp - "$T/want"
	exits 1 spool check --blobs
	has "$(cat "$T/out")" "blob $BLOBS/$none: damaged"
	exits 1 spool check --repair --blobs
	has "$(cat "$T/out")" 'not mended: put the file there again'
	is "$(cat "$S/repair/$(sha nn.py)")" "$(printf 'import helper\nx')"
	[ ! -e "$S/$BLOBS/$none" ]
	# to submit it once more is the mend; spool(5) says what is left over
	echo left >"$T/left"
	cp "$T/left" "$S/$BLOBS/$(sha "$T/left")"
	spool submit job.json >/dev/null
	exits 0 spool check --blobs
	chmod a-w "$S/$BLOBS"/*
	blobs_good
	cd "$T" || exit
	sed -n '/^cd spool.blobs/,/^ls . grep -v/p' "$TOP/man/spool.5" | sed 's/\\\\e/\\/; s/\\e$/\\/' |
	    sed "s#/tmp/#$T/#g" >list.sh
	is "$(sh list.sh)" "$(sha "$T/left")"
}

run_stories "$@"
