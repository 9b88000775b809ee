# Warm interpreters: a script cannot tell, and whatever befalls them costs no
# more than the warmth.
. "$TOP/tests/lib.sh"
PLAIN_ONLY="same same_loaded least_used silent"
# Itself and no wrapper, which is another environment.
PYTHON=$("$PYTHON" -c 'import sys; print(sys.executable)')

# "### NAME" and a script, many times, to scripts/NAME.
scripts() {
	awk -v dir="$S/scripts/" '/^### / { f = dir $2; next } { print > f }'
}

# put NAME SCRIPT [MEMBERS]: queue it, under a name that `of` finds it by
put() { job "$2" "${3:-}" >"$S/tmp/$1" && mv "$S/tmp/$1" "$S/new/$1.json"; }
id_of() {
	basename "$(find "$S/done" "$S/failed" -name "*.$1.json")" | cut -d. -f2
}
there() { [ -n "$(find "$S/done" "$S/failed" -name "*.$1.json")" ]; }
of() { jq -cr "$2" "$S/outcomes/$(id_of "$1").json"; }
said() { cat "$S"/runs/*/"$(id_of "$1")"/*.log 2>/dev/null; }
word() { grep -q "$1" "$T/worker.log"; }

bare() { [ "$(find "$T/work" -maxdepth 1 -name 'spool-*-??????' | wc -l)" = 0 ]; }

# A worker, and a first order for which it starts a server that gets ready.
warm_worker() {
	start_worker -v "$@"
	echo 'pass' | script first.py
	put first first.py
	soon word 'warm python=.* ready'
	soon there first
}
server() { sed -n 's/.*warm python=.* ready pid=\([0-9]*\).*/\1/p' "$T/worker.log" | tail -n 1; }

table() {
	scripts <<-'PY'
	### state.py
	import sys, os, signal, resource, json
	d = {"argv": [sys.argv[0], len(sys.argv), type(sys.argv).__name__], "path": sys.path,
	     "main": sorted((k, str(v)) for k, v in vars(sys.modules["__main__"]).items()
	                    if k.startswith("__") and k != "__builtins__"),
	     "builtins": str(__builtins__), "same": sys.modules["__main__"].__dict__ is globals(),
	     "orig": [len(getattr(sys, "orig_argv", [])), getattr(sys, "orig_argv", [""] * 3)[1:3]],
	     "flags": str(sys.flags), "warn": sys.warnoptions, "x": str(sys._xoptions),
	     "exe": [sys.executable, sys.prefix, sys.base_prefix],
	     "cwd": os.getcwd(), "fds": sorted(os.listdir("/proc/self/fd")),
	     "sid": [os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid()],
	     "parent": open("/proc/%d/comm" % os.getppid()).read(), "umask": os.umask(0o22),
	     "limits": [str(resource.getrlimit(getattr(resource, n))) for n in sorted(dir(resource))
	                if n.startswith("RLIMIT_")],
	     "signals": [str(signal.getsignal(n)) for n in range(1, 32)],
	     "blocked": str(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
	     "frame": sys._getframe().f_back is None, "depth": sys.getrecursionlimit(),
	     "code": [sys._getframe().f_code.co_filename, sys._getframe().f_code.co_name],
	     "std": [[f.name, f.mode, f.encoding, f.errors, f.line_buffering, f.isatty(), f.closed,
	              f.fileno(), getattr(f, "write_through", None), f.seekable(), str(type(f.buffer))]
	             for f in (sys.stdin, sys.stdout, sys.stderr)],
	     "dunder": [sys.__stdout__ is sys.stdout, sys.__stderr__ is sys.stderr],
	     "stdin": sys.stdin.read(), "oom": open("/proc/self/oom_score_adj").read(),
	     "hooks": [str(sys.excepthook), str(sys.displayhook), str(len(sys.path_hooks)),
	               str(len(sys.meta_path))],
	     "cache": sorted(k for k in sys.path_importer_cache if "/fd/" in k or k.endswith(".py")),
	     "cgroup": open("/proc/self/cgroup").read(),
	     "status": [x for x in open("/proc/self/status") if x[:4] in ("SigP", "SigB", "SigI", "SigC", "ShdP") or x[:3] in ( "Cap", "NoN", "Thr", "Nam")],
	     "user": [b for b in dir(__builtins__) if "spool" in b],
	     "cmdline": open("/proc/self/cmdline").read().split("\0")[1:3],
	     "site": str(sys.modules["site"].ENABLE_USER_SITE), "cust": "sitecustomize" in sys.modules}
	for k in sorted(d):
	    print(k, json.dumps(d[k]))
	### environ.py
	import os, subprocess, sys
	for k, v in os.environ.items():
	    print("e", k, v)
	for p in subprocess.check_output(["/usr/bin/env"]).decode().splitlines():
	    print("c", p)
	import posix
	print(sorted(posix.environ) == sorted(os.environb))
	print([k for k in os.environ] == [k.decode() for k in posix.environ])
	os.environ["NEW"] = "1"; print(subprocess.check_output("echo $NEW $X1", shell=True))
	### code3.py
	import sys; print("bye"); sys.exit(3)
	### codetext.py
	import sys; sys.exit("some words")
	### codenone.py
	raise SystemExit
	### codeneg.py
	raise SystemExit(-3)
	### codebool.py
	raise SystemExit(True)
	### codelist.py
	raise SystemExit([1, "x"])
	### raise.py
	"""a docstring"""
	from __future__ import division
	from __future__ import print_function, generators
	import os; os.dup2(1, 2)
	import json
	def f(x):
	    return json.loads(x)
	class C:
	    def m(self):
	        try:
	            f("{")
	        except ValueError as e:
	            raise RuntimeError("two") from e
	print(__doc__, C.__module__, C.__qualname__)
	C().m()
	### recursion.py
	import os; os.dup2(1, 2)
	import sys
	n = 0
	def f():
	    global n
	    n += 1
	    f()
	try:
	    f()
	except RecursionError as e:
	    print(n, e)
	f()
	### interrupt.py
	import os; os.dup2(1, 2); print("on"); raise KeyboardInterrupt
	### underscore.py
	import os; print("on"); os._exit(7)
	### term.py
	import os, signal; print("on"); os.kill(os.getpid(), signal.SIGTERM); signal.pause()
	### abort.py
	import os; os.abort()
	### pipe.py
	import signal, os
	r, w = os.pipe(); os.close(r)
	try:
	    os.write(w, b"x")
	except BrokenPipeError as e:
	    print("EPIPE", e, w)
	### thread.py
	import os; os.dup2(1, 2)
	import threading, time, sys
	def f():
	    over.wait(); time.sleep(0.05); print("thread over"); sys.exit(5)
	def g():
	    raise ValueError("in a thread")
	def d():
	    time.sleep(60)
	over = threading.Event(); threading.Thread(target=f).start(); t = threading.Thread(target=g, name="g"); t.start(); t.join()
	threading.Thread(target=d, daemon=True).start()
	print("main over", threading.current_thread() is threading.main_thread()); over.set()
	### atexit.py
	import os; os.dup2(1, 2)
	import atexit, sys
	@atexit.register
	def one():
	    print("one", globals().get("__file__"), sys.modules["__main__"].__name__)
	@atexit.register
	def two():
	    print("two"); raise ValueError("in atexit")
	atexit.register(lambda: sys.exit(9))
	print("main over"); sys.exit(4)
	### runexit.py
	import atexit
	atexit.register(print, "once"); atexit._run_exitfuncs(); print("after")
	### unflushed.py
	import os
	f = open(os.environ["SPOOL_OUTCOME"], "w"); f.write('{"loss": 12}')
	### heldfile.py
	import os, json
	json.held = open(os.environ["SPOOL_OUTCOME"], "w"); json.held.write('{"loss": 13}')
	### deleted.py
	import os
	class D:
	    def __init__(self, n): self.n = n
	    def __del__(self): print("gone", self.n)
	a, b = D("a"), D("b"); b.me = b
	print("main over")
	### generator.py
	def g():
	    try:
	        yield 1
	    finally:
	        print("closed")
	x = g(); next(x); print("main over")
	### finalize.py
	import weakref
	class C: pass
	c = C(); f = weakref.finalize(c, print, "finalized"); r = weakref.ref(c, lambda r: print("gone"))
	### syntax.py
	print("no")
	x = = 3
	### encoding.py
	# -*- coding: latin-1 -*-
	print(len("äö"), "\d")
	### badbytes.py
	print("é")
	### nulls.py
	print(1)
	### stdout.py
	import os; os.dup2(1, 2)
	import sys, io
	print("a", end=""); sys.stderr.write("b"); sys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding="ascii")
	print("c")
	### hook.py
	import os; os.dup2(1, 2)
	import sys
	def h(*a):
	    print("hook", a[0]); sys.exit(6)
	sys.excepthook = h
	1 / 0
	### badhook.py
	import sys
	sys.excepthook = None
	1 / 0
	### exitobject.py
	class E(SystemExit):
	    def __str__(self): return "an E"
	raise E(E())
	### warn.py
	import os; os.dup2(1, 2)
	import warnings, sys
	warnings.warn("up", UserWarning, stacklevel=2); warnings.warn("here"); warnings.warn("dep", DeprecationWarning)
	def f(): warnings.warn("f")
	f(); f(); print(len(warnings.filters), "ignore" in str(warnings.filters))
	### iswarn.py
	if 1 is 1: pass
	### frames.py
	import os; os.dup2(1, 2)
	import traceback, inspect, sys, logging
	traceback.print_stack(); print([f.function for f in inspect.stack()])
	def f():
	    traceback.print_stack(file=sys.stdout)
	f(); print(inspect.getsource(f)); print(inspect.getmodule(f).__name__)
	logging.basicConfig(format="%(filename)s %(lineno)d %(relativeCreated)d"[:21]); logging.warning("x", stack_info=True)
	### pickle.py
	import pickle; pickle.loads
	### pickled.py
	import pickle, copy
	class P:
	    x = 1
	p = pickle.loads(pickle.dumps(P())); print(p.__class__ is P, P, __name__, __spec__)
	### mpfork.py
	import os; os.dup2(1, 2)
	import multiprocessing as mp, os
	def f(x): return x * x, __name__
	if __name__ == "__main__":
	    c = mp.get_context("fork")
	    with c.Pool(2) as p:
	        print(p.map(f, range(4)))
	    q = c.Process(target=os._exit, args=(3,)); q.start(); q.join(); print(q.exitcode)
	    q = c.Process(target=f, args=()); q.start(); q.join(); print(q.exitcode)
	### mpspawn.py
	import multiprocessing as mp, sys
	class T: pass
	def f(x): return x * x, __name__, sys.argv[0], T.__module__
	if __name__ == "__main__":
	    with mp.get_context("spawn").Pool(1) as p:
	        print(p.map(f, range(2)))
	### forked.py
	import os, sys
	pid = os.fork()
	if pid == 0:
	    sys.exit(5)
	print(os.waitpid(pid, 0)[1], os.WEXITSTATUS(1280))
	try:
	    os.wait()
	except ChildProcessError as e:
	    print(e)
	### sub.py
	import subprocess, sys
	print(subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sys.flags.no_user_site, 'PYTHONPATH' in __import__('os').environ)"],
	                     stdout=subprocess.PIPE).stdout, sys.executable)
	### random.py
	import os; print("shadows a module", __file__)
	### json.py
	import json; print("mine", json.__file__ == os.path.abspath(__file__) if "os" in globals() else json.__name__)
	### annotated.py
	x: int = 3
	class C:
	    y: str = "a"
	def f(a: int) -> str: ...
	print(sorted(globals().get("__annotations__", {})), sorted(f.__annotations__))
	del x
	### empty.py
	### comment.py
	# nothing but this
	### docstring.py
	"""only this"""
	### del_main.py
	import sys
	del sys.modules["__main__"]; print("x"); import collections
	### exec.py
	import os, sys
	sys.stdout.flush(); os.execv(sys.executable, [sys.executable, "-c", "import os, sys; print('in', len(os.listdir('/proc/self/fd')), os.getcwd()); sys.exit(4)"])
	### closed.py
	import sys
	sys.stdout.close(); sys.stderr.close(); sys.exit(2)
	### cstdio.py
	import ctypes; ctypes.CDLL(None).printf(b"held back")
	### cexit.py
	import ctypes; ctypes.CDLL(None).exit(3)
	### gcoff.py
	import gc; print(gc.isenabled(), gc.get_threshold(), gc.get_debug(), gc.garbage)
	### big.py
	for i in range(3000): print("line %d" % i)
	### loader.py
	print(type(__loader__).__name__, __loader__.path, __loader__.name, __loader__.is_package("__main__"), len(__loader__.get_source("__main__")))
	### trace.py
	import sys
	seen = []
	sys.settrace(lambda f, e, a: seen.append((e, f.f_code.co_name)))
	def f(): pass
	f(); sys.settrace(None); print(seen)
	### traced.py
	import sys
	sys.settrace(lambda f, e, a: print(e, f.f_code.co_name))
	def f(): pass
	f()
	### register.py
	import atexit; atexit.register(print, "bye")
	### deep.py
	def f(n):
	    try: return f(n + 1)
	    except RecursionError: return n
	print(f(0))
	### tempfile.py
	print("named as a module")
	### locals.py
	print(sorted(k for k in globals() if not k.startswith("__")), sorted(k for k in dir() if k.startswith("__")))
	PY
	printf 'print(1)\n\0print(2)\n' >"$S/scripts/nulls.py"
	printf 'print("\xe9")\n' >"$S/scripts/badbytes.py"
	printf '# -*- coding: latin-1 -*-\nassert len("\xe4\xf6") == 2, "\\d"\n' >"$S/scripts/encoding.py"
	: >"$S/scripts/empty.py"
}

