"""What is read off one place's separation, and how regions are made of it: everything printed comes from here.

Readings is an ``xr.Dataset`` of one place and pollutant with dims ``statistic``, ``emission_period`` and
``weather_period`` (years), ``month`` and ``week`` (of the calendar), ``pair`` (of years), ``span`` (months and
seasons), ``group`` (of drivers), ``intervention``, ``period`` (years, months and weeks), ``member`` (the estimate
first) and ``time`` (days). The readings of a region are the means of its cities' readings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from models import counterfactual, game
from models.calendar import NOWHERE, Calendar, months, seasons, weeks
from models.counterfactual import Exchange
from models.separation import Separation
from pipeline.dependence import DIMS as DEPENDENCE_DIMS
from pipeline.vocabulary import GROUPS, group_of

WIDE = ("meteorology", "emissions", "interaction")
"""Parts of a change that have members."""
FLAT = ("observed_from", "observed_to", "predicted_from", "predicted_to", "days_observed")
"""What is read over the calendar days observed in both years, and their number."""
BY_SPAN = ("month_concentration", "week_concentration", "span_meteorology", "span_emissions")
"""Readings by month, season and week that have members: large, and kept in single precision."""


@dataclass(frozen=True)
class IndexPeriod:
    """A year, month or week for which an index is printed; ``position`` marks its days."""

    frequency: str
    label: str
    start: pd.Timestamp
    end: pd.Timestamp


Dated = tuple[IndexPeriod, np.ndarray]
"""A period and the positions of its days, consecutive ones."""


def index_periods(calendar: Calendar) -> list[Dated]:
    """Years (labelled by their start), months (2020-03) and ISO weeks (2020-W10), each with its days' positions."""
    days = calendar.days
    iso = days.isocalendar()
    keys = {
        "year": calendar.year,
        "month": np.asarray(days.year * 12 + days.month),
        "week": np.asarray(iso["year"] * 100 + iso["week"], dtype=int),
    }
    found = []
    for frequency, key in keys.items():
        first = np.flatnonzero(np.diff(key, prepend=key[0] - 1)).tolist()
        for start, end in zip(first, [*first[1:], len(days)], strict=True):
            label = _label(frequency, days[start], int(key[start]))
            found.append((IndexPeriod(frequency, label, days[start], days[end - 1]), np.arange(start, end)))
    return found


def _label(frequency: str, start: pd.Timestamp, key: int) -> str:
    if frequency == "week":
        return f"{key // 100}-W{key % 100:02d}"
    return str(key) if frequency == "year" else f"{start:%Y-%m}"


def _means(values: np.ndarray, known: np.ndarray, periods: Sequence[Dated]) -> np.ndarray:
    """Means (periods, m) over the ``known`` days (n,) of each period, of values (m, n); NaN where none is known."""
    counts = _counts(known, periods)
    return np.asarray(_sums(np.where(known, values, 0.0), periods).T / np.where(counts, counts, np.nan)[:, None])


def _counts(known: np.ndarray, periods: Sequence[Dated]) -> np.ndarray:
    return _sums(known.astype(int), periods)


def _sums(values: np.ndarray, periods: Sequence[Dated]) -> np.ndarray:
    """Sums (..., periods) of values (..., n): the periods of a frequency follow each other without a gap."""
    first = np.array([own[0] for _, own in periods])
    start = [int(i) for i in np.flatnonzero(first == 0)]
    runs = [first[i:j] for i, j in zip(start, [*start[1:], len(first)], strict=True)]
    return np.concatenate([np.add.reduceat(values, run, axis=-1) for run in runs], axis=-1)


def read_off(separation: Separation, calendar: Calendar, *, statistics: Sequence[str], base: np.ndarray) -> xr.Dataset:
    """Every reading of one separation; ``base`` (n,) marks the days of the base period."""
    exchanges = [counterfactual.exchange(separation, calendar, name) for name in statistics]
    periods = index_periods(calendar)
    return xr.merge(
        [
            _tables(calendar, statistics, exchanges),
            _pairs(calendar, statistics, exchanges),
            _months_and_weeks(separation, calendar),
            _drivers(separation, calendar, base),
            _interventions(separation),
            _index(separation, calendar, base, periods),
            _observed(separation, statistics, periods),
            _normalized(separation, calendar, periods),
            _series(separation, calendar),
        ],
        join="outer",
        compat="no_conflicts",
    )


