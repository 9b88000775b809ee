# Spool - a batch system whose database is a directory.
#
#   make [all]     programs into build/plain/
#   make check     everything that must pass before a commit (README)
#   make demo      a whole spool at work, in two minutes
#   make help      the other targets
#
# Out of tree:  make -f /src/spool/Makefile  (writes build/ where you stand)

# Not made absolute: make cannot hold a path with spaces.
TOP	:= $(patsubst %/,%,$(dir $(lastword $(MAKEFILE_LIST))))
vpath %.c $(TOP)
vpath %.py $(TOP)
vpath %.json $(TOP)
vpath page/% $(TOP)
PREFIX	?= /usr/local
DESTDIR	?=
VARIANT	?= plain
O	:= build/$(VARIANT)

comma	:= ,
PKGS	:= jansson nettle sqlite3 libcurl libssh2
CC	?= gcc
CFLAGS	?= -O2 -g
WARN	:= -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wvla
HARDEN	:= -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
HARDLD	:= -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
ifeq ($(CI),true)
WARN	+= -Werror
endif

# plain: what is installed.  san: the tests' second run, and the second compiler's
# opinion.  crash: the named points of the crash matrix.  tsan: the races.  cov: make coverage.
ifeq ($(VARIANT),san)
CC	:= clang
HARDEN	:= -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -O1 -g1
HARDLD	:= -fsanitize=address,undefined
endif
ifeq ($(VARIANT),tsan)
HARDEN	:= -fsanitize=thread -fno-omit-frame-pointer -O1
HARDLD	:= -fsanitize=thread
endif
ifeq ($(VARIANT),crash)
HARDEN	:= -fPIE -O0 -DSP_CRASH_POINTS
endif
ifeq ($(VARIANT),cov)
HARDEN	:= --coverage -fprofile-update=atomic -O0 -DSP_COVERAGE
HARDLD	:= --coverage
endif
ifeq ($(VARIANT),fuzz)
CC	:= clang
HARDEN	:= -fsanitize=fuzzer-no-link,address,undefined -O1
HARDLD	:= -fsanitize=address,undefined
endif

ALLCPP	 = -std=c17 -D_GNU_SOURCE -I$(TOP) $(CPPFLAGS) -MMD -MP
ALLC	 = $(ALLCPP) $(WARN) $(CFLAGS) $(HARDEN)
JANSSON	 = -ljansson -lnettle -lm
YAML	 = -lyaml -lm
# What spool top draws with.
CURSES	 = -lncursesw -ltinfo
# What transport/ stands on, behind one door each.
FARLIBS	 = -Wl,--as-needed -lcurl -lssh2
PTHREAD	 = -pthread

rel	 = $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/$(1)))
# Objects lie in o/, for spoold and workerd are rooms and programs.
objs	 = $(patsubst %.c,$(O)/o/%.o,$(1))