VARIABLES='"order":{"env":{"X1":"a b","X3":"é","X2":""}}'

# each KIND: all scripts, as KIND-NAME
each() {
	for s in "$S"/scripts/*.py; do
		put "$1-$(basename "$s" .py)" "${s##*/}" "$VARIABLES"
	done
}

# compare KIND...: what cold ones left, and what these left.  What may differ: ids, numbers of
# processes, our own directory.
compare() {
	"$PYTHON" - "$S" "$T" "$@" <<-'PY'
	import glob, json, os, re, sys
	spool, top, kinds = sys.argv[1], sys.argv[2], sys.argv[3:]
	left = {}
	for f in glob.glob(spool + "/done/*/*.json") + glob.glob(spool + "/failed/*/*.json"):
	    part = os.path.basename(f).split(".")
	    kind, _, name = part[-2].partition("-")
	    out = json.load(open("%s/outcomes/%s.json" % (spool, part[1])))
	    run = out["run"]
	    words = "".join(open(p, errors="surrogateescape").read()
	                    for p in sorted(glob.glob("%s/runs/*/%s/*.log" % (spool, part[1]))))
	    words += str([out.get(k) for k in ("status", "error", "loss")] +
	                 [run.get(k) for k in ("exitCode", "signal", "cause")])
	    for old, new in ((r"20\d{6}T\d{9}-[0-9a-f]{8}", "ID"), (re.escape(top), "T"), ("0x[0-9a-f]+", "0x"),
	                     (r"/work\.\d+\b", "/DIR"), (r"/(ID\.t\d+a\d+|warm\.\d+)\b", "/GROUP"),
	                     (r"(spool-)?\w*-[0-9a-f]{6}(?=$|/|\"|\\n)", "W"), (kind + "-" + name, "NAME")):
	        words = re.sub(old, new, words, flags=re.M)
	    left[kind, name] = words, run.get("warm"), run.get("warmWhy")
	bad = []
	for kind in kinds:
	    for name in sorted(n for k, n in left if k == "cold"):
	        cold, warm = left["cold", name], left[kind, name]
	        if cold[1] is not None or warm[1] is not True:
	            print(kind, name, "was not warm:", warm[1:])
	        elif cold[0] == warm[0]:
	            print(kind, name, file=open(top + "/rows", "a"))
	            continue
	        else:
	            for c, w in zip(cold[0].split("\n") + [""], warm[0].split("\n") + [""]):
	                if c != w:
	                    print(kind, name, "cold:", ascii(c)[:300], "\n  warm:", ascii(w)[:300])
	        bad.append(kind + "-" + name)
	sys.exit("scripts that can tell: " + " ".join(bad) if bad else 0)
	PY
}

