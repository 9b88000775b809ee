# forkserver.py AT_ONCE N MODULE SCRIPT JOB - the least fork server: MODULE is
# imported once, then N forks run SCRIPT as __main__, so many at once, and what
# each prints is read from a pipe of its own.  Nothing is written down, nobody
# is isolated from anybody, killed, limited or waited for beyond its end.
import gc
import json      # noqa: F401
import os
import select
import sys

at_once, n = int(sys.argv[1]), int(sys.argv[2])
__import__(sys.argv[3])
script, job = sys.argv[4:]
gc.collect()
gc.freeze()


def run(out):
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = [script, job]
    with open(script) as f:
        code = compile(f.read(), script, 'exec')
    exec(code, {'__name__': '__main__', '__file__': script})
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


begun, pids, poll = 0, {}, select.poll()
while begun < n or pids:
    while begun < n and len(pids) < at_once:
        ours, its = os.pipe()
        pid = os.fork()
        if pid == 0:
            run(its)
        os.close(its)
        pids[ours] = pid
        poll.register(ours)
        begun += 1
    for fd, _ in poll.poll():
        if os.read(fd, 65536):
            continue
        poll.unregister(fd)
        os.close(fd)
        if os.waitpid(pids.pop(fd), 0)[1]:
            sys.exit('a job failed')
