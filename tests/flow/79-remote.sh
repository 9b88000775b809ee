# A worker far away from its spool, whatever lies between: each story is told
# over every medium (tests/media.sh).
. "$TOP/tests/lib.sh"
. "$TOP/tests/media.sh"

logged() { grep -q -- "$1" "$T/worker.log"; }
saved() { [ -n "$(find "$T/work" -name parcel.json)" ]; }
brought() { ! saved; }
no_outbox() { is "$(find "$T/work" -name 'spool-outbox.*')" ''; }

# A job that says it has begun, and ends when it is told to.
told_job() {
	script told.sh <<-SH
	#!/bin/sh
	echo '{"step":1}' >"\$SPOOL_METRICS"
	echo "began \$SPOOL_ATTEMPT"
	echo x >>"$T/began"
	while [ ! -e "$T/end" ]; do sleep 0.05; done
	echo '{"step":2}' >>"\$SPOOL_METRICS"
	echo 'the last word'
	echo "{\"loss\":\$SPOOL_ATTEMPT}"
	SH
	job told.sh >"$T/told.json"
	ID=$(spool submit "$T/told.json")
}
log_text() { cat "$S"/runs/*/"$ID"/t*"@far-"*.log; }
metrics_text() { cat "$S"/runs/*/"$ID"/t*"@far-"*.metrics.jsonl; }

whole_log() { # once each, in order
	is "$(log_text)" 'began 1
the last word
{"loss":1}' log
	is "$(metrics_text)" '{"step":1}
{"step":2}' metrics
}

# The link is cut while it runs: it ends all the same, its slot is free, and
# all that it said comes when the link is there again.
story_late() {
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
	is "$(outcome 2>/dev/null)" ''
	heal
	soon over "$ID"
	is "$(outcome | jq .loss)" 1
	whole_log
	soon brought
	stop $FAR
	no_outbox
	has "$(cat "$T/worker.log")" 'its outcome had waited'
	promises
}

# The worker is killed while an outcome waits.  The next one of its name brings
# it, under the name of the dead one, and nobody runs it again.
story_killed_while_it_waits() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
	kill -KILL $FAR
	wait $FAR 2>/dev/null || :
	w=$(ls "$S/assigned" | sed 's/.*@\(far-[0-9a-f]*\).*/\1/')
	heal
	far_worker
	soon over "$ID"
	is "$(outcome | jq -r .run.worker)" "$w"
	is "$(basename "$(find "$S/done" -name '*.json')")" "50.$ID.t1a0@$w.told.json"
	whole_log
	soon brought
	stop $FAR
	no_outbox
	is "$(wc -l <"$T/began")" 1 'how often it ran'
	promises
}

# Likewise by its own will: told twice to end, it leaves what it cannot bring.
story_told_to_end_while_it_waits() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
	kill -TERM $FAR
	soon logged 'no more claims'
	kill -TERM $FAR
	soon dead $FAR
	wait $FAR
	has "$(cat "$T/worker.log")" 'leave=1'
	heal
	far_worker
	soon over "$ID"
	stop $FAR
	is "$(wc -l <"$T/began")" 1 'how often it ran'
	promises
}

# Its order was given to somebody else meanwhile: what it brings late is set
# aside, and never published.
revoked() { [ -z "$(find "$S/assigned" -name '*@far-*')" ]; }
story_too_late() {
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
	start_spoold
	soon revoked
	soon outcomes_are 0
	start_worker --name near
	soon over "$ID"
	heal
	soon logged 'set aside in runs/'
	is "$(outcome | jq .loss)" 2
	is "$(jq -r .cause "$S"/runs/*/"$ID"/t1a0@far-??????.json)" lost
	is "$(jq .loss "$S"/runs/*/"$ID"/t1a0@far-*.late.json)" 1
	soon brought
	stop $FAR
	no_outbox
	promises
}

# What a power cut left of an outbox: an entry without its last file counts as
# nothing, one that is damaged is left for people to see, one of another name or
# spool is not ours.
story_half_an_outbox() {
	policy lease=60 beat=0.2 settle=0.5 poll=0.2
	told_job
	far_worker
	soon test -e "$T/began"
	sever
	touch "$T/end"
	soon saved
	kill -KILL $FAR
	wait $FAR 2>/dev/null || :
	heal
	box=$(find "$T/work" -name 'far-*.????????')
	entry=$(dirname "$(find "$box" -name parcel.json)")
	tag=${box##*.}
	mkdir -m 700 "$(dirname "$box")/other-0000aa.$tag"
	cp -r "$entry" "$(dirname "$box")/other-0000aa.$tag/"
	cp -r "$entry" "$entry.half"
	rm "$entry.half/parcel.json"
	cp -r "$entry" "$entry.torn"
	head -c 20 "$entry/parcel.json" >"$entry.torn/parcel.json"
	far_worker
	soon over "$ID"
	soon test ! -e "$entry"
	stop $FAR
	has "$(cat "$T/worker.log")" 'it is left there'
	is "$(ls "$box" | grep -v '\.out$')" "$(basename "$entry.torn")"
	is "$(ls "$(dirname "$box")/other-0000aa.$tag")" "$(basename "$entry")"
	promises
}

run_media "$@"
