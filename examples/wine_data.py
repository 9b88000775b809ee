#!/usr/bin/env python3
"""Make the wine data set: python3 examples/wine_data.py [rows [seed]] > wine_data.csv

Eleven measurements of a wine and con_lot, the size of the lot it is sold in, which
depends on them in a bent way, with noise. Every number comes from the generator below and
from + - * / alone, so the file is the same, byte for byte, on every machine.
"""
import sys

COLUMNS = ("fixed_acidity", "volatile_acidity", "citric_acid", "residual_sugar", "chlorides",
           "free_sulfur_dioxide", "total_sulfur_dioxide", "density", "ph", "sulphates",
           "alcohol", "con_lot")
DIGITS = (1, 3, 2, 1, 3, 0, 0, 4, 2, 2, 1, 1)


class Random:
    """Knuth's MMIX linear congruential generator; the high bits only."""

    def __init__(self, seed):
        self.state = seed & (2**64 - 1)
        for _ in range(8):
            self.uniform()

    def uniform(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & (2**64 - 1)
        return (self.state >> 32) / 2**32

    def normal(self):
        """Nearly normal, mean 0, deviation 1: no logarithm that a libm may round its own way."""
        return total(self.uniform() for _ in range(12)) - 6.0


def total(numbers):
    """Left to right; the built-in sum of floats rounds differently since Python 3.12."""
    result = 0.0
    for number in numbers:
        result += number
    return result


def bend(x):
    """From -1 to 1, like a hyperbolic tangent."""
    return x / (1.0 + abs(x))


def bump(x):
    """1 at 0, falling to both sides."""
    return 1.0 / (1.0 + x * x)


def clip(x, low, high):
    return max(low, min(high, x))


def wine(random):
    ripe, style, cellar = random.normal(), random.normal(), random.normal()

    def noisy(mean, deviation, *parts):
        share = total(weight * weight for weight, _ in parts)
        value = total(weight * part for weight, part in parts)
        return mean + deviation * (value + (1.0 - share) * random.normal())

    fixed = clip(noisy(8.3, 1.6, (-0.5, ripe), (0.4, style)), 4.6, 15.9)
    volatile = clip(noisy(0.52, 0.17, (0.6, cellar)), 0.12, 1.3)
    citric = clip(noisy(0.28, 0.18, (0.5, style), (-0.4, cellar)), 0.0, 0.8)
    sugar = clip(noisy(2.6, 1.0, (0.6, ripe)), 0.9, 9.0)
    chlorides = clip(noisy(0.085, 0.025, (0.4, cellar)), 0.012, 0.3)
    free = clip(noisy(17.0, 8.0, (-0.6, cellar)), 1.0, 60.0)
    sulfur = clip(free * 1.6 + noisy(19.0, 12.0, (0.4, style)), 6.0, 180.0)
    alcohol = clip(noisy(10.5, 1.1, (0.7, ripe)), 8.4, 14.9)
    density = clip(0.9968 - 0.0009 * (alcohol - 10.5) + 0.0004 * (sugar - 2.6)
                   + 0.0005 * random.normal(), 0.989, 1.005)
    ph = clip(noisy(3.31, 0.15, (0.3, ripe)) - 0.05 * (fixed - 8.3), 2.7, 4.1)
    sulphates = clip(noisy(0.66, 0.15, (0.5, style)), 0.33, 1.6)

    a, v, s = (alcohol - 10.5) / 1.1, (volatile - 0.52) / 0.17, (sulphates - 0.66) / 0.15
    f, c, p = (fixed - 8.3) / 1.6, (citric - 0.28) / 0.18, (ph - 3.31) / 0.17
    r, k, t = (sugar - 2.6), (chlorides - 0.085) / 0.025, (sulfur - 46.0) / 20.0
    lot = (620.0
           + 260.0 * bend(1.4 * a)              # strong wine goes in large lots, up to a point
           - 150.0 * bend(1.5 * v)
           + 230.0 * bump(1.3 * (s - 0.6)) * bend(2.0 * (a + 0.6))
           + 190.0 * bend(a * f)                # acid suits the strong, not the weak
           - 170.0 * bend(1.5 * v * k)
           + 140.0 * bump(1.6 * (p + 0.3))
           + 120.0 * bend(2.0 * (r - 0.5 * t) * (0.4 + c))
           + 45.0 * random.normal())
    return (fixed, volatile, citric, sugar, chlorides, free, sulfur, density, ph, sulphates,
            alcohol, clip(lot, 0.0, 1500.0))


def main(rows=1600, seed=20181021):
    random = Random(int(seed))
    out = [",".join(COLUMNS)]
    for _ in range(int(rows)):
        out.append(",".join("%.*f" % pair for pair in zip(DIGITS, wine(random))))
    sys.stdout.write("\n".join(out) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
