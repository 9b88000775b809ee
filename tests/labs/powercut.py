#!/usr/bin/python3
"""powercut.py - the power goes, thousands of times, under real programs.

A lane is a filesystem of its own in an image in memory, with a spool on it and
on that submitters, people who copy files, spoold and workers.  At a random
moment, or right after something was acknowledged, the power is cut:

	shutdown	the filesystem's own ioctl, without a flush of its log
	image		what the block device holds at that instant is what is
			left of it (a reflink of the image file)

All processes are killed, what is left is mounted again, and held against a
journal that was kept elsewhere: each id that `spool submit` returned is there;
what was copied and fsynced is there; a name that says "accepted" has a whole
text; what is over has a whole outcome; an outcome that was seen is what it was.
Every few cuts others recover: then all is over, once (tests/promises), and
nothing is left in assigned/ or half-way in tmp/.

	powercut.py [--fs ext4,xfs,btrfs] [--cuts N] [--seed S] [--lanes N]

nosync.py removes each fsync in turn: does a cut tell?
"""
import argparse
import ctypes
import fcntl
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import threading
import time

SHUTDOWN = 0x8004587D  # FS_IOC_SHUTDOWN
NOLOGFLUSH = 2
FICLONE = 0x40049409
NAME = re.compile(r"^\d\d\.(\d{8}T\d{9}-[0-9a-f]{8})\.t\d+a\d+(@[^.]+)?"
                  r"(?:\.(.*))?\.(jsonl?)$")
STATES = ("new", "waiting", "assigned", "done", "failed")
MKFS = {
    "ext4": ("64M", ["mkfs.ext4", "-q", "-F", "-E", "nodiscard"]),
    "xfs": ("320M", ["mkfs.xfs", "-q", "-f", "-K"]),
    "btrfs": ("256M", ["mkfs.btrfs", "-q", "-f", "-K"]),
}
BIN = os.environ.get("BIN", "build/plain")
TOP = os.environ.get("TOP", ".")


class Broken(Exception):
    """A promise, in words."""


def run(words, **more):
    return subprocess.run(words, check=True, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, **more)