# rounds N MODULES FIRST KIND...: all scripts so often, by a server that started for such a job
rounds() {
	n=$(find "$S/outcomes" -name '2*.json' | wc -l)
	start_worker -v --warm "$2"
	put "first$1" empty.py "$3"
	soon ready "$1"
	n=$((n + 1))
	soon outcomes_are $n
	shift 3
	for kind in "$@"; do
		each "$kind"
		n=$((n + $(find "$S/scripts" -name '*.py' | wc -l)))
		soon outcomes_are $n
	done
	stop "$WORKER"
}
ready() { [ "$(grep -c 'warm python=.* ready' "$T/worker.log")" = "$1" ]; }

# With nothing in place, and with modules in place that the scripts import.  A script that comes
# again, with the variables that the server knows, is run in another way.
t_same() {
	table
	start_worker -v --cold
	each cold
	soon outcomes_are "$(find "$S/scripts" -name '*.py' | wc -l)"
	stop "$WORKER"
	rounds 1 none '' other
	rounds 2 none "$VARIABLES" none none2
	rounds 3 json,logging.handlers,multiprocessing.pool,concurrent.futures,subprocess,inspect,random,tempfile,warnings \
	    "$VARIABLES" some some2
	compare other none none2 some some2 >&2 || fail 'scripts can tell'
	bare || fail 'work directories left'
}

