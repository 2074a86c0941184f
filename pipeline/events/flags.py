"""Which days of one place are days of an event, by the criteria.

A flag is 1 (a day of the event), 0 (not one) or NaN: a day on which anything that the criterion needs is unknown is
neither. Nothing is filled.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from models.calendar import SLOTS, slots
from pipeline.events.criteria import NEEDS, Condition, Criterion, Fall, criteria

TOLERANCE = 1e-4
"""Differences below it are rounding, not weather: far below the tenth in which temperature, wind and rain are told."""
LEAST_VALUES = 28
"""Days in the window of a calendar day, over all years, that a percentile of it needs: two common years have them."""
WARM_MONTHS = 5
LEVELS: dict[str, float] = {"warmer_at_850": 85000.0, "warmer_at_925": 92500.0}
"""Pa of the levels that may lie below the ground."""


def flags(weather: pd.DataFrame) -> pd.DataFrame:
    """1, 0 or NaN for every day and criterion, from a place's daily ``weather`` in the units of the vocabulary.

    ``weather`` has consecutive days as its index and a column for each quantity it knows. A criterion that needs
    another quantity is NaN on all days; one that stands ``instead_of`` another is NaN where that one can be judged.
    """
    found = {key: _flag(weather, criterion) for key, criterion in criteria().items()}
    for key, criterion in criteria().items():
        if criterion.instead_of and np.isfinite(found[criterion.instead_of]).any():
            found[key] = np.full(len(weather), np.nan)
    return pd.DataFrame(found, index=weather.index)


def left_out(names: Collection[str]) -> list[str]:
    """One line that tells which events cannot be judged, or only in part, by weather of these ``names``; or none."""
    lacking = {
        key: [name for name in one.needs if name not in names] for key, one in criteria().items() if not one.instead_of
    }
    parts = {one.instead_of: key for key, one in criteria().items() if one.instead_of and set(one.needs) <= set(names)}
    said = [
        f"{key} (no {', '.join(missing)}{f'; {parts[key]} instead' if key in parts else ''})"
        for key, missing in lacking.items()
        if missing
    ]
    return [f"events: the weather does not tell, and left out are: {'; '.join(said)}"] if said else []


def _flag(weather: pd.DataFrame, criterion: Criterion) -> np.ndarray:
    if not set(criterion.needs) <= set(weather.columns):
        return np.full(len(weather), np.nan)
    days = pd.DatetimeIndex(weather.index)
    parts = [_holds(_quantity(weather, one.quantity), days, one) for one in criterion.conditions]
    if criterion.fall is not None:
        parts.append(_fell(_quantity(weather, criterion.fall.quantity), criterion.fall))
    every = np.stack(parts)
    if criterion.season == "warm":
        inside = warm_season(_quantity(weather, criterion.conditions[0].quantity), days)
        every = np.where(inside | np.isnan(every), every, 0.0)
    met = np.where(np.isfinite(every).all(axis=0), (every == 1).all(axis=0), np.nan)
    return lasting(met, criterion.least_days)


def _quantity(weather: pd.DataFrame, name: str) -> np.ndarray:
    """A quantity of the day; warmth at a level is NaN where the level lies below the ground (``sp``, where known)."""
    if name not in NEEDS:
        return weather[name].to_numpy(dtype=float)
    first, second = (weather[need].to_numpy(dtype=float) for need in NEEDS[name])
    if name not in LEVELS:
        return np.asarray(np.hypot(first, second))
    if "sp" not in weather:
        return np.asarray(first - second)
    return np.asarray(np.where(weather["sp"].to_numpy(dtype=float) <= LEVELS[name], np.nan, first - second))


def _holds(values: np.ndarray, days: pd.DatetimeIndex, condition: Condition) -> np.ndarray:
    if condition.percentile is None:
        excess = values - float(condition.threshold or 0.0)
    else:
        excess = values - calendar_percentile(values, days, condition.percentile, condition.window)
    met = {
        "below": excess < -TOLERANCE,
        "above": excess > TOLERANCE,
        "at_least": excess >= -TOLERANCE,
        "at_most": excess <= TOLERANCE,
    }
    return np.where(np.isnan(excess), np.nan, met[condition.relation])


def _fell(values: np.ndarray, fall: Fall) -> np.ndarray:
    """Whether the values stand low enough against those of the days before, all of which must be known."""
    excess = np.full((len(fall.by_days), len(values)), np.nan)
    for row, (days, by) in zip(excess, fall.by_days, strict=True):
        row[days:] = values[:-days] - values[days:] - by
    return np.where(np.isfinite(excess).all(axis=0), (excess >= -TOLERANCE).any(axis=0), np.nan)


def calendar_percentile(values: np.ndarray, days: pd.DatetimeIndex, percentile: float, window: int) -> np.ndarray:
    """The percentile of each day's calendar day (n,), of all years' values within ``window`` days about it.

    NaN where fewer than 28 of them are known. Linear between neighbours.
    """
    years, slot = np.asarray(days.year), slots(days)
    table = np.full((years[-1] - years[0] + 1, len(SLOTS)), np.nan)
    table[years - years[0], slot] = values
    half = window // 2
    around = np.take(table, np.arange(-half, len(SLOTS) + half) % len(SLOTS), axis=1)
    windows = np.lib.stride_tricks.sliding_window_view(around, 2 * half + 1, axis=1)
    pooled = windows.transpose(1, 0, 2).reshape(len(SLOTS), -1)
    enough = np.isfinite(pooled).sum(axis=1) >= LEAST_VALUES
    found = np.full(len(SLOTS), np.nan)
    if enough.any():
        found[enough] = np.nanpercentile(pooled[enough], percentile, axis=1)
    return np.asarray(found[slot])


def warm_season(values: np.ndarray, days: pd.DatetimeIndex) -> np.ndarray:
    """Whether each day (n,) lies in the five consecutive months whose mean of ``values`` is highest, over all years.

    Everywhere where a month of the calendar has no value.
    """
    means = pd.Series(values).groupby(np.asarray(days.month)).mean().reindex(range(1, 13)).to_numpy()
    if np.isnan(means).any():
        return np.ones(len(values), dtype=bool)
    sums = [means[(start + np.arange(WARM_MONTHS)) % 12].sum() for start in range(12)]
    return np.asarray((days.month - 1 - int(np.argmax(sums))) % 12 < WARM_MONTHS)


def lasting(met: np.ndarray, least_days: int) -> np.ndarray:
    """``met`` (1, 0, NaN) where a day counts only within a run of at least ``least_days`` days on which it is 1.

    NaN where the run is too short but might be longer, for days beside it that are not known.
    """
    certain, possible = _in_runs(met == 1, least_days), _in_runs(met != 0, least_days)
    return np.where(np.isnan(met), np.nan, np.where(certain, 1.0, np.where((met == 1) & possible, np.nan, 0.0)))


def _in_runs(there: np.ndarray, least_days: int) -> np.ndarray:
    """Where a run of True has at least so many days."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(int)))
    found = np.zeros(len(there), dtype=bool)
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        found[start:end] = end - start >= least_days
    return found