def _tables(calendar: Calendar, statistics: Sequence[str], exchanges: Sequence[Exchange]) -> xr.Dataset:
    values = np.stack([exchange.table for exchange in exchanges])
    dims = ("statistic", *YEARS, "member")
    return xr.Dataset({"concentration": (dims, values)}, coords={"statistic": list(statistics), **_years(calendar)})


YEARS = ("emission_period", "weather_period")


def _years(calendar: Calendar) -> dict[str, np.ndarray]:
    return dict.fromkeys(YEARS, calendar.years.astype(str).astype(object))


def _pairs(calendar: Calendar, statistics: Sequence[str], exchanges: Sequence[Exchange]) -> xr.Dataset:
    """The parts of the change between every two years that share a month; NaN where they do not."""
    rows = [_of_pairs(exchange, counterfactual.LEAST_SHARED_DAYS) for exchange in exchanges]
    wide = {name: (("statistic", "pair", "member"), np.stack([row[name] for row in rows])) for name in WIDE}
    flat = {name: (("statistic", "pair"), np.stack([row[name] for row in rows])) for name in FLAT}
    flat["days_compared"] = (("statistic", "pair"), np.stack([row["days"] for row in rows]))
    four = (("statistic", "pair", "emissions_of", "weather_of"), np.stack([row["four"] for row in rows]))
    pairs = year_pairs(calendar)
    coordinates = {
        "statistic": list(statistics),
        "pair": _labels(pairs),
        "period_from": ("pair", np.array([p for p, _ in pairs], dtype=int)),
        "period_to": ("pair", np.array([q for _, q in pairs], dtype=int)),
        **{dim: np.array(["from", "to"], dtype=object) for dim in ("emissions_of", "weather_of")},
    }
    return xr.Dataset({**wide, **flat, "pair_concentration": four}, coords=coordinates)


def _of_pairs(exchange: Exchange, least_days: int) -> dict[str, np.ndarray]:
    """Parts, observations and days of every pair of years in order, (..., pairs, ...); NaN for too few days.

    ``four`` (..., pairs, 2, 2) are the estimates that the parts are made of: whose emissions, whose weather.
    """
    first, second = np.triu_indices(exchange.days.shape[-1], 1)
    found, days = exchange.parts(), exchange.days[..., first, second]
    enough = days >= max(least_days, 1)
    wide = {name: np.where(enough[..., None], getattr(found, name)[..., first, second, :], np.nan) for name in WIDE}
    flat = {name: np.where(enough, getattr(found, name)[..., first, second], np.nan) for name in FLAT}
    four = np.where(enough[..., None, None], exchange.values[..., 0][..., first, second, :, :], np.nan)
    return {**wide, **flat, "four": four, "days": np.where(enough, days, np.nan)}


def _months_and_weeks(separation: Separation, calendar: Calendar) -> xr.Dataset:
    """The table of the mean for each month and week of the calendar, and the parts for each month and season."""
    by_month, by_week = months(), weeks()
    spans = by_month | seasons()
    of_spans = counterfactual.exchanged_means(separation, calendar, list(spans.values()))
    of_weeks = counterfactual.exchanged_means(separation, calendar, list(by_week.values()))
    parts, count = _of_pairs(of_spans, 0), len(by_month)
    tables = {"month_concentration": of_spans.table[:count], "week_concentration": of_weeks.table}
    below = np.tri(len(calendar.years), k=-1, dtype=bool)
    days = np.where(below, of_spans.days.swapaxes(-1, -2), of_spans.days)[:count]
    return xr.Dataset(
        {
            **{
                name: ((name.partition("_")[0], *YEARS, "member"), values.astype(np.float32))
                for name, values in tables.items()
            },
            "month_days": (("month", *YEARS), days),
            **{f"span_{name}": (("span", "pair", "member"), parts[name].astype(np.float32)) for name in WIDE},
            **{f"span_{name}": (("span", "pair"), parts[name]) for name in (*FLAT, "days")},
        },
        coords={
            "month": np.array([int(name) for name in by_month]),
            "week": np.array([int(name) for name in by_week]),
            "span": np.array(list(spans), dtype=object),
            "pair": _labels(year_pairs(calendar)),
            **_years(calendar),
        },
    )