# Modules of ours, for servers to import.
modules() {
	mkdir "$T/mods"
	export PYTHONPATH="$T/mods"
	echo 'import threading, time; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()' >"$T/mods/threads.py"
	echo 'held = open(__file__)' >"$T/mods/opens.py"
	echo 'import os; os.write(2, b"hello")' >"$T/mods/prints.py"
	echo 'raise ValueError("not here")' >"$T/mods/fails.py"
	echo 'import os; os._exit(3)' >"$T/mods/ends.py"
	echo 'import subprocess; p = subprocess.Popen(["sleep", "600"]); open(__file__ + ".pid", "w").write(str(p.pid))' >"$T/mods/starts.py"
	echo 'import os; os.chdir("/")' >"$T/mods/moves.py"
	echo 'import time; open(__file__ + ".begun", "w").close(); time.sleep(600)' >"$T/mods/hangs.py"
	echo 'import os; os.environ.setdefault("FINE", "1")' >"$T/mods/fine.py"
}

# What cannot be forked from is said once, and its jobs run all the same.
t_refused() {
	modules
	echo 'import os; print("ran", os.getpid())' | script job.py
	start_worker -v -j 2
	for m in threads opens prints fails ends starts moves missing; do
		put "a$m" job.py "\"order\":{\"warm\":[\"fine\",\"$m\"]}"
		soon word "warm python=.*fine,$m unfit"
		put "b$m" job.py "\"order\":{\"warm\":[\"fine\",\"$m\"]}"
		soon there "b$m"
		is "$(of "b$m" '[.status, .run.warm]')" '[204,false]'
		has "$(said "b$m")" ran
		echo "$m" >>"$T/rows"
	done
	why() { of "b$1" .run.warmWhy; }
	is "$(why threads)" '2 threads after importing threads'
	has "$(why opens)" 'opens.py is open after importing opens'
	has "$(why prints)" 'importing prints prints'
	is "$(why fails)" 'cannot import fails: ValueError: not here'
	has "$(why ends)" 'exit code 3'
	is "$(why starts)" 'processes run after importing starts'
	has "$(why moves)" 'moves'
	has "$(why missing)" "No module named 'missing'"
	is "$(grep -c 'threads unfit' "$T/worker.log")" 1 'said once'
	soon dead "$(cat "$T/mods/starts.py.pid")"
	# One that hangs holds nobody up, and goes with the worker.
	put first job.py '"order":{"warm":"hangs"}'
	soon there first
	soon test -e "$T/mods/hangs.py.begun"
	put second job.py '"order":{"warm":"hangs"}'
	soon there second
	is "$(of second .run.warmWhy)" 'the server is starting'
	stop "$WORKER"
	promises
}

