"""The index of a place's windows, read off its means: interval, changes, rank, class, drivers, what was observed.

A place's means (``pipeline.weekly.means``) are a city's own or the means of a region's cities. Everything here is a
ratio of two of them, taken member by member, intervals last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from models.counterfactual import interval
from pipeline.vocabulary import GROUPS
from pipeline.weekly.days import KINDS, Kind
from pipeline.weekly.means import REFERENCES, Plan
from pipeline.weekly.windows import Window

Entry = dict[str, Any]
"""A part of the document: what JSON can say, None for what is not known."""
FEWEST_YEARS = 3
"""Of the five years before, so many must have the window for their mean to be compared with."""
YEARS_OF_MEAN = 5
FEWEST_DAYS_OF_CLASS = 5
"""Days with weather below which a window has no class: the index of fewer varies more than the limits are made for."""


@dataclass(frozen=True)
class Class:
    """A name for indices from ``above`` (included) to ``below``; None where there is no limit."""

    key: str
    english: str
    chinese: str
    above: float | None
    below: float | None


def classes(limits: Sequence[float]) -> list[Class]:
    """The five classes between four ascending limits, the most favourable first."""
    names = {
        "very_favourable": ("very favourable", "很有利"),
        "favourable": ("favourable", "有利"),
        "neutral": ("neutral", "正常"),
        "unfavourable": ("unfavourable", "不利"),
        "very_unfavourable": ("very unfavourable", "很不利"),
    }
    ends: list[float | None] = [None, *limits, None]
    return [Class(key, *names[key], ends[i], ends[i + 1]) for i, key in enumerate(names)]


def class_of(value: float, limits: Sequence[float]) -> str | None:
    """The key of the class of an index; None where it is not known."""
    return None if np.isnan(value) else classes(limits)[int(np.searchsorted(limits, value, side="right"))].key


def number(value: Any) -> float | None:
    """A number as the document holds it: four decimals, so that whoever prints it rounds once; None for NaN."""
    return round(float(value), 4) + 0.0 if np.isfinite(value) else None


def rank_of(value: float, others: np.ndarray) -> Entry:
    """Where an index stands among it and ``others`` (NaN where unknown): 1 is the most favourable, the lowest.

    ``percentile`` is Hazen's, (rank - 0.5) / of, so that no record of some years claims the 0th or the 100th.
    """
    known = others[np.isfinite(others)]
    if np.isnan(value):
        return {"rank": None, "of": None, "percentile": None}
    rank, count = 1 + int((known < value).sum()), 1 + len(known)
    return {"rank": rank, "of": count, "percentile": round(100 * (rank - 0.5) / count, 1)}


def window_of(
    place: Mapping[str, np.ndarray],
    plan: Plan,
    window: Window,
    *,
    kinds: Mapping[pd.Timestamp, Kind],
    limits: Sequence[float],
) -> Entry:
    """Everything about one window of one place, as the document says it.

    ``place`` holds its means (``means.arrays``). ``missing`` lists the days of the window without weather; ``kinds``
    names days that are not final. With fewer than ``FEWEST_DAYS_OF_CLASS`` days there is no class.
    """
    own = _Own(place, plan, plan.windows.index(window))
    first = (window.days[0] - plan.span[0]).days
    known = place["known"][first : first + len(window.days)] > 0
    playing = place["playing"] > 0
    counted = Counter(kinds.get(day, "final") for day in window.days[known])
    return {
        "start": _iso(window.days[0]),
        "end": _iso(window.days[-1]),
        "days": int(known.sum()),
        "missing": [_iso(day) for day in window.days[~known]],
        "kinds": {kind: counted[kind] for kind in KINDS if kind in counted},
        **{
            name: own.at_reference(i, limits if known.sum() >= FEWEST_DAYS_OF_CLASS else None)
            for i, name in enumerate(REFERENCES)
        },
        "change": own.changes(),
        "drivers": _drivers(own.points, playing),
        "drivers_of_change": {
            "previous": _drivers(own.points - own.previous_points, playing),
            "last_year": _drivers(own.change, playing),
        },
        "observed": own.observed(),
    }


def _iso(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}"


def _index(actual: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.asarray(100 * actual / reference)


@dataclass(frozen=True)
class _Own:
    """The means of window ``k`` of a place, and what is read off them."""

    place: Mapping[str, np.ndarray]
    plan: Plan
    k: int

    @property
    def year(self) -> int:
        """Where the window's own year stands among those of the plan."""
        return self.plan.years.index(int(self.plan.windows[self.k].days[-1].year))

    def years(self, reference: int) -> np.ndarray:
        """The index of the window in every year, (years, members)."""
        return _index(self.place["actual"][reference, self.k], self.place["reference"][reference, self.k])

    @property
    def points(self) -> np.ndarray:
        """The groups' shares in the base index less 100, (groups, members)."""
        return _index(self.place["share"][self.k], self.place["reference"][0, self.k, self.year])

    @property
    def previous_points(self) -> np.ndarray:
        """The same of the days before."""
        return _index(self.place["previous_share"][self.k], self.place["previous_reference"][0, self.k])

    @property
    def change(self) -> np.ndarray:
        """The groups' shares in the change of the base index from last year, (groups, members)."""
        return _index(self.place["last_year_share"][self.k], self.place["last_year_reference"][self.k])

    def at_reference(self, reference: int, limits: Sequence[float] | None) -> Entry | None:
        """The index at a reference with interval, class by ``limits`` and rank; None where it is not known."""
        found = self.years(reference)
        members, others = found[self.year], np.delete(found[:, 0], self.year)
        if np.isnan(members[0]):
            return None
        low, high = interval(members)
        value = float(members[0])
        named = None if limits is None else class_of(value, limits)
        return {
            "mci": number(value),
            "low": number(low),
            "high": number(high),
            "class": named,
            **rank_of(value, others),
        }

    def changes(self) -> Entry:
        """Changes of the base index in points, each with its interval."""
        found = self.years(0)
        now = found[self.year]
        before = found[max(self.year - YEARS_OF_MEAN, 0) : self.year]
        before = before[np.isfinite(before[:, 0])]
        enough = len(before) >= FEWEST_YEARS
        previous = _index(self.place["previous_actual"][0, self.k], self.place["previous_reference"][0, self.k])
        changes = {
            "previous": now - previous,
            "last_year": self.change.sum(axis=0),
            "five_years": now - before.mean(axis=0) if enough else np.full(len(now), np.nan),
        }
        entry: Entry = {}
        for name, members in changes.items():
            low, high = interval(members)
            entry |= {name: number(members[0]), f"{name}_low": number(low), f"{name}_high": number(high)}
        return entry | {"years": len(before) if enough else 0}

    def observed(self) -> Entry:
        """What was observed, the change from last year over the same days, and the weather's part of it."""
        value, days, last, now = (
            float(self.place[name][self.k]) for name in ("observed", "observed_days", "observed_from", "observed_to")
        )
        members = self.place["observed_weather"][self.k] if np.isfinite(now - last) else np.full(3, np.nan)
        low, high = interval(members)
        weather = {"weather": number(members[0]), "weather_low": number(low), "weather_high": number(high)}
        change = {"last_year": number(last), "change": number(now - last)}
        return {"value": number(value), "days": number(days), **change, **weather}


