#!/usr/bin/env python3
"""nn.py - train a small network on a table and say how well it guesses.

Called as `nn.py JOB_JSON`; the file $SPOOL_JOB, when set, goes before the argument. The table is
the CSV file $SPOOL_DATA, or the job's dataFileName here or in ../data. Needs numpy, nothing else.

What a job may say (in brackets: when it does not):

  hiddenLayers          [{"activation": "relu", "widthModifier": 2, "dropout": 0}, ...]
                        a layer is widthModifier x the number of inputs wide ([] = a linear model)
  dependentVariable     the column to guess; depedentVariable is understood too
  min-, maxDependentVarValue   rows whose value lies outside are dropped (none)
  scalerType            of the inputs: standard, minmax, none (standard)
  pcaComponents         so many principal components instead of the inputs; -1 = off (-1)
  epochs, batchSize     (100, 32); a batchSize above the number of rows makes one batch of all
  optimizer             rmsprop, adam, sgd (rmsprop)
  learningRate          (0.001)
  slowLearningRate      the rate to go on with when patience ends for the first time (none)
  patienceRate          patience = patienceRate x epochs without an improvement; 0 = endless (0.05)
  loss                  what is made small: mse, mae (mse)
  l1, l2                penalties on the weights, beside a loss in the column's own units (0, 0)
  lastLayerActivator    "" = linear, or an activation (""); the column is scaled to suit it
  crossValidationCrossingType  what `metric` is: neg_mean_squared_error (reported as a positive
                        number, as ever), neg_mean_absolute_error, r2
  crossValidateOnly     true: only the score; false: also $SPOOL_OUT/weights.npz (true)
  seed                  of the split, the first weights and the dropout (20181021)

A seeded fifth of the rows (test) is kept away from everything but the last line. Of the others a
fifth (validation) says when to stop; the rest (training) alone sets weights and scales.

The last line is the outcome: `loss` is the validation part's mean squared error whatever the
loss trained on, so that jobs can be compared; `metric` is measured on the test part. $SPOOL_METRICS gets
the curve, $SPOOL_OUTCOME the outcome. What cannot be done ends in {"status": 400, "error": ...}.

Told to stop by SIGTERM it leaves $SPOOL_OUT/checkpoint.npz and exits with 75, which asks to be
queued again; then it goes on with the next epoch and ends, to the last bit, where it would have
ended without the break. It leaves one every SAVE_SECONDS too, for a host may just go away.
"""
import csv
import difflib
import hashlib
import json
import math
import os
import signal
import sys
import time

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(threads, os.environ.get("OMP_NUM_THREADS", "1"))
try:
    import numpy as np
except ImportError:
    np = None

CURVE_POINTS = 200      # lines in $SPOOL_METRICS
PROGRESS_LINES = 10     # lines for people
SAVE_SECONDS = 30       # between checkpoints
QUEUE_ME_AGAIN = 75     # exit code
KNOWN = """hiddenLayers dependentVariable depedentVariable minDependentVarValue
    maxDependentVarValue scalerType pcaComponents epochs batchSize optimizer learningRate
    slowLearningRate patienceRate loss l1 l2 lastLayerActivator crossValidationCrossingType
    crossValidateOnly seed extraTreesKeepThreshd saveWeightsOnlyAtEnd scriptName dataFileName
    projectName order status assignedWorkerNode root writePath dataPath callbackAddress
    assignmentId orderId jobId name""".split()


class Refused(Exception):
    """The job cannot be done as it is; the text says why, for its author."""


class Stopped(Exception):
    """We were told to stop, and what is done is saved."""


# -- the job ---------------------------------------------------------------------------------

def job_read():
    path = os.environ.get("SPOOL_JOB")
    try:
        if path:
            with open(path, encoding="utf-8") as file:
                job = json.load(file)
        elif len(sys.argv) > 1:
            job = json.loads(sys.argv[1])
        else:
            raise Refused("no job: set SPOOL_JOB to its file or give its JSON as the argument")
    except (OSError, ValueError) as error:
        raise Refused("cannot read the job: %s" % error)
    if not isinstance(job, dict):
        raise Refused("the job is not a JSON object")
    for key in job:
        if key not in KNOWN and not key.startswith("_"):
            near = difflib.get_close_matches(key, KNOWN, 1)
            print("note: no parameter is called %s%s, ignored"
                  % (key, ", did you mean %s" % near[0] if near else ""))
    return job


