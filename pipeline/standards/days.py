"""From hours to assessed days, as HJ 663 asks: validity first, missing where the rule fails."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.vocabulary import pollutant

HOURS_FOR_DAILY_MEAN = 20
HOURS_FOR_8H_MEAN = 6
WINDOWS_FOR_MDA8 = 14
MDA8_LIMIT = 160.0
"""ug m-3, GB 3095 grade II; a day with fewer windows is valid when it exceeds this."""


def by_day(hourly: xr.DataArray) -> tuple[np.ndarray, pd.DatetimeIndex]:
    """Hours 01 to 24 of each local day: array (station, day, 24) and the days.

    ``hourly`` has dims (station, time) with labels at the end of the hour, so "00:00" is the 24th hour of the day
    before. Hours that are absent from the time axis are NaN.
    """
    time = hourly.get_index("time")
    hour = pd.Timedelta(hours=1)
    first, last = (time[0] - hour).floor("D"), (time[-1] - hour).floor("D")
    days = pd.date_range(first, last, freq="D", name="time", unit="ns")
    axis = pd.date_range(first + hour, periods=24 * len(days), freq="h", unit="ns")
    values = hourly.reindex(time=axis).transpose("station", "time").to_numpy()
    return values.reshape(values.shape[0], len(days), 24), days


def daily_mean(hours: np.ndarray, *, at_least: int = HOURS_FOR_DAILY_MEAN) -> np.ndarray:
    """Mean over the last axis (24 hours); NaN with fewer than ``at_least`` hours (HJ 663)."""
    return _mean(hours, at_least)


def maximum_daily_8h(hours: np.ndarray, *, limit: float = MDA8_LIMIT) -> np.ndarray:
    """Maximum of the 17 eight-hour means that end at 08:00 to 24:00; ``hours`` has 24 hours on its last axis.

    An eight-hour mean needs 6 hours; a day needs 14 of them, or a maximum above ``limit`` [ug m-3]; else NaN
    (HJ 663-2013 6.1.2).
    """
    windows = _running_mean(hours, 8, HOURS_FOR_8H_MEAN)
    valid = np.isfinite(windows).sum(axis=-1)
    maximum = np.where(np.isfinite(windows), windows, -np.inf).max(axis=-1)
    return np.where((valid >= WINDOWS_FOR_MDA8) | (maximum > limit), maximum, np.nan)


def _running_mean(hours: np.ndarray, length: int, at_least: int) -> np.ndarray:
    """Means of ``length`` hours in a row, of which ``at_least`` are there; the first ends at hour ``length``."""
    observed = np.isfinite(hours)
    filled = np.where(observed, hours, 0.0)
    number = hours.shape[-1] - length + 1
    count = np.zeros((*hours.shape[:-1], number), dtype=np.int16)
    total = np.zeros(count.shape)
    for first in range(length):
        count += observed[..., first : first + number]
        total += filled[..., first : first + number]
    return np.where(count >= at_least, total / np.maximum(count, 1), np.nan)


def _mean(values: np.ndarray, at_least: int) -> np.ndarray:
    observed = np.isfinite(values)
    count = observed.sum(axis=-1)
    total = np.where(observed, values, 0.0).sum(axis=-1)
    return np.where(count >= at_least, total / np.maximum(count, 1), np.nan)


def daily(observations: xr.Dataset) -> xr.Dataset:
    """Each pollutant's assessed day: mean, or MDA8 where the vocabulary says so; dims (station, time).

    Daily observations are passed through: their days were assessed by whoever made them.
    """
    if observations.attrs["resolution"] == "day":
        return observations
    result = {}
    for name in map(str, observations.data_vars):
        hours, days = by_day(observations[name])
        assess = maximum_daily_8h if pollutant(name).daily == "mda8" else daily_mean
        coordinates = {"station": observations["station"], "time": days}
        result[name] = xr.DataArray(assess(hours), coordinates, ("station", "time"), attrs=observations[name].attrs)
    return xr.Dataset(result, attrs={**observations.attrs, "resolution": "day"})
