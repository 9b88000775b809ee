# celeryrun.py - celery's app and client.  As a module: the app, for `celery -A
# celeryrun worker`.  As a program, `celeryrun.py WORK JOB`: the client (redis.c).
import os
import sys

from celery import Celery, group

import peerjobs

URL = "redis+socket://" + os.environ["PEER_REDIS"]
app = Celery("celeryrun", broker=URL, backend=URL)
app.conf.task_ignore_result = False
app.conf.worker_redirect_stdouts = False

tasks = {name: app.task(work, name=name)
         for name, work in peerjobs.WORKS.items()}


def main():
    task, job = tasks[sys.argv[1]], sys.argv[2]

    def run(n):
        results = [task.delay(job) for _ in range(n)]
        for result in results:
            result.get(timeout=60)

    peerjobs.serve(run, tasks["true"].delay(job).get)


if __name__ == "__main__":
    main()