def _drivers(points: np.ndarray, playing: np.ndarray) -> list[Entry]:
    """A row for each group of drivers that is ``playing``, of shares (groups, members) in points; none if not known."""
    if np.isnan(points[:, 0]).any():
        return []
    low, high = interval(points)
    return [
        {"group": group, "points": number(points[i, 0]), "low": number(low[i]), "high": number(high[i])}
        for i, group in enumerate(GROUPS)
        if playing[i]
    ]


def weeks_of_place(
    place: Mapping[str, np.ndarray], plan: Plan, *, kinds: Mapping[pd.Timestamp, Kind], until: pd.Timestamp
) -> list[Entry]:
    """The weeks of the year that begin by ``until``, of which a day is known, at the base's emissions."""
    members = _index(place["week_actual"], place["week_reference"])
    low, high = interval(members)
    found = []
    for i, week in enumerate(plan.weeks):
        if week.start <= until and np.isfinite(members[i, 0]):
            kind = max((kinds.get(day, "final") for day in week.days), key=KINDS.index)
            values = {"mci": number(members[i, 0]), "low": number(low[i]), "high": number(high[i])}
            found.append({"label": week.label, "start": _iso(week.start), **values, "kind": kind})
    return found


def band_of_place(place: Mapping[str, np.ndarray], plan: Plan, *, year: int) -> list[Entry]:
    """The spread of the same weeks over all years on record but ``year``; weeks that no other has are left out."""
    estimates = _index(place["band_actual"], place["band_reference"])[:, np.array(plan.years) != year]
    found = []
    for week, row in zip(plan.weeks, estimates, strict=True):
        known = row[np.isfinite(row)]
        if len(known):
            low, p10, median, p90, high = np.quantile(known, [0, 0.1, 0.5, 0.9, 1])
            spread = {"min": low, "p10": p10, "median": median, "p90": p90, "max": high}
            found.append({"week": week.number, **{k: number(v) for k, v in spread.items()}, "years": len(known)})
    return found
