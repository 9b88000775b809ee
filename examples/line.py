#!/usr/bin/env python3
"""Fit a line by gradient descent and tell how it goes: with a spool, spool ls and spool show
follow it; without one, python3 examples/line.py '{"epochs": 5}' prints the same."""
import json
import os
import sys

import spool

job = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
epochs, rate = job.get("epochs", 50), job.get("learningRate", 0.05)
points = [(x / 10, 3 * x / 10 - 1 + 0.1 * (-1) ** x) for x in range(20)]
slope = height = 0.0
for epoch in range(1, epochs + 1):
    errors = [slope * x + height - y for x, y in points]
    slope -= rate * sum(e * x for e, (x, _) in zip(errors, points)) / len(points)
    height -= rate * sum(errors) / len(points)
    loss = sum(e * e for e in errors) / len(points)
    spool.log(step=epoch, loss=loss, line={"slope": slope, "height": height})
if "SPOOL_OUT" in os.environ:
    with open(os.path.join(os.environ["SPOOL_OUT"], "line.json"), "w") as file:
        json.dump({"slope": slope, "height": height}, file)
spool.outcome(loss=loss, slope=slope, height=height)
