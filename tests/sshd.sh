# sshd.sh - a throw-away sshd on 127.0.0.1, for what goes over SFTP: its own
# keys, its own port, a chroot with nothing but internal-sftp in it.  For
# stories (tests/lib.sh):
#
#	. "$TOP/tests/sshd.sh"
#	sshd_up [LINE...]	lines of sshd_config; skips the story where
#				there is no sshd or we are not root
#	$URL			of $S, as the server shows it; $KEY, $KNOWN the
#				client's key and known_hosts with its key
#	sshd_down		and its sessions; the story's end does that too
#	sshd_again		it comes back, on the same port
#
# MAX_STARTUPS: connections that may be logging in at once.
# SFTP_ARGS: arguments of internal-sftp (-P posix-rename: not that); SSHD_ENV:
# the environment of sshd.
#
# The chroot is $SSHD/root; the spool is moved there and $S becomes a link to it.
# shellcheck shell=sh disable=SC2034

SSHD_PROGRAM=$(command -v sshd || echo /usr/sbin/sshd)

# Who logs in must be somebody in passwd; the tests run as root, so root it is,
# by key alone.  Every folder above a chroot must be root's: not in /tmp.
sshd_make() {
	[ -z "${SSHD:-}" ] || return 0
	[ "$(id -u)" = 0 ] || skip "no sshd with a chroot without root"
	[ -x "$SSHD_PROGRAM" ] || skip "no sshd here"
	command -v ssh-keygen >/dev/null || skip "no ssh-keygen here"
	mkdir -p /run/sshd
	SSHD=$(mktemp -d /run/spool-sshd.XXXXXX)
	chmod 755 "$SSHD"
	trap sshd_gone EXIT
	mkdir -m 755 "$SSHD/root"
	# The spool goes into the chroot; its old path leads there.
	mv "$S" "$SSHD/root/spool"
	ln -s "$SSHD/root/spool" "$S"
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD/host"
	ssh-keygen -q -t ed25519 -N '' -f "$SSHD/id"
	cp "$SSHD/id.pub" "$SSHD/authorized"
	KEY=$SSHD/id
	KNOWN=$SSHD/known
}

sshd_start() {
	env ${SSHD_ENV:-} "$SSHD_PROGRAM" -f "$SSHD/config" -E "$SSHD/log" -D &
	SSHD_PID=$!
	PIDS="$PIDS $SSHD_PID"
}

sshd_answers() { "$PYTHON" -c "
import socket, sys
s = socket.create_connection(('127.0.0.1', $SSHD_PORT), 2)
sys.exit(s.recv(4) != b'SSH-')"; }

# A configuration: what is always so, and standard input.
sshd_config() {
	SSHD_PORT=$("$PYTHON" -c "
import socket
s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
	cat - <<-X
	Port $SSHD_PORT
	ListenAddress 127.0.0.1
	HostKey $SSHD/host
	PidFile none
	UsePAM no
	PasswordAuthentication no
	KbdInteractiveAuthentication no
	PermitRootLogin prohibit-password
	MaxStartups ${MAX_STARTUPS:-100}
	LogLevel VERBOSE
	Subsystem sftp internal-sftp
	X
	cat
}

# With that of "$SSHD/config".
sshd_begin() {
	"$SSHD_PROGRAM" -t -f "$SSHD/config" || fail "sshd takes no such config"
	sshd_start
	soon sshd_answers
	printf '[127.0.0.1]:%s %s\n' "$SSHD_PORT" \
	    "$(cut -d' ' -f1,2 "$SSHD/host.pub")" >"$KNOWN"
	export SPOOL_IDENTITY="$KEY" SPOOL_KNOWN_HOSTS="$KNOWN"
	unset SSH_AUTH_SOCK
}

sshd_up() {
	sshd_make
	sshd_config >"$SSHD/config" <<-X
	$(for _l; do echo "$_l"; done)
	AuthorizedKeysFile $SSHD/authorized
	StrictModes no
	ChrootDirectory $SSHD/root
	ForceCommand internal-sftp ${SFTP_ARGS:-}
	X
	sshd_begin
	URL=sftp://root@127.0.0.1:$SSHD_PORT/spool
}

# Processes of this sshd: itself, and one or two for each connection.
sshd_sessions() {
	ours "$SSHD_PID" || return 0 # its number may be another's by now
	ps -eo pid=,ppid= | awk -v top="$SSHD_PID" '
	    { up[$1] = $2 }
	    END { for (p in up) { q = p
		while (q > 1 && q != top) q = up[q]
		if (q == top && p != top) print p } }'
}

# Connections are cut; it goes on listening.
sshd_cut() {
	# shellcheck disable=SC2046
	kill -KILL $(sshd_sessions) 2>/dev/null || :
}

sshd_down() {
	_all="$(sshd_sessions)"
	! ours "$SSHD_PID" || kill -KILL "$SSHD_PID" 2>/dev/null || :
	# shellcheck disable=SC2086
	[ -z "$_all" ] || kill -KILL $_all 2>/dev/null || :
	wait "$SSHD_PID" 2>/dev/null || :
}

sshd_gone() {
	[ -z "${SSHD_PID:-}" ] || sshd_down
	end_all
	rm -rf "$SSHD"
}

sshd_again() {
	sshd_start
	soon sshd_answers
}
