# spool check: every breach is found by its kind and its place, and mended with
# nothing of anybody's lost; and a spool at work has none.
. "$TOP/tests/lib.sh"
CRASHBIN=${CRASHBIN:-${BIN%/*}/crash}

row_done() { echo "$1" >>"$T/rows"; }
kinds() { sed -E 's/^([a-z]+ [^:]*): .*/\1/' "$1" | LC_ALL=C sort; }

# ---- breaches ----
# b_NAME makes one: with files whose text has "mark-NAME" in it, and `found` for
# each finding that must follow.  a_NAME, if there is one, looks at what became
# of it.

DAY=20260102
N=0
next_id() {
	N=$((N + 1))
	ID=$(printf '%sT030405678-%08x' $DAY $N)
}
found() { echo "$1 $2" >>"$T/plan"; }
text() { printf '{"scriptName":"x.sh","mark":"mark-%s"}\n' "$NAME"; }
put() { # PATH: an order, or whatever it is called
	mkdir -p "$(dirname "$S/$1")"
	text >"$S/$1"
}
outcome_of() { # STATUS [WORKER]: of $ID
	printf '{"_id":"%s","jobId":"%s","orderId":"%s","status":%s,"mark":"mark-%s"' \
	    "$ID" "$ID" "$ID" "$1" "$NAME"
	[ $# = 1 ] || printf ',"run":{"worker":"%s","ticket":1}' "$2"
	echo '}'
}
ended() { # STATE STATUS: an order that is over, as it should be
	put "$1/$DAY/50.$ID.t1a0@w-00000a.json"
	outcome_of "$2" w-00000a >"$S/outcomes/$ID.json"
}

b_name_text_in_waiting() { put waiting/notes.txt; found name waiting/notes.txt; }
b_name_text_in_assigned() { put assigned/notes2.txt; found name assigned/notes2.txt; }
b_name_text_in_done() { put done/notes3.txt; found name done/notes3.txt; }
b_name_text_in_day() { put failed/$DAY/notes4.txt; found name failed/$DAY/notes4.txt; }
b_name_letters() { put "waiting/50.$ID.T1A0.json"; found name "waiting/50.$ID.T1A0.json"; }
b_name_assigned_to_none() { put "assigned/50.$ID.t1a0.x.json"; found name "assigned/50.$ID.t1a0.x.json"; }
a_name_assigned_to_none() { [ -e "$S/new/50.$ID.t2a0.x.json" ]; }
b_name_new_of_worker() { put "new/50.$ID.t1a0@w-00000a.json"; found name "new/50.$ID.t1a0@w-00000a.json"; }
a_name_new_of_worker() { [ -e "$S/new/50.$ID.t2a0.json" ]; }
b_name_waiting_of_worker() { put "waiting/50.$ID.t4a1@w-00000a.json"; found name "waiting/50.$ID.t4a1@w-00000a.json"; }
a_name_waiting_of_worker() { [ -e "$S/waiting/50.$ID.t5a1.json" ]; }
b_name_done_by_none() {
	put "done/$DAY/50.$ID.t1a0.json"
	outcome_of 200 >"$S/outcomes/$ID.json"
	found name "done/$DAY/50.$ID.t1a0.json"
}
a_name_done_by_none() { ls "$S/done/$DAY/50.$ID.t2a0@spool-"*.json; }

b_plain_symlink() {
	text >"$T/elsewhere"
	ln -s "$T/elsewhere" "$S/waiting/50.$ID.t1a0.json"
	found plain "waiting/50.$ID.t1a0.json"
}
a_plain_symlink() { [ -e "$T/elsewhere" ] && find "$S/repair" -type l -name "*$ID*" | grep .; }
b_plain_symlink_in_new() { ln -s "$T/elsewhere" "$S/new/50.$ID.t1a0.json"; found plain "new/50.$ID.t1a0.json"; }
a_plain_symlink_in_new() { find "$S/bad" -type l -name "*$ID*" | grep . && ls "$S/bad" | grep "$ID.*why"; }
b_plain_fifo() { mkfifo "$S/assigned/50.$ID.t1a0@w-00000a.json"; found plain "assigned/50.$ID.t1a0@w-00000a.json"; }
a_plain_fifo() { find "$S/repair" -type p -name "*$ID*" | grep .; }
b_plain_directory() {
	put "done/$DAY/50.$ID.t1a0@w-00000a.json/inside"
	found plain "done/$DAY/50.$ID.t1a0@w-00000a.json"
}
b_plain_outcome() {
	put "done/$DAY/50.$ID.t1a0@w-00000a.json"
	mkfifo "$S/outcomes/$ID.json"
	found plain "outcomes/$ID.json"
}
a_plain_outcome() { [ "$(status_of "$ID")" = 204 ]; }

b_place_day() {
	put "done/20010101/50.$ID.t1a0@w-00000a.json"
	outcome_of 200 >"$S/outcomes/$ID.json"
	found place "done/20010101/50.$ID.t1a0@w-00000a.json"
}
a_place_day() { [ -e "$S/done/$DAY/50.$ID.t1a0@w-00000a.json" ]; }
b_place_no_day() {
	put "failed/50.$ID.t1a0@w-00000a.json"
	outcome_of 500 >"$S/outcomes/$ID.json"
	found place "failed/50.$ID.t1a0@w-00000a.json"
}
a_place_no_day() { [ -e "$S/failed/$DAY/50.$ID.t1a0@w-00000a.json" ]; }

b_links_half_rename() {
	put "new/50.$ID.t1a0.json"
	ln "$S/new/50.$ID.t1a0.json" "$S/assigned/50.$ID.t1a0@w-0000ff.json"
	found links "new/50.$ID.t1a0.json"
	found owner "assigned/50.$ID.t1a0@w-0000ff.json"
}
b_links_planted() {
	put "new/50.$ID.t1a0.json"
	ln "$S/new/50.$ID.t1a0.json" "$S/data/planted"
	found links "new/50.$ID.t1a0.json"
}
a_links_planted() { [ "$(stat -c %h "$S/new/50.$ID.t2a0.json")" = 1 ] && [ -e "$S/data/planted" ]; }

b_twice_after_done() { ended 'done' 200; put "new/50.$ID.t2a0.json"; found twice "new/50.$ID.t2a0.json"; }
a_twice_after_done() { [ -e "$S/done/$DAY/50.$ID.t1a0@w-00000a.json" ] && ls "$S"/repair/*"$ID"*; }
b_twice_done_and_failed() {
	ended 'done' 200
	put "failed/$DAY/50.$ID.t3a1@w-00000b.json"
	found twice "failed/$DAY/50.$ID.t3a1@w-00000b.json"
}
b_twice_tickets() {
	put "new/50.$ID.t1a0.json"
	put "new/50.$ID.t2a0.json"
	found twice "new/50.$ID.t1a0.json"
}
a_twice_tickets() { [ -e "$S/new/50.$ID.t2a0.json" ]; }

b_count_new() { put "new/50.$ID.t1a3.json"; found count "new/50.$ID.t1a3.json"; }
a_count_new() { [ -e "$S/new/50.$ID.t4a3.json" ]; }
b_count_done() {
	put "done/$DAY/50.$ID.t1a2@w-00000a.json"
	outcome_of 200 >"$S/outcomes/$ID.json"
	found count "done/$DAY/50.$ID.t1a2@w-00000a.json"
}
a_count_done() { [ -e "$S/done/$DAY/50.$ID.t3a2@w-00000a.json" ]; }

b_text_new() { echo "mark-$NAME" >"$S/new/50.$ID.t1a0.json"; found text "new/50.$ID.t1a0.json"; }
a_text_new() { [ -s "$S/bad/50.$ID.t1a0.json.why" ]; }
b_text_waiting() { echo "mark-$NAME" >"$S/waiting/50.$ID.t1a0.json"; found text "waiting/50.$ID.t1a0.json"; }
a_text_waiting() { [ "$(status_of "$ID")" = 400 ]; }
b_text_done() {
	ended 'done' 200
	echo "mark-$NAME" >"$S/done/$DAY/50.$ID.t1a0@w-00000a.json"
	found text "done/$DAY/50.$ID.t1a0@w-00000a.json"
}
a_text_done() { grep -q "mark-$NAME" "$S"/repair/*"$ID"* && [ "$(status_of "$ID")" = 200 ]; }

b_owner_gone() { put "assigned/50.$ID.t1a0@w-0000ff.json"; found owner "assigned/50.$ID.t1a0@w-0000ff.json"; }
a_owner_gone() { [ -e "$S/waiting/50.$ID.t2a1.json" ] && jq -e .why "$S/runs/$DAY/$ID/t1a0@w-0000ff.json"; }
b_owner_gone_attempts_spent() { put "assigned/50.$ID.t5a2@w-0000ff.json"; found owner "assigned/50.$ID.t5a2@w-0000ff.json"; }
a_owner_gone_attempts_spent() { [ "$(status_of "$ID")" = 503 ]; }
b_owner_had_finished() {
	put "assigned/50.$ID.t1a0@w-0000ff.json"
	outcome_of 200 >"$S/outcomes/.$ID.t1a0@w-0000ff"
	found owner "assigned/50.$ID.t1a0@w-0000ff.json"
}
a_owner_had_finished() { [ "$(status_of "$ID")" = 200 ] && [ -e "$S/done/$DAY/50.$ID.t1a0@w-0000ff.json" ]; }

b_outcome_of_done() { put "done/$DAY/50.$ID.t1a0@w-00000a.json"; found outcome "done/$DAY/50.$ID.t1a0@w-00000a.json"; }
a_outcome_of_done() { [ "$(status_of "$ID")" = 204 ]; }
b_outcome_of_failed() { put "failed/$DAY/50.$ID.t1a0@w-00000a.json"; found outcome "failed/$DAY/50.$ID.t1a0@w-00000a.json"; }
a_outcome_of_failed() { [ "$(status_of "$ID")" = 503 ]; }
b_outcome_not_published() {
	put "done/$DAY/50.$ID.t1a0@w-00000a.json"
	outcome_of 200 >"$S/outcomes/.$ID.t1a0@w-00000a"
	found outcome "done/$DAY/50.$ID.t1a0@w-00000a.json"
}
a_outcome_not_published() { [ "$(jq -r .mark "$S/outcomes/$ID.json")" = "mark-$NAME" ]; }

b_torn_half() {
	ended 'done' 200
	printf '{"mark":"mark-%s",' "$NAME" >"$S/outcomes/$ID.json"
	found torn "outcomes/$ID.json"
}
a_torn_half() { grep -q "mark-$NAME" "$S"/repair/*"$ID"* && [ "$(status_of "$ID")" = 204 ]; }
b_torn_no_status() {
	ended 'done' 200
	printf '{"mark":"mark-%s"}' "$NAME" >"$S/outcomes/$ID.json"
	found torn "outcomes/$ID.json"
}

b_verdict_of_this_commit() { ended 'done' 500; found verdict "outcomes/$ID.json"; }
a_verdict_of_this_commit() { [ -e "$S/failed/$DAY/50.$ID.t1a0@w-00000a.json" ] && [ "$(status_of "$ID")" = 500 ]; }
b_verdict_of_another() {
	ended failed 500
	outcome_of 200 w-0000bb >"$S/outcomes/$ID.json"
	found verdict "outcomes/$ID.json"
}
a_verdict_of_another() { [ -e "$S/failed/$DAY/50.$ID.t1a0@w-00000a.json" ] && [ "$(status_of "$ID")" = 503 ]; }

b_orphan_of_nothing() { outcome_of 200 >"$S/outcomes/$ID.json"; found orphan "outcomes/$ID.json"; }
b_orphan_of_new() {
	put "new/50.$ID.t1a0.json"
	outcome_of 200 >"$S/outcomes/$ID.json"
	found orphan "outcomes/$ID.json"
}
a_orphan_of_new() { [ -e "$S/new/50.$ID.t1a0.json" ] && [ ! -e "$S/outcomes/$ID.json" ]; }
b_orphan_provisional() { outcome_of 200 >"$S/outcomes/.$ID.t1a0@w-00000a"; found orphan "outcomes/.$ID.t1a0@w-00000a"; }
b_orphan_second() {
	ended 'done' 200
	outcome_of 500 >"$S/outcomes/.$ID.t3a1@w-00000b"
	found orphan "outcomes/.$ID.t3a1@w-00000b"
}
a_orphan_second() { [ -e "$S/runs/$DAY/$ID/t3a1@w-00000b.json" ] && [ "$(status_of "$ID")" = 200 ]; }

b_why() { echo "mark-$NAME" >"$S/bad/unexplained.json"; found why bad/unexplained.json; }
a_why() { [ -s "$S/bad/unexplained.json.why" ]; }
b_mark_of_nothing() { : >"$S/cancel/$ID"; found mark "cancel/$ID"; }
b_mark_of_done() { ended 'done' 200; : >"$S/hold/$ID"; found mark "hold/$ID"; }
b_tmp() { put tmp/left; found tmp tmp/left; }
b_runs_of_nothing() { put "runs/$DAY/$ID/out/model.bin"; found runs "runs/$DAY/$ID"; }
b_runs_wrong_day() { ended 'done' 200; put "runs/20010101/$ID/t1a0@w-00000a.log"; found runs "runs/20010101/$ID"; }
a_runs_wrong_day() { [ -e "$S/runs/$DAY/$ID/t1a0@w-00000a.log" ]; }
b_stray_outcome() { put outcomes/notes.txt; found stray outcomes/notes.txt; }
b_wish_of_nobody() { : >"$S/drain/gpu-3fa9c2.now"; found mark drain/gpu-3fa9c2.now; }
b_stray_wish() { put drain/gpu.later; found stray drain/gpu.later; }
b_stray_mark() { put cancel/please; found stray cancel/please; }
b_stray_worker() { put workers/notes.json; found stray workers/notes.json; }
b_stray_beat_of_another() {
	printf '{"worker":"w-0000cc","beat":1,"note":"mark-%s"}\n' "$NAME" >"$S/workers/w-0000dd.json"
	found stray workers/w-0000dd.json
}
b_stray_day() { put "done/lastweek/50.$ID.t1a0@w-00000a.json"; found stray done/lastweek; }
b_stray_run() { put runs/notes.txt; found stray runs/notes.txt; }
b_stray_run_id() { put runs/$DAY/notes.txt; found stray runs/$DAY/notes.txt; }

breaches() { sed -n 's/^b_\([a-z_]*\)().*/\1/p' "$0"; }
# Nothing stays of a request for nothing, and a link is no file.
textless() { case $1 in mark_of_nothing | wish_of_nobody | plain_symlink | plain_symlink_in_new | plain_fifo) ;; *) return 1 ;; esac; }

# What may look odd, and is right.
innocent() {
	NAME=innocent
	next_id; put "new/50.$ID.t1a0.label.json"; : >"$S/hold/$ID"
	next_id; put "waiting/00.$ID.t7a3.json"
	next_id; ended 'done' 200
	next_id; ended failed 503
	next_id; put "assigned/50.$ID.t1a0@here-00000a.json"
	outcome_of 200 >"$S/outcomes/.$ID.t1a0@here-00000a"
	put "runs/$DAY/$ID/out/checkpoint"
	printf '{"worker":"here-00000a","beat":1}\n' >"$S/workers/here-00000a.json"
	: >"$S/cancel/$ID"
	: >"$S/drain/gpu07"; : >"$S/drain/here-00000a.now"
	put new/.hidden; put new/editing.json~; put new/drop.json; put new/half.part
	mkdir "$S/scripts/lib"
	put bad/old.json; put bad/old.json.why
	put repair/anything; put data/any.csv; put index/spare
	: >"$S/done/.gitkeep"
}

aged() { # every planted file is as old as the rules ask for
	touch "$T/now"
	_now=$(stat -c %Z "$T/now")
	[ $((_now - $(stat -c %Z "$T/planted"))) -ge 2 ]
}

t_breaches() {
	policy lease=0.4 beat=0.1 settle=0.1 halfRename=0.1 tmpAge=1 attempts=3
	innocent
	exits 0 spool check
	is "$(cat "$T/out")" ''
	has "$(cat "$T/err")" 'all is well'
	first=$N
	grep -rlF mark-innocent "$S" | sort >"$T/innocent"
	for NAME in $(breaches); do next_id; "b_$NAME"; done
	touch "$T/planted"
	soon aged
	LC_ALL=C sort "$T/plan" >"$T/want"
	exits 1 spool check
	kinds "$T/out" >"$T/got"
	diff "$T/want" "$T/got" || fail 'found too little or too much'
	has "$(cat "$T/err")" "$(wc -l <"$T/want") found; mend with: spool check --repair"
	is "$(grep -cE '^[a-z]+ [^ ]+: .+' "$T/out")" "$(wc -l <"$T/want")" 'lines with words'
	exits 1 spool check --json
	jq -r 'select(.mended == false and .how == null and (.words|length > 5)) | .kind + " " + .path' "$T/out" |
	    LC_ALL=C sort >"$T/got"
	diff "$T/want" "$T/got" || fail '--json says something else'
	# Looking changes nothing.
	exits 1 spool check
	kinds "$T/out" >"$T/got"
	diff "$T/want" "$T/got" || fail 'looking has changed something'

	exits 0 spool check --repair
	sed -E 's/^([a-z]+ [^:]*): .* -- mended: .+/\1/' "$T/out" | LC_ALL=C sort -u >"$T/got"
	is "$(LC_ALL=C comm -23 "$T/want" "$T/got")" '' 'not mended'
	has "$(cat "$T/err")" '0 left'
	exits 0 spool check
	is "$(cat "$T/out")" '' 'the second look'
	has "$(cat "$T/err")" 'all is well'
	N=$first
	for NAME in $(breaches); do
		next_id
		if type "a_$NAME" >/dev/null 2>&1; then
			"a_$NAME" >/dev/null || fail "$NAME: $(find "$S" -name "*$ID*")"
		fi
		textless "$NAME" || grep -rqF "mark-$NAME" --devices=skip "$S" || fail "$NAME: its text is lost"
		row_done "$NAME"
	done
	is "$(grep -rlF mark-innocent "$S" | sort)" "$(cat "$T/innocent")" 'what was right'
	promises
	# All kinds there are were made, but the set-up's, below, and what is
	# pinned, which 62-pins.sh breaks.
	man=$(sed -n '/^\.Ss check/,/^\.Ss [^c]/s/^\.It Li \([a-z]*\) Ta .*/\1/p' "$TOP/man/spool.1" | sort | tr '\n' ' ')
	is "$({ echo setup; echo blob; cut -d' ' -f1 "$T/want"; } | sort -u | tr '\n' ' ')" "$man" 'kinds'
}

# What somebody may be about to mend is a breach only when it is old.
t_young() {
	policy lease=3600 settle=3600 halfRename=3600 tmpAge=3600
	for NAME in links_half_rename links_planted owner_gone owner_had_finished orphan_provisional \
	    text_new mark_of_nothing mark_of_done tmp; do
		next_id
		"b_$NAME"
	done
	find "$S" -type f | sort >"$T/before"
	exits 0 spool check --repair
	is "$(cat "$T/out")" ''
	is "$(find "$S" -type f | sort)" "$(cat "$T/before")"
}

# ---- the set-up ----

s_policy_missing() { rm "$S/spool.json"; }
s_policy_broken() { echo '{"format":1,"leas":3,"mark":"mark-policy_broken"}' >"$S/spool.json"; }
s_policy_empty() { : >"$S/spool.json"; }
s_directory_missing() { rm -r "$S/cancel"; }
s_blobs_missing() { rm -r "$S/blobs"; }
s_directory_is_a_file() { rm -r "$S/hold"; echo mark-directory_is_a_file >"$S/hold"; }
s_repair_is_a_file() { rm -r "$S/repair"; echo mark-repair_is_a_file >"$S/repair"; }
s_directory_is_a_link() { mv "$S/failed" "$T/elsewhere"; ln -s "$T/elsewhere" "$S/failed"; echo mark >"$T/elsewhere/x"; }
s_all_missing() { find "$S" -mindepth 1 -maxdepth 1 ! -name new ! -name spool.json -exec rm -r {} +; }

t_setup() {
	for NAME in $(sed -n 's/^s_\([a-z_]*\)().*/\1/p' "$0"); do
		S=$T/$NAME
		export SPOOL_DIR="$S"
		spool init >/dev/null
		text >"$S/new/drop.json"
		"s_$NAME"
		exits 1 spool check
		has "$(cut -d' ' -f1 "$T/out" | sort -u)" setup
		exits 0 spool check --repair
		has "$(cat "$T/out")" mended
		exits 0 spool check
		is "$(cat "$T/out")" ''
		[ -e "$S/new/drop.json" ]
		case $NAME in
		policy_broken | directory_is_a_file | repair_is_a_file)
			grep -rq "mark-$NAME" "$S" || fail "$NAME: its text is lost" ;;
		directory_is_a_link) [ -L "$(echo "$S"/repair/failed.*)" ] && [ -e "$T/elsewhere/x" ] ;;
		esac
		row_done "$NAME"
	done
	# One of a later program is not for us to touch.
	S=$T/later
	spool init "$S" >/dev/null
	echo '{"format":2}' >"$S/spool.json"
	exits 1 spool -s "$S" check --repair
	has "$(cat "$T/out")" 'left alone'
	is "$(cat "$S/spool.json")" '{"format":2}'
	row_done policy_of_a_later_program
	exits 100 spool -s "$T" check
}

