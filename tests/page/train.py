"""A small network of numpy that learns, and says how: what the page is looked at
with.  Parameters: learningRate, hidden, dropout, optimizer, epochs, nap (seconds an
epoch; or NAP, where it is to be no parameter)."""
import json
import os
import sys
import time

import numpy as np

job = json.loads(sys.argv[1])
rng = np.random.default_rng(job.get("seed", 7))
x = rng.normal(size=(600, 8))
y = (np.sin(x[:, 0] * 2) + x[:, 1] * x[:, 2] - 0.5 * x[:, 3] > 0).astype(float)[:, None]
train, val = slice(0, 450), slice(450, 600)
hidden, rate, drop = job.get("hidden", 16), job.get("learningRate", 0.01), job.get("dropout", 0.0)
w = [rng.normal(size=(8, hidden)) * 0.4, np.zeros(hidden), rng.normal(size=(hidden, 1)) * 0.4, np.zeros(1)]
m, v = [np.zeros_like(p) for p in w], [np.zeros_like(p) for p in w]
out = open(os.environ["SPOOL_METRICS"], "a", buffering=1)


def forward(rows, mask):
    h = np.tanh(x[rows] @ w[0] + w[1]) * mask
    return h, 1 / (1 + np.exp(-np.clip(h @ w[2] + w[3], -30, 30)))


def judge(rows):
    _, p = forward(rows, 1.0)
    p = np.clip(p, 1e-7, 1 - 1e-7)
    return float(-np.mean(y[rows] * np.log(p) + (1 - y[rows]) * np.log(1 - p))), float(np.mean((p > .5) == y[rows]))


print("\x1b[1mtraining\x1b[0m with", hidden, "units at rate", rate, flush=True)
epochs = job.get("epochs", 60)
for epoch in range(1, epochs + 1):
    for batch in np.array_split(rng.permutation(450), 15):
        mask = (rng.random(hidden) >= drop) / max(1e-9, 1 - drop)
        h, p = forward(batch, mask)
        d = (p - y[batch]) / len(batch)
        back = (d @ w[2].T) * mask * (1 - np.tanh(x[batch] @ w[0] + w[1]) ** 2)
        for i, g in enumerate([x[batch].T @ back, back.sum(0), h.T @ d, d.sum(0)]):
            if job.get("optimizer") == "adam":
                m[i] = .9 * m[i] + .1 * g
                v[i] = .99 * v[i] + .01 * g * g
                g = m[i] / (np.sqrt(v[i]) + 1e-8)
            w[i] -= rate * g
    loss, accuracy = judge(val)
    out.write(json.dumps({"epoch": epoch, "time": time.time(), "loss": judge(train)[0],
                          "val": {"loss": loss, "accuracy": accuracy}}) + "\n")
    print("epoch %3d  \x1b[32mval loss %.4f\x1b[0m  accuracy %.3f" % (epoch, loss, accuracy), flush=True)
    time.sleep(float(os.environ.get("NAP", job.get("nap", 0))))
if "SPOOL_OUT" in os.environ:
    np.savez(os.path.join(os.environ["SPOOL_OUT"], "weights.npz"), *w)
    with open(os.path.join(os.environ["SPOOL_OUT"], "summary.json"), "w") as f:
        json.dump({"loss": loss, "accuracy": accuracy}, f)
if os.environ.get("FAIL"):
    sys.exit("diverged: the loss is no number")
print(json.dumps({"status": 200, "loss": loss, "metric": accuracy}))
