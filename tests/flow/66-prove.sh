# spool prove: each fault that a filesystem can have is found and named, what
# is well is found well, and nothing is left of the trial.
. "$TOP/tests/lib.sh"
PLAIN_ONLY="faults mounts killed hosts use"

# A disk, whatever the tests run on; or what stands in $1.
DISK='29 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw'
as_mounted() { # LINE
	echo "$1" >"$T/mountinfo"
	export BADFS_MOUNT="$T/mountinfo"
}
# prove_bad CODE FAULTS...: on a filesystem that has them
prove_bad() {
	[ -e "$T/badfs.so" ] ||
	    ${CC:-cc} -O1 -shared -fPIC -o "$T/badfs.so" "$TOP/tests/shim/badfs.c" -ldl
	_code=$1
	shift
	exits "$_code" env LD_PRELOAD="$T/badfs.so" BADFS="$*" spool prove "$S"
}
said() { # LEVEL WHAT PART
	awk -F '\t' -v l="$1" -v w="$2" -v p="$3" \
	    '$1 == l && $2 == w && index($0, p) && (l == "ok" || $4 != "") { n++ } END { exit !n }' "$T/out" ||
		fail "no $1 of $2 with '$3' in: $(cat "$T/out")"
}
tidy() {
	is "$(ls "$S/tmp")" '' 'tmp/'
	is "$(find "$S" -newer "$T/before" -type f ! -path "$S/index/certificate.json")" '' 'files'
}
stamp() { : >"$T/before"; }
bads() { grep -c '^bad' "$T/out" || :; }

t_here() {
	job x.sh | spool submit - >/dev/null
	ls -R "$S/new" >"$T/new"
	stamp
	_got=0
	spool prove "$S" >"$T/out" 2>"$T/err" || _got=$?
	is "$_got" "$([ "$(bads)" = 0 ] && echo 0 || echo 1)" 'exit'
	is "$(grep -cvP '^(ok|warn|bad)\t[a-z-]+\t[^\t]+\t[^\t]*$' "$T/out" || :)" 0 'odd lines'
	for what in rename create replace links no-replace names clock directory; do
		said ok $what ''
	done
	tidy
	is "$(ls -R "$S/new")" "$(cat "$T/new")"
	is "$(jq -r '.findings | length' "$S/index/certificate.json")" "$(wc -l <"$T/out")"
	is "$(jq -r '.safe' "$S/index/certificate.json")" "$([ "$_got" = 0 ] && echo true || echo false)"
	is "$(jq -r '.hosts[0].host' "$S/index/certificate.json")" "$(uname -n)"
	# The same as objects; by -s as well.
	cut -f1,2 "$T/out" >"$T/lines"
	spool -s "$S" prove --json >"$T/out" 2>"$T/err" || :
	is "$(jq -r '.level + "\t" + .what' "$T/out")" "$(cat "$T/lines")"
	exits 0 spool check
	exits 100 spool prove "$T/nowhere"
	exits 100 spool prove --jsno "$S"
	exits 100 spool prove "$S" "$S"
	for url in sftp://nobody@127.0.0.1/spool https://127.0.0.1:1; do
		exits 100 spool -s $url prove
		has "$(cat "$T/err")" 'where it is mounted'
	done
}

t_faults() {
	as_mounted "$DISK"
	prove_bad 0
	is "$(grep -v '^ok' "$T/out")" ''
	is "$(cat "$T/err")" safe
	stamp
	prove_bad 1 copy nlink deaf clock ctime dirsync
	has "$(cat "$T/err")" 'unsafe: 3 of'
	said bad rename 'of 200 races 200 had two winners'
	said bad links 'with a second name 1'
	said bad fsync 'Input/output error'
	said warn inotify 'not told of'
	said warn clock '3600.0 s ahead'
	said warn ctime 'does not renew'
	is "$(bads)" 3
	tidy
	prove_bad 1 lost excl overlink watches 'case' swift
	said bad rename '200 none'
	said bad create '200 had two winners'
	said bad links 'a name that is taken'
	said warn fsync 'no disk is asked'
	said warn names 'are one file'
	said warn inotify 'no watch can be had'
	is "$(bads)" 3
	is "$(jq -c '[.safe, (.findings | map(select(.level == "bad")) | length)]' \
	    "$S/index/certificate.json")" '[false,3]'
	prove_bad 1 lied torn nolink short replace
	said warn rename '200 were told the wrong thing'
	said bad replace 'a file that was being replaced'
	said warn links 'no hard links'
	said bad no-replace 'has replaced'
	said bad directory 'of 300 files had 299'
	is "$(bads)" 3
	tidy
	# What the house knows how to live with is no reason to refuse.
	prove_bad 0 lied watches ctime clock 'case'
	has "$(cat "$T/err")" 'safe, with 5 warnings'
	is "$(jq .safe "$S/index/certificate.json")" true
}

