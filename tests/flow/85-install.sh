# What is installed, what it is made of, and building it elsewhere.  Nothing of
# this depends on the variant, so it is run once.
. "$TOP/tests/lib.sh"
case $BIN in */plain) ;; *) exit 0 ;; esac
BUILD=${BIN%/*}
CRASHBIN=${CRASHBIN:-$BUILD/crash}
# make check is a make itself: ours is not its child.
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES VARIANT DESTDIR PREFIX || :

PAGES='man1/spool.1 man5/spool.5 man7/spool.7 man7/spool-cookbook.7 man8/spool-httpd.8 man8/spoold.8 man8/workerd.8'
PROGRAMS='spool spool-httpd spoold workerd'
FAR='spool workerd'

row_done() { echo "$1" >>"$T/rows"; }
# The checkout without what was built in it, times and all.
copy() {
	mkdir "$T/src"
	(cd "$TOP" && tar -cf - --exclude ./build --exclude ./.git .) | (cd "$T/src" && tar -xpf -)
}
not_written_to() { # DIRECTORY: nothing in it is newer than $T/stamp
	is "$(find "$1" -newer "$T/stamp" -type f)" '' "written into $1"
}

# ---- make install ----

t_install() {
	copy
	touch "$T/stamp"
	# Elsewhere, with the objects that are there already (what they depend on is
	# told from where they were made).
	mkdir -p "$T/tree/build"
	cp -a "$BIN" "$T/tree/build/plain"
	find "$T/tree/build" -name '*.d' -type f -delete
	cd "$T/tree" || exit
	make -f "$T/src/Makefile" install DESTDIR="$T/root" PREFIX=/usr >"$T/make.out" 2>&1 ||
	    { tail -n 5 "$T/make.out"; fail 'make install'; }
	{
		for p in $PROGRAMS; do echo "usr/bin/$p"; done
		for p in $FAR workerd-as; do echo "usr/libexec/spool/$p"; done
		for p in $PAGES; do echo "usr/share/man/$p"; done
		for p in bash-completion/completions/spool zsh/site-functions/_spool \
		    fish/vendor_completions.d/spool.fish; do echo "usr/share/$p"; done
	} | LC_ALL=C sort >"$T/want"
	(cd "$T/root" && find . -type f | sed 's#^\./##' | LC_ALL=C sort) >"$T/got"
	diff "$T/want" "$T/got" || fail 'other files than these'
	for p in $PROGRAMS; do
		is "$(stat -c %a "$T/root/usr/bin/$p")" 755 "$p"
	done
	for p in $PAGES; do is "$(stat -c %a "$T/root/usr/share/man/$p")" 644 "$p"; done
	not_written_to "$T/src"

	# They say which version they are, and do the main job.
	version=$(sed -n 's/^#define SP_VERSION "\(.*\)"/\1/p' "$TOP/libspool/version.h")
	has "$version" .
	for p in $PROGRAMS; do is "$("$T/root/usr/bin/$p" --version)" "$p $version"; done
	grep -q "$version" "$TOP/NEWS.md" || fail "NEWS.md does not know $version"
	PATH=$T/root/usr/bin:/usr/bin:/bin
	is "$(command -v workerd)" "$T/root/usr/bin/workerd"
	script ok.sh <<-'SH'
	#!/bin/sh
	echo '{"loss":1}'
	SH
	job ok.sh >"$S/new/a.json"
	drain
	is "$(outcome | jq -r .status)" 200

	# Over there they are others, which must be there.
	for p in $FAR; do
		is "$(stat -c %a "$T/root/usr/libexec/spool/$p")" 755 "$p"
		is "$("$T/root/usr/libexec/spool/$p" --version)" "$p $version"
	done
	exits 111 spool -s http://127.0.0.1:1/ ls
	exits 111 workerd $ROOTOK --work "$T/work" http://127.0.0.1:1/
	# What few verbs stand on is loaded for these alone.
	for p in curl ssh2 ncursesw yaml; do
		has "$(ldd "$T/root/usr/libexec/spool/spool")" "lib$p"
		hasnt "$(ldd "$T/root/usr/bin/spool")" "lib$p"
	done
	mv "$T/root/usr/libexec/spool" "$T/root/usr/libexec/no"
	exits 100 spool -s http://127.0.0.1:1/ ls
	has "$(cat "$T/err")" 'libexec/spool/spool: No such file'
	exits 100 env SPOOL_DIR=sftp://x@127.0.0.1/ spool ls
	exits 100 workerd $ROOTOK http://127.0.0.1:1/
	has "$(cat "$T/err")" 'libexec/spool/workerd: No such file'
	# What only looks like a URL needs them as well; a path does not.
	exits 0 spool ls
	exits 0 spool -s "$S" ls
	mv "$T/root/usr/libexec/no" "$T/root/usr/libexec/spool"

	make -f "$T/src/Makefile" uninstall DESTDIR="$T/root" PREFIX=/usr >/dev/null
	is "$(find "$T/root" -type f)" '' 'left by uninstall'
}

# ---- man ----

t_man() {
	command -v mandoc >/dev/null || fail 'no mandoc (tools/packages names it)'
	for p in $PAGES; do
		f=$TOP/man/${p##*/}
		[ -s "$f" ] || fail "no $f"
		is "$(mandoc -Tlint -Wwarning "$f" 2>&1)" '' "$f"
		row_done "${p##*/}"
	done
	is "$(ls "$TOP/man" | wc -l)" "$(echo "$PAGES" | wc -w)" 'pages'
	# Each option that the programs tell of stands in its page, and each verb.
	verbs=$(spool help | sed -n 's/^  \([a-z]*\)  .*/\1/p' | grep -v '^spool$')
	is "$(($(echo "$verbs" | wc -w) + 1))" "$(grep -c '^	&verb_' "$TOP/tools/main.c")"
	MANWIDTH=200 mandoc -Tascii "$TOP/man/spool.1" | sed 's/.\x08//g' >"$T/spool.1"
	for v in $verbs; do
		grep -qE "^ +.*\b$v\b" "$T/spool.1" || fail "no $v in spool(1)"
		for o in $(spool help "$v" | grep -oE -e '--[a-z]+'); do
			grep -qF -e "$o" "$T/spool.1" || fail "no $o of $v in spool(1)"
		done
	done
	for p in spoold workerd spool-httpd; do
		mandoc -Tascii "$TOP/man/$p.8" | sed 's/.\x08//g' >"$T/$p.8"
		for o in $($p --help | grep -oE -e '--[a-z-]+'); do
			grep -qF -e "$o" "$T/$p.8" || fail "no $o in $p(8)"
		done
	done
	row_done options
}

