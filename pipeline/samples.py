"""One place's rows: the target and the drivers of every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from models.basis import Drivers
from pipeline.regions import city_mean
from pipeline.weather.features import base_drivers, with_memory

LEAST_SHARE = 0.8
"""Share of the days from a place's first observation to its last on which a weather quantity must be known."""


@dataclass(frozen=True)
class Place:
    """A station, or a city as the mean of its stations."""

    level: str
    name: str
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Samples:
    """Rows of one place and pollutant on consecutive days.

    ``target`` is NaN where nothing was observed, ``drivers`` where the weather is not known; ``roles`` says which
    columns belong together; ``reporting`` counts the stations behind each target; ``weather`` holds the day's
    quantities, also those known too seldom to make a driver.
    """

    target: pd.Series
    drivers: pd.DataFrame
    roles: Drivers
    reporting: pd.Series
    weather: pd.DataFrame
    notes: tuple[str, ...]


def samples(observations: xr.Dataset, weather: xr.Dataset, place: Place, pollutant: str) -> Samples:
    """The samples of ``place`` from daily observations and daily weather, both (station, time) on the same days."""
    mean, reporting = city_mean(observations[pollutant].sel(station=list(place.stations)))
    of_stations = weather.sel(station=list(place.stations)).mean("station")
    seen = np.flatnonzero(mean.notnull())
    span = of_stations.isel(time=slice(seen[0], seen[-1] + 1)) if len(seen) else of_stations
    known = {name: float(span[name].notnull().mean()) for name in map(str, of_stations.data_vars)}
    kept = [name for name, share in known.items() if share >= LEAST_SHARE]
    notes = tuple(
        f"{place.level} {place.name}: weather '{name}' is known on {share:.0%} of the days, left out"
        for name, share in known.items()
        if share < LEAST_SHARE
    )
    days = observations.get_index("time")
    daily = pd.DataFrame({name: of_stations[name].to_numpy() for name in known}, index=days)
    base = base_drivers(daily[kept])
    base = base.loc[:, base.std() > 1e-9 * np.maximum(base.abs().mean(), 1e-12)]
    drivers = with_memory(base)
    return Samples(
        target=pd.Series(mean.to_numpy(), index=days),
        drivers=drivers,
        roles=roles(drivers),
        reporting=pd.Series(reporting.to_numpy(), index=days),
        weather=daily,
        notes=notes,
    )


def roles(drivers: pd.DataFrame) -> Drivers:
    """Which drivers share a prior: the day's own, the afternoon's, and each kind of memory.

    The response may bend in the day's own and its afternoon's.
    """
    names = [str(name) for name in drivers]
    afternoon = tuple(name for name in names if "_afternoon" in name)
    plain = [name for name in names if name not in afternoon]

    def ending(suffix: str) -> tuple[str, ...]:
        return tuple(name for name in plain if name.endswith(suffix))

    memory = {suffix.strip("_"): ending(suffix) for suffix in ("_lag1", "_mean3", "_mean7")}
    main = tuple(name for name in plain if not any(name in family for family in memory.values()))
    of_the_day = tuple(name for name in afternoon if name.endswith("_afternoon"))
    return Drivers(main, {**memory, "afternoon": afternoon}, (*main, *of_the_day))
