#!/usr/bin/python3
"""sweep.py PROGRAM... - a disk that fails at the n-th change, for all n.

tests/shim/baddisk.c makes the n-th call that changes something in the spool
fail; once, or from then on until the disk is mended.  Whatever fails: the
program neither crashes nor hangs, says which file and why, never tells of an
order that is not there, and when the disk is well again all is done, once, and
with the outcome that the job had.

	sweep.py [--errno ENOSPC,EIO,...] [--mode once,on] [--stride N] \\
	    [--from N] submit|pack|worker|spoold|bundle ...

BIN: the programs; SHIM: the shared object; a row for each sweep.
"""
import argparse
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BIN = os.environ["BIN"]
TOP = os.environ["TOP"]
SHIM = os.environ["SHIM"]
ROOT = ["--allow-root"] if os.getuid() == 0 else []
ID = re.compile(r"(\d{8}T\d{9}-[0-9a-f]{8})")
STATES = ("new", "waiting", "assigned", "done", "failed")
FATAL = ("Sanitizer", "runtime error:", "Assertion", "assertion")


class Wrong(Exception):
    """What should not have been."""


class Sweep:
    def __init__(self, home, what, number, mode):
        self.home, self.what, self.mode = home, what, mode
        self.number = number
        self.words = os.strerror(number)
        self.spool = home + "/spool"
        self.lift = home + "/lift"
        self.hit = home + "/hit"
        self.log = home + "/log"
        self.accepted = set()
        self.serial = 0
        os.makedirs(home + "/work")
        self.run("spool", "init", self.spool)
        with open(self.spool + "/scripts/ok.sh", "w") as f:
            f.write("#!/bin/sh\necho a line\n"
                    "echo '{\"step\":1,\"loss\":1}' >>\"$SPOOL_METRICS\"\n"
                    "echo kept >\"$SPOOL_OUT/kept\"\necho '{\"loss\":1}'\n")
        os.chmod(self.spool + "/scripts/ok.sh", 0o755)
        with open(self.spool + "/spool.json", "w") as f:
            json.dump({"format": 1, "lease": 1, "beat": 0.2, "settle": 0.1,
                       "attempts": 3, "backoff": 0.05, "backoffMax": 0.1,
                       "halfRename": 1, "poll": 0.1, "slice": 3}, f)

    # ---- programs ----

    def env(self, n):
        env = dict(os.environ, LD_PRELOAD=SHIM, BADDISK=self.spool,
                   BADDISK_AT=str(n), BADDISK_ERRNO=str(self.number),
                   BADDISK_HIT=self.hit)
        if self.mode == "on":
            env["BADDISK_LIFT"] = self.lift
        return env

    def run(self, name, *words, env=None, text=None, limit=60):
        self.err = b""
        try:
            p = subprocess.run([BIN + "/" + name, *words], env=env,
                               input=text, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=limit)
        except subprocess.TimeoutExpired as e:
            raise Wrong("%s hangs: %r" % (name, (e.stderr or b"")[-500:]))
        self.err = p.stderr
        self.well(name, p.returncode)
        self.out = p.stdout.decode()
        return p.returncode

    def well(self, name, rc):
        err = self.err.decode(errors="replace")
        if rc < 0 or rc > 128 or any(w in err for w in FATAL):
            raise Wrong("%s ended with %d: %s" % (name, rc, err[-1500:]))

    def hits(self):
        try:
            with open(self.hit) as f:
                lines = f.read().splitlines()
        except FileNotFoundError:
            return []
        return [l for l in lines if not l.startswith("calls ")]

    def job(self):
        self.serial += 1
        return '{"scriptName":"ok.sh","key":%d}' % self.serial

    def submit(self, *more, env=None):
        names = []
        for n in range(2):
            names.append("%s/job%d.json" % (self.home, n))
            with open(names[-1], "w") as f:
                f.write(self.job())
        rc = self.run("spool", "-s", self.spool, "submit", *more, *names, env=env)
        self.accepted.update(ID.findall(self.out))
        return rc

    def drop(self, label, lines=0):
        name = "%s/tmp/drop" % self.spool
        with open(name, "w") as f:
            f.write("".join(self.job() + "\n" for n in range(lines or 1)))
        os.rename(name, "%s/new/%s.json%s" % (self.spool, label, "l" * (lines > 0)))

    def worker(self, *more, env=None, limit=60):
        return self.run("workerd", *ROOT, "--cold", "--drain", "--name", "w",
                        "--disk-floor", "0", "--work", self.home + "/work",
                        *more, self.spool, env=env, limit=limit)

    def start(self, name, *words, env):
        with open(self.log, "wb") as log:
            return subprocess.Popen([BIN + "/" + name, *words], env=env,
                                    stdin=subprocess.DEVNULL,
                                    stdout=log, stderr=log)

    def mend(self, p, done, limit=40):
        """Lift the fault soon after it struck; wait until done() or its end."""
        end = time.monotonic() + limit
        struck = None
        while p.poll() is None and not done():
            if struck is None and self.hits():
                struck = time.monotonic()
            if struck and time.monotonic() - struck > 0.3:
                open(self.lift, "w").close()
            if time.monotonic() > end:
                p.kill()
                p.wait()
                with open(self.log, "rb") as f:
                    raise Wrong("hangs: %s" % f.read()[-1500:].decode(errors="replace"))
            time.sleep(0.01)
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        try:
            rc = p.wait(30)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            raise Wrong("does not end when told")
        with open(self.log, "rb") as f:
            self.err = f.read()
        self.well(self.what, rc)
        return rc

    # ---- what is there ----

    def entries(self):
        for state in STATES:
            for top, _, names in os.walk(self.spool + "/" + state):
                for name in names:
                    m = ID.search(name)
                    if m and not name.startswith("."):
                        yield m[1], state, name

    def over(self):
        raw = [n for n in os.listdir(self.spool + "/new") if n[0] != "."]
        return not raw and all(
            s in ("done", "failed") and
            os.path.exists("%s/outcomes/%s.json" % (self.spool, i))
            for i, s, _ in self.entries())

    def settle(self):
        """With a well disk all comes to its end."""
        for n in range(3):
            self.worker(limit=60)
            if self.over():
                break
        ids = {}
        for i, state, name in self.entries():
            if i in ids:
                raise Wrong("%s twice: %s, %s" % (i, ids[i], name))
            ids[i] = name
            if state not in ("done", "failed"):
                raise Wrong("left in %s: %s; %s" % (state, name, self.err[-800:].decode()))
            with open("%s/outcomes/%s.json" % (self.spool, i)) as f:
                out = json.load(f)
            if out.get("status") != 200:
                raise Wrong("a wrong outcome: %s" % json.dumps(out)[:900])
        if self.accepted - set(ids):
            raise Wrong("accepted and lost: %s" % (self.accepted - set(ids)))
        outs = {n[:-5] for n in os.listdir(self.spool + "/outcomes") if n[0] != "."}
        if outs != set(ids):
            raise Wrong("outcomes and orders differ: %s" % (outs ^ set(ids)))
        if os.listdir(self.spool + "/bad"):
            raise Wrong("set aside: %s" % os.listdir(self.spool + "/bad"))
        return set(ids)

    def said(self):
        """The reason, in words."""
        err = self.err.decode(errors="replace")
        if self.words not in err:
            raise Wrong("does not say why (%s): %s" % (self.words, err[-600:]))

    def fresh(self):
        for name in (self.lift, self.hit):
            if os.path.exists(name):
                os.unlink(name)

    # ---- what is swept ----

    def do_submit(self, n):
        rc = self.submit(env=self.env(n))
        if self.hits() and rc != 0:
            self.said()
            if rc not in (100, 111):
                raise Wrong("exit %d: %s" % (rc, self.err.decode()))
        elif rc != 0:
            raise Wrong("exit %d for nothing: %s" % (rc, self.err.decode()))

    def do_pack(self, n):
        name = self.home + "/many.jsonl"
        with open(name, "w") as f:
            f.writelines(self.job() + "\n" for k in range(7))
        rc = self.run("spool", "-s", self.spool, "submit", name, env=self.env(n))
        self.accepted.update(ID.findall(self.out))
        if rc != 0:
            self.said()

    def do_worker(self, n):
        self.submit()
        self.drop("d%d" % n)
        if self.mode == "once":
            rc = self.worker(env=self.env(n), limit=60)
        else:
            p = self.start("workerd", *ROOT, "--cold", "--drain", "--name", "w",
                           "--disk-floor", "0", "--work", self.home + "/work",
                           self.spool, env=self.env(n))
            rc = self.mend(p, lambda: False)
        if rc != 0:
            self.said()

    def do_spoold(self, n):
        """Admission, promotion, a revoked order, publication, the index."""
        self.drop("s%d" % n)
        self.drop("b%d" % n, lines=5)
        p = self.start("spoold", self.spool, env=self.env(n))

        def done():
            names = os.listdir(self.spool + "/new")
            return (not any(x[0] in "sb" for x in names) and
                    (self.mode == "once" or os.path.exists(self.lift) or
                     not self.hits()) and self.quiet())
        rc = self.mend(p, done)
        if rc != 0:
            self.said()

    def quiet(self):
        return not any(n.endswith((".d", ".jsonl")) for d in ("tmp", "new", "assigned")
                       for n in os.listdir(self.spool + "/" + d))

    def point(self, n):
        self.fresh()
        getattr(self, "do_" + self.what)(n)
        hits = self.hits()
        if not self.lazy:
            self.settled()
        return hits

    def settled(self):
        try:
            self.settle()
        except (OSError, ValueError) as e:
            raise Wrong("%r" % e)


