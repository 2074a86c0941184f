"""The index of days ahead, by day and over the first seven of them, of cities and of what they are members of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr

from models.calendar import calendar
from models.counterfactual import index_days, interval
from models.separation import Separation
from pipeline.weather.features import base_drivers
from pipeline.weekly.days import Kind, extended
from pipeline.weekly.index import Entry, class_of, number
from pipeline.weekly.means import Period
from pipeline.weekly.outlook.refusal import NoOutlook

WEEK = 7
"""Days of the coming week: the first ones of the outlook."""
LEAD_OF_WEEK = 0
"""Where errors of the coming week stand beside those of lead days."""
NOTHING = pd.DatetimeIndex([])


@dataclass(frozen=True)
class Asked:
    """Which days are asked of every city: those ``ahead``, and ``past`` ones that outlooks are scored with."""

    base: Period
    ahead: pd.DatetimeIndex = field(default_factory=lambda: NOTHING)
    past: pd.DatetimeIndex = field(default_factory=lambda: NOTHING)


def series(
    separations: tuple[Separation, Separation], weather: pd.DataFrame | None, asked: Asked, *, place: str
) -> xr.Dataset:
    """Concentrations at the base's emissions under each day's and the reference weather; NaN where not known.

    ``separations`` are the kept one and that with all analysed days. ``past_actual``, ``past_reference`` (past) are by
    the latter, ``ahead_actual``, ``ahead_reference`` (ahead, member) by the former with ``weather``: the days after its
    record and those of the forecast. InputError when the forecast lacks a driver of the model.
    """
    kept, analysed = separations
    found = _days(analysed, asked, asked.past, "past").isel(member=0, drop=True)
    if weather is None or not len(asked.ahead):
        return found
    _require_drivers(kept, weather.reindex(asked.ahead), place)
    return found.merge(_days(extended(kept, weather, place=place), asked, asked.ahead, "ahead"))


def _days(separation: Separation, asked: Asked, days: pd.DatetimeIndex, name: str) -> xr.Dataset:
    own = separation.days
    if not len(days):
        nothing = ((name, "member"), np.empty((0, len(separation.weather))))
        return xr.Dataset({f"{name}_actual": nothing, f"{name}_reference": nothing}, coords={name: days})
    inside = np.asarray((own >= asked.base[0]) & (own <= asked.base[1]))
    both = index_days(separation, calendar(own), inside)
    positions = own.get_indexer(days)
    values = (np.where(positions >= 0, of[:, positions], np.nan).T for of in both)
    named = zip(("actual", "reference"), values, strict=True)
    return xr.Dataset({f"{name}_{what}": ((name, "member"), of) for what, of in named}, coords={name: days})


def _require_drivers(separation: Separation, weather: pd.DataFrame, place: str) -> None:
    columns = [] if separation.fitted is None else list(separation.fitted.drivers)
    needed = [str(name) for name in columns if f"{name}_lag1" in columns]
    there = base_drivers(weather.dropna(axis="columns", how="all"))
    if lacking := [name for name in needed if name not in there]:
        raise NoOutlook("no_outlook_driver", driver=repr(lacking[0]), place=place)


def index_of(place: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """The index by day, (n,) or (n, members): 100 where the weather is the reference's."""
    return np.asarray(100 * place[f"{name}_actual"] / place[f"{name}_reference"])


def outlook_of_place(
    place: Mapping[str, np.ndarray],
    days: pd.DatetimeIndex,
    leads: np.ndarray,
    *,
    kinds: Mapping[pd.Timestamp, Kind],
    errors: Mapping[int, float],
    limits: tuple[float, ...],
) -> Entry:
    """The days ahead and the coming week of a place, whose arrays are (ahead, member).

    ``errors`` are the half-widths of past outlooks' errors by lead day, of the week at ``LEAD_OF_WEEK``: an interval is
    the model's, widened by them as by an independent error; ``forecast_error`` is None where it is not in the interval.
    """
    by_day = index_of(place, "ahead")
    rows = [
        {
            "date": f"{day:%Y-%m-%d}",
            "lead": int(lead),
            **_entry(by_day[i], errors.get(int(lead))),
            "kind": kinds.get(day, "forecast"),
        }
        for i, (day, lead) in enumerate(zip(days, leads, strict=True))
        if np.isfinite(by_day[i, 0])
    ]
    return {"days": rows, "week": _week(place, days, errors.get(LEAD_OF_WEEK), limits)}


def _week(
    place: Mapping[str, np.ndarray], days: pd.DatetimeIndex, error: float | None, limits: tuple[float, ...]
) -> Entry | None:
    """The first seven days; None where they are not all known."""
    actual, reference = (place[f"ahead_{name}"][:WEEK] for name in ("actual", "reference"))
    if len(actual) < WEEK or np.isnan(actual[:, 0] + reference[:, 0]).any() or days[WEEK - 1] - days[0] != _SIX_DAYS:
        return None
    members = 100 * actual.mean(axis=0) / reference.mean(axis=0)
    ends = {"start": f"{days[0]:%Y-%m-%d}", "end": f"{days[WEEK - 1]:%Y-%m-%d}"}
    return {**ends, **_entry(members, error), "class": class_of(float(members[0]), limits), "kind": "forecast"}


_SIX_DAYS = pd.Timedelta(days=WEEK - 1)


def _entry(members: np.ndarray, error: float | None) -> Entry:
    low, high = (float(end) for end in interval(members))
    value = float(members[0])
    half = np.hypot((high - low) / 2, error or 0.0)
    known = None if error is None else number(error)
    return {"mci": number(value), "low": number(value - half), "high": number(value + half), "forecast_error": known}
