"""What fixed emissions give on days of an event against other days, for one place and pollutant.

The concentration of a day is that of the base period's emissions on its calendar day under its own weather, as in the
index (``models.counterfactual.index_days``), so that a change of emissions over the years is no part of a difference.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from models.calendar import Calendar
from models.counterfactual import index_days
from models.separation import Separation
from pipeline.events.episodes import episodes

ALL = "all"
"""The label of all years together."""


def at_fixed_emissions(separation: Separation, calendar: Calendar, base: np.ndarray, flags: pd.DataFrame) -> xr.Dataset:
    """Days, episodes and concentrations of every event, by year and of all years: dims (event, event_year, member).

    ``base`` (n,) marks the days of the base period; ``flags`` (n, events) are 1, 0 or NaN (``events.flags``).
    ``event_days`` of ``event_judged`` days; ``event_episodes`` that start in the year and ``event_longest`` of them
    [days]; ``event_on`` and ``event_otherwise``, the means over days of the event and over the other judged days, and
    their ``event_difference``, all three known only where both are; ``event_matched`` is the mean difference within
    months (of one year each) that have both, weighted by their ``event_matched_days`` days of the event. NaN where
    nothing is known. Members: the estimate first.
    """
    actual, _ = index_days(separation, calendar, base)
    labels = np.array([*calendar.years.astype(str), ALL], dtype=object)
    found = [_of_event(flags[event], actual, calendar) for event in flags]
    return xr.Dataset(
        {name: _stacked(name, [one[name] for one in found]) for name in found[0]},
        coords={"event": np.array([str(event) for event in flags], dtype=object), "event_year": labels},
    )


def _stacked(name: str, values: list[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    stacked = np.stack(values)
    return ("event", "event_year", "member")[: stacked.ndim], stacked


def _of_event(flag: pd.Series, actual: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    judged = np.isfinite(flag.to_numpy())
    return {**_days_of(flag, judged, calendar), **_means_of(flag.to_numpy(), actual, calendar)}


def _days_of(flag: pd.Series, judged: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    runs = episodes(flag)
    began = calendar.year[np.searchsorted(calendar.days, pd.DatetimeIndex(runs["start"]))]
    rows = []
    for year in (*calendar.years, None):
        inside = np.ones(len(judged), dtype=bool) if year is None else calendar.year == year
        lengths = runs["days"].to_numpy()[np.ones(len(runs), dtype=bool) if year is None else began == year]
        days = (flag.to_numpy()[inside] == 1).sum()
        rows.append([judged[inside].sum(), days, len(lengths), max(lengths, default=0)])
    values = np.array(rows, dtype=float)
    values[values[:, 0] == 0] = np.nan
    return dict(zip(("event_judged", "event_days", "event_episodes", "event_longest"), values.T, strict=True))


def _means_of(flag: np.ndarray, actual: np.ndarray, calendar: Calendar) -> dict[str, np.ndarray]:
    known = np.isfinite(actual[0])
    first = _months(calendar)
    of_days = np.where(known, actual, 0.0)
    on, off = (known & (flag == value) for value in (1.0, 0.0))
    count_on, count_off = (np.add.reduceat(there.astype(float), first) for there in (on, off))
    sum_on, sum_off = (np.add.reduceat(np.where(there, of_days, 0.0), first, axis=1) for there in (on, off))
    both = (count_on > 0) & (count_off > 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        within = np.where(both, count_on * (sum_on / count_on - sum_off / count_off), 0.0)
    year = calendar.year[first]
    sums = [_by_year(values, year, calendar.years) for values in (sum_on, sum_off, within)]
    counts = [_by_year(values, year, calendar.years) for values in (count_on, count_off, np.where(both, count_on, 0.0))]
    compared = (counts[0] > 0) & (counts[1] > 0)
    mean_on, mean_off = (
        total / np.where(compared, count, np.nan) for total, count in zip(sums[:2], counts[:2], strict=True)
    )
    matched = sums[2] / np.where(counts[2] > 0, counts[2], np.nan)
    members = {
        "event_on": mean_on,
        "event_otherwise": mean_off,
        "event_difference": mean_on - mean_off,
        "event_matched": matched,
    }
    return {
        **{name: values.T.astype(np.float32) for name, values in members.items()},
        "event_matched_days": np.where(counts[2] > 0, counts[2], np.nan),
    }


def _months(calendar: Calendar) -> np.ndarray:
    """Positions of the first day of every month of every year; a year that starts within a month parts it."""
    key = calendar.year * 12 + np.asarray(calendar.days.month)
    return np.flatnonzero(np.diff(key, prepend=key[0] - 1))


def _by_year(values: np.ndarray, year: np.ndarray, years: np.ndarray) -> np.ndarray:
    """Sums (..., years + 1) of months' values (..., months): of each year, then of all."""
    return np.stack([*(values[..., year == one].sum(axis=-1) for one in years), values.sum(axis=-1)], axis=-1)