# Jobs that run when their server is killed end well, and are counted once.
t_killed() {
	echo 'import os, time
open(os.environ["TDIR"] + "/on." + os.environ["SPOOL_ID"], "w").close()
while not os.path.exists(os.environ["TDIR"] + "/go"): time.sleep(0.02)
print("{\"loss\": 1}")' | script waits.py
	TDIR=$T; export TDIR
	warm_worker --warm none -j 2
	put a waits.py; put b waits.py
	on() { [ "$(find "$T" -maxdepth 1 -name 'on.*' | wc -l)" = "$1" ]; }
	soon on 2
	kill -9 "$(server)"
	soon word 'killed by signal 9'
	touch "$T/go"
	soon there a; soon there b
	is "$(of a '[.status, .loss, .run.warm, .run.exitCode]')" '[200,1,true,0]'
	is "$(of b '[.status, .loss, .run.warm, .run.exitCode]')" '[200,1,true,0]'
	# Those that it forked are still good; after them there is a new one.
	old=$(server)
	put c waits.py; put d waits.py; put e waits.py
	soon outcomes_are 6
	another() { [ "$(server)" != "$old" ]; }
	soon another
	put f waits.py
	soon there f
	is "$(of f .run.warm)" true
	stop "$WORKER"
	promises
}

# However often, every job has run once.
t_loop() {
	script once.py <<-'PY'
	import os
	print(os.environ["SPOOL_ID"], file=open(os.environ["TDIR"] + "/ran", "a"))
	PY
	TDIR=$T; export TDIR
	warm_worker --warm none -j 2
	i=0
	while [ $i -lt 60 ]; do
		i=$((i + 1))
		put "j$i" once.py
		p=$(server)
		! grep -qs workerd-warm "/proc/$p/cmdline" || kill -9 "$p" || :
	done
	soon outcomes_are 61
	word 'killed by signal 9' || fail 'no server was killed'
	stop "$WORKER"
	is "$(sort "$T/ran" | uniq -c | awk '$1 != 1' | wc -l)" 0 'run twice'
	is "$(wc -l <"$T/ran")" 60 'run'
	is "$(cat "$S"/outcomes/2*.json | jq -r .status | sort -u)" 204
	OVER=1 promises
}

