#!/bin/sh
# Files over SFTP, with a real sshd: what a spool needs of them, whom we trust,
# who we are, and what becomes of it when the link breaks.
. "$TOP/tests/lib.sh"
. "$TOP/tests/sshd.sh"

PLAIN_ONLY="keys other_server silent_agent turned_away host_types"

# at STEP...: by the helper; its lines to $T/out
at() { sftp -i "$KEY" -k "$KNOWN" "$URL" "$@" >"$T/out" 2>"$T/err" || :; }
line() { sed -n "$1p" "$T/out"; }

t_files() {
	sshd_up
	echo hello >"$S/tmp/x"
	ln "$S/tmp/x" "$S/tmp/y"
	ln -s x "$S/tmp/sym"
	mkfifo "$S/tmp/fifo"
	at facts get tmp/x excl tmp/x no put tmp/z yes get tmp/z \
	    mv tmp/z tmp/x get tmp/x links tmp/x links tmp/y get tmp/nix \
	    mv tmp/nix tmp/x rm tmp/nix get tmp stat tmp
	is "$(line 1)" 'rename=yes durable=yes'
	is "$(line 2)" hello
	is "$(line 3)" 'no: File exists'
	is "$(line 4)" put
	is "$(line 5)" yes
	is "$(line 6)" moved
	is "$(line 7)" yes
	is "$(line 8)" 1
	is "$(line 9)" 1
	for _i in 10 11 12; do
		is "$(line $_i)" 'no: No such file or directory'
	done
	is "$(line 13)" 'no: Is a directory'
	has "$(line 14)" directory
	# What is planted neither hangs the server nor leads elsewhere.
	at get tmp/fifo get tmp/sym put tmp/fifo x put tmp/sym x get tmp/y
	is "$(line 1)" 'no: No such device or address'
	is "$(line 2)" 'no: Too many levels of symbolic links'
	is "$(line 3)" 'no: No such device or address'
	is "$(line 4)" 'no: Too many levels of symbolic links'
	is "$(line 5)" hello
	at mkdir new/d mkdir new/d ln tmp/y new/d/y ln tmp/y tmp/x \
	    links tmp/y rmdir new/d rm new/d/y rmdir new/d sync new sync .
	is "$(line 1)" made
	is "$(line 2)" 'no: File exists'
	is "$(line 3)" linked
	is "$(line 4)" 'no: File exists'
	is "$(line 5)" 2
	is "$(line 6)" 'no: Directory not empty'
	is "$(line 7)" gone
	is "$(line 8)" gone
	is "$(line 9)" synced
	is "$(line 10)" synced
}

# Many at once, long files, long listings, and the small ones pass.
t_many() {
	sshd_up
	mkdir "$S/a" "$S/b"
	for _i in $(seq 0 299); do echo "$_i" >"$S/a/$_i"; done
	head -c 5000001 /dev/urandom >"$S/big"
	: >"$S/empty"
	at many 300 ls a down big "$T/big" up "$T/big" tmp/big busy 4 \
	    down empty "$T/empty"
	is "$(line 1)" 300
	is "$(line 2)" ''
	is "$(line 6)" 'all answered'
	cmp "$S/big" "$T/big" || fail 'fetched another file'
	cmp "$S/big" "$S/tmp/big" || fail 'sent another file'
	is "$(wc -c <"$T/empty")" 0
	at ls b
	is "$(line 1 | wc -w)" 300
}

# known_hosts: a host that is not in there is refused, and one with another key
# in any case.
t_hosts() {
	sshd_up
	_host="[127.0.0.1]:$SSHD_PORT"
	cp "$KNOWN" "$T/good"

	: >"$KNOWN"
	at get spool.json
	has "$(cat "$T/out")" "never: the host key of $_host is not known"
	is "$(wc -c <"$KNOWN")" 0

	# Noted once, known from then on; what stood there stays.
	KNOWN=$T/dir/known
	mkdir "$T/dir"
	printf '# mine' >"$KNOWN"
	sftp -a -i "$KEY" -k "$KNOWN" "$URL" facts >"$T/out"
	has "$(line 1)" rename=yes
	is "$(wc -l <"$KNOWN")" 2
	is "$(tail -n 1 "$KNOWN")" "$(cat "$T/good")"
	at facts
	has "$(line 1)" rename=yes

	ssh-keygen -q -H -f "$KNOWN" >/dev/null 2>&1
	hasnt "$(cat "$KNOWN")" 127.0.0.1
	at facts
	has "$(line 1)" rename=yes

	# Another key: also with --accept-new, and also of another type.
	ssh-keygen -q -t ed25519 -N '' -f "$T/other"
	for _type in ed25519 ecdsa; do
		rm -f "$T/other" "$T/other.pub"
		ssh-keygen -q -t "$_type" -N '' -f "$T/other"
		echo "$_host $(cut -d' ' -f1,2 "$T/other.pub")" >"$KNOWN"
		sftp -a -i "$KEY" -k "$KNOWN" "$URL" facts >"$T/out" || :
		has "$(cat "$T/out")" "never: $_host shows another host key"
		has "$(cat "$T/out")" "$KNOWN line 1"
		is "$(wc -l <"$KNOWN")" 1
	done
	{ cat "$T/good"; sed 's/^/@revoked /' "$T/good"; } >"$KNOWN"
	at facts
	has "$(cat "$T/out")" 'never: the key of'
	has "$(cat "$T/out")" revoked
	# The same host on the usual port is another one.
	sed 's/^[^ ]*/127.0.0.1/' "$T/good" >"$KNOWN"
	at facts
	has "$(cat "$T/out")" 'is not known'
}

