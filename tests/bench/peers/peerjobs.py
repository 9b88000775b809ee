# peerjobs.py - the jobs as functions, for celery and rq, and how their clients
# are told what to do.
import json
import os
import subprocess
import sys
import time


def true(job):
    return subprocess.call(["/bin/true"])


def python(job):
    job = json.loads(job)
    return json.dumps({"loss": job["learningRate"]})


def start(job):
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    job = json.loads(job)
    said = now.to_bytes(8, sys.byteorder).ljust(job["stampSize"], b"\0")
    to = os.open(job["stamp"], os.O_WRONLY)
    os.write(to, said)
    os.close(to)


WORKS = {"true": true, "python": python, "start": start}


def serve(run, first):
    """first() when the workers are there; then run(N) for each line."""
    first()
    print("ok", flush=True)
    for line in sys.stdin:
        run(int(line))
        print("ok", flush=True)