def sync_at(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


class Disk:
    """A filesystem whose power can be cut."""

    def __init__(self, home, fs, how):
        self.home, self.fs, self.how = home, fs, how
        self.outer = home + "/outer"
        self.at = home + "/disk"
        os.makedirs(self.at)
        if how == "image":  # reflinks need a filesystem that has them
            os.makedirs(self.outer)
            size = "2G" if fs != "ext4" else "800M"
            run(["truncate", "-s", size, home + "/outer.img"])
            run(["mkfs.xfs", "-q", "-f", "-K", home + "/outer.img"])
            run(["mount", "-o", "loop,nosuid", home + "/outer.img", self.outer])
            self.img = self.outer + "/img"
        else:
            self.img = home + "/img"

    def fresh(self):
        if os.path.exists(self.img):
            os.unlink(self.img)
        size, mkfs = MKFS[self.fs]
        run(["truncate", "-s", size, self.img])
        run(mkfs + [self.img])
        self.mount()

    def mount(self):
        run(["mount", "-o", "loop,noatime", self.img, self.at])

    def cut(self):
        if self.how == "shutdown":
            fd = os.open(self.at, os.O_RDONLY)
            fcntl.ioctl(fd, SHUTDOWN, struct.pack("I", NOLOGFLUSH))
            os.close(fd)
            return
        src = os.open(self.img, os.O_RDONLY)
        dst = os.open(self.img + ".cut", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        fcntl.ioctl(dst, FICLONE, src)
        os.close(src)
        os.close(dst)

    def umount(self, at=None):
        for n in range(100):
            if subprocess.run(["umount", at or self.at],
                              stderr=subprocess.DEVNULL).returncode == 0:
                return
            time.sleep(0.05)
        raise RuntimeError("cannot umount " + (at or self.at))

    def back(self):
        self.umount()
        if self.how == "image":
            os.rename(self.img + ".cut", self.img)
        self.mount()

    def close(self):
        for at in (self.at, self.outer):
            if os.path.ismount(at):
                self.umount(at)


class Lane:
    def __init__(self, home, fs, how, seed, env):
        self.home, self.dice, self.env = home, random.Random(seed), env
        os.makedirs(home)
        self.disk = Disk(home, fs, how)
        self.what = "%s/%s" % (fs, how)
        self.spool = self.disk.at + "/spool"
        self.cuts = self.orders = self.outcomes = 0
        self.serial = self.twins = 0
        self.slowest = 0.0
        self.log = open(home + "/log", "ab")
        # Who loses his parent becomes ours, to be killed with the others.
        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)

    # ---- people ----

    def words(self, name, *more):
        return [BIN + "/" + name] + list(more)

    def start(self, *words):
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, env=self.env,
                                stdout=self.log, stderr=self.log,
                                start_new_session=True)

    def spoold(self):
        self.start(*self.words("spoold", self.spool))

    def worker(self, *more):
        os.makedirs(self.disk.at + "/work", exist_ok=True)
        root = ["--allow-root"] if os.getuid() == 0 else []
        return self.start(*self.words(
            "workerd", *root, "--cold", "-j", "2", "--name", "w",
            "--work", self.disk.at + "/work", *more, self.spool))

    def submit(self, words, text=None):
        """Ids that were acknowledged; none when it failed."""
        p = subprocess.run(self.words("spool", "-s", self.spool, *words),
                           input=text, stdout=subprocess.PIPE,
                           stderr=self.log, env=self.env)
        return p.stdout.decode().split() if p.returncode == 0 else []

    def job(self):
        self.serial += 1
        return json.dumps({"scriptName": self.dice.choice(["ok.sh"] * 4 + ["bad.sh"]),
                           "key": self.serial})

    def one(self):
        more = self.dice.choice([[], [], [], ["--priority", "20"]])
        for i in self.submit(["submit", *more, "-"], self.job().encode()):
            self.acked.add(i)

    def later(self):
        """Into waiting/: not before a moment that is near."""
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 1))
        job = json.loads(self.job())
        job["order"] = {"notBefore": when}
        for i in self.submit(["submit", "-"], json.dumps(job).encode()):
            self.acked.add(i)

    def many(self, n):
        names = []
        for k in range(n):
            names.append("%s/job.%d.json" % (self.home, k))
            with open(names[-1], "w") as f:
                f.write(self.job())
        for i in self.submit(["submit", *names]):
            self.acked.add(i)

    def packed(self):
        name = self.home + "/pack.jsonl"
        with open(name, "w") as f:
            f.writelines(self.job() + "\n" for k in range(7))
        for i in self.submit(["submit", name]):
            self.packs.add(i)

    def held(self):
        ids = self.submit(["submit", "--priority", "90", "-"], self.job().encode())
        for i in ids:
            self.acked.add(i)
            if subprocess.run(self.words("spool", "-s", self.spool, "hold", i),
                              stdout=self.log, stderr=self.log,
                              env=self.env).returncode == 0:
                self.holds.add(i)

    def drop(self, lines):
        """As cp does it; then perhaps as one does who wants to be sure."""
        sure = self.dice.random() < 0.5
        label = "d%d" % (self.serial + 1)
        name = "%s/new/%s.json%s" % (self.spool, label, "l" if lines else "")
        text = "".join(self.job() + "\n" for k in range(lines or 1))
        try:
            with open(name, "w") as f:
                f.write(text)
                f.flush()
                if sure:
                    os.fsync(f.fileno())
            if sure:
                sync_at(self.spool + "/new")
                self.drops[label] = lines
        except OSError:
            pass

    def feed(self):
        while not self.over:
            dice = self.dice.random()
            try:
                if dice < 0.5:
                    self.one()
                elif dice < 0.58:
                    self.many(3)
                elif dice < 0.585:
                    self.many(520)
                elif dice < 0.65:
                    self.packed()
                elif dice < 0.72:
                    self.later()
                elif dice < 0.76:
                    self.held()
                elif dice < 0.93:
                    self.drop(0)
                else:
                    self.drop(self.dice.choice([2, 5, 9]))
            except OSError:
                pass
            self.news.set()
            time.sleep(self.dice.random() * 0.01)

    def watch(self):
        """What somebody has seen accepted stays what it was."""
        while not self.over:
            try:
                for name in os.listdir(self.spool + "/outcomes"):
                    if name[0] == "." or name in self.seen:
                        continue
                    with open(self.spool + "/outcomes/" + name, "rb") as f:
                        text = f.read()
                    if not self.over:
                        self.seen[name] = text
                        self.news.set()
            except OSError:
                pass
            time.sleep(0.004)

    def end_all(self):
        """All that we started, and what their ends make ours."""
        for n in range(2000):
            kids = []
            for task in os.listdir("/proc/self/task"):
                try:
                    with open("/proc/self/task/%s/children" % task) as f:
                        kids += f.read().split()
                except FileNotFoundError:
                    pass  # a thread that has ended
            if not kids:
                return
            for pid in map(int, kids):
                try:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, os.WNOHANG)
                except (ProcessLookupError, ChildProcessError):
                    pass
            time.sleep(0.002)
        raise RuntimeError("processes do not end: %s" % kids)

    # ---- what is there ----

    def entries(self):
        """(id, state, label, kind, path) of all that has a canonical name."""
        for state in STATES:
            for top, _, names in os.walk(self.spool + "/" + state):
                for name in names:
                    m = NAME.match(name)
                    if m:
                        yield m[1], state, m[3] or "", m[4], top + "/" + name

    def text(self, path):
        try:
            with open(path, "rb") as f:
                return f.read()
        except FileNotFoundError:
            return None

    def whole(self, path, what):
        text = self.text(path)
        try:
            if path.endswith(".jsonl") and text and text.endswith(b"\n"):
                return
            if isinstance(json.loads(text or b""), dict):
                return
        except ValueError:
            pass
        raise Broken("%s is not whole: %s: %r" % (what, path, (text or b"")[:60]))

    def look(self, halves):
        """After a cut, before anybody has mended anything."""
        ids, labels = {}, {}
        for i, state, label, kind, path in self.entries():
            if i in ids:
                # Half a rename, as btrfs may leave it: the keeper's business.
                if halves and os.path.samefile(ids[i], path) and \
                        os.stat(path).st_nlink > 1:
                    self.twins += 1
                    continue
                raise Broken("%s stands in %s and in %s: links %d, %d" % (
                    i, ids[i], path, os.stat(ids[i]).st_nlink,
                    os.stat(path).st_nlink))
            ids[i] = path
            labels[label] = path
            self.whole(path, "what was accepted")
            if state in ("done", "failed"):
                own = os.path.basename(path)
                out = self.spool + "/outcomes/"
                m = re.match(r"^\d\d\.(\S+?\.t\d+a\d+@[^.]+)", own)
                if not os.path.exists(out + i + ".json") and \
                        (not m or not os.path.exists(out + "." + m[1])):
                    raise Broken("%s is over and has no outcome" % path)
        lost = self.acked - set(ids)
        if lost:
            left = [top + "/" + n for top, _, names in os.walk(self.spool)
                    for n in names if any(i in n for i in lost)]
            raise Broken("accepted and lost: %s; of it is left: %s" % (
                sorted(lost), left))
        for label in self.drops:
            raw = "%s/new/%s.json" % (self.spool, label)
            if label not in labels and not os.path.exists(raw) and \
                    not os.path.exists(raw + "l"):
                raise Broken("copied, fsynced and lost: %s" % label)
        for name in os.listdir(self.spool + "/outcomes"):
            path = self.spool + "/outcomes/" + name
            if name[0] != ".":
                self.whole(path, "an outcome")
                if self.seen.get(name, self.text(path)) != self.text(path):
                    raise Broken("an outcome has changed: " + name)
        for i in self.holds:
            if "/waiting/" in ids[i] and \
                    not os.path.exists("%s/hold/%s" % (self.spool, i)):
                raise Broken("held, and the mark is gone: " + i)

    def all_over(self):
        for i, state, label, kind, path in self.entries():
            if state not in ("done", "failed"):
                return False
            if not os.path.exists("%s/outcomes/%s.json" % (self.spool, i)):
                return False
        left = os.listdir(self.spool + "/tmp")
        raw = os.listdir(self.spool + "/new")
        raw += [n for n in os.listdir(self.spool + "/outcomes") if n[0] == "."]
        return not raw and not any(n.endswith(".d") for n in left)

    def recover(self):
        began = time.monotonic()
        for i in os.listdir(self.spool + "/hold"):
            self.submit(["unhold", i])
        self.holds.clear()
        if self.dice.random() < 0.5:
            self.spoold()
        self.worker()
        while not self.all_over():
            if time.monotonic() - began > 90:
                raise Broken("not over: %s" % [
                    e[4] for e in self.entries()
                    if e[1] not in ("done", "failed")][:5] +
                    str(os.listdir(self.spool + "/new")[:5]) +
                    str(os.listdir(self.spool + "/tmp")[:5]))
            time.sleep(0.05)
        self.slowest = max(self.slowest, time.monotonic() - began)
        self.end_all()
        self.look(False)
        out = {n: self.text(self.spool + "/outcomes/" + n)
               for n in os.listdir(self.spool + "/outcomes") if n[0] != "."}
        for name in self.seen:
            if out.get(name) != self.seen[name]:
                raise Broken("an outcome that was seen is another now: " + name)
        env = dict(os.environ, OVER="1",
                   PATH="%s/helpers:%s" % (BIN, os.environ["PATH"]))
        p = subprocess.run(["sh", TOP + "/tests/promises", self.spool,
                            *sorted(self.acked | self.packs)], env=env,
                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if p.returncode != 0:
            raise Broken(p.stderr.decode()[:400])
        count = {}
        for i, state, label, kind, path in self.entries():
            if kind == "json":
                count[label] = count.get(label, 0) + 1
                if state == "failed" and json.loads(out[i + ".json"]).get(
                        "status") == 400:
                    raise Broken("a good job was refused: " + path)
        for label, lines in self.drops.items():
            if count.get(label, 0) != (lines or 1):
                raise Broken("of %s came %d orders, not %d" % (
                    label, count.get(label, 0), lines or 1))
        self.orders += len(self.acked) + len(self.packs) + len(self.drops)
        self.outcomes += len(out)

    # ---- an epoch: a new spool, some cuts, recovery ----

    def begin(self):
        self.acked, self.packs, self.holds = set(), set(), set()
        self.drops, self.seen = {}, {}
        self.disk.fresh()
        run(self.words("spool", "init", self.spool))
        for name, text in (("ok.sh", "echo '{\"loss\":1}'"), ("bad.sh", "exit 3")):
            path = self.spool + "/scripts/" + name
            with open(path, "w") as f:
                f.write("#!/bin/sh\n" + text + "\n")
            os.chmod(path, 0o755)
        with open(self.spool + "/spool.json", "w") as f:
            json.dump({"format": 1, "lease": 1, "beat": 0.2, "settle": 0.1,
                       "attempts": 90, "backoff": 0.1, "backoffMax": 0.5,
                       "halfRename": 1, "poll": 0.1, "slice": 3}, f)
        os.sync()

    def journal(self):
        return self.acked, self.packs, self.holds, self.drops, self.seen

    def cut(self):
        self.over, self.news = False, threading.Event()
        threads = [threading.Thread(target=f) for f in (self.feed, self.watch)]
        if self.dice.random() < 0.6:
            self.spoold()
        for n in range(self.dice.choice([0, 1, 1, 1, 2])):
            self.worker()
        for t in threads:
            t.start()
        time.sleep(self.dice.random() ** 2 * 0.5)
        if self.dice.random() < 0.6:  # at the worst moment
            self.news.clear()
            self.news.wait(0.3)
        # What is acknowledged after this instant is of another world (and
        # XFS says that a directory was fsynced after its log was shut down).
        known = [type(x)(x) for x in self.journal()]
        self.disk.cut()
        self.over = True
        self.end_all()
        for t in threads:
            t.join()
        self.acked, self.packs, self.holds, self.drops, self.seen = known
        self.disk.back()
        self.cuts += 1
        self.look(True)

    def epoch(self, most):
        try:
            self.begin()
            for n in range(min(most, self.dice.randint(4, 12))):
                self.cut()
            self.recover()
        finally:
            self.over = True
            self.end_all()
            if os.path.ismount(self.disk.at):
                self.keep()
                self.disk.umount()

    def keep(self):
        """What is left of a world that broke a promise, for LAB_KEEP."""
        to = os.environ.get("LAB_KEEP")
        if to and isinstance(sys.exc_info()[1], Broken):
            to += "/%s.%d" % (os.path.basename(self.home), os.getpid())
            shutil.copytree(self.spool, to, symlinks=True)
            shutil.copy(self.home + "/log", to + ".log")

    def close(self):
        self.end_all()
        self.disk.close()
        self.log.close()
        shutil.rmtree(self.home, ignore_errors=True)


def lane_main(home, fs, how, seed, cuts, env, until=None):
    """In a process of its own: prints a row; 0 kept, 1 broken, 2 trouble."""
    lane = Lane(home, fs, how, seed, env)
    rc, words = 0, "kept"
    try:
        while lane.cuts < cuts and (not until or time.monotonic() < until):
            lane.epoch(cuts - lane.cuts)
    except Broken as e:
        rc, words = 1, "BROKEN: %s" % e
    except (OSError, RuntimeError, subprocess.CalledProcessError) as e:
        rc, words = 2, "trouble: %r" % e
    print("%s seed=%d cuts=%d orders=%d outcomes=%d twins=%d recovery=%.1fs %s" % (
        lane.what, seed, lane.cuts, lane.orders, lane.outcomes,
        lane.twins, lane.slowest,
        words), flush=True)
    lane.close()
    return rc


def fork_lane(*args):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        rc = 2
        try:
            rc = lane_main(*args)
        finally:
            os._exit(rc)
    return pid


def media(args):
    """What can be had here, as (filesystem, how)."""
    have = open("/proc/filesystems").read().split()
    for fs in args.fs.split(","):
        if fs not in have or not shutil.which("mkfs." + fs):
            print("# no %s here" % fs)
            continue
        for how in args.how.split(","):
            if how == "image" and not shutil.which("mkfs.xfs"):
                continue
            if (fs, how) != ("btrfs", "shutdown"):  # it has no such ioctl
                yield fs, how


def lanes(jobs, most):
    """All of them, some at a time; how many were not kept."""
    running = bad = 0
    while jobs or running:
        while jobs and running < most:
            fork_lane(*jobs.pop(0))
            running += 1
        _, status = os.wait()
        running -= 1
        bad += status != 0
    return bad


def soak(args, home):
    todo = list(media(args))
    if not todo:
        print("SKIP powercut: no filesystem to be had whose power can be cut")
        return 0
    print("seed %d" % args.seed, flush=True)
    each = -(-args.cuts // len(todo))
    return lanes([("%s/l%d" % (home, k), fs, how, args.seed + k, each,
                   dict(os.environ)) for k, (fs, how) in enumerate(todo)],
                 args.lanes)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--fs", default="ext4,xfs,btrfs")
    p.add_argument("--how", default="shutdown,image")
    p.add_argument("--cuts", type=int, default=1000)
    p.add_argument("--seed", type=int, default=int(time.time()) % 100000)
    p.add_argument("--lanes", type=int, default=2)
    args = p.parse_args()
    home = "/dev/shm/powercut.%d" % os.getpid()
    os.makedirs(home)
    try:
        return 1 if soak(args, home) else 0
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
