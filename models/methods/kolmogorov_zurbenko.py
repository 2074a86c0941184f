"""The Kolmogorov-Zurbenko filter: scales apart, each regressed on the weather's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.methods.readings import TwoSeries
from models.methods.task import Task

SHORT, LONG = (15, 5), (365, 3)
"""Days and passes of the filters that end weather (33 days) and season (632 days)."""


@dataclass(frozen=True)
class KolmogorovZurbenko:
    """Short-term and baseline logarithms regressed on like-filtered weather; the rest's long term is the emissions'.

    The meteorologically adjusted long-term component of Rao and Zurbenko 1994, doi 10.1080/10473289.1994.10467303; Sa
    et al. 2015, doi 10.1016/j.atmosenv.2015.09.044. Weather's part and index are both of the regressed effects, so that
    what these do not explain belongs to neither part. Departures from the authors: all drivers of the day and of the
    day before are regressors, where they take the few that suit (temperature, for ozone); the long term is brought
    back from logarithms at the level of the observations; the filter's ends are means of what is there.
    """

    def __call__(self, task: Task) -> TwoSeries:
        """See ``Method``."""
        logarithm = np.where(task.seen, np.log(np.maximum(task.observed, 1e-3)), np.nan)[:, None]
        weather = np.where(task.known[:, None], task.weather, np.nan)
        ours, drivers = filtered(logarithm, *SHORT), filtered(weather, *SHORT)
        short = drivers_and_yesterdays(weather - drivers)
        effects = explained(drivers, ours[:, 0]) + explained(short, (logarithm - ours)[:, 0])
        residual = logarithm[:, 0] - effects
        long_term = filtered(residual[:, None], *LONG)[:, 0]
        factor = np.exp(effects)
        freed = np.where(task.known, np.exp(long_term), np.nan)
        usable = task.seen & np.isfinite(factor)
        freed *= task.observed[usable].mean() / (freed * factor)[usable].mean()
        return TwoSeries(task.calendar, freed, freed * (factor - 1), factor)


def filtered(values: np.ndarray, days: int, passes: int) -> np.ndarray:
    """KZ(days, passes) of the columns (n, p): a moving mean of what is there, again and again."""
    for _ in range(passes):
        values = _mean_of(values, days)
    return values


def _mean_of(values: np.ndarray, days: int) -> np.ndarray:
    present = np.isfinite(values)
    half = days // 2
    rows = np.arange(len(values))
    high, low = np.minimum(rows + half + 1, len(values)), np.maximum(rows - half, 0)
    total, count = (
        np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(part, axis=0)])
        for part in (np.where(present, values, 0.0), present.astype(float))
    )
    number = count[high] - count[low]
    return np.asarray((total[high] - total[low]) / np.where(number, number, np.nan))


def drivers_and_yesterdays(drivers: np.ndarray) -> np.ndarray:
    """Columns (n, 2 p): the drivers and those of the day before."""
    return np.hstack([drivers, np.vstack([drivers[:1], drivers[:-1]])])


def explained(drivers: np.ndarray, target: np.ndarray) -> np.ndarray:
    """What a linear regression on the drivers (n, p) explains of the target (n,), about its mean."""
    usable = np.isfinite(drivers).all(axis=1) & np.isfinite(target)
    centre = drivers[usable].mean(axis=0)
    values = target[usable] - target[usable].mean()
    coefficients = np.linalg.lstsq(drivers[usable] - centre, values, rcond=None)[0]
    return np.asarray((drivers - centre) @ coefficients)