# A host with several keys shows the one that we know.
t_host_types() {
	sshd_make
	ssh-keygen -q -t ecdsa -N '' -f "$SSHD/host2"
	sshd_up "HostKey $SSHD/host2"
	echo "[127.0.0.1]:$SSHD_PORT $(cut -d' ' -f1,2 "$SSHD/host2.pub")" \
	    >"$KNOWN"
	at facts
	has "$(line 1)" rename=yes
}

# The key that the server has let somebody in with, the last time.
let_in() { sed -n 's/.*Accepted publickey .*\(SHA256:[A-Za-z0-9+/]*\).*/\1/p' "$SSHD/log" | tail -n 1; }
print_of() { ssh-keygen -l -f "$1" | cut -d' ' -f2; }

# Our keys: the agent's first, then those in ~/.ssh; one that is named, alone.
t_keys() {
	sshd_up
	export HOME="$T/home"
	mkdir -p "$HOME/.ssh"
	unset SPOOL_IDENTITY
	ssh-keygen -q -t ed25519 -N '' -f "$T/stranger"

	sftp -i "$T/stranger" "$URL" facts >"$T/out" || :
	has "$(cat "$T/out")" 'never: root@127.0.0.1 port'
	has "$(cat "$T/out")" "lets us in with no key of ours (tried: $T/stranger)"
	sftp -i "$T/nix" "$URL" facts >"$T/out" || :
	has "$(cat "$T/out")" "$T/nix (not readable, or with a passphrase)"
	sftp "$URL" facts >"$T/out" || :
	has "$(cat "$T/out")" '(tried: none)'

	cp "$KEY" "$HOME/.ssh/id_ed25519"
	sftp "$URL" facts >"$T/out"
	has "$(line 1)" rename=yes
	cp "$KNOWN" "$HOME/.ssh/known_hosts"
	(unset SPOOL_KNOWN_HOSTS; sftp "$URL" facts >"$T/out")
	has "$(line 1)" rename=yes

	# By the agent alone, and before a file that would do, too.
	rm "$HOME/.ssh/id_ed25519"
	eval "$(ssh-agent -a "$T/agent")" >/dev/null
	trap 'kill "$SSH_AGENT_PID"; sshd_gone' EXIT
	ssh-add -q "$T/stranger" "$KEY" 2>/dev/null
	sftp "$URL" facts >"$T/out"
	has "$(line 1)" rename=yes
	ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_ed25519"
	cat "$HOME/.ssh/id_ed25519.pub" >>"$SSHD/authorized"
	sftp "$URL" facts >"$T/out"
	has "$(line 1)" rename=yes
	is "$(let_in)" "$(print_of "$KEY")" 'let in by'
	(unset SSH_AUTH_SOCK; sftp "$URL" facts >"$T/out")
	is "$(let_in)" "$(print_of "$HOME/.ssh/id_ed25519")" 'let in by'
	rm "$HOME/.ssh/id_ed25519" "$HOME/.ssh/id_ed25519.pub"
	ssh-add -q -D 2>/dev/null
	ssh-add -q "$T/stranger" 2>/dev/null
	sftp "$URL" facts >"$T/out" || :
	has "$(cat "$T/out")" "(tried: the agent's keys)"
}

# It hangs up when too many log in at once: come again.
t_turned_away() {
	MAX_STARTUPS=1
	sshd_up
	"$PYTHON" -c 'import os, socket, sys, time
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
open(sys.argv[2], "wb").write(s.recv(100))
while not os.path.exists(sys.argv[3]): time.sleep(0.02)' \
	    "$SSHD_PORT" "$T/in" "$T/let" &
	PIDS="$PIDS $!"
	soon test -s "$T/in"
	sftp "$URL" facts >"$T/out" &
	PIDS="$PIDS $!"
	soon grep -q 'drop connection' "$SSHD/log"
	: >"$T/let"
	soon test -s "$T/out"
	has "$(line 1)" rename=yes
}

