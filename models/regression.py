"""Penalised regression with a log link, whose penalties the data choose, under noise that persists.

Blocks of columns have coefficients drawn from one normal distribution each; the variances maximise the evidence
(MacKay 1992, doi 10.1162/neco.1992.4.3.415; the fixed point of Wood and Fasiolo 2017, doi 10.1111/biom.12666). The
response is modelled on its own scale by quasi-likelihood, variance proportional to a power of the mean, so that no
mean is biased by going back from logarithms (Wedderburn 1974, doi 10.2307/2334725; penalised and iterated as in
Breslow and Clayton 1993, doi 10.2307/2290687).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.blas import dsyrk
from scipy.linalg.lapack import dtrtri

from models.noise import WHITE, Autoregression, ages, autoregression

ROUNDS = 4
"""Turns between coefficients, noise and working response."""
ITERATIONS = 5
"""Of the fixed point in each turn, which begins where the last one ended: twenty gain nothing."""
SETTLED = 0.03
"""Change of the logarithm of a precision below which the coefficients no longer move visibly."""
FIRST_PRECISION = 30.0
LEAST_PRECISION, GREATEST_PRECISION = 1e-3, 1e6
"""At the greatest a block of some thousand days keeps about a thousandth of its effect: it is silenced for good."""
UNPENALISED = 1e-6
FARTHEST = (-1.0, 4.0)
"""Limits of a working residual, in units of the mean: one wild day does not throw an iteration."""
POWERS = (1.0, 2.0)
"""Least and greatest power of the mean that the variance may follow: Poisson's and the gamma distribution's."""


@dataclass(frozen=True)
class Prior:
    """What the data decide beside the coefficients: precisions of blocks, the noise's memory, the variance's power.

    ``precision`` is by the name of the block; ``linear`` (n,) is the logarithm of the mean expected so far; without it,
    that of the observations stands in.
    """

    precision: Mapping[str, float]
    noise: Autoregression
    power: float
    linear: np.ndarray | None = None


@dataclass(frozen=True)
class Fit:
    """Coefficients (p,) and what their uncertainty is drawn from.

    ``penalty`` (p,) is the prior's precision over the noise ``variance``. ``rows`` (days, p) and ``residual`` (days,)
    are the whitened regression's on the days observed, at the positions ``days`` of ``length``; ``half_inverse`` (p, p)
    makes the covariance.
    """

    coefficients: np.ndarray
    penalty: np.ndarray
    variance: float
    prior: Prior
    half_inverse: np.ndarray
    rows: np.ndarray
    residual: np.ndarray
    days: np.ndarray
    length: int

    @cached_property
    def covariance(self) -> np.ndarray:
        """The posterior covariance (p, p) of the coefficients over the noise ``variance``."""
        return np.asarray(self.half_inverse.T @ self.half_inverse)

    @cached_property
    def scores(self) -> np.ndarray:
        """Each day's pull on the coefficients, (n, p): zero where not observed."""
        found = np.zeros((self.length, self.rows.shape[1]))
        found[self.days] = self.rows * self.residual[:, None]
        return found


def fit(
    target: np.ndarray,
    fixed: np.ndarray,
    blocks: Mapping[str, np.ndarray],
    observed: np.ndarray,
    *,
    offset: np.ndarray | None = None,
    least_spread: Mapping[str, float] | None = None,
    start: Prior | None = None,
    rounds: int = ROUNDS,
    settled: bool = False,
) -> Fit:
    """Fits the positive ``target`` (n,) by exp of columns ``fixed`` (n, f), never penalised, and ``blocks`` (n, p_b).

    Rows are consecutive days; only those ``observed`` (n,) count, and may hold no NaN. Columns should have about
    unit variance within a block. Coefficients follow fixed, then the blocks in their order. ``offset`` (n,) is a part
    of the logarithm that is known beforehand. ``least_spread`` names blocks whose coefficients are known beforehand to
    spread at least so much. ``start`` is a prior near the answer, such as that of a fit to almost the same rows: it
    saves most of the work. What it notes of other blocks is kept in the prior found. With ``settled`` its precisions
    are taken as they are.
    """
    days = np.flatnonzero(observed)
    age = ages(days)
    whole = np.hstack([fixed, *blocks.values()])
    columns = whole[days]
    block = np.repeat(np.arange(-1, len(blocks)), [fixed.shape[1], *(b.shape[1] for b in blocks.values())])
    values = target[days]
    known = np.zeros(len(target)) if offset is None else offset
    floor = np.array([(least_spread or {}).get(name, 0.0) for name in blocks])
    prior = start or Prior({}, WHITE, 2.0)
    precision = np.array([prior.precision.get(name, FIRST_PRECISION) for name in blocks])
    response, weight = np.log(values), np.ones(len(values))
    if prior.linear is not None:
        response, weight = _working(values, prior.linear[days], prior.power)
    for turn in range(rounds):
        root = np.sqrt(weight)
        rows = prior.noise.whitened(columns * root[:, None], age)
        pulled = prior.noise.whitened((response - known[days]) * root, age)
        solved = _evidence(rows, pulled, block, precision, floor, iterations=0 if settled else ITERATIONS)
        precision = solved.precision
        linear = known[days] + columns @ solved.coefficients
        noise = (response - linear) * root
        power = prior.power if start or turn else _variance_power(noise, linear)
        prior = Prior(prior.precision, autoregression(noise, age), power)
        response, weight = _working(values, linear, power)
    everywhere = known + whole @ solved.coefficients
    found = {**prior.precision, **dict(zip(blocks, precision.tolist(), strict=True))}
    prior = Prior(found, prior.noise, prior.power, everywhere)
    return Fit(
        solved.coefficients,
        _penalty(precision, block),
        solved.variance,
        prior,
        solved.half_inverse,
        rows,
        pulled - rows @ solved.coefficients,
        days,
        len(target),
    )


