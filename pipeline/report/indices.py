"""The meteorological condition index of the report's years, parts of years and seasons, against a base year."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from models.calendar import SLOTS, seasons
from models.counterfactual import interval
from pipeline.report.scope import Scope

YEARLY, TO_DATE = "year", "months_to_date"
WHOLE_YEAR_DAYS = 324
"""Days with which a year counts as whole (GB 3095)."""
LEAST_DAYS_OF_MONTH = 15
FEWEST_RECENT_YEARS = 3
"""Of the five years before, so many must be known for their mean to be compared with."""


@dataclass(frozen=True)
class Indexed:
    """The index of a year, (member,), the estimate first; ``days`` behind it and how its ``period`` is called."""

    period: str
    index: np.ndarray
    days: float


@dataclass(frozen=True)
class Periods:
    """Years and months of a place's readings until the report's end, and their concentrations at fixed emissions.

    ``frame`` has ``at`` (the row of ``actual`` and ``reference``, (period, member)), ``frequency``, ``year``, ``month``
    and ``days``.
    """

    frame: pd.DataFrame
    actual: np.ndarray
    reference: np.ndarray


def index_rows(place: xr.Dataset, scope: Scope, *, with_seasons: bool) -> pd.DataFrame:
    """Rows of FACTS: ``mci``, its changes between the years of the scope, and that against the recent years' mean.

    ``mci`` is the index of the run over that of the base year, both over the same months: the base year has 100. Where
    the base year has none, there is no row. Intervals are of the ratio, taken member by member.
    """
    rows: list[dict[str, object]] = []
    for window, years in _windows(place, scope, with_seasons=with_seasons):
        if scope.base_year in years:
            of_window = [*_levels(years, scope), *_changes(years, scope), *_against_recent(years, scope)]
            rows += [{"window": window, "marks": "", **row} for row in of_window]
    return pd.DataFrame(rows)


def _windows(place: xr.Dataset, scope: Scope, *, with_seasons: bool) -> Iterator[tuple[str, dict[int, Indexed]]]:
    periods = _periods(place, scope)
    yield YEARLY, _whole_years(periods, scope)
    months = {f"season {name}": _months(days) for name, days in seasons().items()} if with_seasons else {}
    if scope.partial:
        own = pd.date_range(scope.start(scope.year), scope.end, freq="MS").month
        months[TO_DATE] = frozenset(own) | {scope.start(scope.year).month}
    for window, wanted in months.items():
        label = scope.to_date if window == TO_DATE else str
        found = {year: _of_months(periods, wanted, year) for year in scope.years}
        yield window, {year: Indexed(label(year), *own) for year, own in found.items() if own is not None}


def _months(slots: np.ndarray) -> frozenset[int]:
    return frozenset(int(month) for month in SLOTS.month[slots])


def _periods(place: xr.Dataset, scope: Scope) -> Periods:
    starts, ends = (pd.DatetimeIndex(place[name].to_numpy()) for name in ("start", "end"))
    frame = pd.DataFrame(
        {
            "at": np.arange(len(starts)),
            "frequency": place["frequency"].to_numpy(),
            "year": [scope.year_of(day) for day in starts],
            "month": starts.month,
            "days": place["days"].to_numpy().astype(float),
        }
    )
    values = (place[name].transpose("period", "member").to_numpy() for name in ("index_actual", "index_reference"))
    return Periods(frame[(ends <= scope.end) & (frame["frequency"] != "week")], *values)


def _whole_years(periods: Periods, scope: Scope) -> dict[int, Indexed]:
    frame = periods.frame
    years = frame[(frame["frequency"] == "year") & (frame["days"] >= WHOLE_YEAR_DAYS) & frame["year"].isin(scope.years)]
    found = {int(str(year)): own for year, own in years.groupby("year")}
    return {year: Indexed(str(year), *_ratio(periods, own)) for year, own in found.items()}


def _of_months(periods: Periods, wanted: frozenset[int], year: int) -> tuple[np.ndarray, float] | None:
    """The index of a year's months and the days behind it; None where a month is not known."""
    frame = periods.frame
    months = frame[(frame["frequency"] == "month") & (frame["year"] == year) & frame["month"].isin(wanted)]
    enough = (months["days"] >= LEAST_DAYS_OF_MONTH).sum() == len(wanted) == len(months)
    return _ratio(periods, months) if enough else None


def _ratio(periods: Periods, chosen: pd.DataFrame) -> tuple[np.ndarray, float]:
    """100 times the mean over the days of some periods at the actual weather, over that at the reference weather."""
    at, days = chosen["at"].to_numpy(), chosen["days"].to_numpy()
    return 100 * (days @ periods.actual[at]) / (days @ periods.reference[at]), float(days.sum())


def _row(quantity: str, period_from: str, own: Indexed, members: np.ndarray, units: str) -> dict[str, object]:
    low, high = interval(members)
    return {
        "quantity": quantity,
        "period_from": period_from,
        "period_to": own.period,
        "value": float(members[0]),
        "low": float(low),
        "high": float(high),
        "units": units,
        "days": own.days,
    }


def _levels(years: Mapping[int, Indexed], scope: Scope) -> Iterator[dict[str, object]]:
    base = years[scope.base_year].index
    for own in years.values():
        yield _row("mci", "", own, 100 * own.index / base, "1")


def _changes(years: Mapping[int, Indexed], scope: Scope) -> Iterator[dict[str, object]]:
    for first, last in scope.pairs:
        if first in years and last in years:
            before, own = years[first], years[last]
            yield _row("mci_change_percent", before.period, own, 100 * (own.index / before.index - 1), "%")


def _against_recent(years: Mapping[int, Indexed], scope: Scope) -> Iterator[dict[str, object]]:
    before = [year for year in scope.recent_years if year in years]
    if scope.year not in years or len(before) < FEWEST_RECENT_YEARS:
        return
    own, mean = years[scope.year], np.mean([years[year].index for year in before], axis=0)
    row = _row("mci_recent_change_percent", f"{before[0]}-{before[-1]}", own, 100 * (own.index / mean - 1), "%")
    yield {**row, "marks": f"years={len(before)}"}