def sweep(what, name, mode, args):
    number = getattr(errno, name)
    home = tempfile.mkdtemp(prefix="spool-sweep.", dir=args.dir)
    s = Sweep(home, what, number, mode)
    s.lazy = args.lazy
    n, points, bad, kinds = args.first, 0, [], set()
    try:
        while n <= args.last:
            try:
                hits = s.point(n)
                if hits:
                    points += 1
                    kinds.update(h.split()[0] for h in hits)
                if s.lazy and (not hits or n + args.stride > args.last):
                    s.settled()
                if not hits:
                    break
            except Wrong as e:
                bad.append((n, s.hits()[:1], str(e)))
                print("  %s %s %s n=%d %s: %s" % (what, name, mode, n, s.hits()[:1], e),
                      flush=True)
                shutil.rmtree(home, ignore_errors=True)
                os.makedirs(home)
                s = Sweep(home, what, number, mode)
                s.lazy = args.lazy
                if len(bad) >= args.most:
                    break
            n += args.stride
    finally:
        shutil.rmtree(home, ignore_errors=True)
    print("%s %s %s %s: %d points, %s" % (
        "FAIL" if bad else "ok  ", what, name, mode, points, " ".join(sorted(kinds))),
        flush=True)
    return len(bad)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--errno", default="ENOSPC,EDQUOT,EIO,EROFS,EMFILE")
    p.add_argument("--mode", default="once,on")
    p.add_argument("--stride", type=int, default=1)
    p.add_argument("--from", dest="first", type=int, default=1)
    p.add_argument("--to", dest="last", type=int, default=1000)
    p.add_argument("--most", type=int, default=5, help="failures of a sweep")
    p.add_argument("--lazy", action="store_true", help="all ends at the end")
    p.add_argument("--dir", default=None)
    p.add_argument("what", nargs="+")
    args = p.parse_args()
    bad = 0
    for what in args.what:
        for name in args.errno.split(","):
            for mode in args.mode.split(","):
                bad += sweep(what, name, mode, args)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
