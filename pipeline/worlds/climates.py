"""Climates: the yearly courses of a place's weather and of its synoptic spread, of roughly real size."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Season:
    """A yearly course ``mean + amplitude * cos(2 pi (day - peak) / 365.25)``, in its own units."""

    mean: float
    amplitude: float = 0.0
    peak: float = 200.0

    def on(self, day_of_year: FloatArray) -> FloatArray:
        """The course on days of the year (1 to 366)."""
        return self.mean + self.amplitude * np.cos(2 * np.pi * (day_of_year - self.peak) / 365.25)


@dataclass(frozen=True)
class Climate:
    """What a place's weather is like: yearly courses of the mean and of the synoptic spread."""

    name: str
    latitude: float
    elevation: float
    temperature: Season
    temperature_spread: Season
    dewpoint_depression: Season
    eastward: Season
    northward: Season
    wind_spread: Season
    pressure: Season
    pressure_spread: Season
    mixing_height: Season
    cloudiness: Season
    rain_chance: Season
    rain_amount: Season
    daily_range: Season
    spell_chance: Season


NORTH_CHINA = Climate(
    name="north_china", latitude=39.5, elevation=45.0,
    temperature=Season(286.0, 15.0, 203), temperature_spread=Season(3.2, -0.9, 203),
    dewpoint_depression=Season(9.5, -2.5, 215), eastward=Season(0.4, -0.5, 200),
    northward=Season(-0.1, 0.9, 190),
    wind_spread=Season(1.75, -0.35, 215), pressure=Season(101650.0, -1150.0, 200),
    pressure_spread=Season(520.0, -200.0, 200), mixing_height=Season(5.98, 0.32, 150),
    cloudiness=Season(-0.35, 0.75, 205), rain_chance=Season(0.17, 0.17, 205),
    rain_amount=Season(5.0, 5.5, 208),
    daily_range=Season(10.5, 0.8, 120), spell_chance=Season(0.055, 0.035, 355),
)  # fmt: skip
SICHUAN_BASIN = Climate(
    name="sichuan_basin", latitude=30.6, elevation=500.0,
    temperature=Season(290.2, 10.2, 207), temperature_spread=Season(2.2, -0.2, 207),
    dewpoint_depression=Season(4.4, 0.8, 150), eastward=Season(-0.2, 0.2, 200),
    northward=Season(-0.3, -0.1, 200),
    wind_spread=Season(1.05, 0.15, 130), pressure=Season(101500.0, -1050.0, 200),
    pressure_spread=Season(430.0, -150.0, 200), mixing_height=Season(5.75, 0.34, 175),
    cloudiness=Season(1.15, -0.35, 215), rain_chance=Season(0.34, 0.14, 220),
    rain_amount=Season(4.0, 5.0, 212),
    daily_range=Season(7.2, 1.2, 190), spell_chance=Season(0.07, 0.03, 0),
)  # fmt: skip
COASTAL_SOUTH = Climate(
    name="coastal_south", latitude=22.8, elevation=20.0,
    temperature=Season(295.6, 7.0, 205), temperature_spread=Season(2.3, -1.1, 205),
    dewpoint_depression=Season(4.9, -1.0, 140), eastward=Season(-0.7, 0.6, 200),
    northward=Season(-0.5, 1.9, 185),
    wind_spread=Season(1.6, 0.05, 200), pressure=Season(101250.0, -780.0, 205),
    pressure_spread=Season(310.0, -90.0, 205), mixing_height=Season(6.2, -0.06, 120),
    cloudiness=Season(0.35, 0.45, 130), rain_chance=Season(0.33, 0.2, 190),
    rain_amount=Season(8.5, 5.5, 180),
    daily_range=Season(6.9, -0.5, 130), spell_chance=Season(0.045, 0.025, 330),
)  # fmt: skip
YANGTZE_DELTA = Climate(
    name="yangtze_delta", latitude=31.6, elevation=12.0,
    temperature=Season(290.0, 11.8, 209), temperature_spread=Season(2.9, -0.8, 205),
    dewpoint_depression=Season(5.6, -0.3, 200), eastward=Season(-0.3, -0.8, 200),
    northward=Season(-0.4, 1.1, 195),
    wind_spread=Season(1.7, 0.0, 200), pressure=Season(101650.0, -1050.0, 200),
    pressure_spread=Season(430.0, -150.0, 200), mixing_height=Season(6.15, 0.12, 150),
    cloudiness=Season(0.35, 0.25, 170), rain_chance=Season(0.31, 0.1, 180),
    rain_amount=Season(6.5, 3.5, 185),
    daily_range=Season(7.8, 0.3, 130), spell_chance=Season(0.05, 0.025, 345),
)  # fmt: skip
CLIMATES = MappingProxyType({c.name: c for c in (NORTH_CHINA, SICHUAN_BASIN, COASTAL_SOUTH, YANGTZE_DELTA)})
