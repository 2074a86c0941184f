"""Before and after: what an event's days would have been without it, held against dates on which nothing happened.

A model of the days before the event is run with the weather of the event's days. No trend is extrapolated: the last
level before the event is held. Another question than attribution, and another answer: nothing after the event enters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.basis import Drivers
from models.counterfactual import interval
from models.separation import Separation, Settings, separate

TRAINING_DAYS = 730
"""Days of the record before a window: two years, so that season and trend can be told apart."""
LEAST_SHARE = 0.5
"""Share of a window's days that must be observed and have weather."""
RANDOM_PLACEBOS = 20


@dataclass(frozen=True)
class Window:
    """First and last day of an event or a placebo; ``kind`` is event, same dates (of another year) or random dates."""

    kind: str
    start: pd.Timestamp
    end: pd.Timestamp

    def overlaps(self, other: Window) -> bool:
        """Whether they have a day in common."""
        return self.start <= other.end and other.start <= self.end

    @property
    def days(self) -> pd.DatetimeIndex:
        """Its days."""
        return pd.date_range(self.start, self.end)


@dataclass(frozen=True)
class Comparison:
    """What was observed in a window, and what business as usual would have been.

    ``expected`` (1 + members,): the estimate, then members of the model that also carry its residuals; over the same
    ``days`` as ``observed``.
    """

    window: Window
    observed: float
    expected: np.ndarray
    days: int

    @property
    def percent(self) -> float:
        """The effect: observed over expected, less one [%]."""
        return float(100 * (self.observed / self.expected[0] - 1))

    @property
    def percent_interval(self) -> tuple[float, float]:
        """Low and high of the effect's 90 % interval [%]."""
        low, high = interval(np.log(self.observed / self.expected))
        return float(100 * np.expm1(low)), float(100 * np.expm1(high))


def compared(
    target: pd.Series, table: pd.DataFrame, window: Window, *, drivers: Drivers, settings: Settings
) -> Comparison | None:
    """The ``window`` against a model of the days before it (index of both: consecutive days).

    None when less than half of the window's days, or less than a year of days before it, are observed and have weather.
    """
    both = target.notna() & table[drivers.columns].notna().all(axis=1)
    inside = (target.index >= window.start) & (target.index <= window.end)
    before = target.index < window.start
    if both[inside].sum() < LEAST_SHARE * len(window.days) or both[before].sum() < TRAINING_DAYS / 2:
        return None
    ended = tuple(dates for dates in settings.interventions if dates[1] < window.start)
    own = replace(settings, interventions=ended)
    separation = separate(target[before], table[before], drivers=drivers, settings=own)
    known = both[inside].to_numpy()
    usual = _as_usual(separation, table[target.index <= window.end], window)[:, known].mean(axis=1)
    expected = usual * np.concatenate([[1.0], _residuals(separation, len(window.days), len(usual) - 1, settings.seed)])
    return Comparison(window, float(target[inside][known].mean()), expected, int(known.sum()))


def _as_usual(separation: Separation, table: pd.DataFrame, window: Window) -> np.ndarray:
    """Concentrations of the window's days (1 + members, n) at the last level before it; ``table`` ends with them."""
    if separation.fitted is None:
        raise ValueError("business as usual needs the fitted model, and this separation was made without one")
    days = pd.DatetimeIndex(table.index[table.index >= window.start])
    weather = separation.fitted.weather.effects(table)[:, -len(days) :]
    return np.asarray(np.exp(separation.fitted.emissions.effects(days) + weather))


def _residuals(separation: Separation, length: int, members: int, seed: int) -> np.ndarray:
    """Mean observed over mean predicted of ``members`` random stretches of ``length`` days of the record."""
    rng = np.random.default_rng([seed, 5])
    starts = rng.integers(max(len(separation.days) - length, 1), size=members)
    predicted = separation.predicted
    found = []
    for start in starts:
        stretch = slice(start, start + length)
        seen = np.isfinite(separation.observed[stretch]) & np.isfinite(predicted[stretch])
        observed = separation.observed[stretch][seen]
        found.append(observed.mean() / predicted[stretch][seen].mean() if seen.any() else 1.0)
    return np.array(found)


def placebo_windows(
    days: pd.DatetimeIndex, event: Window, *, avoid: Sequence[Window] = (), seed: int = 1, random: int = RANDOM_PLACEBOS
) -> list[Window]:
    """Windows as long as the event, all before it: its dates in each earlier year, and ``random`` other dates.

    Each has two years of ``days`` before it and overlaps neither the event nor what is to be ``avoided``.
    """
    length = event.end - event.start
    first = days[0] + pd.Timedelta(days=TRAINING_DAYS)
    years = range(1, event.start.year - days[0].year + 1)
    same = [event.start - pd.DateOffset(years=back) for back in years]
    rng = np.random.default_rng([seed, 6])
    span = (event.start - length - first).days
    others = first + pd.to_timedelta(np.sort(rng.permutation(max(span, 0))[:random]), unit="D")
    windows = [Window("same dates", start, start + length) for start in same if start >= first]
    windows += [Window("random dates", start, start + length) for start in others]
    forbidden = [event, *avoid]
    return [window for window in windows if not any(window.overlaps(other) for other in forbidden)]


def placebo_p_value(effect: float, placebos: Sequence[float]) -> float:
    """Share of effects at least as large as the event's, itself counted: (1 + those) / (1 + all); NaN without any."""
    if not len(placebos):
        return float("nan")
    return float((1 + (np.abs(placebos) >= abs(effect)).sum()) / (1 + len(placebos)))
