"""resume.py - a script that may be stopped at any time and goes on where it was.

It sums up numbers. The job may say how many ("count") and how long each takes ("pause", in
seconds). workerd sends SIGTERM when it has to stop; exit code 75 says: queue me again. What is
in $SPOOL_OUT is there next time, wherever that is.
"""
import json
import os
import signal
import sys
import time

job = json.loads(sys.argv[1])
saved = os.path.join(os.environ["SPOOL_OUT"], "state.json")
state = json.load(open(saved)) if os.path.exists(saved) else {"done": 0, "sum": 0, "starts": 0}
state["starts"] += 1
stop = []
signal.signal(signal.SIGTERM, lambda *_: stop.append(True))

while state["done"] < job["count"]:
    state["done"] += 1                          # the work
    state["sum"] += state["done"]
    time.sleep(job.get("pause", 0))
    if stop or state["done"] % 100 == 0:
        with open(saved + ".tmp", "w") as file:
            json.dump(state, file)
        os.replace(saved + ".tmp", saved)       # whole or not at all
    if stop:
        sys.exit(75)
print(json.dumps(state))