def number(job, key, default=None, low=None, high=None, above=None, whole=False):
    value = job.get(key)
    if value is None:
        return default
    try:
        if isinstance(value, bool):
            raise ValueError
        value = float(value)            # the original turned "4" into 4 as well
        ok = (math.isfinite(value) and (low is None or value >= low)
              and (high is None or value <= high) and (above is None or value > above)
              and (not whole or value == int(value)))
    except (TypeError, ValueError):
        ok = False
    if not ok:
        want = ["a whole number" if whole else "a number"]
        if low is not None:
            want.append("from %g" % low)
        if above is not None:
            want.append("above %g" % above)
        if high is not None:
            want.append("to %g" % high)
        raise Refused("%s is %s, want %s" % (key, json.dumps(job.get(key)), " ".join(want)))
    return int(value) if whole else value


def choice(job, key, default, table):
    value = job.get(key)
    if value is None:
        value = default
    if not isinstance(value, str) or value not in table:
        raise Refused("%s is %s, want one of: %s" % (
            key, json.dumps(value), ", ".join(json.dumps(name) for name in table)))
    return table[value]


class Parameters:
    """The job's parameters, checked, with the defaults filled in."""

    def __init__(self, job):
        right, old = job.get("dependentVariable"), job.get("depedentVariable")
        if right and old and right != old:
            raise Refused("dependentVariable is %s, depedentVariable is %s: which?" % (
                json.dumps(right), json.dumps(old)))
        self.target = right or old
        if not self.target or not isinstance(self.target, str):
            raise Refused("dependentVariable is missing: the name of the column to guess")
        self.layers = self.layers_read(job.get("hiddenLayers"))
        self.low = number(job, "minDependentVarValue", -math.inf)
        self.high = number(job, "maxDependentVarValue", math.inf)
        self.scaler = choice(job, "scalerType", "standard", SCALERS)
        self.components = number(job, "pcaComponents", -1, low=-1, whole=True)
        self.epochs = number(job, "epochs", 100, low=1, whole=True)
        self.batch = number(job, "batchSize", 32, low=1, whole=True)
        self.optimizer = choice(job, "optimizer", "rmsprop", OPTIMIZERS)
        self.rate = number(job, "learningRate", 0.001, above=0)
        self.slow_rate = number(job, "slowLearningRate", None, low=0)
        patience = number(job, "patienceRate", 0.05, low=0)
        self.patience = max(1, round(patience * self.epochs)) if patience else math.inf
        self.loss = choice(job, "loss", "mse", LOSSES)
        self.l1 = number(job, "l1", 0, low=0)
        self.l2 = number(job, "l2", 0, low=0)
        self.last = choice(job, "lastLayerActivator", "", LAST)
        self.metric = choice(job, "crossValidationCrossingType", "neg_mean_squared_error", METRICS)
        self.seed = number(job, "seed", 20181021, low=0, whole=True)
        self.keep_weights = job.get("crossValidateOnly") is False
        if number(job, "extraTreesKeepThreshd", 0):
            raise Refused("extraTreesKeepThreshd: this script picks no columns by extra trees, "
                          "set it to 0")

    @staticmethod
    def layers_read(layers):
        if layers is None:
            layers = []
        if not isinstance(layers, list):
            raise Refused("hiddenLayers is not a list")
        result = []
        for place, layer in enumerate(layers, 1):
            if not isinstance(layer, dict):
                raise Refused("hiddenLayers: layer %d is not an object" % place)
            try:
                result.append((choice(layer, "activation", "relu", ACTIVATIONS),
                               number(layer, "widthModifier", 1, above=0, high=1000),
                               number(layer, "dropout", 0, low=0, high=0.95)))
            except Refused as refused:
                raise Refused("hiddenLayers: layer %d: %s" % (place, refused))
        return result


# -- the table -------------------------------------------------------------------------------