def year_pairs(calendar: Calendar) -> list[tuple[int, int]]:
    """Every two years of the record, the earlier first, in the order of ``pair``."""
    return [(int(p), int(q)) for i, p in enumerate(calendar.years) for q in calendar.years[i + 1 :]]


def _labels(pairs: Sequence[tuple[int, int]]) -> np.ndarray:
    return np.array([f"{p}-{q}" for p, q in pairs], dtype=object)


def compared_pairs(calendar: Calendar, base: np.ndarray) -> list[tuple[int, int]]:
    """Consecutive years, and the base year and the last whole one with each other, the earlier first.

    The base year is that in which the base period starts.
    """
    years = [int(year) for year in calendar.years]
    ends = {int(calendar.year[base][0]) if base.any() else years[0]}
    ends |= set([year for year in years if calendar.complete(year)][-1:])
    following = list(pairwise(years))
    return [pair for pair in year_pairs(calendar) if ends & set(pair) or pair in following]


def _drivers(separation: Separation, calendar: Calendar, base: np.ndarray) -> xr.Dataset:
    """Shares of the driver groups in the weather's part, for the pairs of years of ``compared_pairs``.

    NaN for other pairs; zero for a group of which the place has no driver. The base is the year in which the base
    period starts. Nothing for a separation that came without its model.
    """
    if separation.fitted is None:
        return xr.Dataset()
    columns = [str(name) for name in separation.fitted.drivers]
    groups = {group: [name for name in columns if group_of(name) == group] for group in GROUPS}
    played = {group: names for group, names in groups.items() if names}
    pairs, wanted = year_pairs(calendar), compared_pairs(calendar, base)
    values = np.full((len(GROUPS), len(pairs), len(separation.emissions)), np.nan)
    for k, pair in enumerate(pairs):
        shares = game.driver_shares(separation, calendar, pair, list(played.values())) if pair in wanted else None
        if shares is not None:
            values[:, k] = 0.0
            values[[group in played for group in GROUPS], k] = shares
    coordinates = {"group": np.array(list(GROUPS), dtype=object), "pair": _labels(pairs)}
    return xr.Dataset({"driver_share": (("group", "pair", "member"), values)}, coords=coordinates)


def _interventions(separation: Separation) -> xr.Dataset:
    """The relative change of the concentration [%] on the days of each dated intervention, at the same weather.

    NaN for one on whose days nothing was observed. Nothing without interventions.
    """
    if separation.fitted is None or not separation.fitted.emissions.interventions:
        return xr.Dataset()
    dates, seen = separation.fitted.emissions.interventions, np.isfinite(separation.ratio)
    days = separation.days
    known = np.array([seen[(days >= start) & (days <= end)].any() for start, end in dates])
    effect = 100 * np.expm1(separation.fitted.emissions.steps.T)
    return xr.Dataset(
        {"intervention_effect": (("intervention", "member"), np.where(known[:, None], effect, np.nan))},
        coords={
            "intervention": np.array([f"{start:%Y-%m-%d} to {end:%Y-%m-%d}" for start, end in dates], dtype=object),
            "intervention_start": ("intervention", np.array([start for start, _ in dates], dtype="datetime64[ns]")),
            "intervention_end": ("intervention", np.array([end for _, end in dates], dtype="datetime64[ns]")),
        },
    )


