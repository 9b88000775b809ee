# media.sh - the ways by which a worker reaches a spool, under one set of words,
# so that a story can be told over each of them:
#
#	medium NAME		set it up; sets URL
#	far_worker [options]	a worker called "far" over it; its pid is FAR
#	sever, freeze		the link is down: calls fail at once, or late
#	mute			requests arrive, answers do not (not dir)
#	heal			it is there again
#	net WORDS		as tests/helpers/proxy.c has it (not dir)
#	server_down, server_up	what answers there is killed; is back
#
# dir: tests/shim/away.c between the worker and the directory.
# sftp: an sshd of our own (tests/sshd.sh) behind the proxy.
# http: a spool-httpd of our own behind it.
# shellcheck shell=sh disable=SC2034

. "$TOP/tests/sshd.sh"

MEDIA=${MEDIA:-dir sftp http}
MEDIUM=
NOT_OVER_DIR= # stories for which it takes a server

medium() {
	MEDIUM=$1
	medium_"$1"
}

# ---- dir ----

medium_dir() {
	URL=$S
	${CC:-cc} -O1 -shared -fPIC -o "$T/away.so" "$TOP/tests/shim/away.c" -ldl
	FAR_ENV="LD_PRELOAD=$T/away.so AWAY=$T/away AWAY_ROOT=$S
	    ASAN_OPTIONS=verify_asan_link_order=0"
}
sever_dir() { echo 0 >"$T/away.tmp" && mv "$T/away.tmp" "$T/away"; }
freeze_dir() { echo 600000 >"$T/away.tmp" && mv "$T/away.tmp" "$T/away"; }
heal_dir() { rm -f "$T/away"; }

# ---- what goes over TCP ----

# proxy_up PORT [CONTROL]: PROXY_PORT leads there
proxy_up() {
	LINK=${2:-$T/link}
	proxy "$1" "$LINK" >"$LINK.port" 2>>"$T/proxy.log" &
	PIDS="$PIDS $!"
	soon test -s "$LINK.port"
	PROXY_PORT=$(cat "$LINK.port")
}
net() {
	echo "$*" >"$LINK.new"
	mv "$LINK.new" "$LINK"
	soon cmp -s "$LINK" "$LINK.seen"
}

medium_sftp() {
	sshd_up
	proxy_up "$SSHD_PORT"
	sed "s/:$SSHD_PORT /:$PROXY_PORT /" "$KNOWN" >"$KNOWN.more"
	cat "$KNOWN.more" >>"$KNOWN"
	URL=sftp://root@127.0.0.1:$PROXY_PORT/spool
	FAR_ENV=
}
sever_sftp() { net cut; }
freeze_sftp() { net freeze; }
heal_sftp() { net pass; }
server_down_sftp() { sshd_down; }
server_up_sftp() { sshd_again; }

shim_up() {
	: >"$T/httpd.log" # or the last one's first line is taken for its
	# shellcheck disable=SC2086
	env ${ACTOR_ENV:-} spool-httpd -v --listen "127.0.0.1:${SHIM_PORT:-0}" "$S" >>"$T/httpd.log" 2>&1 &
	SHIM=$!
	PIDS="$PIDS $SHIM"
	soon grep -q 'start spool=.* listen=http:.* tokens=' "$T/httpd.log"
	SHIM_PORT=$(sed -n 's/.* listen=http:[^ ]*:\([0-9]*\).*/\1/p' "$T/httpd.log")
}
medium_http() {
	shim_up
	proxy_up "$SHIM_PORT"
	URL=http://127.0.0.1:$PROXY_PORT
	FAR_ENV=
}
sever_http() { net cut; }
freeze_http() { net freeze; }
heal_http() { net pass; }
server_down_http() {
	kill -KILL "$SHIM"
	wait "$SHIM" 2>/dev/null || :
}
server_up_http() { shim_up; }

# ---- all ----

far_worker() {
	# shellcheck disable=SC2086
	env $FAR_ENV ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" \
	    --python "$PYTHON" --name far ${1+"$@"} "$URL" >>"$T/worker.log" 2>&1 &
	FAR=$!
	PIDS="$PIDS $FAR"
}
sever() { sever_"$MEDIUM"; }
freeze() { freeze_"$MEDIUM"; }
heal() { heal_"$MEDIUM"; }
mute() { net mute; }
server_down() { server_down_"$MEDIUM"; }
server_up() { server_up_"$MEDIUM"; }

# Every story t_NAME of a file as t_MEDIUM_NAME; run_media "$@" ends the file.
run_media() {
	for _m in $MEDIA; do
		for _s in $(sed -n 's/^story_\([a-z0-9_]*\)().*/\1/p' "$0"); do
			case "$_m  $NOT_OVER_DIR " in "dir "*" $_s "*) continue ;; esac
			eval "t_${_m}_$_s() { medium $_m; story_$_s; }"
			ALL_STORIES="${ALL_STORIES:-} ${_m}_$_s"
		done
	done
	# shellcheck disable=SC2086
	[ $# != 0 ] || set -- $ALL_STORIES
	run_stories "$@"
}