# ---- a bundle whose exploder died ----

t_bundle_cut_short() {
	[ -x "$CRASHBIN/spoold" ] || fail "make VARIANT=crash programs"
	policy lease=0.4 beat=0.1 settle=0.1 halfRename=0.1
	for i in 1 2 3 4 5; do printf '{"scriptName":"x.sh","n":%s}\n' $i; done >"$S/new/five.jsonl"
	SPOOL_CRASH=bundle.committed "$CRASHBIN/spoold" "$S" >>"$T/spoold.log" 2>&1 || :
	is "$(find "$S/tmp" -name '*.d' | wc -l)" 1 'a stage'
	touch "$T/planted"
	soon aged
	exits 1 spool check
	has "$(cat "$T/out")" 'tmp tmp/2'
	has "$(cat "$T/out")" bundle
	exits 0 spool check --repair
	exits 0 spool check
	is "$(cat "$S"/new/*.json | jq -s -c '[.[].n] | sort')" '[1,2,3,4,5]'
	promises
}

# ---- a spool at work ----

# Everything that can happen to an order, a hundred times over; whoever looks
# meanwhile finds nothing, and --repair touches nothing.
t_busy() {
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	script fail.sh <<-'SH'
	#!/bin/sh
	exit 3
	SH
	script long.sh <<-'SH'
	#!/bin/sh
	sleep 60
	SH
	job ok.sh >"$T/ok.json"
	start_spoold
	start_worker --name a -j 2
	start_worker --name b
	for i in 1 2 3 4 5 6 7 8 9 10; do
		for n in 1 2 3 4; do job ok.sh "\"n\":$n"; done >"$S/new/bundle$i.jsonl"
		{
			job ok.sh
			job fail.sh
			job fail.sh '"order":{"retry":["exit"],"attempts":2}'
			job missing.sh
			job ok.sh '"order":{"priority":1,"timeout":9}'
		} | spool submit - >>"$T/ids" 2>/dev/null
		spool submit --after "$(tail -n 1 "$T/ids")" "$T/ok.json" >>"$T/ids"
		echo '{"epochs":1}' >"$S/new/invalid$i.json"
		echo 'no json' >"$S/new/broken$i.json"
		spool submit "$T/ok.json" -p order.gpus=9 >"$T/id"
		spool hold - <"$T/id" >/dev/null
		[ $((i % 2)) = 0 ] || spool unhold - <"$T/id" >/dev/null
		spool cancel - <"$T/id" >/dev/null
		cat "$T/id" >>"$T/ids"
		job long.sh | spool submit - >"$T/long"
		[ $i -lt 9 ] || soon sh -c 'ls "$0"/assigned | grep -q "$(cat "$1")"' "$S" "$T/long"
		spool cancel - <"$T/long" >/dev/null
	done &
	feeder=$!
	looks=0
	until dead $feeder && outcomes_are 140; do
		exits 0 spool check $([ $((looks % 3)) != 2 ] || echo --repair)
		is "$(cat "$T/out")" ''
		looks=$((looks + 1))
	done
	wait $feeder
	[ $looks -gt 5 ] || fail "only $looks looks"
	exits 0 spool check
	is "$(cat "$T/out")" ''
	# shellcheck disable=SC2046
	OVER=1 promises $(cat "$T/ids")
	is "$(ls "$S/repair")" '' 'repair/'
	stop "$SPOOLD"
	exits 0 spool check
}

run_stories "$@"
