#!/usr/bin/python3
"""nosync.py - is each fsync needed?  Each call site of the programs that makes
something last does nothing in turn (tests/shim/nosync.c), and likewise in the
model (`model -f`); a power cut of powercut.py, or a world of the model, has to
tell.  Prints a table:

	SITE	the call and who called that, FUNCTION FILE:LINE each
	CUTS	after how many power cuts a promise was broken; kept N: by none
	MODEL	after how many worlds; kept; -: the model never goes there

	nosync.py [--cuts N] [--seed S] [--lanes N] [--only TEXT]

BIN: programs and `model`, built without inlining and tail calls.  SHIM: the
shared object.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys

import powercut

SKIP = ("sp_fs_fsync", "sp_sync", "sp_fs_flush_soon", "sync_dir",
        "sp_fs_alone", "sp_fs_many", "near_many")
SHIM = os.environ.get("SHIM", "")
MEDIA = [("xfs", "shutdown"), ("btrfs", "image"), ("ext4", "shutdown")]


def resolve(program, offsets):
    """[(function, file:line)] of each."""
    out = subprocess.run(["addr2line", "-fs", "-e", program] +
                         ["0x" + o for o in offsets], check=True,
                         stdout=subprocess.PIPE).stdout.decode().split("\n")
    return [(out[2 * k], re.sub(r" \(.*", "", out[2 * k + 1]))
            for k in range(len(offsets))]


def say(frames):
    return " < ".join("%s %s" % f for f in frames)


def record(home, args):
    """{site: [tokens of the shim]} of what real programs pass."""
    log = home + "/sites"
    env = dict(os.environ, LD_PRELOAD=SHIM, NOSYNC_LOG=log)
    jobs = [("%s/r%d" % (home, k), fs, how, args.seed + k, args.first, env)
            for k, (fs, how) in enumerate(powercut.media(args))]
    powercut.lanes(jobs, args.lanes)
    sites = {}
    for token in sorted(set(open(log).read().split())):
        name, *offsets = token.split(":")
        frames = [f for f in resolve(powercut.BIN + "/" + name, offsets)
                  if f[0] not in SKIP]
        sites.setdefault(say(frames[:2]), []).append(token)
    return sites


def of_model(home, args):
    """{site: [-f of the model]}"""
    program = powercut.BIN + "/model"
    out = subprocess.run([program, "-f", "?", "-s", str(args.seed), "-n", "20000"],
                         stdout=subprocess.PIPE).stdout.decode()
    sites = {}
    for a, b in sorted(set(re.findall(r"^([0-9a-f]+) ([0-9a-f]+)  \d", out, re.M))):
        frames = resolve(program, [a, b])
        if not frames[0][1].startswith(("cast.c", "ready.c")):
            sites.setdefault(say(frames), []).append(a + " " + b)
    return sites


def cut_until(home, n, tokens, args):
    """(caught, cuts, media, words)"""
    total = 0
    for k, (fs, how) in enumerate(m for m in MEDIA if m in args.media):
        hits = "%s/hits.%d.%d" % (home, n, k)
        env = dict(os.environ, LD_PRELOAD=SHIM, NOSYNC=" ".join(tokens),
                   NOSYNC_HITS=hits)
        p = subprocess.run([sys.executable, __file__, "--lane",
                            "%s/n%d.%d" % (home, n, k), fs, how,
                            str(args.seed + k), str(args.cuts)], env=dict(
                                os.environ, LANE_ENV="\n".join(
                                    "%s=%s" % (v, env[v]) for v in
                                    ("LD_PRELOAD", "NOSYNC", "NOSYNC_HITS"))),
                           stdout=subprocess.PIPE)
        row = p.stdout.decode().strip()
        total += int((re.search(r"cuts=(\d+)", row) or [0, "0"])[1])
        if p.returncode == 1:
            return True, total, "%s/%s" % (fs, how), row.split("BROKEN: ")[-1][:70]
    return False, total, "", ""


def world_until(which, args):
    p = subprocess.run([powercut.BIN + "/model", "-f", which, "-s", str(args.seed),
                        "-n", str(args.orders)], stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL)
    out = p.stdout.decode()
    m = re.search(r", (\d+) worlds", out)
    return p.returncode != 0, m[1] if m else "?"


def row(home, n, site, cuts, worlds, args):
    cut = model = "-"
    if cuts:
        caught, count, where, words = cut_until(home, n, cuts, args)
        cut = "%d (%s: %s)" % (count, where, words) if caught else "kept %d" % count
    for which in worlds or []:
        caught, count = world_until(which, args)
        model = count if caught else "kept"
        if caught:
            break
    print("%-75s | %s | %s" % (site, model, cut), flush=True)


def main():
    if sys.argv[1:2] == ["--lane"]:
        home, fs, how, seed, cuts = sys.argv[2:]
        env = dict(os.environ)
        env.update(l.split("=", 1) for l in env.pop("LANE_ENV").split("\n"))
        return powercut.lane_main(home, fs, how, int(seed), int(cuts), env)
    p = argparse.ArgumentParser()
    p.add_argument("--fs", default="xfs,btrfs,ext4")
    p.add_argument("--how", default="shutdown,image")
    p.add_argument("--first", type=int, default=30, help="cuts to learn the sites")
    p.add_argument("--cuts", type=int, default=40, help="of each medium, for a site")
    p.add_argument("--orders", type=int, default=20000, help="of the model, for a site")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--lanes", type=int, default=2)
    p.add_argument("--only", default="")
    args = p.parse_args()
    args.media = list(powercut.media(args))
    home = "/dev/shm/nosync.%d" % os.getpid()
    os.makedirs(home)
    try:
        cuts, worlds = record(home, args), of_model(home, args)
        running = 0
        for n, site in enumerate(sorted(set(cuts) | set(worlds))):
            if args.only not in site:
                continue
            if running == args.lanes:
                os.wait()
                running -= 1
            sys.stdout.flush()
            if os.fork() == 0:
                row(home, n, site, cuts.get(site), worlds.get(site), args)
                os._exit(0)
            running += 1
        for n in range(running):
            os.wait()
    finally:
        shutil.rmtree(home, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