def data_path(job):
    if os.environ.get("SPOOL_DATA"):
        return os.environ["SPOOL_DATA"]
    name = job.get("dataFileName")
    if not name or not isinstance(name, str):
        raise Refused("dataFileName is missing")
    if os.path.basename(name) != name:
        raise Refused("dataFileName is %s, want a plain file name" % json.dumps(name))
    here = os.path.dirname(os.path.abspath(__file__))
    places = [name, os.path.join("..", "data", name), os.path.join(here, "..", "data", name)]
    for path in places:
        if os.path.isfile(path):
            return path
    raise Refused("no data file; looked for " + ", ".join(places))


def table_read(path, want):
    """The inputs and the dependent column of the rows that count."""
    rows, incomplete = [], 0
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            names = [name.strip() for name in next(reader, [])]
            if want.target not in names:
                raise Refused("no column %s in %s, it has: %s" % (
                    json.dumps(want.target), os.path.basename(path), ", ".join(names)))
            for row in reader:
                if len(row) != len(names) or any(not cell.strip() for cell in row):
                    incomplete += bool(row)
                    continue
                try:
                    rows.append([float(cell) for cell in row])
                except ValueError as error:
                    raise Refused("%s, line %d: %s" % (
                        os.path.basename(path), reader.line_num, error))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise Refused("cannot read the data: %s" % error)
    if not rows:
        raise Refused("%s has no whole row" % os.path.basename(path))
    table = np.array(rows)
    whole = np.isfinite(table).all(axis=1)
    target = names.index(want.target)
    inside = whole & (table[:, target] >= want.low) & (table[:, target] <= want.high)
    incomplete += len(table) - int(whole.sum())
    outside = int(whole.sum()) - int(inside.sum())
    if incomplete or outside:
        print("rows dropped: %d incomplete, %d outside %g..%g"
              % (incomplete, outside, want.low, want.high))
    table = table[inside]
    if len(table) < 20 or table.shape[1] < 2:
        raise Refused("%d rows and %d input columns are too few to learn from"
                      % (len(table), table.shape[1] - 1))
    return np.delete(table, target, axis=1), table[:, target]


def split(count, rng):
    """Places of the training, the validation and the test rows."""
    order = rng.permutation(count)
    test = max(1, count // 5)
    validation = max(1, (count - test) // 5)
    return order[test + validation:], order[test:test + validation], order[:test]


def scaler_standard(part):
    return part.mean(axis=0), part.std(axis=0)


def scaler_minmax(part):
    return part.min(axis=0), part.max(axis=0) - part.min(axis=0)


def scaler_none(part):
    return np.zeros(part.shape[1]), np.ones(part.shape[1])


SCALERS = {"standard": scaler_standard, "minmax": scaler_minmax, "none": scaler_none}


class Lens:
    """Scales the inputs and turns them to their principal axes; fitted on one part only."""

    def __init__(self, part, want):
        self.shift, self.scale = want.scaler(part)
        self.scale = np.where(self.scale > 0, self.scale, 1.0)
        self.axes = np.eye(part.shape[1])
        self.middle = np.zeros(part.shape[1])
        if want.components > part.shape[1] or want.components == 0:
            raise Refused("pcaComponents is %d, want 1 to %d, or -1 for none" % (
                want.components, part.shape[1]))
        if want.components > 0:
            scaled = (part - self.shift) / self.scale
            self.middle = scaled.mean(axis=0)
            self.axes = np.linalg.svd(scaled - self.middle, full_matrices=False)[2].T
            self.axes = self.axes[:, :want.components]

    def __call__(self, part):
        return (((part - self.shift) / self.scale - self.middle) @ self.axes).astype(np.float32)


# -- the network -----------------------------------------------------------------------------
# An activation: (its value at x, its slope given x and that value).

def sigmoid(x):
    return 0.5 * (1.0 + np.tanh(0.5 * x))


ACTIVATIONS = {
    "relu": (lambda x: np.maximum(x, 0), lambda x, y: (x > 0).astype(x.dtype)),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.1 * x),
                   lambda x, y: np.where(x > 0, 1, 0.1).astype(x.dtype)),
    "elu": (lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
            lambda x, y: np.where(x > 0, 1, y + 1).astype(x.dtype)),
    "softplus": (lambda x: np.logaddexp(x, 0), lambda x, y: sigmoid(x)),
    "tanh": (lambda x: np.tanh(x), lambda x, y: 1 - y * y),
    "sigmoid": (sigmoid, lambda x, y: y * (1 - y)),
    "linear": (lambda x: x, lambda x, y: np.ones_like(x)),
}
ACTIVATIONS[""] = ACTIVATIONS["linear"]

