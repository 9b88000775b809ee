# media.sh - the ways by which a worker reaches a spool, under one set of words,
# so that a story can be told over each of them:
#
#	medium NAME		set it up; sets URL
#	far_worker [options]	a worker called "far" over it; its pid is FAR
#	cut, freeze		the link is down: calls fail at once, or late
#	heal			it is there again
#
# dir: tests/shim/away.c between the worker and the directory.
# shellcheck shell=sh disable=SC2034

MEDIA='dir'
MEDIUM=

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
cut_dir() { echo 0 >"$T/away.tmp" && mv "$T/away.tmp" "$T/away"; }
freeze_dir() { echo 2000 >"$T/away.tmp" && mv "$T/away.tmp" "$T/away"; }
heal_dir() { rm -f "$T/away"; }

# ---- all ----

far_worker() {
	# shellcheck disable=SC2086
	env $FAR_ENV ${ACTOR_ENV:-} workerd $ROOTOK --work "$T/work" \
	    --python "$PYTHON" --name far ${1+"$@"} "$URL" >>"$T/worker.log" 2>&1 &
	FAR=$!
	PIDS="$PIDS $FAR"
}
cut() { cut_"$MEDIUM"; }
freeze() { freeze_"$MEDIUM"; }
heal() { heal_"$MEDIUM"; }

# Every story t_NAME of a file as t_MEDIUM_NAME; run_media "$@" ends the file.
run_media() {
	for _m in $MEDIA; do
		for _s in $(sed -n 's/^story_\([a-z0-9_]*\)().*/\1/p' "$0"); do
			eval "t_${_m}_$_s() { medium $_m; story_$_s; }"
			ALL_STORIES="${ALL_STORIES:-} ${_m}_$_s"
		done
	done
	# shellcheck disable=SC2086
	[ $# != 0 ] || set -- $ALL_STORIES
	run_stories "$@"
}
