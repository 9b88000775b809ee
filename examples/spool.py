"""Metrics and the outcome of a job; without a spool they are printed. cp examples/spool.py spool/scripts/"""
import json, os, time

def plain(value):
    """What numpy, torch and their like have for numbers and lists."""
    return value.tolist() if hasattr(value, "tolist") else str(value)

def log(**values):
    """One line of metrics: log(step=3, loss=0.25, val={"accuracy": 0.9}); NaN may stand there."""
    line = json.dumps({"time": round(time.time(), 3), **values}, default=plain) + "\n"
    path = os.environ.get("SPOOL_METRICS")
    if not path:
        return print(line, end="", flush=True)
    with open(path, "a") as file:
        file.write(line)

def outcome(**values):
    """What came of the job, once: outcome(loss=0.2, weights="weights.npz")."""
    path = os.environ.get("SPOOL_OUTCOME")
    if not path:
        return print(json.dumps(values, default=plain), flush=True)
    with open(path + ".new", "w") as file:
        json.dump(values, file, default=plain)
    os.replace(path + ".new", path)
