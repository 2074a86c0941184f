"""Observations a calendar year at a time, each with the weeks around it: what a judge of values needs to see."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pandas as pd
import xarray as xr

from pipeline.contracts import Observed, nothing_rejected
from pipeline.stations.frames import full_axis

AROUND = datetime.timedelta(days=31)
"""Days before and after a year that are shown with it: a stuck value of three steps and more is seen whole."""

Period = tuple[datetime.date, datetime.date]


@dataclass(frozen=True)
class Span:
    """``data`` (station, time), of which the labels ``within`` are judged; the others are there to be compared with."""

    data: xr.Dataset
    within: pd.DatetimeIndex
    rejected: pd.DataFrame = field(default_factory=nothing_rejected)


@dataclass(frozen=True)
class Spans:
    """The spans of a period, all with the same ``stations``; what was rejected besides what they list.

    A pollutant's spans come in the order of time. A span holds all pollutants, or those that are judged together.
    """

    stations: list[str]
    rejected: pd.DataFrame
    parts: Iterable[Span]


def years(period: Period) -> Iterator[tuple[pd.DatetimeIndex, pd.DatetimeIndex]]:
    """For each calendar year of the period the hours to be seen and, among them, those to be judged."""
    for year in range(period[0].year, period[1].year + 1):
        first = max(datetime.date(year, 1, 1), period[0])
        last = min(datetime.date(year, 12, 31), period[1])
        seen = max(first - AROUND, period[0]), min(last + AROUND, period[1])
        yield full_axis(seen, "hour"), full_axis((first, last), "hour")


def of_observed(found: Observed, period: Period) -> Spans:
    """Observations on the full axis of the period as spans: years of hours; daily values as they are."""
    stations = [str(name) for name in found.data["station"].to_numpy()]
    if found.data.attrs["resolution"] == "day":
        return Spans(stations, found.rejected, [Span(found.data, pd.DatetimeIndex(found.data.get_index("time")))])
    parts = (Span(found.data.sel(time=slice(seen[0], seen[-1])), within) for seen, within in years(period))
    return Spans(stations, found.rejected, parts)
