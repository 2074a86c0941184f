"""What is read off one place's separation, and how regions are made of it: everything printed comes from here.

Readings is an ``xr.Dataset`` of one place and pollutant with dims ``statistic``, ``emission_period`` and
``weather_period`` (years), ``pair`` (of years), ``group`` (of drivers), ``period`` (years, months and weeks),
``member`` (the estimate first) and ``time`` (days). The readings of a region are the means of its cities' readings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from models import counterfactual, game
from models.calendar import NOWHERE, Calendar
from models.separation import Separation
from pipeline.vocabulary import GROUPS, group_of

ADDITIVE = ("concentration", "meteorology", "emissions", "interaction", "observed_from", "observed_to")


@dataclass(frozen=True)
class IndexPeriod:
    """A year, month or week for which an index is printed; ``position`` marks its days."""

    frequency: str
    label: str
    start: pd.Timestamp
    end: pd.Timestamp


def index_periods(calendar: Calendar) -> list[tuple[IndexPeriod, np.ndarray]]:
    """Years (labelled by their start), months (2020-03) and ISO weeks (2020-W10), each with its days' positions."""
    days = calendar.days
    iso = days.isocalendar()
    labels = {
        "year": pd.Index(calendar.year.astype(str)),
        "month": days.strftime("%Y-%m"),
        "week": pd.Index([f"{year}-W{week:02d}" for year, week in zip(iso["year"], iso["week"], strict=True)]),
    }
    found = []
    for frequency, names in labels.items():
        positions = pd.Series(np.arange(len(days)), index=names).groupby(level=0)
        for label, members in positions:
            own = members.to_numpy()
            found.append((IndexPeriod(frequency, str(label), days[own[0]], days[own[-1]]), own))
    return found


def read_off(separation: Separation, calendar: Calendar, *, statistics: Sequence[str], base: np.ndarray) -> xr.Dataset:
    """Every reading of one separation; ``base`` (n,) marks the days of the base period."""
    return xr.merge(
        [
            _tables(separation, calendar, statistics),
            _pairs(separation, calendar, statistics),
            _drivers(separation, calendar, base),
            _index(separation, calendar, base),
            _observed(separation, calendar, statistics),
            _normalized(separation, calendar),
            _series(separation, calendar),
        ],
        join="outer",
        compat="no_conflicts",
    )


def _tables(separation: Separation, calendar: Calendar, statistics: Sequence[str]) -> xr.Dataset:
    values = np.stack([counterfactual.table(separation, calendar, name) for name in statistics])
    years = calendar.years.astype(str).astype(object)
    dims = ("statistic", "emission_period", "weather_period", "member")
    coordinates = {"statistic": list(statistics), "emission_period": years, "weather_period": years}
    return xr.Dataset({"concentration": (dims, values)}, coords=coordinates)


def _pairs(separation: Separation, calendar: Calendar, statistics: Sequence[str]) -> xr.Dataset:
    pairs = _year_pairs(calendar)
    rows = [[counterfactual.parts(separation, calendar, p, q, name) for p, q in pairs] for name in statistics]
    members = len(separation.emissions)

    def gather(field: str, width: int) -> np.ndarray:
        empty = np.full(width, np.nan) if width > 1 else np.nan
        return np.array([[empty if part is None else getattr(part, field) for part in row] for row in rows])

    shape = (len(statistics), len(pairs), members)
    wide = {name: (("statistic", "pair", "member"), gather(name, members).reshape(shape)) for name in ADDITIVE[1:4]}
    flat = {name: (("statistic", "pair"), gather(name, 1).reshape(shape[:2])) for name in ADDITIVE[4:]}
    coordinates = {
        "statistic": list(statistics),
        "pair": _labels(pairs),
        "period_from": ("pair", np.array([p for p, _ in pairs])),
        "period_to": ("pair", np.array([q for _, q in pairs])),
    }
    return xr.Dataset({**wide, **flat}, coords=coordinates)


def _year_pairs(calendar: Calendar) -> list[tuple[int, int]]:
    return [(int(p), int(q)) for i, p in enumerate(calendar.years) for q in calendar.years[i + 1 :]]


