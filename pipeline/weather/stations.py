"""Weather measured at the stations themselves: the weather columns of the UCI Beijing files."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict

from pipeline.errors import ConfigError
from pipeline.stations import prsa
from pipeline.stations.frames import to_dataset
from pipeline.weather.features import wind_components

POINTS = "N NNE NE ENE E ESE SE SSE S SSW SW WSW W WNW NW NNW".split()
"""Names of the sixteen wind directions, clockwise from north; the wind comes from there."""


class Options(BaseModel):
    """``weather: {source: stations}``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    source: Literal["stations"]


def inputs(options: Options, observations: Any) -> list[Path]:
    """The files this source reads: those of the observations."""
    if not isinstance(observations, prsa.Options):
        raise ConfigError(
            f"weather.source: found 'stations' with observations.reader {observations.reader!r}; allowed with "
            "'prsa'; give weather as 'table' or 'era5'"
        )
    return prsa.inputs(observations)


def in_canonical_units(frame: pd.DataFrame) -> pd.DataFrame:
    """The UCI columns as ``t2m d2m sp tp u10 v10 wind_speed`` in canonical units."""
    direction = frame["wd"].map({name: 22.5 * number for number, name in enumerate(POINTS)}).to_numpy(dtype=float)
    eastward, northward = wind_components(frame["WSPM"].to_numpy(dtype=float), direction)
    return pd.DataFrame(
        {
            "station": frame["station"],
            "time": frame["time"],
            "t2m": frame["TEMP"] + 273.15,
            "d2m": frame["DEWP"] + 273.15,
            "sp": frame["PRES"] * 100.0,
            "tp": frame["RAIN"],
            "wind_speed": frame["WSPM"],
            "u10": eastward,
            "v10": northward,
        }
    )


def read(
    options: Options,
    *,
    observations: Any,
    stations: pd.DataFrame,
    period: tuple[datetime.date, datetime.date],
    utc_offset: float,
) -> xr.Dataset:
    """Weather (station, time); see the package's contract."""
    columns = ["TEMP", "DEWP", "PRES", "RAIN", "WSPM", "wd"]
    rows = pd.concat([prsa.read_file(path, columns) for path in inputs(options, observations)])
    frame = in_canonical_units(rows)
    names = [str(name) for name in frame.columns if name not in ("station", "time")]
    return to_dataset(frame, names, resolution="hour", period=period, where=str(observations.path))
