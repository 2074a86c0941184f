"""The sample world's weather on its grid, hour by hour, and the worlds its days drive."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.climates import Climate
from pipeline.worlds.emissions import EmissionHistory, Intervention, with_intervention
from pipeline.worlds.hours import STEPS, hourly_weather, local_days
from pipeline.worlds.physics import city_physics
from pipeline.worlds.sample_places import REGIONS, Layout, Region
from pipeline.worlds.weather import VARIABLES, Drift, simulate
from pipeline.worlds.world import World, create

FloatArray = npt.NDArray[np.float64]

UTC_OFFSET = 8
LEAD = 10  # days of weather before the first observed day, for lags
IN_COMMON = 0.8  # of a cell's weather with its region
SHARED = 0.6  # of what is unobserved, among the cities of a region
LOCKDOWN = 0.70  # of the emissions are left, for ten weeks of the last year


@dataclass(frozen=True)
class GridWeather:
    """Hourly fields (time, latitude, longitude) in ERA5's own units.

    ``local_time`` labels the hours' end at UTC+8, whole days from ``LEAD`` days before ``days`` on.
    """

    days: pd.DatetimeIndex
    local_time: pd.DatetimeIndex
    fields: dict[str, FloatArray]


def grid_weather(places: Layout, days: pd.DatetimeIndex, *, seed: int) -> GridWeather:
    """Weather of all cells; those of a row belong to a region and have most of their weather in common."""
    simulated = pd.date_range(days[0] - pd.Timedelta(days=LEAD), days[-1], name="day")
    rows = [
        _row(region.climate, simulated, len(places.longitude), seed=1000 * seed + 100 * number)
        for number, region in enumerate(REGIONS)
    ]
    fields = {name: np.stack([row[name] for row in rows], axis=1) for name in STEPS}
    local_time = pd.date_range(simulated[0] + pd.Timedelta(hours=1), periods=24 * len(simulated), freq="h")
    return GridWeather(days, local_time, fields)


def city_weather(places: Layout, weather: GridWeather, city: str) -> pd.DataFrame:
    """Daily weather of a city on its local days: the hours of its grid point."""
    row, column = places.cell[city]
    hours = {name: field[24 * LEAD :, row, column] for name, field in weather.fields.items()}
    return local_days(hours, weather.days)


def region_world(region: Region, places: Layout, weather: GridWeather, *, seed: int) -> World:
    """The world of a region's cities; each city's emissions went a little differently."""
    cities = places.cities[region.name]
    frames = {city: city_weather(places, weather, city) for city in cities}
    histories = {city: _history(region, weather.days, number) for number, city in enumerate(cities)}
    physics = city_physics(region.climate.name, pm25=region.pm25, o3=region.o3)
    return create(region.name, frames, histories, physics, seed=seed, shared=SHARED)


def _history(region: Region, days: pd.DatetimeIndex, number: int) -> EmissionHistory:
    history = region.emissions(days, heating=region.heating * (1 + 0.15 * number))
    start = pd.Timestamp(days[-1].year, 1, 24)
    lockdown = Intervention(start, start + pd.Timedelta(days=69), LOCKDOWN)
    return with_intervention(history, lockdown)


def _row(climate: Climate, days: pd.DatetimeIndex, cells: int, *, seed: int) -> dict[str, FloatArray]:
    """Hourly fields (time, cell) of one region's row."""
    drift = Drift()
    common = simulate(climate, days, seed=seed, drift=drift)
    own = [simulate(climate, days, seed=seed + 1 + cell, drift=drift) for cell in range(cells)]
    hours = [hourly_weather(blended(common, frame), climate, seed=seed + 1 + cell) for cell, frame in enumerate(own)]
    return {name: np.stack([each[name] for each in hours], axis=1) for name in STEPS}


def blended(common: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Weather that is ``IN_COMMON`` one and otherwise the other; the mixing height by its logarithm."""
    mixed = IN_COMMON * common + (1 - IN_COMMON) * own
    mixed["blh"] = np.exp(IN_COMMON * np.log(common["blh"]) + (1 - IN_COMMON) * np.log(own["blh"]))
    return mixed[list(VARIABLES)]