def _labels(pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.array([f"{p}-{q}" for p, q in pairs], dtype=object)


def _drivers(separation: Separation, calendar: Calendar, base: np.ndarray) -> xr.Dataset:
    """Shares of the driver groups in the weather's part, for consecutive years and between the base and each year.

    NaN for other pairs; zero for a group of which the place has no driver. The base is the year in which the base
    period starts. Nothing for a separation that came without its model.
    """
    if separation.fitted is None:
        return xr.Dataset()
    columns = [str(name) for name in separation.fitted.drivers]
    groups = {group: [name for name in columns if group_of(name) == group] for group in GROUPS}
    played = {group: names for group, names in groups.items() if names}
    pairs, years = _year_pairs(calendar), [int(year) for year in calendar.years]
    first = int(calendar.year[base][0]) if base.any() else years[0]
    values = np.full((len(GROUPS), len(pairs), len(separation.emissions)), np.nan)
    for k, pair in enumerate(pairs):
        wanted = first in pair or pair in pairwise(years)
        shares = game.driver_shares(separation, calendar, pair, list(played.values())) if wanted else None
        if shares is not None:
            values[:, k] = 0.0
            values[[group in played for group in GROUPS], k] = shares
    coordinates = {"group": np.array(list(GROUPS), dtype=object), "pair": _labels(pairs)}
    return xr.Dataset({"driver_share": (("group", "pair", "member"), values)}, coords=coordinates)


def _index(separation: Separation, calendar: Calendar, base: np.ndarray) -> xr.Dataset:
    actual, reference = counterfactual.index_days(separation, calendar, base)
    known = np.isfinite(actual[0]) & np.isfinite(reference[0])
    periods = index_periods(calendar)
    own = [positions[known[positions]] for _, positions in periods]

    def means(values: np.ndarray) -> np.ndarray:
        empty = np.full(len(values), np.nan)
        return np.array([values[:, positions].mean(axis=1) if len(positions) else empty for positions in own])

    return xr.Dataset(
        {
            "index_actual": (("period", "member"), means(actual)),
            "index_reference": (("period", "member"), means(reference)),
            "days": ("period", np.array([len(positions) for positions in own])),
        },
        coords={
            "period": np.array([f"{period.frequency} {period.label}" for period, _ in periods], dtype=object),
            "frequency": ("period", np.array([period.frequency for period, _ in periods], dtype=object)),
            "label": ("period", np.array([period.label for period, _ in periods], dtype=object)),
            "start": ("period", np.array([period.start for period, _ in periods], dtype="datetime64[ns]")),
            "end": ("period", np.array([period.end for period, _ in periods], dtype="datetime64[ns]")),
        },
    )


def _observed(separation: Separation, calendar: Calendar, statistics: Sequence[str]) -> xr.Dataset:
    """What was observed in each period, whatever the weather: statistics, days behind them, validity (HJ 663)."""
    found = [separation.observed[positions] for _, positions in index_periods(calendar)]
    found = [days[np.isfinite(days)] for days in found]
    values = [
        [float(counterfactual.STATISTICS[name](days)) if len(days) else np.nan for days in found] for name in statistics
    ]
    counts = np.array([len(days) for days in found])
    needed = [_needed_days(period) for period, _ in index_periods(calendar)]
    return xr.Dataset(
        {
            "observed_value": (("statistic", "period"), np.array(values)),
            "observed_days": ("period", counts),
            "valid": ("period", (counts >= needed).astype(float)),
        }
    )


def _normalized(separation: Separation, calendar: Calendar) -> xr.Dataset:
    """The normalized concentration of each period with its members: the mean over its days."""
    weather = np.exp(separation.weather)
    total, count = np.zeros_like(weather), np.zeros(weather.shape[1])
    for positions in calendar.match.T:
        there = (positions != NOWHERE) & np.isfinite(weather[0, positions])
        total += np.where(there, weather[:, positions], 0.0)
        count += there
    values = np.exp(separation.emissions) * total / np.maximum(count, 1)
    found = [positions[count[positions] > 0] for _, positions in index_periods(calendar)]
    empty = np.full(len(values), np.nan)
    means = [values[:, own].mean(axis=1) if len(own) else empty for own in found]
    return xr.Dataset({"normalized_value": (("period", "member"), np.array(means))})


def _needed_days(period: IndexPeriod) -> int:
    february = period.start.month == 2
    return {"year": 324, "month": 25 if february else 27, "week": 5}[period.frequency]


def _series(separation: Separation, calendar: Calendar) -> xr.Dataset:
    values = {
        "observed": separation.observed,
        "predicted": separation.predicted,
        "normalized": counterfactual.normalized(separation, calendar),
    }
    return xr.Dataset({name: ("time", series) for name, series in values.items()}, coords={"time": calendar.days})


def mean_of(readings: Sequence[xr.Dataset]) -> xr.Dataset:
    """The readings of a region: the mean over its cities, each with the same weight, where a city has a value.

    ``reporting`` (stations) adds up.
    """
    stacked = xr.concat(list(readings), dim="city", join="outer", coords="minimal", compat="override")
    mean = stacked.mean("city", skipna=True, keep_attrs=True)
    return mean.assign(reporting=stacked["reporting"].sum("city"))
