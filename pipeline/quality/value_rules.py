"""Rules that reject single values, as functions of one variable's array (station, time).

Each takes values with NaN where nothing is left to judge and returns where its rule rejects. None looks at more than
a block of stations at once, so the order of stations changes nothing and memory stays small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

BLOCK = 64
"""Stations judged at once."""
FEWEST_OTHERS = 3
"""Other stations that must report at an hour before one can be called a spike against them."""
STEP_QUANTILE = 0.05
"""Of the hourly changes that are no zero: the resolution of the values, robust against a few odd decimals."""
WANDER = 0.05
"""Part of itself by which a value changes in an hour at steady stations: mean change by mean value is at the lower
quartile of the national network's stations on 2020-07-31 0.048 for CO, 0.057 for SO2 and above 0.1 for the others."""
LEAST_STEPS = 10
"""Resolutions below which no value is a spike."""
STEP_HOURS = 500
"""Hours, evenly spread, at which changes are read for the resolution."""


def blocks(values: Values) -> Iterator[slice]:
    """Slices of stations."""
    for start in range(0, len(values), BLOCK):
        yield slice(start, start + BLOCK)


def by_blocks(values: Values, rule: Callable[[Values], Flags]) -> Flags:
    """A rule that knows one station at a time, over all stations."""
    found = np.zeros(values.shape, dtype=bool)
    for block in blocks(values):
        found[block] = rule(values[block])
    return found


def outside(values: Values, low: float, high: float) -> Flags:
    """Below ``low`` or above ``high``; infinities are outside."""
    return by_blocks(values, lambda block: (block < low) | (block > high))


def resolution(values: Values) -> float:
    """The step in which values are given: 1 for integers; 0 where nothing ever changes.

    The 5 % quantile of the hourly changes that are no zero, at hours spread evenly over the time of all stations: a few
    values of finer print do not count.
    """
    last = values.shape[1] - 1
    hours = np.arange(0, max(last, 0), max(1, last // STEP_HOURS))
    changes = np.abs(values[:, hours + 1] - values[:, hours])
    changes = changes[changes > 0]
    return float(np.quantile(changes, STEP_QUANTILE)) if changes.size else 0.0


def stuck(values: Values, *, hours: float, step: float) -> Flags:
    """Where a value is repeated for ``hours`` or more; longer where it is low.

    A value wanders, by a twentieth of itself an hour at the least. To leave a band of one ``step`` takes a random walk
    a time that grows with the square of step / (0.05 value). From twenty steps on, ``hours`` equal values are no honest
    repetition; below, (20 step / value)^2 times as many are needed: 4 times at ten steps, 16 times at five and 100
    times at two, where 2 ug m-3 of SO2 may honestly stand for a week. A missing hour ends a run.
    """
    return by_blocks(values, lambda block: _stuck(block, hours, step))


ZERO_TIMES = 2
"""Times the hours of a stuck value after which zeros are a filled gap: a low value wanders between steps."""


def _stuck(values: Values, hours: float, step: float) -> Flags:
    stations, times = values.shape
    if not times or not step:
        return np.zeros(values.shape, dtype=bool)
    begins = np.ones(values.shape, dtype=bool)
    begins[:, 1:] = values[:, 1:] != values[:, :-1]  # NaN differs from NaN: a run each
    starts = np.flatnonzero(begins)
    lengths = np.diff(np.append(starts, values.size))
    of_run = values.ravel()[starts]
    needed = hours * np.maximum(1.0, (step / (WANDER * np.maximum(np.abs(of_run), step))) ** 2)
    needed = np.where(of_run == 0, ZERO_TIMES * hours, needed)
    return np.repeat(lengths >= needed, lengths).reshape(stations, times)


def spike(values: Values, *, times: float, step: float) -> Flags:
    """Where one hour is more than ``times`` each neighbouring hour and the median of the other stations.

    A value below ten steps counts as ten. Both neighbours and at least three other stations must have reported: dust
    and fireworks come to several stations or stay for an hour, a truck at the inlet, a test gas or a wrong digit does
    not.
    """
    found = by_blocks(values, lambda block: _alone_in_time(block, times, LEAST_STEPS * step))
    hours = np.flatnonzero(found.any(axis=0))
    for hour in hours:
        stations = np.flatnonzero(found[:, hour])
        ranked = np.sort(values[np.isfinite(values[:, hour]), hour])
        # a value above the middle leaves the others the median that they have without the highest; one below is none
        others = ranked[:-1]
        if len(others) >= FEWEST_OTHERS:
            least = times * max(float(np.median(others)), LEAST_STEPS * step)
            found[stations, hour] = values[stations, hour] > least
        else:
            found[stations, hour] = False
    return found


def _alone_in_time(values: Values, times: float, least: float) -> Flags:
    found = np.zeros(values.shape, dtype=bool)
    if values.shape[1] < 3:
        return found
    middle, before, after = values[:, 1:-1], values[:, :-2], values[:, 2:]
    # a comparison with NaN is false: both neighbours must be there
    found[:, 1:-1] = (middle > times * before) & (middle > times * after) & (middle > times * least)
    return found


def above(fine: Values, coarse: Values, *, slope: float, intercept: float) -> Flags:
    """Where the fine fraction exceeds the coarse by more than two instruments may differ that both are in tolerance.

    Each instrument may read (1 ± ``slope``) times the truth ± ``intercept``; so ``fine`` <= (1 + slope) truth +
    intercept and truth <= (coarse + intercept) / (1 - slope).
    """
    found = np.zeros(fine.shape, dtype=bool)
    for block in blocks(fine):
        most = (1 + slope) / (1 - slope) * (coarse[block] + intercept) + intercept
        found[block] = fine[block] > most
    return found
