# lib.sh - what every flow scenario stands on.  A scenario file is
#
#	. "$TOP/tests/lib.sh"
#	t_name() { ...; }		one story; the first failing check ends it
#	run_stories "$@"		each in a fresh spool, with a deadline
#
# BIN is the folder of the programs, TOP the checkout.  Nothing here sleeps to
# let something happen: `until_` waits for a condition with a deadline.
# shellcheck shell=sh disable=SC2034

set -u
: "${TOP:?}" "${BIN:?}"
# The system's programs first: a wrapper in PATH may be a slow script.
PATH=$BIN:$BIN/helpers:/usr/bin:$PATH
export PATH
SKIPS_ALLOWED=${SKIPS_ALLOWED:-$TOP/tests/skips}

PLAIN_ONLY=${PLAIN_ONLY:-}

# Seconds that a condition may take: long, for a disk that others keep busy.
DEADLINE=${DEADLINE:-60}
case $BIN in */san|*/tsan|*/cov) DEADLINE=$((DEADLINE * 2));; esac

# What workerd needs when the tests run as root.
ROOTOK=
[ "$(id -u)" != 0 ] || ROOTOK=--allow-root

# A python for scripts of tests, no packages needed: the program itself.
PYTHON=$(command -v python3) || PYTHON=python3
[ "$PYTHON" = /usr/bin/python3 ] ||
    PYTHON=$(python3 -c 'import sys; print(sys.executable)' || echo python3)

fail() {
	echo "    failed: $*" >&2
	exit 1
}

skip() {
	echo "$*" >"$T/skip"
	exit 0
}

# until_ SECONDS COMMAND...: true as soon as the command is, else fail.  What is
# forked here is forked often: no clock but the kernel's, and longer naps later.
until_() {
	read -r _now _idle </proc/uptime
	_end=$((${_now%.*} + $1 + 1))
	_naps='.02 .03 .04 .06 .06 .06 .06 .06 .1 .1 .1 .1 .1 .1 .1 .2'
	shift
	while ! "$@" >/dev/null 2>&1; do
		read -r _now _idle </proc/uptime
		[ "${_now%.*}" -lt $_end ] || fail "never came true: $*"
		sleep "${_naps%% *}"
		_naps=${_naps#* }
	done
}

# soon COMMAND...: until_ with the usual deadline
soon() { until_ "$DEADLINE" "$@"; }

is() { [ "$1" = "$2" ] || fail "${3:-value}: wanted '$2', got '$1'"; }

has() { case $1 in *"$2"*) ;; *) fail "no '$2' in: $1";; esac; }

hasnt() { case $1 in *"$2"*) fail "unwanted '$2' in: $1";; esac; }

# exits CODE COMMAND...: its exit status, whatever it prints
exits() {
	_want=$1
	shift
	_got=0
	"$@" >"$T/out" 2>"$T/err" || _got=$?
	[ "$_got" = "$_want" ] || {
		sed 's/^/      /' "$T/err" >&2
		fail "exit $_got, wanted $_want: $*"
	}
}

# policy KEY=VALUE...: a spool.json for impatient people
policy() {
	{
		printf '{"format":1'
		for _kv in "$@"; do
			printf ',"%s":%s' "${_kv%%=*}" "${_kv#*=}"
		done
		echo '}'
	} >"$S/spool.json"
}

fast_policy() {
	policy lease=1 beat=0.2 settle=0.5 attempts=3 backoff=0.1 \
	    backoffMax=1 halfRename=1 poll=0.2
}

# script NAME <text: a script in the spool
script() {
	cat >"$S/scripts/$1"
	chmod +x "$S/scripts/$1"
}

# job SCRIPT [extra JSON members]: the text of a job
job() { printf '{"scriptName":"%s"%s}\n' "$1" "${2:+,$2}"; }

# ACTOR_ENV: environment of the next one started (SPOOL_CRASH=...).
start_spoold() {
	env ${ACTOR_ENV:-} spoold ${1+"$@"} "$S" >>"$T/spoold.log" 2>&1 &
	SPOOLD=$!
	PIDS="$PIDS $SPOOLD"
}

start_worker() {
	env ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" --python "$PYTHON" \
	    ${1+"$@"} "$S" >>"$T/worker.log" 2>&1 &
	WORKER=$!
	PIDS="$PIDS $WORKER"
}