def _working(values: np.ndarray, linear: np.ndarray, power: float) -> tuple[np.ndarray, np.ndarray]:
    mean = np.exp(linear)
    weight = mean ** (2 - power)
    return linear + np.clip(values / mean - 1, *FARTHEST), weight / weight.mean()


def _variance_power(noise: np.ndarray, linear: np.ndarray) -> float:
    """The power of the mean that the variance follows, from the spread of logarithmic residuals over the mean."""
    size = np.log(np.abs(noise) + 1e-6)
    centred = linear - linear.mean()
    slope = 2 * float(centred @ (size - size.mean())) / max(float(centred @ centred), 1e-12)
    return float(np.clip(2 + slope, *POWERS))


@dataclass(frozen=True)
class _Solved:
    coefficients: np.ndarray
    precision: np.ndarray
    variance: float
    half_inverse: np.ndarray


def _penalty(precision: np.ndarray, block: np.ndarray) -> np.ndarray:
    return np.where(block < 0, UNPENALISED, precision[np.maximum(block, 0)])


def _evidence(
    rows: np.ndarray,
    values: np.ndarray,
    block: np.ndarray,
    precision: np.ndarray,
    floor: np.ndarray,
    *,
    iterations: int,
) -> _Solved:
    """Coefficients and block precisions at the maximum of the evidence, by fixed-point iteration.

    Without iterations the precisions stay.
    """
    upper = dsyrk(1.0, rows.T)
    gram, moment, square = upper + np.triu(upper, 1).T, rows.T @ values, float(values @ values)
    count = len(precision) + 1
    sizes = np.bincount(block + 1, minlength=count)
    for _ in range(max(iterations, 1)):
        half_inverse = _half_inverse(gram, _penalty(precision, block))
        silent = precision >= GREATEST_PRECISION
        coefficients = half_inverse.T @ (half_inverse @ np.where((block >= 0) & silent[block], 0.0, moment))
        spread = np.bincount(block + 1, weights=(half_inverse**2).sum(axis=0), minlength=count)[1:]
        energy = np.bincount(block + 1, weights=coefficients**2, minlength=count)[1:]
        determined = np.maximum(sizes[1:] - precision * spread, 1e-3)
        error = max(square - 2 * coefficients @ moment + coefficients @ gram @ coefficients, 1e-12)
        variance = float(error / max(len(values) - determined.sum() - sizes[0], 1.0))
        if not iterations:
            break
        greatest = np.minimum(variance / np.maximum(floor, 1e-12) ** 2, GREATEST_PRECISION)
        updated = np.clip(variance * determined / np.maximum(energy, 1e-14), LEAST_PRECISION, greatest)
        updated[silent] = GREATEST_PRECISION
        moved = np.abs(np.log(updated / precision))
        moved[determined < 0.05] = 0
        precision = updated
        if moved.max(initial=0.0) < SETTLED:
            break
    return _Solved(coefficients, precision, variance, half_inverse)


def _half_inverse(gram: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """A lower triangle L (p, p) with L' L the inverse of ``gram`` plus ``penalty``.

    Silenced columns stand apart: at the greatest penalty they share next to nothing with the others, and cost nothing.
    """
    speaking = np.flatnonzero(penalty < GREATEST_PRECISION)
    found = np.diag(penalty**-0.5)
    factor = cholesky(gram[np.ix_(speaking, speaking)] + np.diag(penalty[speaking]), lower=True)
    found[np.ix_(speaking, speaking)] = dtrtri(factor, lower=1)[0]
    return found
