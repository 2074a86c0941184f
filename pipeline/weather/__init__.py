"""Weather sources, one small module each.

A source is a module with ``Options`` (its config keys), ``inputs(options, observations)`` (the files a run depends
on) and ``read(options, *, observations, stations, period, utc_offset)`` -> Weather: dims (station, time), local
standard time, hourly values labelled by the end of the hour they describe (daily values by their day), canonical
units of the vocabulary, NaN where unknown, ``attrs['resolution']`` 'hour' or 'day'. A source that knows which days may
still change lists them in ``attrs['preliminary']``.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import xarray as xr

from pipeline.weather import era5, stations, table


class Source(Protocol):
    """What every source module offers. ``observations`` are the reader's options, for weather that comes with them."""

    Options: Any

    def inputs(self, options: Any, observations: Any) -> list[Path]:
        """The files the source would read."""
        ...

    def read(
        self,
        options: Any,
        *,
        observations: Any,
        stations: pd.DataFrame,
        period: tuple[datetime.date, datetime.date],
        utc_offset: float,
    ) -> xr.Dataset:
        """The data, as the package's contract says."""
        ...


WeatherOptions = stations.Options | table.Options | era5.Options

SOURCES: dict[str, Source] = {"stations": stations, "table": table, "era5": era5}


def published(options: WeatherOptions, period: tuple[datetime.date, datetime.date]) -> list[str]:
    """What beside the input files decides which weather a run finds; empty for sources of files."""
    found = era5.published(options, period) if isinstance(options, era5.Options) else ""
    return [found] if found else []