# Run a worker until nothing is left; in the foreground.
drain() {
	timeout $((DEADLINE * 3)) workerd $ROOTOK --work "$T/work" \
	    --python "$PYTHON" --drain ${1+"$@"} "$S" >>"$T/worker.log" 2>&1
}

# Is it of this story?  The number of one that has ended may be another's now,
# also of somebody who has nothing to do with us.
ours() { [ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)" = "$STORY" ]; }

stop() { # PID...: SIGTERM and wait
	for _p in "$@"; do
		! ours "$_p" || kill -TERM "$_p" 2>/dev/null || :
		wait "$_p" 2>/dev/null || :
	done
}

# What is left where jobs work; the cache stays.
work_left() { find "$T/work" -mindepth 1 -maxdepth 1 ! -name 'spool-cache.*'; }
no_work_left() { [ -z "$(work_left)" ]; }

count() { find "$S/$1" -type f -name '[!.]*' 2>/dev/null | wc -l; }
count_is() { [ "$(count "$1")" = "$2" ]; }
# How many outcomes there are; asked often, so that nothing is forked for it.
outcomes_are() { _n=$1; set -- "$S"/outcomes/2*.json; [ -e "$1" ] || shift; [ $# = "$_n" ]; }
over() { [ -e "$S/outcomes/$1.json" ]; }
status_of() { jq -r .status "$S/outcomes/$1.json"; }
# The only outcome there is.
outcome() { cat "$S"/outcomes/2*.json; }
# Gone, or a zombie that nobody has waited for.
dead() {
	_state=Z
	! kill -0 "$1" 2>/dev/null || while read -r _key _state _more; do
		[ "$_key" != State: ] || break
	done 2>/dev/null <"/proc/$1/status" || :
	[ "$_state" = Z ]
}

# The three promises, from the files alone (tests/promises).
promises() { sh "$TOP/tests/promises" "$S" "$@" || fail "a promise is broken"; }

end_all() {
	for _p in $PIDS; do ! ours "$_p" || kill -KILL "$_p" 2>/dev/null || :; done
	wait 2>/dev/null || :
}

one_story() {
	T=$(mktemp -d "${TMPDIR:-/tmp}/spool-test.XXXXXX") || exit 1
	S=$T/spool
	mkdir "$T/work"
	PIDS=
	export SPOOL_DIR="$S"
	(
		set -e
		read -r STORY _ </proc/self/stat
		trap end_all EXIT
		trap 'exit 1' INT TERM
		spool init "$S" >/dev/null
		fast_policy
		"$1"
	) >"$T/story.log" 2>&1 </dev/null
	_rc=$?
	_label="$(basename "$0" .sh).${1#t_} [$(basename "$BIN")]"
	if [ -s "$T/skip" ]; then
		echo "SKIP $_label: $(cat "$T/skip")"
	elif [ $_rc = 0 ]; then
		# A sanitizer's word in any log is a failure of the story.
		if grep -lqE 'Sanitizer|runtime error:' "$T"/*.log; then
			_rc=1
		elif [ -s "$T/rows" ]; then
			# A table: each row is a test of its own.
			sed "s#^#ok   $_label #; s#\$# #; s# \$##" "$T/rows" |
			    sed -E 's/^(ok   [^ ]*) (\[[a-z]*\]) (.*)$/\1.\3 \2/'
		else
			echo "ok   $_label"
		fi
	fi
	if [ $_rc != 0 ]; then
		echo "FAIL $_label"
		for _f in "$T"/story.log "$T"/worker.log "$T"/spoold.log; do
			[ -s "$_f" ] || continue
			echo "  --- ${_f##*/}"
			tail -n 25 "$_f" | sed 's/^/  /'
		done
		[ -z "${KEEP:-}" ] || { echo "  kept in $T"; return; }
	fi
	rm -rf "$T"
}

# Every t_ function of the file, or those named.
run_stories() {
	if [ $# = 0 ]; then
		# shellcheck disable=SC2046
		set -- $(sed -n 's/^\(t_[a-z0-9_]*\)().*/\1/p' "$0")
	fi
	for _s in "$@"; do
		# Stories in which scripts do most of the work run once, plain.
		case $BIN/\ $PLAIN_ONLY\  in
		*/san/*\ "${_s#t_}"\ *) continue ;;
		esac
		one_story "t_${_s#t_}"
	done
}