# An agent that asks somebody who is not there.
t_silent_agent() {
	sshd_up
	unset SPOOL_IDENTITY
	"$PYTHON" -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(5)
time.sleep(1000)' "$T/agent" &
	PIDS="$PIDS $!"
	soon test -e "$T/agent"
	SSH_AUTH_SOCK="$T/agent" SPOOL_TIMEOUT=0.5 timeout 60 sftp "$URL" facts \
	    >"$T/out" || :
	has "$(cat "$T/out")" 'later: 127.0.0.1: the resolver or the SSH agent'
}

# A server that knows less: no rename in one step, no fsync.
t_other_server() {
	SFTP_ARGS='-P posix-rename,fsync,statvfs,hardlink,limits'
	sshd_up
	echo one >"$S/tmp/x"
	echo two >"$S/tmp/y"
	at facts mv tmp/x tmp/z get tmp/z mv tmp/nix tmp/w \
	    mv tmp/y tmp/z get tmp/z sync tmp ln tmp/z tmp/l stat tmp/z
	is "$(line 1)" 'rename=no durable=unknown'
	is "$(line 3)" one
	is "$(line 4)" 'no: No such file or directory'
	is "$(line 5)" moved
	is "$(line 6)" two
	is "$(line 7)" 'no: Operation not supported'
	is "$(line 8)" 'no: Operation not supported'
	# Over what may be the very same file, half renamed, nothing goes.
	echo half >"$S/tmp/a"
	ln "$S/tmp/a" "$S/tmp/b"
	at mv tmp/a tmp/b get tmp/a get tmp/b
	is "$(line 1)" 'no: Device or resource busy'
	is "$(line 2)" half
	is "$(line 3)" half
}

downs_are() { [ "$(grep -c 'link down' "$T/err")" = "$1" ]; }

# The connection is cut: what was open is lost, the rest comes back.
t_cut() {
	sshd_up
	echo hello >"$S/tmp/x"
	sftp -i "$KEY" -k "$KNOWN" "$URL" open tmp/x until "$T/1" more \
	    away back more get tmp/x until "$T/2" away until "$T/3" \
	    back get tmp/x >"$T/out" 2>"$T/err" &
	_helper=$!
	PIDS="$PIDS $_helper"
	soon test -s "$T/out"
	sshd_cut
	# It notices by itself.
	soon downs_are 1
	: >"$T/1"
	soon grep -q hello "$T/out"
	is "$(line 2)" 'no: Input/output error'
	is "$(line 4)" back
	is "$(line 5)" 'no: Input/output error'
	is "$(line 6)" hello

	# Away for longer.
	sshd_down
	soon downs_are 2
	: >"$T/2"
	soon grep -q 'Host is down, at once' "$T/out"
	sshd_again
	: >"$T/3"
	wait "$_helper" || fail 'the helper failed'
	is "$(tail -n 1 "$T/out")" hello
	has "$(cat "$T/err")" 'link up'
}

# Nothing answers any more, though the connection stands: the deadline.
t_frozen() {
	sshd_up
	echo hello >"$S/tmp/x"
	SPOOL_TIMEOUT=0.5 sftp -i "$KEY" -k "$KNOWN" "$URL" get tmp/x \
	    until "$T/1" get tmp/x away until "$T/2" back get tmp/x \
	    >"$T/out" 2>"$T/err" &
	_helper=$!
	PIDS="$PIDS $_helper"
	soon grep -q hello "$T/out"
	_froze=$(sshd_sessions)
	# shellcheck disable=SC2086
	kill -STOP "$SSHD_PID" $_froze
	: >"$T/1"
	soon grep -q 'at once' "$T/out"
	is "$(line 2)" 'no: Host is down'
	is "$(line 3)" 'Host is down, at once'
	soon grep -q 'no answer in 500 ms' "$T/err"
	# shellcheck disable=SC2086
	kill -CONT "$SSHD_PID" $_froze
	: >"$T/2"
	wait "$_helper" || fail 'the helper failed'
	is "$(tail -n 1 "$T/out")" hello
}

# Nobody listens, and a host that is none.
t_nobody() {
	sshd_up
	sshd_down
	at facts
	has "$(cat "$T/out")" "later: 127.0.0.1 port $SSHD_PORT: Connection refused"
	URL=sftp://root@no-such-host.invalid/spool
	at facts
	has "$(cat "$T/out")" 'later: no-such-host.invalid: '
	URL=sftp://root:secret@127.0.0.1/spool
	at facts
	has "$(cat "$T/out")" 'passwords are not used, keys are'
}

run_stories "$@"
