"""Stepwise multiple linear regression on ten-day means without season and trend."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from models.methods.readings import TwoSeries
from models.methods.task import Task

SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class MultipleRegression:
    """Ten-day means regressed on the weather's, both less their 50-day moving mean; the residual is the emissions'.

    The coefficients then act on weather anomalies from which only the season common to all years is taken, so that
    years of other weather count (Zhai et al. 2019, doi 10.5194/acp-19-11031-2019). Drivers enter and leave by their
    significance. Departures from the authors: logarithms are regressed, since the effects multiply, where theirs are
    concentrations, and no interactions of drivers are among the terms.
    """

    block_days: int = 10
    moving_days: int = 50

    def __call__(self, task: Task) -> TwoSeries:
        """See ``Method``."""
        block = np.arange(len(task.target)) // self.block_days
        logarithm = np.where(task.seen, np.log(np.maximum(task.observed, 1e-3)), np.nan)
        ours, drivers = block_means(logarithm[:, None], block), block_means(task.weather, block)
        width = self.moving_days // self.block_days
        short = [values - moving_mean(values, width) for values in (ours, drivers)]
        usable = np.isfinite(np.hstack(short)).all(axis=1)
        coefficients = stepwise(short[1][usable], short[0][usable, 0])
        effect = (self._anomalies(drivers, width) @ coefficients)[block]
        effect = effect - np.nanmean(effect[task.seen])
        freed = task.observed * np.exp(-effect)
        return TwoSeries(task.calendar, freed, task.observed - freed, np.exp(effect))

    def _anomalies(self, drivers: np.ndarray, width: int) -> np.ndarray:
        """Ten-day means less the smooth season common to all years; trend and years' anomalies stay."""
        smooth = moving_mean(drivers, width)
        phase = np.round((np.arange(len(drivers)) * self.block_days % 365.25) / self.block_days).astype(int)
        season = np.array([np.nanmean(smooth[phase == p], axis=0) for p in np.unique(phase)])
        return np.asarray(drivers - season[np.searchsorted(np.unique(phase), phase)])


def block_means(values: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Means of the rows (n, p) of each block, without NaN; NaN where a block has none."""
    present = np.isfinite(values)
    total, count = np.zeros((2, block[-1] + 1, values.shape[1]))
    np.add.at(total, block, np.where(present, values, 0.0))
    np.add.at(count, block, present)
    return np.asarray(total / np.where(count, count, np.nan))


def moving_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Centred moving mean over ``width`` (odd) rows (n, p) of what is there."""
    present = np.isfinite(values)
    kernel = np.ones(width)
    total, count = (
        np.stack([np.convolve(column, kernel, mode="same") for column in part.T], axis=1)
        for part in (np.where(present, values, 0.0), present.astype(float))
    )
    return np.asarray(total / np.where(count, count, np.nan))


def stepwise(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Coefficients (p,) of the columns (n, p) that belong in the regression; the others are 0.

    The most significant column outside enters, then any no longer significant leaves, until nothing moves.
    """
    chosen: list[int] = []
    for _ in range(3 * columns.shape[1]):
        before = list(chosen)
        outside = [k for k in range(columns.shape[1]) if k not in chosen]
        entering = {k: _p_values(columns[:, [*chosen, k]], target)[-1] for k in outside}
        best = min(entering, key=lambda k: entering[k], default=None)
        if best is not None and entering[best] < SIGNIFICANCE:
            chosen.append(best)
        if chosen:
            values = _p_values(columns[:, chosen], target)
            chosen = [k for k, p in zip(chosen, values, strict=True) if p < 2 * SIGNIFICANCE]
        if chosen == before:
            break
    coefficients = np.zeros(columns.shape[1])
    if chosen:
        coefficients[chosen] = np.linalg.lstsq(_centred(columns[:, chosen]), _centred(target), rcond=None)[0]
    return coefficients


def _centred(values: np.ndarray) -> np.ndarray:
    return np.asarray(values - values.mean(axis=0))


def _p_values(columns: np.ndarray, target: np.ndarray) -> np.ndarray:
    centred, values = _centred(columns), _centred(target)
    inverse = np.linalg.pinv(centred.T @ centred)
    coefficients = inverse @ (centred.T @ values)
    freedom = len(values) - columns.shape[1] - 1
    variance = float(((values - centred @ coefficients) ** 2).sum()) / freedom
    error = np.sqrt(np.maximum(variance * np.diag(inverse), 1e-300))
    return np.asarray(2 * student.sf(np.abs(coefficients) / error, freedom))