# What the last activation can reach decides how the dependent column is scaled:
# (the activation, its low end, its high end, the output's first bias).
LAST = {name: (pair, None, None, 0.0) for name, pair in ACTIVATIONS.items()}
LAST["relu"] = (ACTIVATIONS["relu"], 0.0, 1.0, 0.5)
LAST["softplus"] = (ACTIVATIONS["softplus"], 0.0, 1.0, 0.0)
LAST["sigmoid"] = (ACTIVATIONS["sigmoid"], 0.0, 1.0, 0.0)
LAST["tanh"] = (ACTIVATIONS["tanh"], -1.0, 1.0, 0.0)


def target_scale(part, last):
    """Middle and unit of the dependent column: what the network says is (y - middle) / unit."""
    _, low, high, _ = last
    if low is None:
        middle, unit = part.mean(), part.std()
    else:
        unit = (part.max() - part.min()) / (high - low)
        middle = part.min() - low * unit
    return float(middle), float(unit) if unit > 0 else 1.0


class Network:
    """All weights lie in one flat array, so that an optimizer's step is a few long operations."""

    def __init__(self, inputs, want, rng):
        sizes = [inputs]
        sizes += [max(1, round(width * inputs)) for _, width, _ in want.layers] + [1]
        self.activations = [activation for activation, _, _ in want.layers] + [want.last[0]]
        self.dropouts = [dropout for _, _, dropout in want.layers] + [0.0]
        shapes = [shape for pair in zip(sizes, sizes[1:]) for shape in (pair, (pair[1],))]
        count = sum(math.prod(shape) for shape in shapes)
        if count > 20_000_000:
            raise Refused("hiddenLayers make %d weights, more than 20 million" % count)
        self.sizes = sizes
        self.flat = np.zeros(count, np.float32)
        self.slope = np.zeros(count, np.float32)
        self.is_weight = np.zeros(count, np.float32)    # 1 for a weight, 0 for a bias
        self.layers, self.slopes = self.views(self.flat, shapes), self.views(self.slope, shapes)
        for (weights, _), (is_weight, _) in zip(self.layers, self.views(self.is_weight, shapes)):
            limit = math.sqrt(6.0 / (weights.shape[0] + weights.shape[1]))
            weights[:] = rng.uniform(-limit, limit, weights.shape)
            is_weight[:] = 1
        self.layers[-1][1][:] = want.last[3]

    @staticmethod
    def views(flat, shapes):
        """(weights, biases) of each layer, in place."""
        parts, start = [], 0
        for shape in shapes:
            parts.append(flat[start:start + math.prod(shape)].reshape(shape))
            start += math.prod(shape)
        return list(zip(parts[::2], parts[1::2]))

    def guess(self, x):
        for (weights, biases), (value, _) in zip(self.layers, self.activations):
            x = value(x @ weights + biases)
        return x[:, 0]

    def learn(self, x, y, loss_slope, rng):
        """Fill self.slope for one batch."""
        kept = []
        for (weights, biases), (value, slope), dropout in zip(
                self.layers, self.activations, self.dropouts):
            before = x @ weights + biases
            after = value(before)
            local = slope(before, after)
            if dropout:
                mask = rng.random(after.shape, dtype=np.float32) >= dropout
                mask = mask * np.float32(1 / (1 - dropout))
                after, local = after * mask, local * mask
            kept.append((x, local))
            x = after
        error = loss_slope(x[:, 0] - y)[:, None] / np.float32(len(y))
        for place in range(len(kept) - 1, -1, -1):
            x, local = kept[place]
            error = error * local
            np.matmul(x.T, error, out=self.slopes[place][0])
            np.sum(error, axis=0, out=self.slopes[place][1])
            if place:
                error = error @ self.layers[place][0].T


