"""From files of rows to labelled arrays: what every reader of tables shares."""

from __future__ import annotations

import datetime
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.contracts import RESOLUTIONS, agreed_units
from pipeline.errors import InputError
from pipeline.vocabulary import WEATHER, pollutant


def read_csv(path: Path, *, needed: Sequence[str], missing: Sequence[str] = ()) -> pd.DataFrame:
    """A CSV file (optionally .gz) as a frame; a missing column, a cut or a foreign file is one InputError."""
    try:
        frame = pd.read_csv(path, encoding="utf-8-sig", na_values=list(missing), low_memory=False)
    except (
        OSError,
        EOFError,
        zlib.error,
        UnicodeDecodeError,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
    ) as error:
        raise InputError(
            f"{path}: not a whole CSV file ({' '.join(str(error).split())}); fetch or export it again"
        ) from None
    require(frame, needed, where=str(path))
    return frame


def require(frame: pd.DataFrame, needed: Sequence[str], *, where: str) -> None:
    """Refuses a frame in which an agreed column is missing, naming it."""
    if absent := [name for name in needed if name not in frame]:
        raise InputError(
            f"{where}: column {absent[0]!r} is missing; found {', '.join(map(str, frame.columns[:20]))}; "
            f"agreed {', '.join(needed)}"
        )


def numeric(frame: pd.DataFrame, names: Sequence[str], *, where: str) -> pd.DataFrame:
    """The named columns as floats; text that is no number is an InputError naming row and value."""
    for name in names:
        column = pd.to_numeric(frame[name], errors="coerce")
        wrong = column.isna() & frame[name].notna()
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            raise InputError(
                f"{where}: column {name!r}, row {row + 2}: found {frame[name].iloc[row]!r}, agreed a number or nothing"
            )
        frame = frame.assign(**{name: column.astype(float)})
    return frame


def to_dataset(
    frame: pd.DataFrame,
    names: Sequence[str],
    *,
    resolution: str,
    period: tuple[datetime.date, datetime.date],
    where: str,
) -> xr.Dataset:
    """Rows (``station``, ``time``, names) as dims (station, time) on the full axis of the period.

    Hours of the period run from 01:00 of its first day to 24:00 of its last: labels are the hour's end. Times off
    the axis, outside the period and rows that repeat a station and time with the same values are dropped; a repeat
    with other values, or nothing left, is an InputError. NaN where no row was.
    """
    frame = numeric(frame, names, where=where)
    frame = frame.assign(station=frame["station"].astype(str)).drop_duplicates(["station", "time", *names])
    twice = frame.duplicated(["station", "time"])
    if twice.any():
        row = frame[twice].iloc[0]
        raise InputError(
            f"{where}: station {row['station']!r} has two different rows for {row['time']}; agreed one a time"
        )
    axis = full_axis(period, resolution)
    inside = frame[frame["time"].isin(axis)]
    if inside.empty:
        raise InputError(
            f"{where}: no row in the period {period[0]}/{period[1]}; found {frame['time'].min()} to "
            f"{frame['time'].max()}; correct `period` or the path"
        )
    stations = pd.Index(sorted(frame["station"].unique()), name="station")
    grid = pd.MultiIndex.from_product([stations, axis], names=["station", "time"])
    values = inside.set_index(["station", "time"])[list(names)].reindex(grid)
    data = xr.Dataset(
        {name: (("station", "time"), values[name].to_numpy().reshape(len(stations), len(axis))) for name in names},
        coords={"station": stations.to_numpy(dtype=object), "time": axis},
        attrs={"resolution": resolution},
    )
    return described(data)


def full_axis(period: tuple[datetime.date, datetime.date], resolution: str) -> pd.DatetimeIndex:
    """Every day of the period, or every hour's end from 01:00 of its first day to 24:00 of its last."""
    first, last = pd.Timestamp(period[0]), pd.Timestamp(period[1])
    if resolution == "day":
        return pd.date_range(first, last, freq="D", unit="ns", name="time")
    step = RESOLUTIONS["hour"]
    return pd.date_range(first + step, last + pd.Timedelta(days=1), freq="h", unit="ns", name="time")


def described(data: xr.Dataset) -> xr.Dataset:
    """``data`` with unit and CF standard name on every variable the vocabulary knows."""
    for name in map(str, data.data_vars):
        known = WEATHER.get(name) or pollutant(name)
        data[name].attrs.setdefault("units", agreed_units(name))
        if known.standard_name:
            data[name].attrs["standard_name"] = known.standard_name
    return data
