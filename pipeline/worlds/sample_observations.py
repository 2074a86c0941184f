"""What the sample world's stations report: hourly values, rounded, with holes, in the archive's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from pipeline.vocabulary import GAS_FACTOR
from pipeline.worlds.air import air
from pipeline.worlds.archive import (
    BoolArray,
    IntArray,
    holes,
    hourly_from_mda8,
    hourly_from_mean,
    running_mean,
    whole_numbers,
)
from pipeline.worlds.counterfactuals import labelled_rng
from pipeline.worlds.sample_places import Layout
from pipeline.worlds.world import World

FloatArray = npt.NDArray[np.float64]

TYPES = ("PM2.5", "PM2.5_24h", "NO2", "O3", "O3_8h")
GASES_AT_273_UNTIL = pd.Timestamp("2018-09-01")
OUTLIERS = {"PM2.5": 5598, "O3": 1200}  # both seen in the archive


@dataclass(frozen=True)
class ArchiveValues:
    """Whole numbers (time, station) per type, ``archive.MISSING`` where lost; hours ``absent`` from files."""

    time: pd.DatetimeIndex
    values: dict[str, IntArray]
    absent: BoolArray


def station_days(places: Layout, worlds: Sequence[World], *, seed: int) -> xr.Dataset:
    """Daily values of every station before rounding and holes, dims (station, day): pm25, o3, no2 [ug m-3].

    A station is its city times a constant (1 on the mean of the city's stations) and noise of its own.
    """
    cities = {city: world for world in worlds for city in world.places}
    stations = places.stations
    factors = station_factors(places, seed=seed)
    rows: dict[str, list[FloatArray]] = {"pm25": [], "o3": [], "no2": []}
    for station, city in zip(stations["station"], stations["city"], strict=True):
        of_city = _city_days(cities[city], city)
        for pollutant, values in of_city.items():
            noise = labelled_rng(seed, "station", station, pollutant).standard_normal(len(values))
            rows[pollutant].append(values * factors[station] * np.exp(0.04 * noise))
    days = worlds[0].days
    arrays = {name: (("station", "day"), np.stack(series), {"units": "ug m-3"}) for name, series in rows.items()}
    return xr.Dataset(arrays, coords={"station": list(stations["station"]), "day": days})


def station_factors(places: Layout, *, seed: int) -> dict[str, float]:
    """How much more than its city a station sees, constant in time; 1 on the mean over a city's stations."""
    raw = pd.Series(
        [1 + 0.12 * labelled_rng(seed, "factor", station).uniform(-1, 1) for station in places.stations["station"]],
        index=places.stations["station"],
    )
    city = places.stations.set_index("station")["city"]
    return {str(station): float(value) for station, value in (raw / raw.groupby(city).transform("mean")).items()}


def archive_values(places: Layout, worlds: Sequence[World], *, seed: int) -> ArchiveValues:
    """The hourly archive of a world: gases at 273.15 K through 2018-08-31 24:00, 298.15 K afterwards."""
    days = station_days(places, worlds, seed=seed)
    start = pd.Timestamp(days["day"].values[0])
    time = pd.date_range(start + pd.Timedelta(hours=1), periods=24 * days.sizes["day"], freq="h")
    per_gas = np.where(time <= GASES_AT_273_UNTIL, 1 / GAS_FACTOR, 1.0)[:, None]
    pm25, o3, no2 = (_hours(days[name], seed) for name in ("pm25", "o3", "no2"))
    lost = np.stack(
        [holes(len(time), labelled_rng(seed, "holes", str(name))) for name in days["station"].values], axis=1
    )
    exact = {
        "PM2.5": pm25,
        "PM2.5_24h": running_mean(pm25, 24),
        "NO2": no2 * per_gas,
        "O3": o3 * per_gas,
        "O3_8h": running_mean(o3 * per_gas, 8),
    }
    values = {kind: whole_numbers(exact[kind], lost) for kind in TYPES}
    absent, position = absent_hours(time, seed), len(time) // 3 + 11
    for kind, outlier in OUTLIERS.items():
        values[kind][position, -1] = outlier
    absent[position] = False
    return ArchiveValues(time, values, absent)


def _city_days(world: World, city: str) -> dict[str, FloatArray]:
    """A city's actual days [ug m-3]; NO2 is no more than plausible: emissions over ventilation."""
    actual = {name: world.actual[name].sel(place=city).values for name in ("pm25", "o3")}
    frame = world.weather_frame(city)
    state = air({str(name): frame[name].to_numpy() for name in frame})
    trapped = (500 / (state.mixing_height + 100)) ** 0.5 * (2 / state.wind) ** 0.4
    return {**actual, "no2": 34 * world.emissions.sel(place=city).values * trapped}


def _hours(days: xr.DataArray, seed: int) -> FloatArray:
    """Hourly values (time, station) of a pollutant's daily ones."""
    course = hourly_from_mda8 if days.name == "o3" else hourly_from_mean
    series = [
        course(values, labelled_rng(seed, "hours", str(station), str(days.name)))
        for station, values in zip(days["station"].values, days.values, strict=True)
    ]
    return np.stack(series, axis=1)


def absent_hours(time: pd.DatetimeIndex, seed: int) -> BoolArray:
    """Hours without any row: one in five hundred, and one whole file a year."""
    rng = labelled_rng(seed, "absent")
    absent = rng.random(len(time)) < 0.002
    for year in sorted(set(time.year)):
        day = pd.Timestamp(year, 1, 1) + pd.Timedelta(days=int(rng.integers(40, 360)))
        absent |= np.asarray(time.normalize() == day)
    return np.asarray(absent)
