#!/usr/bin/env python3
"""An optimizer drives a sweep: it proposes, spool runs, and what came of it decides what comes next.

    python3 examples/optimize.py SWEEP TRIALS AT_ONCE JOB      # SWEEP from: spool ask --new

With Optuna if it is there, else by a random and local search of a few lines.  Started again with
the same SWEEP it goes on: spool tells all results anew, and no trial is run twice."""
import json
import math
import random
import subprocess
import sys


class Local:
    """Random at first, then around the best, ever closer."""

    def __init__(self):
        self.best = None
        self.told = 0

    def propose(self, number):
        dice = random.Random(number)
        if self.best is None or number % 3 == 0:
            return {"learningRate": math.exp(dice.uniform(math.log(0.0005), math.log(0.5)))}
        near = self.best[1]["learningRate"] * math.exp(dice.gauss(0, 1 / math.sqrt(1 + self.told)))
        return {"learningRate": min(0.5, max(0.0005, near))}

    def hear(self, number, parameters, value):
        self.told += 1
        if value is not None and (self.best is None or value < self.best[0]):
            self.best = (value, parameters)


class Tpe:
    """The same by Optuna's sampler."""

    def __init__(self, optuna):
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.optuna = optuna
        self.study = optuna.create_study(direction="minimize")
        self.space = {"learningRate": optuna.distributions.FloatDistribution(0.0005, 0.5, log=True)}
        self.best = None

    def propose(self, number):
        return self.study.ask(self.space).params

    def hear(self, number, parameters, value):
        if value is None:
            return
        self.study.add_trial(self.optuna.trial.create_trial(
            params=parameters, distributions=self.space, value=value))
        if self.best is None or value < self.best[0]:
            self.best = (value, parameters)


def main(sweep, trials, at_once, job):
    try:
        import optuna
        search = Tpe(optuna)
    except ImportError:
        search = Local()
    known = set()

    def hear(lines):
        for line in lines:
            told = json.loads(line)
            if told["trial"] not in known:
                known.add(told["trial"])
                search.hear(told["trial"], told["parameters"], told["best"])

    # What an earlier run of this program has heard, or would have.
    hear(subprocess.run(["spool", "tell", "--now", "--metric", "loss", sweep], text=True,
                        stdout=subprocess.PIPE, check=True).stdout.splitlines())
    ask = subprocess.Popen(["spool", "ask", "--job", job, sweep], text=True, bufsize=1,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    tell = subprocess.Popen(["spool", "tell", "--follow", "--metric", "loss", sweep], text=True,
                            stdout=subprocess.PIPE)
    asked = 0
    while len(known) < trials:
        while asked < trials and asked - len(known) < at_once:
            if asked not in known:  # asked again it is not made again
                ask.stdin.write(json.dumps({"trial": asked, "parameters": search.propose(asked)}) + "\n")
                answer = json.loads(ask.stdout.readline())
                if answer["id"] is None:
                    sys.exit(answer["error"])
            asked += 1
        hear([tell.stdout.readline()])
    ask.stdin.close()
    tell.terminate()
    print(json.dumps({"trials": len(known), "best": search.best[0], **search.best[1]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
