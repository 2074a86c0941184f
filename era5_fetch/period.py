"""Periods as people write them, and the hours in them."""

from __future__ import annotations

import datetime as dt
from typing import TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch.errors import PeriodError

Instant: TypeAlias = str | dt.date | np.datetime64
"""A time in UTC; pd.Timestamp is one too. Text may stop early: '2017-01' is all of January."""
Period: TypeAlias = str | tuple[Instant, Instant]
"""'2017', '2017-01', or first and last, both in the period: ('2017-01-01', '2017-03-31 05:00')."""


def hours(period: Period) -> pd.DatetimeIndex:
    """Every full hour (UTC) of a period, both ends with it; a text that stops early is all it names.

    Raises
    ------
    PeriodError
        It cannot be read, or its end comes before its start.
    """
    first, last = (period, period) if isinstance(period, str) else period
    found = pd.date_range(_edge(first).ceil("h"), _edge(last, end=True).floor("h"), freq="h", name="time", unit="ns")
    if found.empty:
        raise PeriodError(f"period {period!r} holds no hour: is its end before its start?")
    return found


def _edge(instant: Instant, *, end: bool = False) -> pd.Timestamp:
    try:
        moment = pd.Timestamp(instant)
        if pd.isna(moment):
            raise ValueError("no time at all")
        if isinstance(instant, str) and moment.tzinfo is None:
            span = pd.Period(instant)
            return (span.end_time if end else span.start_time).as_unit("ns")
        moment = moment.as_unit("ns")
    except (ValueError, OverflowError) as error:
        raise PeriodError(f"cannot read {instant!r}, agreed '2017', '2017-01-31' or '2017-01-31 05:00'") from error
    if isinstance(instant, dt.date) and not isinstance(instant, dt.datetime) and end:
        return moment + pd.Timedelta(hours=23)
    return moment if moment.tzinfo is None else moment.tz_convert("UTC").tz_localize(None)


def missing_hours(found: xr.Dataset | pd.DatetimeIndex, period: Period) -> pd.DatetimeIndex:
    """The hours (UTC) of a period that are not there.

    Of a Dataset, dims `(time, ...)`, also those of which a variable is NaN everywhere, unless that variable
    is NaN at all times. Anything else NaN is there.

    Raises
    ------
    PeriodError
        The period cannot be read or is empty.
    """
    times = found if isinstance(found, pd.DatetimeIndex) else found.indexes["time"][_held(found)]
    return hours(period).difference(pd.DatetimeIndex(times))


def _held(dataset: xr.Dataset) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    held = np.ones(dataset.sizes["time"], dtype=bool)
    for field in dataset.data_vars.values():
        there = field.notnull().any([d for d in field.dims if d != "time"]).values
        held &= there | ~there.any()
    return held