# Four at most: for a fifth the one goes that was used least lately, if that was
# a while ago.
t_least_used() {
	echo pass | script job.py
	start_worker -v
	for m in json csv math string; do
		put "$m" job.py "\"order\":{\"warm\":[\"$m\"]}"
		soon word "warm python=.*$m ready"
		soon there "$m"
	done
	put again job.py '"order":{"warm":["json"]}'
	soon there again
	i=0
	until word 'warm python=.*random start'; do
		i=$((i + 1))
		[ $i -lt 60 ] || fail 'never came true: a fifth'
		put "r$i" job.py '"order":{"warm":["random"]}'
		soon there "r$i"
		is "$(of "r$i" '[.status, .run.warm]')" '[204,false]'
		sleep 1 # it does not hurry, either
	done
	is "$(grep -c 'end: others are asked for' "$T/worker.log")" 1 'ended'
	word 'warm python=.*csv end: others are asked for' || fail 'another one ended'
	soon word 'warm python=.*random ready'
	put last job.py '"order":{"warm":["random"]}'
	put json2 job.py '"order":{"warm":["json"]}'
	soon there last; soon there json2
	is "$(of last .run.warm) $(of json2 .run.warm)" 'true true'
	stop "$WORKER"
	promises
}

# One that does not answer any more is given up, and holds nobody up.
t_silent() {
	warm_worker --warm none -j 2
	server=$(server)
	kill -STOP "$server"
	for i in $(seq 20); do put "a$i" first.py; done
	soon outcomes_are 21
	is "$(cat "$S"/outcomes/2*.json | jq -r .status | sort -u)" 204
	soon word 'unfit: it does not answer'
	soon dead "$server"
	put b first.py
	soon there b
	is "$(of b .run.warmWhy)" 'it does not answer'
	stop "$WORKER"
	promises
}

# Limits, stops and what is left over: as with any other job.
t_stopped() {
	echo 'import signal, time, sys
signal.signal(signal.SIGTERM, lambda *a: sys.exit(75 if len(sys.argv) > 5 else 4))
print("on"); time.sleep(600)' | script sleeps.py
	echo 'import os, time, sys
pid = os.fork()
if pid == 0:
    os.setsid()
    if os.fork(): os._exit(0)
    open(os.environ["TDIR"] + "/stray", "w").write(str(os.getpid()))
    os.close(1); os.close(2); time.sleep(600)
os.waitpid(pid, 0)
while not os.path.exists(os.environ["TDIR"] + "/stray"): time.sleep(0.02)' | script strays.py
	echo 'b = bytearray(3 << 30)' | script eats.py
	TDIR=$T; export TDIR
	warm_worker --warm none -j 2
	put t sleeps.py '"order":{"timeout":0.3}'
	put s strays.py
	put e eats.py '"order":{"memory":"512M"}'
	put c sleeps.py
	soon there t; soon there s; soon there e
	is "$(of t '[.status, .run.cause, .run.warm, .run.exitCode]')" '[408,"timeout",true,4]'
	is "$(of s '[.run.warm, .status]')" '[true,204]'
	soon dead "$(cat "$T/stray")"
	is "$(of e '[.run.warm, .run.cause]')" '[true,"oom"]'
	c=$(find "$S/assigned" -name '*.c.json' | sed 's/.*\/...//' | cut -d. -f1)
	spool cancel "$c"
	soon there c
	is "$(of c .status)" 499
	# Killed outright, it leaves nothing behind.
	put last sleeps.py
	runs() { [ "$(find "$S/assigned" -name '*.last.json')" ]; }
	soon runs
	server=$(server)
	kill -9 "$WORKER"
	soon dead "$server"
	none() { ! grep -lsz "^SPOOL_DIR=$S\$" /proc/[0-9]*/environ | grep -v "/$$/" | xargs -r -n 1 dirname | xargs -r -I F readlink F/exe | grep -q python; }
	soon none
	soon bare
}

# Preempted, by itself (75) and by the worker's end: it goes on in its directory,
# warm again, and nothing of it is counted.
t_preempted() {
	echo 'import os, signal, sys, time
again = os.path.exists("half")
open("half", "w").close()
if again: print("{\"loss\":1}"); sys.exit()
if "self" in sys.argv[1]: sys.exit(75)
signal.signal(signal.SIGTERM, lambda *a: sys.exit(75))
open(os.environ["TDIR"] + "/on", "w").close()
while True: time.sleep(1)' | script half.py
	TDIR=$T; export TDIR
	warm_worker --warm none --preempt
	put self half.py '"x":"self"'
	soon there self
	is "$(of self '[.status, .loss, .run.warm, .run.attempt]')" '[200,1,true,1]'
	put told half.py
	soon test -e "$T/on"
	stop "$WORKER"
	ls "$S/new" | grep -q '[.]t2a0[.]told[.]json' || fail 'not given back'
	is "$(cat "$S"/runs/*/*/t[0-9]*.json | jq -r .cause | sort | uniq -c | tr -s ' \n' ' ')" ' 2 preempted '
	start_worker -v --warm none
	soon there told
	is "$(of told '[.status, .loss, .run.attempt]')" '[200,1,1]'
	promises
}

