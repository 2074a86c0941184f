"""Weather from ERA5 files in any dialect, taken to the stations by ``era5_fetch``."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xarray as xr

from pipeline.errors import InputError
from pipeline.stations.frames import described, full_axis
from pipeline.stations.options import PathOptions, files_of

DEFAULT_VARIABLES = ("t2m", "d2m", "u10", "v10", "msl", "sp", "blh", "tp", "ssrd", "tcc")


class Options(PathOptions):
    """``weather: {source: era5, path: FOLDER}``; ``variables`` in our names."""

    source: Literal["era5"]
    variables: tuple[str, ...] = DEFAULT_VARIABLES
    method: Literal["nearest", "bilinear"] = "bilinear"


def inputs(options: Options, observations: Any) -> list[Path]:
    """The files this source reads."""
    return files_of(options.path, "*.nc", "*.grib", "*.grb", "*.grib2", "*.zip")


def read(
    options: Options,
    *,
    observations: Any,
    stations: pd.DataFrame,
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> xr.Dataset:
    """Weather (station, time); see the package's contract.

    ERA5 stamps are UTC; an accumulation's stamp ends its hour, as the network's labels do, so stamp meets label.
    Hours the files do not hold are NaN. ``attrs['preliminary']`` lists the days with an hour of ERA5T, where the files
    tell.
    """
    import era5_fetch

    if stations["latitude"].isna().any():
        raise InputError(
            f"stations: {stations.index[stations['latitude'].isna()][0]!r} has no coordinates, which weather.source "
            "'era5' needs; give a station list with latitude and longitude"
        )
    first = pd.Timestamp(period[0]) - pd.Timedelta(hours=utc_offset)
    last = pd.Timestamp(period[1]) + pd.Timedelta(hours=24 - utc_offset)
    try:
        extracted = era5_fetch.open(
            options.variables,
            (first, last),
            source=options.path,
            points=stations[["latitude", "longitude"]],
            method=options.method,
        )
    except era5_fetch.Era5Error as error:
        raise InputError(str(error)) from None
    data = extracted.rename(place="station").transpose("station", "time")
    local = pd.DatetimeIndex(data.get_index("time")) + pd.Timedelta(hours=utc_offset)
    told = {"preliminary": _days_of(local[data["preliminary"].to_numpy()])} if "preliminary" in data.coords else {}
    axis = full_axis(period, "hour")
    data = data.drop_vars(set(data.coords) - {"station", "time"}).assign_coords(time=local).reindex(time=axis)
    if not bool(data[options.variables[0]].notnull().any()):
        raise InputError(
            f"{options.path}: holds {local.min()} to {local.max()} (local time), nothing of the period "
            f"{period[0]}/{period[1]}; correct `period` or the path"
        )
    return described(data).assign_attrs(resolution="hour", **told)


def _days_of(hours: pd.DatetimeIndex) -> list[pd.Timestamp]:
    """The local days of hours labelled by their end."""
    return list((hours - pd.Timedelta(hours=1)).normalize().unique())
