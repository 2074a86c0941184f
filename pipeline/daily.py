"""First stage: from files to assessed days of observations and weather at every station."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline import quality, standards
from pipeline.config import Config
from pipeline.contracts import check
from pipeline.errors import InputError
from pipeline.regions import Places, places
from pipeline.stations import READERS
from pipeline.weather import SOURCES, features


@dataclass(frozen=True)
class Daily:
    """Daily observations and weather, both (station, time) on the days of the period, and what was noted."""

    observations: xr.Dataset
    weather: xr.Dataset
    places: Places
    notes: tuple[str, ...]


def inputs(config: Config) -> list[Path]:
    """Every file the run depends on, without reading any."""
    files = READERS[config.observations.reader].inputs(config.observations)
    files += SOURCES[config.weather.source].inputs(config.weather, config.observations)
    files += [path for path in (config.stations, config.regions) if isinstance(path, Path)]
    return sorted(set(files))


def daily(config: Config) -> Daily:
    """Reads, screens and assesses everything a run needs."""
    days = pd.date_range(*config.period, freq="D", name="time", unit="ns")
    observations, notes = _observations(config, days)
    stations = [str(name) for name in observations["station"].to_numpy()]
    found, region_notes = places(config, stations)
    weather, weather_notes = _weather(config, found.stations, days)
    return Daily(observations, weather, found, (*notes, *region_notes, *weather_notes))


def _observations(config: Config, days: pd.DatetimeIndex) -> tuple[xr.Dataset, list[str]]:
    reader = READERS[config.observations.reader]
    hourly = reader.read(
        config.observations, pollutants=config.pollutants, period=config.period, utc_offset=config.utc_offset
    )
    check(hourly, config.pollutants, seam="reader -> quality")
    screened, notes = quality.screened(hourly)
    assessed = standards.daily(screened).reindex(time=days)
    check(assessed, config.pollutants, seam="standards -> samples")
    empty = [name for name in config.pollutants if not bool(assessed[name].notnull().any())]
    if empty:
        raise InputError(
            f"observations: '{empty[0]}' has no valid day from {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d}; correct "
            "`pollutants`, `period` or the path"
        )
    return assessed, notes


def _weather(config: Config, stations: pd.DataFrame, days: pd.DatetimeIndex) -> tuple[xr.Dataset, list[str]]:
    source = SOURCES[config.weather.source]
    weather = source.read(
        config.weather,
        observations=config.observations,
        stations=stations,
        period=config.period,
        utc_offset=config.utc_offset,
    )
    check(weather, [str(name) for name in weather.data_vars], seam="weather source -> features")
    screened, notes = quality.screened(weather)
    without = [str(name) for name in stations.index if name not in weather["station"].to_numpy()]
    notes += [f"weather: station {name} has none; it is left out" for name in without]
    of_days = features.daily(screened).reindex(station=np.array(stations.index, dtype=object), time=days)
    return of_days, [*map(str, weather.attrs.get("notes", ())), *notes]
