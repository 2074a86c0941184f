"""ERA5-Land's accumulations run from 00 UTC on: back to amounts of one hour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch.errors import DecodeError

HOUR = pd.Timedelta(hours=1)
NEGATIVE_SHARE = 0.002
"""The most hours that may fall below zero by more than packing does, before the day-sum is disbelieved."""


def hourly(total: xr.DataArray, *, tiny: float | None = None) -> xr.DataArray:
    """The amount of each hour, from amounts accumulated since the start of its UTC day.

    Dims `(time, ...)`; a value is the sum over the day up to its time, so that the value at 01 is an hour's
    own, and the one at 00 closes the day before. NaN where the hour before is not there: nothing is
    spread over gaps. `tiny` [the unit of `total`] bounds the packing noise of what cannot be negative;
    None for what can.

    Raises
    ------
    DecodeError
        No hour has the hour before it; or the amounts fall where they may only rise.

    Source: https://confluence.ecmwf.int/display/CKB/ERA5-Land%3A+data+documentation#Accumulations
    """
    times = total.indexes["time"]
    before = times.get_indexer(times - HOUR)
    opening = np.asarray(times.hour == 1) & np.asarray(times.minute == 0)
    if times.size and not (opening | (before >= 0)).any():
        raise DecodeError(f"{total.name!r} is a sum over the day, and no hour follows another: fetch every hour")
    start = total.isel(time=np.maximum(before, 0)).assign_coords(time=times).astype("float64")
    since = start.where(_over(times, before >= 0)).where(_over(times, ~opening), 0.0)
    amount = (total - since).astype("float32").transpose(*total.dims)
    if tiny is not None:
        _require_rising(amount, tiny)
    return amount.assign_attrs(total.attrs)


def _over(times: pd.Index, flags: np.ndarray[Any, Any]) -> xr.DataArray:
    return xr.DataArray(flags, coords={"time": times}, dims="time")


def _require_rising(amount: xr.DataArray, tiny: float) -> None:
    share = float((amount < -tiny).sum() / max(int(amount.notnull().sum()), 1))
    if share > NEGATIVE_SHARE:
        raise DecodeError(
            f"{amount.name!r} read as a sum over the day falls in {share:.1%} of the hours, agreed none:"
            " is it hourly (accumulation='hour')?"
        )
