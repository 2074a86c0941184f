"""Noise that persists: an autoregression on consecutive days, and how rows are freed of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

ORDER = 3
"""Days the noise remembers; what is unobserved (air masses, inversions) lasts a few days."""
LEAST_PAIRS = 20


@dataclass(frozen=True)
class Autoregression:
    """Predictors of noise from its last 0, 1, ... ORDER days, and the share of variance each leaves."""

    coefficients: tuple[np.ndarray, ...]
    remaining: np.ndarray

    def whitened(self, rows: np.ndarray, age: np.ndarray) -> np.ndarray:
        """``rows`` (n, ...) less what the days before predict, scaled to equal variance.

        ``age`` (n,) counts the consecutive rows before each (``ages``); a row uses as many as it has.
        """
        depth = np.minimum(age, len(self.coefficients) - 1)
        weights = np.zeros((len(self.coefficients), max(len(self.coefficients) - 1, 1)))
        for order, own in enumerate(self.coefficients):
            weights[order, : len(own)] = own
        scale = np.sqrt(self.remaining[-1] / self.remaining)
        flat = np.ascontiguousarray(rows, dtype=float).reshape(len(rows), -1)
        return np.asarray(_freed(flat, depth, weights, scale)).reshape(rows.shape)


@njit(cache=True)
def _freed(rows, depth, weights, scale):  # type: ignore[no-untyped-def]
    """``rows`` (n, p) less ``weights`` (orders, lags) of those before, by the order ``depth`` (n,) of each."""
    found = np.empty_like(rows)
    for t in range(len(rows)):
        order = depth[t]
        for j in range(rows.shape[1]):
            value = rows[t, j]
            for lag in range(order):
                value -= weights[order, lag] * rows[t - 1 - lag, j]
            found[t, j] = scale[order] * value
    return found


WHITE = Autoregression((np.zeros(0),), np.ones(1))
"""Noise without memory."""


def ages(positions: np.ndarray) -> np.ndarray:
    """For each of the sorted ``positions`` (n,), how many positions directly before it are there too."""
    starts = np.concatenate([[True], np.diff(positions) != 1])
    run = np.arange(len(positions))
    return np.asarray(run - np.maximum.accumulate(np.where(starts, run, 0)))


def autoregression(noise: np.ndarray, age: np.ndarray, *, order: int = ORDER) -> Autoregression:
    """The autoregression of ``noise`` (n,) by Levinson's recursion (Durbin 1960, doi 10.2307/1401322)."""
    correlation = _autocorrelation(noise, age, order)
    coefficients, remaining = [np.zeros(0)], [1.0]
    for lag in range(1, order + 1):
        last = coefficients[-1]
        reflection = (correlation[lag] - last @ correlation[lag - 1 : 0 : -1]) / remaining[-1]
        reflection = float(np.clip(reflection, -0.97, 0.97))
        coefficients.append(np.append(last - reflection * last[::-1], reflection))
        remaining.append(remaining[-1] * (1 - reflection**2))
    return Autoregression(tuple(coefficients), np.array(remaining))


def _autocorrelation(noise: np.ndarray, age: np.ndarray, order: int) -> np.ndarray:
    variance = max(float((noise**2).mean()), 1e-300)
    values = [1.0]
    for lag in range(1, order + 1):
        reach = np.flatnonzero(age >= lag)
        pairs = noise[reach] * noise[reach - lag]
        values.append(float(pairs.mean()) / variance if len(reach) > LEAST_PAIRS else 0.0)
    return np.array(values)