t_mounts() {
	as_mounted '41 29 0:47 / /mnt/spool rw,relatime shared:22 - nfs4 fs:/export rw,vers=4.2,rsize=262144,wsize=262144,namlen=255,soft,nocto,proto=tcp,timeo=600,retrans=2,sec=sys,local_lock=none,addr=10.0.0.1'
	prove_bad 1
	said ok filesystem 'fs:/export, version 4.2'
	said bad option 'soft: '
	said bad option 'nocto: '
	said warn option 'up to 60 s late'
	said warn export 'exportfs -v'
	is "$(jq -r '.hosts[0].filesystem' "$S/index/certificate.json")" nfs4
	as_mounted "$DISK"
	if [ ! -s /var/lib/nfs/etab ]; then
		export BADFS_EXPORTS="$T/exports"
		printf '%s 10.0.0.0/8(rw,async) *(ro,sync)\n' "$T" >"$T/exports"
		prove_bad 1
		said bad export '10.0.0.0/8 with async'
		said ok export '* with sync'
	fi
}

held() { set -- "$S"/tmp/prove.*/s/s0; [ -e "$1" ]; }
no_room() { set -- "$S"/tmp/prove.*; [ ! -e "$1" ]; }
# It waits in its first fsync, in the middle of all.
stalled() {
	rm -f "$T/go"
	LD_PRELOAD="$T/badfs.so" BADFS=stall BADFS_GO="$T/go" spool prove "$S" >"$T/stalled" 2>"$T/stalled.err" &
	PROVE=$!
	soon held
}
t_killed() {
	as_mounted "$DISK"
	prove_bad 0
	cp "$S/index/certificate.json" "$T/certificate"
	stalled
	kill -TERM $PROVE
	: >"$T/go"
	_got=0
	wait $PROVE || _got=$?
	is $_got 111
	has "$(cat "$T/stalled.err")" stopped
	is "$(ls "$S/tmp")" ''
	cmp "$S/index/certificate.json" "$T/certificate"
	# Of one that was killed the next one clears up,
	stalled
	kill -KILL $PROVE
	wait $PROVE || :
	held
	exits 0 spool check
	prove_bad 0
	is "$(ls "$S/tmp")" ''
	# or a keeper; not of one that is at work.
	stalled
	live=$PROVE
	room=$(echo "$S"/tmp/prove.*)
	prove_bad 0
	[ -e "$room/s/s0" ] || fail 'the room of another is gone'
	kill -KILL $live
	wait $live || :
	start_spoold
	soon no_room
	stop "$SPOOLD"
}

# ---- several hosts: here several processes ----

# both FAULTS...: two of them, their words in out and out2; codes in CODE, CODE2
both() {
	_faults="$*"
	[ -e "$T/badfs.so" ] || prove_bad 0
	LD_PRELOAD="$T/badfs.so" BADFS="$_faults" spool prove --join "$S" >"$T/out2" 2>"$T/err2" &
	_other=$!
	CODE=0 CODE2=0
	LD_PRELOAD="$T/badfs.so" BADFS="$_faults" BADFS_MOUNT="$T/${HERE:-mountinfo}" \
	    spool prove --join "$S" >"$T/out" 2>"$T/err" || CODE=$?
	wait $_other || CODE2=$?
	cat "$T/out2" >>"$T/out"
	cat "$T/err2" >>"$T/err"
	has "$(cat "$T/err")" 'the other host has written it down'
	is "$(ls "$S/tmp")" '' 'tmp/'
}

t_hosts() {
	policy poll=0.1
	as_mounted "$DISK"
	both
	is "$CODE $CODE2" '0 0'
	said ok crowd '200 files that 2 hosts wanted had one winner each'
	said ok skew 'the same times'
	said ok reach 'of 32 changes'
	is "$(jq -c '[.safe, (.hosts | length), .lag.usual >= 0, .lag.most < 60, .skew < 1]' \
	    "$S/index/certificate.json")" '[true,2,true,true,true]'
	# Each sees late what the other did, and claims twice.
	both lag copy deaf
	is "$CODE $CODE2" '1 1'
	said bad crowd 'of 200 files that 2 hosts wanted 200 had two winners'
	said warn lag 'so poll 0.1 -> '
	said warn reach 'told of 0 of'
	# The mount of one of them is unsafe.
	echo '41 29 0:47 / /m rw - nfs4 fs:/x rw,vers=4.2,hard,nocto,acdirmax=1' >"$T/nocto"
	HERE=nocto both
	is "$CODE $CODE2" '1 1'
	is "$(jq -r '.safe, (.findings[] | select(.level == "bad") | .what)' "$S/index/certificate.json" |
	    tr '\n' ' ')" 'false option '
	exits 111 spool prove --join --timeout 0.1 "$S"
	has "$(cat "$T/err")" 'nobody else came'
	is "$(ls "$S/tmp")" '' 'tmp/'
}