LIB_C	:= $(call rel,libspool/*.c)
TR_C	:= $(filter-out transport/near.c,$(call rel,transport/*.c))
INDEX_C	:= $(call rel,index/*.c)
WARM_C	:= $(addprefix workerd/,warmchild.c warmend.c warmfork.c warmlay.c \
	warmpack.c warmrun.c warmseed.c)
WORK_C	:= $(filter-out $(WARM_C),$(call rel,workerd/*.c))
SPOOLD_C := $(call rel,spoold/*.c)
HTTPD_C	:= $(call rel,httpd/*.c)
# What of it needs no server: for the unit tests.
PURE_C	:= $(addprefix httpd/,url.c read.c answer.c limits.c) \
	$(addprefix tools/,yaml.c sweepread.c sweepparam.c sweepdraw.c)
TOOL_C	:= $(call rel,tools/*.c)
PAGE_C	:= $(call rel,page/*.c)
# The page's modules, each behind those that it asks.
PAGE_JS	:= $(patsubst %,page/%.mjs,$(shell sed 's/\#.*//' $(TOP)/page/order))
D3	?= /usr/share/nodejs
UNIT_C	:= $(call rel,tests/unit/*.c)
FUZZ_C	:= $(call rel,tests/fuzz/*.c)
BENCH_C	:= $(call rel,tests/bench/*.c)
BLIB_C	:= $(call rel,tests/bench/lib/*.c)
BFAR_C	:= $(call rel,tests/bench/far/*.c)
BPEER_C	:= $(call rel,tests/bench/peers/*.c)
HELP_C	:= $(call rel,tests/helpers/*.c)

LIBSPOOL := $(O)/libspool.a
TRANSPORT := $(O)/transport.a
PROGRAMS := $(O)/spool $(O)/spoold $(O)/spool-httpd $(O)/workerd \
	$(O)/far/spool $(O)/far/workerd $(O)/workerd-as
HELPERS	:= $(patsubst tests/helpers/%.c,$(O)/helpers/%,$(HELP_C))
SHIMS	:= $(O)/shim/libnvidia-ml.so.1
NOMEM_C	:= $(call rel,tests/nomem/*.c)
MODEL_C	:= $(call rel,tests/model/*.c)
BENCHES	:= $(patsubst tests/bench/%.c,$(O)/bench/%,$(BENCH_C)) \
	$(O)/bench/peers
# A corpus through its target, without a fuzzer: make coverage.
REPLAYS	:= $(patsubst tests/fuzz/fuzz_%.c,$(O)/replay/%,\
	$(filter-out %/fuzz_http.c,$(FUZZ_C)))
FUZZERS	:= $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_C))

.PHONY: all check check-build check-labs bench bench-peers demo install \
	uninstall fuzz lint deps clean help helpers programs benches \
	replays coverage
.DELETE_ON_ERROR:

all: programs
programs: $(PROGRAMS)
helpers: $(HELPERS) $(SHIMS) $(O)/unit $(O)/nomem $(if $(filter plain,$(VARIANT)),$(O)/model)
benches: $(BENCHES)
replays: $(REPLAYS)

help:
	@sed -n 's/^#:  *//p' $(TOP)/Makefile

$(O)/o/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALLC) $(PTHREAD) -c -o $@ $<

# What runs in Python is part of the program: a text and a shared object in C.
$(O)/so/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -I$(TOP) -MMD -MP $(WARN) -O2 -fPIC \
	    -fvisibility=hidden -c -o $@ $<
$(O)/warmfork.so: $(WARM_C:%.c=$(O)/so/%.o)
	$(CC) -shared -s -Wl,-z,now -o $@ $^
$(O)/o/workerd/warmpy.o: workerd/warm.py $(O)/warmfork.so
	@mkdir -p $(@D)
	@{ echo '#include "workerd/warm.h"'; echo 'const char warm_text[] ='; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' $<; \
	    echo '    ;'; echo 'const unsigned char warm_fork[] = {'; \
	    od -An -v -tu1 $(O)/warmfork.so | sed 's/\([0-9]\)  */\1,/g; s/$$/,/'; \
	    echo '};'; echo 'const size_t warm_fork_size = sizeof warm_fork;'; \
	    } >$(@D)/warmpy.c
	$(CC) $(ALLC) $(PTHREAD) -c -o $@ $(@D)/warmpy.c

# And so is the document of /v1.
$(O)/o/httpd/openapi.o: httpd/openapi.json
	@mkdir -p $(@D)
	@{ echo '#include "httpd/v1.h"'; echo 'const char openapi_text[] ='; \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/    "&\\n"/' $<; \
	    echo '    ;'; } >$(@D)/openapi.c
	$(CC) $(ALLC) $(PTHREAD) -c -o $@ $(@D)/openapi.c

# The page: its files, the modules in one, and the library that draws, which no
# repository of ours has: Debian's packages node-d3-* do.
$(O)/page/page.js: page/bundle page/order $(PAGE_JS)
	@mkdir -p $(@D)
	sh $(TOP)/page/bundle $(addprefix $(TOP)/,$(PAGE_JS)) >$@
$(O)/page/d3.js: page/library
	@mkdir -p $(@D)
	D3_DOCS="$(D3_DOCS)" sh $(TOP)/page/library $(D3) >$@
$(O)/page/%: page/%
	@mkdir -p $(@D)
	cp $(TOP)/page/$* $@
PAGE_FILES := index.html page.css page.js d3.js favicon.svg
$(O)/o/page/files.o: page/embed page/page.h $(addprefix $(O)/page/,$(PAGE_FILES))
	@mkdir -p $(@D)
	sh $(TOP)/page/embed $(O)/page $(PAGE_FILES) >$(@D)/files.c
	$(CC) $(ALLC) -c -o $@ $(@D)/files.c
PAGE_O	:= $(O)/o/page/files.o $(call objs,$(PAGE_C))

$(LIBSPOOL): $(call objs,$(LIB_C))
	@rm -f $@
	$(AR) rcs $@ $^
$(TRANSPORT): $(call objs,$(TR_C))
	@rm -f $@
	$(AR) rcs $@ $^

LINK	 = $(CC) $(CFLAGS) $(HARDEN) $(LDFLAGS) $(HARDLD) -o $@ $(filter %.o %.a,$^)

# Those in far/ are the same with all media (transport/media.h).
NEAR	:= $(O)/o/transport/near.o
# The libraries of few verbs are there too (struct verb.far).
AWAY	:= $(call objs,tools/near/away.c) $(filter-out %/topdraw.o %/yaml.o,$(call objs,$(TOOL_C)))
$(O)/spool: $(AWAY) $(call objs,$(INDEX_C)) $(PAGE_O) $(NEAR) $(TRANSPORT) $(LIBSPOOL)
	$(LINK) -lsqlite3 $(JANSSON) $(PTHREAD)
$(O)/far/spool: $(call objs,$(TOOL_C) $(INDEX_C)) $(PAGE_O) $(TRANSPORT) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) -lsqlite3 $(CURSES) $(FARLIBS) $(JANSSON) $(YAML) $(PTHREAD)
$(O)/spoold: $(call objs,$(SPOOLD_C) $(INDEX_C)) $(LIBSPOOL)
	$(LINK) $(JANSSON) -lsqlite3 -linotifytools $(PTHREAD)
$(O)/spool-httpd: $(call objs,$(HTTPD_C) $(INDEX_C)) $(O)/o/httpd/openapi.o $(PAGE_O) $(LIBSPOOL)
	$(LINK) $(JANSSON) -lsqlite3 -lmicrohttpd -lgnutls $(PTHREAD)
$(O)/workerd: $(call objs,$(WORK_C)) $(O)/o/workerd/warmpy.o $(NEAR) $(TRANSPORT) $(LIBSPOOL)
	$(LINK) $(JANSSON) $(PTHREAD)
$(O)/far/workerd: $(call objs,$(WORK_C)) $(O)/o/workerd/warmpy.o $(TRANSPORT) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(FARLIBS) $(JANSSON) $(PTHREAD)

# Becomes the owner of a job; nothing but the C library.
$(O)/workerd-as: $(call objs,workerd/as/workerd-as.c)
	$(LINK)

$(O)/unit: $(call objs,$(UNIT_C) $(PURE_C)) $(TRANSPORT) $(LIBSPOOL)
	$(LINK) -lcheck -lsubunit -lrt $(YAML) $(FARLIBS) $(JANSSON) $(PTHREAD)
# A kernel of its own answers what libspool asks of it (tests/model/calls.h).
MODELS	 = open openat __openat_2 syscall renameat renameat2 linkat unlinkat mkdirat \
	fstatat read write lseek ftruncate fstat fsync syncfs sync_file_range close \
	fcntl fchmod fstatfs fstatvfs getdents64 clock_gettime \
	getrandom gethostname getpid kill readlink
$(O)/model: $(call objs,$(MODEL_C)) $(LIBSPOOL)
	$(LINK) $(addprefix -Wl$(comma)--wrap=,$(MODELS)) $(JANSSON) $(PTHREAD)
NOMEMS	 = malloc calloc realloc strdup strndup free fdopendir
$(O)/nomem: $(call objs,$(NOMEM_C)) $(LIBSPOOL)
	$(LINK) $(addprefix -Wl$(comma)--wrap=,$(NOMEMS)) $(JANSSON) $(PTHREAD)
$(O)/helpers/%: $(O)/o/tests/helpers/%.o $(TRANSPORT) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(FARLIBS) $(JANSSON) $(PTHREAD)
$(O)/helpers/boxed: $(call objs,tests/helpers/boxed.c httpd/sandbox.c httpd/syscalls.c) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(JANSSON) $(PTHREAD)
$(O)/replay/%: $(O)/o/tests/fuzz/fuzz_%.o $(O)/o/tests/replay/main.o $(TRANSPORT) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(FARLIBS) $(JANSSON) $(PTHREAD)
# A stand-in for NVIDIA's, which workerd loads when it is there.
$(O)/shim/libnvidia-ml.so.1: tests/shim/nvml.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE $(WARN) -O1 -shared -fPIC -o $@ $<
$(O)/bench/%: $(O)/o/tests/bench/%.o $(call objs,$(BLIB_C)) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(JANSSON) $(PTHREAD)
$(O)/bench/remote: $(O)/o/tests/bench/remote.o $(call objs,$(BLIB_C) $(BFAR_C)) \
    $(TRANSPORT) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(FARLIBS) $(JANSSON) $(PTHREAD)
$(O)/bench/peers: $(call objs,$(BPEER_C) $(BLIB_C)) $(LIBSPOOL)
	@mkdir -p $(@D)
	$(LINK) $(JANSSON) $(PTHREAD)
# A job that the benches start: no library may slow it, for it is the floor's.
$(O)/bench/stamp $(O)/bench/nothing: $(O)/bench/%: $(O)/o/tests/bench/%.o
	@mkdir -p $(@D)
	$(LINK)
# All of spool-httpd but its main: what a request meets.
build/fuzz/fuzz_http: $(patsubst %.c,build/fuzz/o/%.o,tests/fuzz/fuzz_http.c \
    $(filter-out httpd/main.c,$(HTTPD_C)) $(INDEX_C) $(PAGE_C)) build/fuzz/o/httpd/openapi.o build/fuzz/o/page/files.o \
    build/fuzz/libspool.a
	@mkdir -p $(@D)
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(JANSSON) -lsqlite3 -lmicrohttpd -lgnutls $(PTHREAD)
build/fuzz/%: build/fuzz/o/tests/fuzz/%.o build/fuzz/transport.a build/fuzz/libspool.a
	@mkdir -p $(@D)
	clang -fsanitize=fuzzer,address,undefined -o $@ $^ $(FARLIBS) $(JANSSON) $(PTHREAD)

#: check       lint, then plain and ASan+UBSan builds, unit tests and flows
check: check-build
	@sh $(TOP)/tests/run "$(TOP)" build

# On all cores, unless make was told otherwise; no warning passes.
MAKEALL	 = $(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) \
	--no-print-directory -f $(TOP)/Makefile CI=true

check-build:
	+@$(MAKEALL) VARIANT=plain programs helpers benches replays
	+@$(MAKEALL) VARIANT=san programs helpers
	+@$(MAKEALL) VARIANT=crash programs

#: check-labs  what takes longer: full races, long fuzzing, a fresh chroot
check-labs: check-build
	@sh $(TOP)/tests/labs/run "$(TOP)" build

#: bench       ratios against raw floors, measured in the same run
bench: programs benches $(O)/helpers/proxy $(O)/helpers/lay
	@sh $(TOP)/tests/bench/run "$(TOP)" $(O)

#: bench-peers ours beside other queues, from Debian packages (into build/peers)
bench-peers: programs $(O)/bench/peers $(O)/bench/stamp
	@sh $(TOP)/tests/bench/peers/install "$(TOP)" build/peers
	@sh $(TOP)/tests/bench/peers/run "$(TOP)" $(O)

#: demo        a spool, a daemon, a worker, four jobs, a table
demo: programs
	@BIN=$$(pwd)/$(O) sh $(TOP)/tools/demo

#: fuzz        libFuzzer targets, FUZZ_SECONDS each (10)
fuzz:
	+@$(MAKE) --no-print-directory -f $(TOP)/Makefile VARIANT=fuzz build/fuzz/libspool.a build/fuzz/transport.a $(FUZZERS)
	@sh $(TOP)/tests/fuzz/run "$(TOP)" build/fuzz

#: coverage    lines of libspool and transport that tests and corpora reach
coverage:
	+@$(MAKEALL) VARIANT=cov programs helpers replays
	@sh $(TOP)/tests/coverage "$(TOP)" build/cov

#: lint        format, includes per room, manual pages, shell
lint:
	@sh $(TOP)/tools/lint "$(TOP)"

#: deps        who may include whom, and which library in which room
deps:
	@sh $(TOP)/tools/deps "$(TOP)"

#: install     programs and manual pages below DESTDIR/PREFIX
install: programs
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(O)/spool $(DESTDIR)$(PREFIX)/bin/spool
	install -m 755 $(O)/workerd $(DESTDIR)$(PREFIX)/bin/workerd
	install -m 755 $(O)/spoold $(DESTDIR)$(PREFIX)/bin/spoold
	install -m 755 $(O)/spool-httpd $(DESTDIR)$(PREFIX)/bin/spool-httpd
	install -d $(DESTDIR)$(PREFIX)/libexec/spool
	install -m 755 $(O)/far/spool $(DESTDIR)$(PREFIX)/libexec/spool/spool
	install -m 755 $(O)/far/workerd $(DESTDIR)$(PREFIX)/libexec/spool/workerd
	install -m 755 $(O)/workerd-as $(DESTDIR)$(PREFIX)/libexec/spool/workerd-as
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	install -m 644 $(TOP)/completions/spool.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/spool
	install -m 644 $(TOP)/completions/_spool $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spool
	install -m 644 $(TOP)/completions/spool.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/spool.fish
	for p in $(TOP)/man/*.[0-9]; do s=$${p##*.}; \
	    install -d $(DESTDIR)$(PREFIX)/share/man/man$$s && \
	    install -m 644 $$p $(DESTDIR)$(PREFIX)/share/man/man$$s/ || exit 1; \
	done

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/spool $(DESTDIR)$(PREFIX)/bin/workerd \
	    $(DESTDIR)$(PREFIX)/bin/spoold $(DESTDIR)$(PREFIX)/bin/spool-httpd \
	    $(DESTDIR)$(PREFIX)/libexec/spool/spool \
	    $(DESTDIR)$(PREFIX)/libexec/spool/workerd \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/spool \
	    $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_spool \
	    $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/spool.fish \
	    $(DESTDIR)$(PREFIX)/libexec/spool/workerd-as
	for p in $(TOP)/man/*.[0-9]; do s=$${p##*.}; \
	    rm -f $(DESTDIR)$(PREFIX)/share/man/man$$s/$${p##*/}; done

#: clean       build/ goes
clean:
	rm -rf build

-include $(shell find build/$(VARIANT) -name '*.d' 2>/dev/null)