# ---- what the programs are made of ----

t_no_crash_points() {
	[ -x "$CRASHBIN/workerd" ] || fail "make VARIANT=crash programs"
	for p in spool spoold workerd libspool.a; do
		grep -qa SPOOL_CRASH "$CRASHBIN/$p" || fail "none in the crash build of $p"
		! grep -qa SPOOL_CRASH "$BIN/$p" || fail "SPOOL_CRASH in $p"
	done
	job x.py >"$T/j.json"
	SPOOL_CRASH_LOG=$T/points SPOOL_CRASH=submit.after spool submit "$T/j.json" 2>/dev/null
	[ ! -e "$T/points" ]
}

t_hardened() {
	for p in $PROGRAMS; do
		readelf -hldW "$BIN/$p" >"$T/elf"
		grep -q 'Type:.*DYN' "$T/elf" || fail "$p: not position independent"
		grep -q GNU_RELRO "$T/elf" || fail "$p: no relro"
		grep -qE 'BIND_NOW|Flags:.* NOW' "$T/elf" || fail "$p: lazy binding"
		grep -qE 'GNU_STACK.* RW ' "$T/elf" || fail "$p: an executable stack"
		readelf -sW "$BIN/$p" | grep -q __stack_chk_fail || fail "$p: no stack protector"
		readelf -sW "$BIN/$p" | grep -qE '__[a-z]+_chk\b' || fail "$p: not fortified"
	done
}

# ---- the source ----

t_deps() {
	exits 0 sh "$TOP/tools/deps" "$TOP"
	copy
	cat >"$T/table" <<-'ROWS'
	tools/ls.c|#include <sqlite3.h>|includes <sqlite3
	workerd/main.c|#include <jansson.h>|includes <jansson
	libspool/row.c|#include <inotifytools/inotify.h>|includes <inotifytools
	libspool/row.c|#include "index/index.h"|libspool must not know index
	index/list.c|#include "spoold/daemon.h"|index must not know spoold
	spoold/daemon.c|#include "transport/transport.h"|spoold must not know transport
	workerd/slot.c|#include "worker.h"|not "worker.h"
	tools/hold.c|int f(void) { return renameat(1, "a", 2, "b"); }|a rename outside
	ROWS
	while IFS='|' read -r file text _; do printf '%s\n' "$text" >>"$T/src/$file"; done <"$T/table"
	exits 1 sh "$T/src/tools/deps" "$T/src"
	is "$(grep -c '^deps: ' "$T/err")" "$(wc -l <"$T/table")"
	while IFS='|' read -r file _ words; do has "$(grep -F "$words" "$T/err")" "$file"; done <"$T/table"
}

