"""The generated nation's weather on its grid: climates that change smoothly, and days that neighbours share.

What chance gives (the states of the days, the character of seasons, spells of stagnation) is drawn at the points of a
coarse lattice; a cell has of each as much as it is near, so that weather is alike over some hundred kilometres.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.climates import COASTAL_SOUTH, NORTH_CHINA, SICHUAN_BASIN, YANGTZE_DELTA, Climate, Season
from pipeline.worlds.hours import STEPS, hourly_weather, local_days
from pipeline.worlds.nation_places import NationPlaces
from pipeline.worlds.sample_weather import LEAD
from pipeline.worlds.weather import Chance, chance, composed

FloatArray = npt.NDArray[np.float64]
Grid = npt.NDArray[np.float32]
Point = tuple[float, float]
"""Latitude and longitude [degrees]."""

LATTICE = 5.0  # degrees between the points where chance is drawn
REACH = 5.0  # degrees of latitude at which a point's weight has fallen to exp(-1/2)

NORTHEAST = replace(
    NORTH_CHINA, name="northeast", elevation=150.0, temperature=Season(278.5, 18.5, 201),
    dewpoint_depression=Season(7.0, -1.0, 150), rain_amount=Season(4.0, 4.0, 205), mixing_height=Season(6.0, 0.35, 140),
)  # fmt: skip
NORTHWEST = replace(
    NORTH_CHINA, name="northwest", elevation=1000.0, temperature=Season(282.0, 16.5, 200),
    dewpoint_depression=Season(13.0, 4.0, 190), rain_chance=Season(0.07, 0.04, 200), rain_amount=Season(2.0, 1.0, 200),
    mixing_height=Season(6.1, 0.55, 165), daily_range=Season(12.5, 1.0, 200),
)  # fmt: skip
PLATEAU = replace(
    NORTH_CHINA, name="plateau", elevation=3600.0, temperature=Season(279.5, 8.5, 200),
    dewpoint_depression=Season(11.0, -4.0, 205), rain_chance=Season(0.2, 0.2, 205), rain_amount=Season(3.0, 2.5, 208),
    mixing_height=Season(6.5, 0.3, 130), daily_range=Season(13.0, -1.5, 205),
)  # fmt: skip
ANCHORS = (
    (38.5, 115.5, NORTH_CHINA), (30.3, 104.5, SICHUAN_BASIN), (22.8, 113.0, COASTAL_SOUTH),
    (31.5, 119.5, YANGTZE_DELTA), (46.0, 126.0, NORTHEAST), (41.0, 86.0, NORTHWEST), (30.0, 91.0, PLATEAU),
)  # fmt: skip
"""Latitude and longitude of the middle of each climate; between them a place has something of all."""


@dataclass(frozen=True)
class NationWeather:
    """Hourly fields (time, latitude, longitude) in ERA5's own units, exact in single precision.

    ``local_time`` labels the hours' end at UTC+8, whole days from ``LEAD`` days before ``days`` on.
    """

    days: pd.DatetimeIndex
    local_time: pd.DatetimeIndex
    fields: dict[str, Grid]


def nation_weather(places: NationPlaces, days: pd.DatetimeIndex, *, seed: int) -> NationWeather:
    """The weather of every cell; the same cell has the same weather however many cities are asked for."""
    simulated = pd.date_range(days[0] - pd.Timedelta(days=LEAD), days[-1], name="day")
    hours = 24 * len(simulated)
    grid = (hours, len(places.latitude), len(places.longitude))
    found = {name: np.empty(grid, dtype=np.float32) for name in STEPS}

    @cache
    def drawn(point: Point) -> Chance:
        return chance(climate_at(*point), simulated, seed=_seed(seed, point))

    for row, north in enumerate(places.latitude):
        for column, east in enumerate(places.longitude):
            point, climate = (float(north), float(east)), climate_at(float(north), float(east))
            weights = lattice_weights(point)
            mixed = blended([drawn(other) for other in weights], np.array([*weights.values()]))
            of_cell = composed(climate, simulated, mixed)
            for name, values in hourly_weather(of_cell, climate, seed=_seed(seed, point)).items():
                found[name][:, row, column] = values
    local_time = pd.date_range(simulated[0] + pd.Timedelta(hours=1), periods=hours, freq="h")
    return NationWeather(days, local_time, found)


def city_days(places: NationPlaces, weather: NationWeather, city: str) -> pd.DataFrame:
    """Daily weather of a city on its local days: the hours of its cell."""
    about = places.cities[city]
    hours = {name: field[24 * LEAD :, about.row, about.column].astype(float) for name, field in weather.fields.items()}
    return local_days(hours, weather.days)


def climate_at(latitude: float, longitude: float) -> Climate:
    """The climate of a place: the nearer an anchor, the more of its own; the sun is that of the latitude."""
    shares = np.array([1 / (1 + _degrees(latitude, longitude, anchor[:2]) ** 2) for anchor in ANCHORS])
    shares /= shares.sum()
    climates = [climate for *_, climate in ANCHORS]
    courses = {
        field.name: _mixed([getattr(climate, field.name) for climate in climates], shares)
        for field in fields(Climate)
        if isinstance(getattr(NORTH_CHINA, field.name), Season)
    }
    elevation = float(np.dot(shares, [climate.elevation for climate in climates]))
    return replace(NORTH_CHINA, name="mixed", latitude=latitude, elevation=elevation, **courses)


def nearest_climate(latitude: float, longitude: float) -> str:
    """The name of the benchmark's climate whose middle is nearest."""
    named = {climate.name: (north, east) for north, east, climate in ANCHORS[:4]}
    return min(named, key=lambda name: _degrees(latitude, longitude, named[name]))


