"""The index of a place's windows, read off its means: interval, changes, rank, class, drivers, what was observed.

A place's means (``pipeline.weekly.means``) are a city's own or the means of a region's cities. Everything here is a
ratio of two of them, taken member by member, intervals last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

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


def number(value: float) -> float | None:
    """A number as the document holds it: two decimals, None for NaN."""
    return round(float(value), 2) if np.isfinite(value) else None


def rank_of(value: float, others: np.ndarray) -> Entry:
    """Where an index stands among it and ``others`` (NaN where unknown): 1 is the most favourable, the lowest.

    ``percentile`` is Hazen's, (rank - 0.5) / of, so that no record of some years claims the 0th or the 100th.
    """
    known = others[np.isfinite(others)]
    if np.isnan(value):
        return {"rank": None, "of": None, "percentile": None}
    rank, count = 1 + int((known < value).sum()), 1 + len(known)
    return {"rank": rank, "of": count, "percentile": round(100 * (rank - 0.5) / count, 1)}


def window_of(place: xr.Dataset, plan: Plan, window: Window, *, kinds: Mapping[pd.Timestamp, Kind], limits: Sequence[float]) -> Entry:  # fmt: skip
    """Everything about one window of one place, as the document says it.

    ``missing`` lists the days of the window without weather; ``kinds`` names days that are not final.
    """
    own = place.sel(window=window.name)
    known = own["known"].sel(day=window.days).to_numpy() > 0
    counted = pd.Series([kinds.get(day, "final") for day in window.days[known]], dtype=object).value_counts()
    year = int(window.days[-1].year)
    return {
        "start": _iso(window.days[0]),
        "end": _iso(window.days[-1]),
        "days": int(known.sum()),
        "missing": [_iso(day) for day in window.days[~known]],
        "kinds": {kind: int(counted[kind]) for kind in KINDS if kind in counted},
        **{name: _at_reference(own.sel(referred=name), year, limits) for name in REFERENCES},
        "change": _changes(own, year),
        "drivers": _drivers(_points(own["share"], own["reference"].sel(referred="base", year=year))),
        "drivers_of_change": {
            "previous": _drivers(_shares_of_previous(own, year)),
            "last_year": _drivers(_points(own["last_year_share"], own["last_year_reference"])),
        },
        "observed": _observed(own),
    }


def _iso(day: pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}"


def _index(actual: xr.DataArray, reference: xr.DataArray) -> xr.DataArray:
    return 100 * actual / reference


def _at_reference(own: xr.Dataset, year: int, limits: Sequence[float]) -> Entry | None:
    found = _index(own["actual"], own["reference"])
    members = found.sel(year=year).to_numpy()
    if np.isnan(members[0]):
        return None
    others = found.isel(member=0).sel(year=found["year"] != year).to_numpy()
    return {
        **_with_interval("mci", members),
        "class": class_of(float(members[0]), limits),
        **rank_of(float(members[0]), others),
    }


def _with_interval(name: str, members: np.ndarray) -> Entry:
    low, high = interval(members)
    return {name: number(members[0]), "low": number(float(low)), "high": number(float(high))}


def _changes(own: xr.Dataset, year: int) -> Entry:
    """Changes of the base index in points, each with its interval."""
    base = own.sel(referred="base")
    found = _index(base["actual"], base["reference"])
    now = found.sel(year=year).to_numpy()
    before = [other for other in found["year"].to_numpy() if year - YEARS_OF_MEAN <= other < year]
    rows = found.sel(year=before).transpose("year", "member").to_numpy()
    rows = rows[np.isfinite(rows[:, 0])] if len(before) else np.empty((0, len(now)))
    mean = rows.mean(axis=0) if len(rows) >= FEWEST_YEARS else np.full(len(now), np.nan)
    changes = {
        "previous": now - _index(base["previous_actual"], base["previous_reference"]).to_numpy(),
        "last_year": _points(own["last_year_share"], own["last_year_reference"]).sum(axis=0),
        "five_years": now - mean,
    }
    found_changes: Entry = {}
    for name, members in changes.items():
        low, high = interval(members)
        found_changes |= {
            name: number(members[0]), f"{name}_low": number(float(low)), f"{name}_high": number(float(high))
        }  # fmt: skip
    return found_changes | {"years": len(rows) if len(rows) >= FEWEST_YEARS else 0}


def _points(share: xr.DataArray, reference: xr.DataArray) -> np.ndarray:
    """Shares of a concentration in index points, (group, member)."""
    return np.asarray(_index(share, reference).transpose("group", "member").to_numpy())


def _shares_of_previous(own: xr.Dataset, year: int) -> np.ndarray:
    """Shares of the change from the days before: each is a change from the base's weather of its own days."""
    base = own.sel(referred="base")
    now = _points(own["share"], base["reference"].sel(year=year))
    return now - _points(own["previous_share"], base["previous_reference"])


def _drivers(points: np.ndarray) -> list[Entry]:
    if np.isnan(points[:, 0]).any():
        return []
    return [{"group": group, **_with_interval("points", points[i])} for i, group in enumerate(GROUPS)]


def _observed(own: xr.Dataset) -> Entry:
    before, now = float(own["observed_from"]), float(own["observed_to"])
    weather = own["observed_weather"].to_numpy()
    low, high = interval(weather)
    change = now - before
    explained = np.isfinite(change)
    return {
        "value": number(float(own["observed"])),
        "days": number(float(own["observed_days"])),
        "last_year": number(before),
        "change": number(change),
        "weather": number(weather[0]) if explained else None,
        "weather_low": number(float(low)) if explained else None,
        "weather_high": number(float(high)) if explained else None,
    }


def weeks_of_place(place: xr.Dataset, plan: Plan, *, kinds: Mapping[pd.Timestamp, Kind], until: pd.Timestamp) -> list[Entry]:  # fmt: skip
    """The weeks of the year that begin by ``until``, of which a day is known, at the base's emissions."""
    members = _index(place["week_actual"], place["week_reference"]).transpose("week", "member").to_numpy()
    found = []
    for week, row in zip(plan.weeks, members, strict=True):
        if week.start <= until and np.isfinite(row[0]):
            kind = max((kinds.get(day, "final") for day in week.days), key=KINDS.index)
            found.append({"label": week.label, "start": _iso(week.start), **_with_interval("mci", row), "kind": kind})
    return found


def band_of_place(place: xr.Dataset, plan: Plan, *, year: int) -> list[Entry]:
    """The spread of the same weeks over all years on record but ``year``; weeks that no other has are left out."""
    estimates = _index(place["band_actual"], place["band_reference"])
    others = estimates.sel(year=estimates["year"] != year).transpose("week", "year").to_numpy()
    found = []
    for week, row in zip(plan.weeks, others, strict=True):
        known = row[np.isfinite(row)]
        if len(known):
            low, p10, median, p90, high = np.quantile(known, [0, 0.1, 0.5, 0.9, 1])
            spread = {"min": low, "p10": p10, "median": median, "p90": p90, "max": high}
            found.append({"week": week.number, **{k: number(v) for k, v in spread.items()}, "years": len(known)})
    return found