def _index(separation: Separation, calendar: Calendar, base: np.ndarray, periods: Sequence[Dated]) -> xr.Dataset:
    actual, reference = counterfactual.index_days(separation, calendar, base)
    known = np.isfinite(actual[0]) & np.isfinite(reference[0])
    return xr.Dataset(
        {
            "index_actual": (("period", "member"), _means(actual, known, periods)),
            "index_reference": (("period", "member"), _means(reference, known, periods)),
            "days": ("period", _counts(known, periods)),
        },
        coords={
            "period": np.array([f"{period.frequency} {period.label}" for period, _ in periods], dtype=object),
            "frequency": ("period", np.array([period.frequency for period, _ in periods], dtype=object)),
            "label": ("period", np.array([period.label for period, _ in periods], dtype=object)),
            "start": ("period", np.array([period.start for period, _ in periods], dtype="datetime64[ns]")),
            "end": ("period", np.array([period.end for period, _ in periods], dtype="datetime64[ns]")),
        },
    )


def _observed(separation: Separation, statistics: Sequence[str], periods: Sequence[Dated]) -> xr.Dataset:
    """What was observed in each period, whatever the weather: statistics, days behind them, validity (HJ 663)."""
    found = [separation.observed[positions] for _, positions in periods]
    found = [days[np.isfinite(days)] for days in found]
    values = [
        [float(counterfactual.STATISTICS[name](days)) if len(days) else np.nan for days in found] for name in statistics
    ]
    counts = np.array([len(days) for days in found])
    needed = [_needed_days(period) for period, _ in periods]
    return xr.Dataset(
        {
            "observed_value": (("statistic", "period"), np.array(values)),
            "observed_days": ("period", counts),
            "valid": ("period", (counts >= needed).astype(float)),
        }
    )


def _normalized(separation: Separation, calendar: Calendar, periods: Sequence[Dated]) -> xr.Dataset:
    """The normalized concentration of each period with its members: the mean over its days."""
    weather = np.exp(separation.weather)
    total, count = np.zeros_like(weather), np.zeros(weather.shape[1])
    for positions in calendar.match.T:
        there = (positions != NOWHERE) & np.isfinite(weather[0, positions])
        total += np.where(there, weather[:, positions], 0.0)
        count += there
    values = np.exp(separation.emissions) * total / np.maximum(count, 1)
    return xr.Dataset({"normalized_value": (("period", "member"), _means(values, count > 0, periods))})


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


def mean_of(readings: Iterable[xr.Dataset]) -> xr.Dataset:
    """The readings of a region: the mean over its cities, each with the same weight, where a city has a value.

    ``reporting`` (stations) adds up. The cities, of the same days, are taken one after the other. Their dependence on
    the drivers is left out: it is known at other values in each.
    """
    total = count = None
    for reading in readings:
        city = reading.drop_dims(DEPENDENCE_DIMS, errors="ignore")
        known = city.notnull().astype(np.float32)
        if total is None or count is None:
            first, total, count = city, city.fillna(0.0), known
        else:
            with xr.set_options(arithmetic_join="exact"):
                total, count = total + city.fillna(0.0), count + known
    if total is None or count is None:
        raise ValueError("a region has no city; mean_of needs at least one")
    mean = (total / count.where(count > 0)).assign_attrs(first.attrs)
    return mean.assign(reporting=total["reporting"]) if "reporting" in mean else mean


def summed_up(place: xr.Dataset) -> xr.Dataset:
    """Readings in which those of months, seasons and weeks have an estimate, ``_low`` and ``_high`` for their members.

    Only these are printed, and a nation's members of every week would not fit into memory.
    """
    if "member" not in place.get("week_concentration", xr.DataArray()).dims:
        return place
    found = {"span_interaction": place["span_interaction"].isel(member=0)}
    for name in BY_SPAN:
        members = place[name].transpose(..., "member")
        low, high = counterfactual.interval(members.to_numpy())
        estimate = members.isel(member=0)
        found |= {f"{name}{end}": estimate.copy(data=values) for end, values in (("_low", low), ("_high", high))}
        found[name] = estimate
    return place.drop_vars(list(found), errors="ignore").assign(
        {name: values.astype(np.float32) for name, values in found.items()}
    )