# What is random differs from job to job; what is read at the start is heeded.
t_own() {
	echo 'import random, os, sys
print(random.random(), os.urandom(4).hex(), hash("a"))
if "numpy" in sys.modules: import numpy; print(numpy.random.rand())' | script dice.py
	echo 'print(hash("a"))' | script hash.py
	modules
	warm_worker --warm random,fine
	put a dice.py; put b dice.py
	soon there a; soon there b
	[ "$(said a | cut -d' ' -f1,2)" != "$(said b | cut -d' ' -f1,2)" ] || fail 'the same dice'
	# A server for this seed of hashes alone, from the second order on.
	for n in 1 2 3; do
		put "h$n" hash.py '"order":{"env":{"PYTHONHASHSEED":"7"}}'
		soon there "h$n"
		is "$(said "h$n")" "$(PYTHONHASHSEED=7 "$PYTHON" -c 'print(hash("a"))')"
		[ $n != 2 ] || soon eval '[ "$(grep -c "warm python=.* ready" "$T/worker.log")" = 2 ]'
	done
	is "$(of h1 .run.warmWhy)" 'the first one with this order.env'
	is "$(of h3 .run.warm)" true
	# Other variables need none.
	put x hash.py '"order":{"env":{"ALPHA":"7"}}'
	soon there x
	is "$(of x .run.warm)" true
	# What importing sets is set, but not over what the order sets.
	echo 'import fine, os; print(os.environ["FINE"], os.popen("echo $FINE").read())' | script fined.py
	put f1 fined.py; put f2 fined.py '"order":{"env":{"FINE":"2"}}'
	soon there f1; soon there f2
	is "$(of f1 .run.warm) $(said f1 | tr -d '\n')" 'true 1 1'
	is "$(said f2 | tr -d '\n')" '2 2'
	# What was imported has changed on the disk.
	echo 'import os' >"$T/mods/new.py"
	put y hash.py; put z hash.py
	soon word 'has changed on the disk'
	soon there y; soon there z
	# A wrapper is no interpreter.
	printf '#!/bin/sh\nX=1 exec %s "$@"\n' "$PYTHON" >"$T/wrapper"
	chmod +x "$T/wrapper"
	put w hash.py "\"order\":{\"python\":\"$T/wrapper\"}"
	soon word 'unfit: it is a wrapper'
	soon there w
	is "$(of w .status)" 204
	stop "$WORKER"
	exits 100 workerd $ROOTOK --warm 'a b' "$S"
	has "$(cat "$T/err")" 'modules with commas'
}

# Libraries with threads of their own, that know of forks: as cold.
t_numpy() {
	for p in "$PYTHON" /usr/bin/python3; do
		for m in sklearn.linear_model numpy; do
			"$p" -c "import $m" 2>/dev/null && break 2
		done
		m=
	done
	[ "$m" ] || skip 'no numpy here'
	script lin.py <<-'PY'
	import numpy as np, sys
	a = np.arange(160000.0).reshape(400, 400) / 1e5
	print(round(float(np.linalg.norm(a @ a)), 6), np.linalg.matrix_rank(np.eye(50)))
	if sys.argv[-1].find("sklearn") > 0:
	    from sklearn.linear_model import LinearRegression
	    print(LinearRegression(n_jobs=2).fit(a[:, :3], a[:, 5]).score(a[:, :3], a[:, 5]) > 0.9)
	PY
	script dice.py <<-'PY'
	import numpy as np, logging, multiprocessing.process as mp, os
	print(np.random.rand(), np.random.default_rng().random(), mp.current_process().authkey.hex(),
	      logging._startTime, mp.ORIGINAL_DIR == os.getcwd())
	PY
	PYTHON=$p
	warm_worker --warm "$m" -j 2
	put a lin.py "\"mod\":\"$m\""; put b lin.py "\"mod\":\"$m\""; put c dice.py; put d dice.py
	put e lin.py "\"mod\":\"$m\",\"order\":{\"python\":\"$p\",\"env\":{\"OMP_NUM_THREADS\":\"1\"}}"
	soon outcomes_are 6
	is "$(of a '[.status, .run.warm]')" '[204,true]'
	is "$(said a)" "$(said e)" 'what it computes'
	is "$(said a)" "$(said b)" 'what it computes'
	is "$(of e .run.warm)" false
	[ "$(said c | cut -d' ' -f1)" != "$(said d | cut -d' ' -f1)" ] || fail 'the same dice'
	# So often that those that wait know the script.
	for i in $(seq 16); do put "n$i" dice.py; done
	soon outcomes_are 22
	for i in $(seq 16); do said "n$i"; done >"$T/dice"
	is "$(wc -l <"$T/dice") $(cut -d' ' -f5 "$T/dice" | sort -u)" '16 True'
	for i in 1 2 3 4; do is "$(cut -d' ' -f$i "$T/dice" | sort | uniq -d)" '' 'the same dice'; done
	stop "$WORKER"
	promises
}