# A loss: (its value, its slope, the power of the column's unit that it carries).
LOSSES = {"mse": (lambda e: np.mean(e * e), lambda e: 2 * e, 2),
          "mae": (lambda e: np.mean(np.abs(e)), lambda e: np.sign(e), 1)}
LOSSES["mean_squared_error"], LOSSES["mean_absolute_error"] = LOSSES["mse"], LOSSES["mae"]

METRICS = {"neg_mean_squared_error": lambda e, y: np.mean(e * e),
           "neg_mean_absolute_error": lambda e, y: np.mean(np.abs(e)),
           "r2": lambda e, y: 1 - np.mean(e * e) / max(np.var(y), 1e-12)}
METRICS["mse"] = METRICS["neg_mean_squared_error"]


# -- the optimizers: what to take from the weights -------------------------------------------

class Sgd:
    def __init__(self, count):
        pass

    def step(self, slope, rate):
        return rate * slope


class Rmsprop:
    def __init__(self, count):
        self.square = np.zeros(count, np.float32)

    def step(self, slope, rate):
        self.square += 0.1 * (slope * slope - self.square)
        return rate * slope / (np.sqrt(self.square) + 1e-7)


class Adam:
    def __init__(self, count):
        self.mean = np.zeros(count, np.float32)
        self.square = np.zeros(count, np.float32)
        self.steps = 0

    def step(self, slope, rate):
        self.steps += 1
        self.mean += 0.1 * (slope - self.mean)
        self.square += 0.001 * (slope * slope - self.square)
        rate *= math.sqrt(1 - 0.999 ** self.steps) / (1 - 0.9 ** self.steps)
        return rate * self.mean / (np.sqrt(self.square) + 1e-7)


OPTIMIZERS = {"rmsprop": Rmsprop, "adam": Adam, "sgd": Sgd}


# -- checkpoints -----------------------------------------------------------------------------

class Training:
    """All that changes from epoch to epoch; what is not here must follow from the job alone."""

    ARRAYS = ("flat", "best_flat")
    WORDS = ("epoch", "rate", "slow", "best", "best_epoch", "stalled_since")

    def __init__(self, flat, optimizer, rate, rng):
        self.flat, self.optimizer, self.rng = flat, optimizer, rng
        self.epoch, self.rate, self.slow = 0, rate, False
        self.best, self.best_epoch, self.best_flat = math.inf, 0, flat.copy()
        self.stalled_since = 0

    def out(self):
        """Arrays by name, and the rest as JSON, which keeps every bit of a float."""
        arrays = {name: getattr(self, name) for name in self.ARRAYS}
        words = {name: getattr(self, name) for name in self.WORDS}
        words["optimizer"] = {}
        for name, value in vars(self.optimizer).items():
            if isinstance(value, np.ndarray):
                arrays["optimizer." + name] = value
            else:
                words["optimizer"][name] = value
        words["rng"] = self.rng.bit_generator.state
        return arrays, words

    def back(self, arrays, words):
        mine = self.out()[0]
        if any(arrays[name].shape != mine[name].shape for name in mine):
            raise ValueError("its arrays have other shapes")
        values = {name: words[name] for name in self.WORDS}
        self.rng.bit_generator.state = words["rng"]
        vars(self.optimizer).update(words["optimizer"])
        vars(self).update(values)
        for name in mine:
            mine[name][:] = arrays[name]    # in place: the network's layers are views of it