def blended(drawn: Sequence[Chance], weights: FloatArray) -> Chance:
    """The points' chance by ``weights`` (point,): states keep their unit variance, spells their mean."""
    unit = weights / np.sqrt(np.sum(weights**2))
    states = np.sum([share * one.states for share, one in zip(unit, drawn, strict=True)], axis=0)
    slow = np.sum([share * one.slow for share, one in zip(unit, drawn, strict=True)], axis=0)
    calm = np.sum([share * one.calm for share, one in zip(weights / weights.sum(), drawn, strict=True)], axis=0)
    return Chance(states, slow, calm)


def _mixed(courses: Sequence[Season], shares: FloatArray) -> Season:
    waves = [course.amplitude * np.exp(2j * np.pi * course.peak / 365.25) for course in courses]
    wave = complex(np.dot(shares, waves))
    peak = float(np.angle(wave) * 365.25 / (2 * np.pi))
    return Season(float(np.dot(shares, [course.mean for course in courses])), abs(wave), peak)


def lattice_weights(point: Point) -> dict[Point, float]:
    """The points of the lattice within twice ``REACH`` of a place, and how much it has of each."""
    far = 2 * REACH
    sides = [(point[0], far), (point[1], far / np.cos(np.deg2rad(min(abs(point[0]) + far, 80.0))))]
    north, east = (
        LATTICE * np.arange(np.ceil((at - reach) / LATTICE), np.floor((at + reach) / LATTICE) + 1)
        for at, reach in sides
    )
    points = [(float(one), float(other)) for one in north for other in east]
    distances = {other: _degrees(*point, other) for other in points}
    return {other: float(np.exp(-0.5 * (way / REACH) ** 2)) for other, way in distances.items() if way <= far}


def _degrees(latitude: float, longitude: float, other: Point) -> float:
    """Distance in degrees of latitude."""
    east = (longitude - other[1]) * np.cos(np.deg2rad((latitude + other[0]) / 2))
    return float(np.hypot(latitude - other[0], east))


def _seed(seed: int, point: Point) -> int:
    return 1_000_000 * seed + 1000 * round(4 * point[0]) + round(4 * point[1])
