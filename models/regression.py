"""Penalised linear regression whose penalties the data choose, with persistent noise.

Blocks of columns have coefficients drawn from one normal distribution each; the variances maximise the evidence
(MacKay 1992, doi 10.1162/neco.1992.4.3.415; the fixed point of Wood and Fasiolo 2017, doi 10.1111/biom.12666), and
the noise is an autoregression of order one, removed by generalised least squares (Prais and Winsten 1954).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_factor, cho_solve

ROUNDS = 3
"""Turns between coefficients and autocorrelation: the third changes the latter by less than 0.01."""
ITERATIONS = 40
STRONGEST, WEAKEST = 1e8, 1e-4
UNPENALISED = 1e-8


@dataclass(frozen=True)
class Fit:
    """Coefficients (p,) and what their uncertainty is drawn from.

    ``covariance`` (p, p) is the posterior covariance over the noise variance, ``penalty`` (p,) the precision of the
    prior over the same, ``scores`` (n, p) each row's pull on the coefficients, in units of the noise variance.
    """

    coefficients: np.ndarray
    covariance: np.ndarray
    penalty: np.ndarray
    scores: np.ndarray
    variance: float
    autocorrelation: float


def whitened(rows: np.ndarray, observed: np.ndarray, autocorrelation: float) -> np.ndarray:
    """``rows`` (n, ...) of consecutive days with AR(1) noise made white, for the observed days (n,) only.

    A day whose yesterday is not observed is scaled by sqrt(1 - autocorrelation^2) instead.
    """
    before = np.roll(observed, 1)
    before[0] = False
    follows = (before & observed).reshape(-1, *[1] * (rows.ndim - 1))
    yesterday = np.roll(np.where(observed.reshape(follows.shape), rows, 0.0), 1, axis=0)
    alone = rows * np.sqrt(1 - autocorrelation**2)
    return np.asarray(np.where(follows, rows - autocorrelation * yesterday, alone)[observed])


def fit(target: np.ndarray, fixed: np.ndarray, blocks: Mapping[str, np.ndarray], observed: np.ndarray) -> Fit:
    """Fits ``target`` (n,) by columns ``fixed`` (n, f), never penalised, and ``blocks`` (n, p_b) each.

    Rows are consecutive days; only those ``observed`` (n,) count, and may hold no NaN. Columns should have about
    unit variance within a block. The result's coefficients follow fixed, then the blocks in their order.
    """
    columns = np.hstack([fixed, *blocks.values()])
    block = np.concatenate(
        [np.full(fixed.shape[1], -1), *(np.full(b.shape[1], i) for i, b in enumerate(blocks.values()))]
    )
    precision = np.full(len(blocks), 10.0)
    autocorrelation = 0.0
    for _ in range(ROUNDS):
        rows = whitened(columns, observed, autocorrelation)
        values = whitened(target, observed, autocorrelation)
        coefficients, covariance, precision, variance = _evidence(rows, values, block, precision)
        noise = np.where(observed, target - columns @ coefficients, 0.0)
        pairs = observed[1:] & observed[:-1]
        lagged = (noise[1:] * noise[:-1])[pairs].sum() / max(float((noise[1:][pairs] ** 2).sum()), 1e-300)
        autocorrelation = float(np.clip(lagged, 0.0, 0.95))
    scores = np.zeros_like(columns)
    scores[observed] = rows * (values - rows @ coefficients)[:, None]
    penalty = np.where(block < 0, UNPENALISED, precision[np.maximum(block, 0)])
    return Fit(coefficients, covariance, penalty, scores, variance, autocorrelation)


def _evidence(
    rows: np.ndarray, values: np.ndarray, block: np.ndarray, precision: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    gram, moment, square = rows.T @ rows, rows.T @ values, float(values @ values)
    sizes = np.array([(block == i).sum() for i in range(len(precision))])
    for _ in range(ITERATIONS):
        penalty = np.where(block < 0, UNPENALISED, precision[np.maximum(block, 0)])
        covariance = cho_solve(cho_factor(gram + np.diag(penalty)), np.eye(len(penalty)))
        coefficients = covariance @ moment
        spread = np.bincount(block + 1, weights=np.diag(covariance), minlength=len(precision) + 1)[1:]
        energy = np.bincount(block + 1, weights=coefficients**2, minlength=len(precision) + 1)[1:]
        determined = sizes - precision * spread
        error = max(square - 2 * coefficients @ moment + coefficients @ gram @ coefficients, 1e-12)
        variance = float(error / max(len(values) - determined.sum() - (block < 0).sum(), 1.0))
        updated = np.clip(variance * determined / np.maximum(energy, 1e-300), WEAKEST, STRONGEST)
        moved = np.abs(np.log(updated / precision)).max(initial=0.0)
        precision = updated
        if moved < 0.02:
            break
    return coefficients, covariance, precision, variance
