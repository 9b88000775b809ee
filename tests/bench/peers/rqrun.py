# rqrun.py - rq: `rqrun.py work` is a worker, which forks for each job; `rqrun.py
# WORK JOB` is the client (redis.c).
import os
import sys
import time

import redis
import rq

import peerjobs


def main():
    link = redis.Redis(unix_socket_path=os.environ["PEER_REDIS"])
    queue = rq.Queue(connection=link)
    if sys.argv[1] == "work":
        return rq.Worker([queue], connection=link).work(logging_level="ERROR")
    work, job = peerjobs.WORKS[sys.argv[1]], sys.argv[2]
    done = rq.registry.FinishedJobRegistry(queue=queue)

    def run(n, work=work):
        want = link.zcard(done.key) + n
        for _ in range(n):
            queue.enqueue(work, job)
        end = time.monotonic() + 60
        while link.zcard(done.key) < want:
            if time.monotonic() > end:
                sys.exit("rq: jobs are missing")
            time.sleep(0.001)

    peerjobs.serve(run, lambda: run(2, peerjobs.true))


if __name__ == "__main__":
    main()