# No word from either compiler, with all that the Makefile asks for: make check
# builds plain by gcc and san by clang, and takes warnings for errors.
t_no_warning() {
	warn=$(sed -n '/^WARN[[:space:]]*:=/,/[^\\]$/p' "$TOP/Makefile" | sed 's/^WARN[[:space:]]*:=//; s/\\$//' | tr '\n\t' '  ')
	for w in -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes; do
		has "$warn " " $w "
	done
	mkdir "$T/elsewhere"
	cd "$T/elsewhere" || exit
	make -n -f "$TOP/Makefile" check-build | sed -e ':join' -e '/\\$/{N;s/\\\n//;b join' -e '}' |
	    grep ' -o build/' | tr -s ' \t' ' ' >"$T/lines"
	(cd "$TOP" && ls -- libspool/*.c transport/*.c index/*.c workerd/*.c spoold/*.c httpd/*.c tools/*.c \
	    tests/unit/*.c tests/helpers/*.c) | sort >"$T/want"
	warn=$(echo "$warn -Werror" | tr -s ' ' | sed 's/^ //')
	for v in 'g*cc plain' 'clang san'; do
		cc=${v% *}
		command -v "${cc#g\*}" >/dev/null || fail "no $cc (tools/packages names it)"
		grep "^$cc .* $warn " "$T/lines" | sed -n "s#.* build/${v#* }/.* $TOP/\([^ ]*\)\$#\1#p" | sort >"$T/got"
		is "$(comm -23 "$T/want" "$T/got" | head -n 5)" '' "not built with all warnings by $cc"
		row_done "${v#* }"
	done
	# What make check does not build so.
	cd "$TOP" || exit
	# shellcheck disable=SC2086
	clang -fsyntax-only -std=c17 -D_GNU_SOURCE -I. $warn -Werror tests/bench/*.c tests/fuzz/*.c >"$T/words" 2>&1 ||
	    { head -n 20 "$T/words"; fail 'bench and fuzz'; }
	row_done rest
}

# ---- building elsewhere ----

t_out_of_tree() {
	copy
	touch "$T/stamp"
	mkdir "$T/elsewhere"
	cd "$T/elsewhere" || exit
	make -j2 -f "$T/src/Makefile" CFLAGS=-O0 build/plain/libspool.a >"$T/make.out" 2>&1 ||
	    { tail -n 5 "$T/make.out"; fail 'make'; }
	is "$(ar t build/plain/libspool.a | sort | tr '\n' ' ')" \
	    "$(cd "$T/src/libspool" && ls -- *.c | sed 's/c$/o/' | LC_ALL=C sort | tr '\n' ' ')"
	not_written_to "$T/src"
	# Nothing to do is nothing done; one header touched is.
	is "$(make -q -f "$T/src/Makefile" CFLAGS=-O0 build/plain/libspool.a; echo $?)" 0
	touch "$T/src/libspool/units.c"
	is "$(make -n -f "$T/src/Makefile" CFLAGS=-O0 build/plain/libspool.a | grep -c ' -c -o ')" 1
	touch "$T/src/libspool/err.h"
	[ "$(make -n -f "$T/src/Makefile" CFLAGS=-O0 build/plain/libspool.a | grep -c ' -c -o ')" -gt 20 ] ||
	    fail 'objects do not know their headers'
}

# Every target that make help tells of, and those that the issue names.
t_targets() {
	mkdir "$T/elsewhere"
	cd "$T/elsewhere" || exit
	make -f "$TOP/Makefile" help >"$T/help"
	targets=$(sed -n 's/^\([a-z-]*\)  .*/\1/p' "$T/help")
	for t in check check-labs bench demo install fuzz lint deps clean; do
		has " $(echo "$targets" | tr '\n' ' ')" " $t "
	done
	for t in all $targets uninstall; do
		make -n -f "$TOP/Makefile" "$t" >"$T/make.out" 2>&1 || { tail -n 3 "$T/make.out"; fail "make -n $t"; }
		! grep -q 'Nothing to be done' "$T/make.out" || fail "make -n $t does nothing"
		row_done "$t"
	done
	is "$(find "$T/elsewhere" -type f)" '' 'make -n has made'
	for v in san crash tsan fuzz; do
		make -n -f "$TOP/Makefile" VARIANT=$v programs >/dev/null || fail "VARIANT=$v"
	done
	! make -f "$TOP/Makefile" no-such-target >/dev/null 2>&1
	row_done variants
}

run_stories "$@"