# says_the_same NAME MODULES SCRIPT: cold, warm, and so often that it is known to those that wait
says_the_same() {
	put "$1" "$2"
	soon there "$1"
	for k in 0 1 2 3 4 5 6 7 8 9; do
		put "$1$k" "$2" "\"order\":{\"warm\":[\"$3\"]}"
		soon there "$1$k"
	done
	[ "$(said "$1")" ] || fail "$1 says nothing"
	for k in 1 9; do
		is "$(of "$1$k" .run.warm)" true
		is "$(said "$1$k")" "$(said "$1")" "what $1 says"
	done
}

# What the runtime of Fortran, in which parts of scipy are, holds back is not lost.
t_fortran() {
	for p in "$PYTHON" /usr/bin/python3; do
		"$p" -c 'import scipy.optimize' 2>/dev/null && break
		p=
	done
	[ "$p" ] || skip 'no scipy here'
	PYTHON=$p
	script fortran.py <<-'PY'
	from scipy.optimize import fmin_l_bfgs_b
	fmin_l_bfgs_b(lambda x: (float((x * x).sum()), 2 * x), [1.0, 2.0], iprint=1)
	PY
	start_worker -v
	put first fortran.py '"order":{"warm":["scipy.optimize"]}'
	soon word 'warm python=.* ready'
	says_the_same fortran fortran.py scipy.optimize
	stop "$WORKER"
}

# And that of C++, with a buffer of its own.
t_iostream() {
	modules
	cat >"$T/say.cc" <<-'CC'
	#include <iostream>
	extern "C" void say(int n) { std::ios::sync_with_stdio(false); std::cout << n; }
	CC
	c++ -shared -fPIC -o "$T/mods/say.so" "$T/say.cc" 2>/dev/null || skip 'no C++ here'
	echo "import ctypes; say = ctypes.CDLL('$T/mods/say.so').say" >"$T/mods/says.py"
	echo 'import says; says.say(42)' | script iostream.py
	start_worker -v
	put first iostream.py '"order":{"warm":["says"]}'
	soon word 'warm python=.* ready'
	says_the_same iostream iostream.py says
	stop "$WORKER"
}

# Its memory is laid anew: a job has few mappings of it, and what a fork is not
# to see stays hidden.  Libraries that ask to be told of forks are told.
t_laid() {
	modules
	cat >"$T/forks.c" <<-'CC'
	#include <pthread.h>
	static int forks;
	static void child(void) { forks++; }
	int begin(void) { return pthread_atfork(0, 0, child); }
	int told(void) { return forks > 0; }
	CC
	cc -shared -fPIC -o "$T/mods/forks.so" "$T/forks.c" 2>/dev/null || skip 'no C here'
	echo "import ctypes; lib = ctypes.CDLL('$T/mods/forks.so'); lib.begin()" >"$T/mods/told.py"
	cat >"$T/mods/hides.py" <<-'PY'
	import ctypes, mmap
	page = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
	# MADV_WIPEONFORK, by hand for Pythons that do not know it
	at = ctypes.addressof(ctypes.c_char.from_buffer(page))
	ctypes.CDLL(None).madvise(ctypes.c_void_p(at), ctypes.c_size_t(4096), 18)
	page[0] = 7
	PY
	echo 'import hides; print(hides.page[0], len(list(open("/proc/self/maps"))))' | script hidden.py
	echo 'import told; print(told.lib.told())' | script forked.py
	warm_worker --warm hides
	put cold hidden.py '"order":{"warm":["told"]}'
	soon there cold
	put warm hidden.py
	soon there warm
	is "$(said cold | cut -d' ' -f1) $(said warm | cut -d' ' -f1)" '7 0'
	is "$(of warm .run.warm)" true
	[ "$(said warm | cut -d' ' -f2)" -lt "$(said cold | cut -d' ' -f2)" ] ||
	    fail "mappings: cold and warm $(said cold) $(said warm)"
	soon eval '[ "$(grep -c "warm python=.* ready" "$T/worker.log")" = 2 ]'
	put forked forked.py '"order":{"warm":["told"]}'
	soon there forked
	is "$(of forked .run.warm) $(said forked)" 'true 1'
	stop "$WORKER"
}

run_stories "$@"