# ---- what workers and spoold make of it ----

cert() { # JQ: the certificate, changed
	jq -c "$1" "$T/cert" >"$S/index/certificate.json"
}
# logs TEXT PROGRAM...: its first lines have TEXT, and it does its work
ran() { # TEXT or -
	: >"$T/worker.log"
	job x.sh | spool submit - >/dev/null
	drain
	[ "$1" = - ] || has "$(cat "$T/worker.log")" "$1"
	[ "$1" != - ] || hasnt "$(cat "$T/worker.log")" certificate
}
t_use() {
	script x.sh <<-'SH'
	#!/bin/sh
	SH
	ran -
	as_mounted "$DISK"
	prove_bad 0
	mv "$S/index/certificate.json" "$T/cert"
	unset BADFS_MOUNT
	# Of one host alone nothing follows,
	cert .
	ran -
	# nor of what is quicker than the policy.
	cert '. + {lag: {usual: 0.01, most: 0.02}, skew: 0.001}'
	ran -
	cert '. + {lag: {usual: 3, most: 30}, skew: 0}'
	ran 'poll 0.2 -> 3.001 s, settle 0.5 -> 60.001 s, lease 1 -> 90.401 s'
	start_spoold
	soon grep -q 'lease 1 -> 90.401 s' "$T/spoold.log"
	stop "$SPOOLD"
	cert '.safe = false'
	ran 'found unsafe by spool prove'
	cert '.hosts[0].magic = 4711'
	ran 'ignore index/certificate.json: it was made on ext4'
	cert '.when = "2020-01-01T00:00:00.000Z"'
	ran 'more than 90 days old; make it anew with: spool prove'
	echo '{"format":1,' >"$S/index/certificate.json"
	ran 'ignore index/certificate.json: '
	mkfifo "$T/fifo"
	mv -f "$T/fifo" "$S/index/certificate.json"
	ran 'ignore index/certificate.json: '
	count_is outcomes 9
}

# ---- doctor ----

t_doctor() {
	script x.sh <<-'SH'
	#!/bin/sh
	SH
	exits 0 spool doctor "$S"
	is "$(grep -cvP '^(ok|warn|bad)\t[a-z-]+\t[^\t]+\t[^\t]*$' "$T/out" || :)" 0 'odd lines'
	is "$(grep -c '^ok.program' "$T/out")" 3
	said ok layout whole
	said ok spoold 'does not run'
	said warn workers '0 at work'
	said ok certificate 'never proven'
	cut -f1,2 "$T/out" >"$T/lines"
	exits 0 spool -s "$S" doctor --json
	is "$(jq -r '.level + "\t" + .what' "$T/out")" "$(cat "$T/lines")"
	start_spoold
	start_worker
	soon sh -c 'spool doctor "$0" | grep -q "^ok.spoold.runs" && spool doctor "$0" | grep -q "^ok.workers.1 at work"' "$S"
	stop "$WORKER" "$SPOOLD"
	# All that is not as it should be.
	put=$S/assigned/50.20260102T030405678-0000000a.t1a0@gone-00000a.json
	job x.sh >"$put"
	echo junk >"$S/bad/x.json"
	echo '{"format":1,"when":"2026-01-01T00:00:00.000Z","safe":false,"hosts":[{"host":"a","filesystem":"nfs4","magic":1,"clock":0}]}' \
	    >"$S/index/certificate.json"
	: >"$S/tokens"
	chmod 644 "$S/tokens"
	chmod o+w "$S/scripts"
	exits 1 spool doctor "$S"
	said warn claim '20260102T030405678-0000000a is held by gone-00000a'
	said warn bad '1 files'
	said bad certificate 'proven unsafe'
	said bad tokens 'read by others'
	said warn scripts 'anybody may change'
	exits 1 spool doctor "$T/nowhere"
	said bad spool 'no'
	exits 1 spool doctor sftp://127.0.0.1:1/x
	said bad spool 127.0.0.1
	exits 100 spool doctor a b
}

run_stories "$@"