class Checkpoint:
    """$SPOOL_OUT/checkpoint.npz, or nowhere."""

    def __init__(self, *what):
        """what: all that says which training it is of."""
        folder = os.environ.get("SPOOL_OUT")
        self.path = os.path.join(folder, "checkpoint.npz") if folder else None
        self.key = hashlib.sha256(b"".join(
            part.tobytes() if isinstance(part, np.ndarray) else repr(part).encode()
            for part in what)).hexdigest()
        self.told, self.saved = False, time.monotonic()
        if self.path:
            signal.signal(signal.SIGTERM, self.tell)

    def tell(self, *_):
        self.told = True

    def load(self, training):
        if not self.path or not os.path.exists(self.path):
            return
        try:
            with np.load(self.path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            words = json.loads(str(arrays["words"]))
            if words["key"] != self.key:
                raise ValueError("it is of another training")
            training.back(arrays, words)
        except Exception as error:      # whatever is wrong with it, we can begin anew
            os.replace(self.path, self.path + ".bad")
            print("note: checkpoint.npz cannot be used and is set aside as checkpoint.npz.bad; "
                  "from the first epoch on (%s: %s)" % (type(error).__name__, error))
            return
        print("epoch %d is done already: on from there" % training.epoch)

    def save(self, training):
        arrays, words = training.out()
        words["key"] = self.key
        with open(self.path + ".tmp", "wb") as file:
            np.savez(file, words=np.array(json.dumps(words)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(self.path + ".tmp", self.path)
        self.saved = time.monotonic()

    def tick(self, training):
        """After each epoch."""
        if self.path and (self.told or time.monotonic() - self.saved > SAVE_SECONDS):
            self.save(training)
        if self.told:
            raise Stopped("epoch %d is done and saved" % training.epoch)

    def done(self):
        if self.path and os.path.exists(self.path):
            os.remove(self.path)


# -- the training ----------------------------------------------------------------------------

def train(network, want, data, held, unit, rng, curve, checkpoint):
    """Leave the best weights in the network; say after how many epochs, and which was best."""
    x, y = data
    loss, loss_slope, power = want.loss
    now = Training(network.flat, want.optimizer(len(network.flat)), want.rate, rng)
    l1, l2 = want.l1 / unit ** power, 2 * want.l2 / unit ** power
    say_every = max(1, math.ceil(want.epochs / PROGRESS_LINES))
    curve_every = max(1, math.ceil(want.epochs / CURVE_POINTS))
    checkpoint.load(now)

    for epoch in range(now.epoch + 1, want.epochs + 1):
        if want.batch >= len(x):
            batches = [(x, y)]
        else:
            order = rng.permutation(len(x))
            batches = [(x[order[at:at + want.batch]], y[order[at:at + want.batch]])
                       for at in range(0, len(x), want.batch)]
        for batch in batches:
            network.learn(*batch, loss_slope, rng)
            if l1 or l2:
                network.slope += network.is_weight * (
                    np.float32(l1) * np.sign(network.flat) + np.float32(l2) * network.flat)
            network.flat -= now.optimizer.step(network.slope, now.rate)

        error = network.guess(held[0]) - held[1]
        held_loss = float(loss(error)) * unit ** power
        if not math.isfinite(held_loss):
            raise Refused("diverged in epoch %d: the loss is no longer a number; "
                          "try a learningRate below %g" % (epoch, now.rate))
        now.epoch = epoch
        if held_loss < now.best:
            now.best, now.best_epoch, now.stalled_since = held_loss, epoch, epoch
            now.best_flat[:] = network.flat
        stop = False
        if epoch - now.stalled_since >= want.patience:
            if not now.slow and want.slow_rate and want.slow_rate < now.rate:
                print("epoch %d: no better for %d epochs, on from the best with learning rate %g"
                      % (epoch, want.patience, want.slow_rate))
                now.rate, now.slow, now.stalled_since = want.slow_rate, True, epoch
                network.flat[:] = now.best_flat
            else:
                stop = True
        last = stop or epoch == want.epochs
        if epoch % curve_every == 0 or epoch == 1 or last:
            curve.put({"step": epoch, "progress": 1.0 if last else epoch / want.epochs,
                       "train/loss": float(loss(network.guess(x) - y)) * unit ** power,
                       "val/loss": held_loss, "val/mae": float(np.mean(np.abs(error))) * unit,
                       "rate": now.rate})
        if epoch % say_every == 0 or epoch == 1 or last:
            print("epoch %d of %d: validation loss %.6g, best %.6g in epoch %d"
                  % (epoch, want.epochs, held_loss, now.best, now.best_epoch))
        if stop:
            print("epoch %d: no better for %d epochs, enough" % (epoch, want.patience))
            break
        if not last:
            checkpoint.tick(now)
    network.flat[:] = now.best_flat
    return now.epoch, now.best_epoch


class Curve:
    """JSON lines in $SPOOL_METRICS, or nowhere."""

    def __init__(self):
        path = os.environ.get("SPOOL_METRICS")
        self.file = open(path, "a", encoding="utf-8", buffering=1) if path else None

    def put(self, point):
        if self.file:
            point = {key: round(value, 6) if math.isfinite(value) else None
                     for key, value in point.items()}
            point["time"] = round(time.time(), 3)
            self.file.write(json.dumps(point) + "\n")


def weights_write(network, lens, middle, unit):
    """Everything that a guess about a new row needs."""
    if not os.environ.get("SPOOL_OUT"):
        print("note: crossValidateOnly is false, but SPOOL_OUT is not set: no weights kept")
        return
    path = os.path.join(os.environ["SPOOL_OUT"], "weights.npz")
    arrays = {"shift": lens.shift, "scale": lens.scale, "axes": lens.axes,
              "middle": lens.middle, "target": np.array([middle, unit])}
    for place, (weights, biases) in enumerate(network.layers):
        arrays["weights%d" % place], arrays["biases%d" % place] = weights, biases
    with open(path + ".tmp", "wb") as file:
        np.savez(file, **arrays)
    os.replace(path + ".tmp", path)


def work():
    job = job_read()
    if np is None:
        raise Refused("this script needs numpy, and %s has none: install python3-numpy, or give "
                      "workerd --python an interpreter that has it" % sys.executable)
    want = Parameters(job)
    x, y = table_read(data_path(job), want)
    split_rng, rng = np.random.default_rng(want.seed), np.random.default_rng([want.seed, 1])
    training, validation, test = split(len(y), split_rng)
    lens = Lens(x[training], want)
    middle, unit = target_scale(y[training], want.last)
    network = Network(lens.axes.shape[1], want, rng)
    print("%d rows to train, %d to validate, %d to test; network %s, %d weights" % (
        len(training), len(validation), len(test), "-".join(map(str, network.sizes)),
        len(network.flat)))

    def pair(part):
        return lens(x[part]), ((y[part] - middle) / unit).astype(np.float32)

    checkpoint = Checkpoint({key: job[key] for key in sorted(job) if key[0] != "_"}, x, y)
    with np.errstate(all="ignore"):
        epochs, best_epoch = train(network, want, pair(training), pair(validation), unit, rng,
                                   Curve(), checkpoint)
        errors = {name: (network.guess(lens(x[part])).astype(float) * unit + middle) - y[part]
                  for name, part in (("validation", validation), ("test", test))}
    if want.keep_weights:
        weights_write(network, lens, middle, unit)
    checkpoint.done()
    outcome = {"status": 200,
               "loss": round(float(np.mean(errors["validation"] ** 2)), 6),
               "metric": round(float(want.metric(errors["test"], y[test])), 6),
               "mae": round(float(np.mean(np.abs(errors["test"]))), 6),
               "r2": round(float(METRICS["r2"](errors["test"], y[test])), 6),
               "epochsRun": epochs, "bestEpoch": best_epoch}
    if not all(math.isfinite(value) for value in outcome.values()):
        raise Refused("diverged: the best loss is not a number; try a smaller learningRate")
    return outcome


def outcome_write(outcome):
    text = json.dumps(outcome)
    path = os.environ.get("SPOOL_OUTCOME")
    if path:
        with open(path + ".tmp", "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.replace(path + ".tmp", path)
    print(text, flush=True)


def numpy_look_elsewhere():
    """Become the system's python3 when only that one has numpy."""
    if np is not None or os.environ.get("NN_PYTHON_TRIED"):
        return
    for python in (os.environ.get("PYTHON"), "/usr/bin/python3"):
        if python and os.access(python, os.X_OK) and not os.path.samefile(python, sys.executable):
            print("note: no numpy in %s, trying %s" % (sys.executable, python), flush=True)
            os.environ["NN_PYTHON_TRIED"] = "1"
            os.execv(python, [python, "-u", os.path.abspath(__file__)] + sys.argv[1:])


def main():
    numpy_look_elsewhere()
    try:
        outcome = work()
    except Refused as refused:
        outcome_write({"status": 400, "error": str(refused)})
        return 1
    except Stopped as stopped:
        print("told to stop: %s" % stopped, flush=True)
        return QUEUE_ME_AGAIN
    outcome_write(outcome)
    return 0


if __name__ == "__main__":
    sys.exit(main())
