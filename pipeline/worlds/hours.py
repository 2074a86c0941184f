"""Hours that add up to days: ERA5-like hourly weather from daily, and the local days of hourly weather.

Hours are labelled by their end, in local time, 01 to 24; a day's array has 24 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.climates import Climate
from pipeline.worlds.weather import VARIABLES

FloatArray = npt.NDArray[np.float64]
HOUR = np.arange(1, 25)

# steps the files resolve: powers of two, so that sums of them are exact and the files compress
STEPS = MappingProxyType(
    {"t2m": 2.0**-6, "d2m": 2.0**-6, "u10": 2.0**-7, "v10": 2.0**-7, "msl": 1.0, "sp": 1.0, "blh": 0.25,
     "tcc": 2.0**-10, "tp": 2.0**-22, "ssrd": 64.0}
)  # fmt: skip


def hourly_weather(daily: pd.DataFrame, climate: Climate, *, seed: int) -> dict[str, FloatArray]:
    """Hourly fields (24 values a day) that follow daily weather; ERA5's own units (tp [m], ssrd [J m-2]).

    ``daily`` has the columns of ``weather.VARIABLES``. The fields run smoothly from day to day, so their
    local days (``local_days``) differ a little from ``daily``.
    """
    rng = np.random.default_rng([seed, 202])
    smooth = {name: smoothed(daily[name].to_numpy(dtype=float)) for name in daily}
    day_of_year = np.repeat(pd.DatetimeIndex(daily.index).day_of_year.to_numpy(dtype=float), 24)
    hour = np.tile(HOUR, len(daily))
    afternoon = np.exp(-(((hour - 14.5) / 3.6) ** 2))
    range_ = smooth["tmax"] - smooth["tmin"]
    t2m = smooth["t2m"] + range_ * np.tile(temperature_course(), len(daily))
    breeze = 0.82 + 0.5 * afternoon
    fields = {
        "t2m": t2m,
        "d2m": np.minimum(smooth["d2m"], t2m - 0.1),
        "u10": smooth["u10"] * breeze + 0.3 * _gusts(len(hour), rng),
        "v10": smooth["v10"] * breeze + 0.3 * _gusts(len(hour), rng),
        "msl": smooth["msl"] + 60 * np.cos(2 * np.pi * (hour - 10) / 12),
        "blh": smooth["blh"] * (0.5 + 1.85 * afternoon),
        "tcc": np.clip(smooth["tcc"] + 0.08 * _gusts(len(hour), rng), 0, 1),
        "tp": _showers(daily["tp"].to_numpy(dtype=float), rng) / 1000,
        "ssrd": np.repeat(daily["ssrd"].to_numpy(dtype=float), 24) * sun_course(climate, day_of_year) * 3600,
    }
    fields["sp"] = fields["msl"] * np.exp(-climate.elevation / (29.3 * t2m))
    return {name: np.round(fields[name] / step) * step for name, step in STEPS.items()}


def local_days(hourly: Mapping[str, FloatArray], days: pd.DatetimeIndex) -> pd.DataFrame:
    """Daily weather in canonical units of hourly fields (24 values a day, ERA5's own units)."""
    by_day = {name: values.reshape(len(days), 24) for name, values in hourly.items()}
    columns = {name: values.mean(axis=1) for name, values in by_day.items()}
    columns["tmax"], columns["tmin"] = by_day["t2m"].max(axis=1), by_day["t2m"].min(axis=1)
    columns["tp"] = 1000 * by_day["tp"].sum(axis=1)
    columns["ssrd"] = by_day["ssrd"].mean(axis=1) / 3600
    return pd.DataFrame(columns, index=days)[list(VARIABLES)]


def smoothed(daily: FloatArray) -> FloatArray:
    """Hourly values on straight lines between the days' values at their noon."""
    hours = np.arange(24 * len(daily)) + 0.5
    return np.asarray(np.interp(hours, 24 * np.arange(len(daily)) + 12, daily))


def temperature_course() -> FloatArray:
    """Departure from the daily mean in units of the daily range: lowest at 6, highest at 15, mean 0."""
    warming = np.where(HOUR <= 15, (HOUR - 6) / 9, (30 - HOUR) / 15)
    course = np.sin(np.pi / 2 * np.clip(np.where(HOUR < 6, (6 - HOUR) / 15, warming), 0, 1)) ** 1.5
    return np.asarray(course - course.mean())


def sun_course(climate: Climate, day_of_year: FloatArray) -> FloatArray:
    """Radiation of each hour relative to its daily mean, from the sun's height; whole days of 24 hours."""
    declination = 0.409 * np.sin(2 * np.pi * day_of_year / 365.25 - 1.39)
    phi = np.deg2rad(climate.latitude)
    angle = np.pi / 12 * (np.tile(HOUR, len(day_of_year) // 24) - 0.5 - 12.4)
    height = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(angle)
    lit = np.clip(height, 0, None).reshape(-1, 24)
    return np.asarray((lit / lit.mean(axis=1, keepdims=True)).ravel())


def _gusts(count: int, rng: np.random.Generator) -> FloatArray:
    """Noise of unit variance that lasts some hours."""
    kernel = np.hanning(9)[1:-1]
    return np.convolve(rng.standard_normal(count), kernel / np.sqrt(np.sum(kernel**2)), mode="same")


def _showers(daily: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Daily rain on the hours of a shower: a random window, uneven within it; the day's sum is kept."""
    middle, width = rng.uniform(1, 24, (len(daily), 1)), rng.uniform(1.5, 7, (len(daily), 1))
    weight = np.exp(-(((HOUR - middle) / width) ** 2)) * rng.gamma(0.8, size=(len(daily), 24))
    weight[weight < 0.02 * weight.max(axis=1, keepdims=True)] = 0
    return np.asarray((daily[:, None] * weight / weight.sum(axis=1, keepdims=True)).ravel())
