"""From hours of weather to the drivers of a day, on the local day.

Base drivers are daily means, extremes and sums, and for hourly weather the afternoon (10-18 h), when ozone is made.
Around each base driver stand yesterday's value and the means of the last three and seven days: days remember.
Sources: ``DOMAIN.md`` section 5 of the project's references; relative humidity by Magnus over water
(Bolton 1980, doi 10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.standards import by_day
from pipeline.vocabulary import WEATHER

HOURS_OF_A_DAY = 18
"""Hours of weather that a day needs; a day with fewer is NaN."""
AFTERNOON = slice(9, 18)
"""Hours ending 10:00 to 18:00 of the 24 that start with the one ending 01:00."""
AFTERNOON_DRIVERS = ("t2m", "rh", "wind_speed", "u10", "v10", "blh", "tcc")
CALM = 0.3
"""m s-1 added to the wind speed before its logarithm: below it vanes and models do not turn."""
SHALLOW = 10.0
"""m, the shallowest boundary layer whose logarithm is taken."""


def relative_humidity(temperature: xr.DataArray, dew_point: xr.DataArray) -> xr.DataArray:
    """Relative humidity [%] over water from temperature and dew point [K], within 0 to 100."""

    def vapour_pressure(kelvin: xr.DataArray) -> xr.DataArray:
        celsius = kelvin - 273.15
        pressure: xr.DataArray = xr.apply_ufunc(np.exp, 17.67 * celsius / (celsius + 243.5))
        return pressure

    return (100 * vapour_pressure(dew_point) / vapour_pressure(temperature)).clip(0, 100)


def wind_components(speed: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Eastward and northward wind [unit of ``speed``] from the direction the wind comes from [degree]."""
    radians = np.deg2rad(direction)
    return -speed * np.sin(radians), -speed * np.cos(radians)


def completed(weather: xr.Dataset) -> xr.Dataset:
    """``weather`` with relative humidity, wind components and wind speed where they can be derived and are not given.

    Wind direction is left out: an angle has no mean, and its components say the same.
    """
    if "rh" not in weather and {"t2m", "d2m"} <= set(weather):
        weather = weather.assign(rh=relative_humidity(weather["t2m"], weather["d2m"]))
    if "u10" not in weather and {"wind_speed", "wind_direction"} <= set(weather):
        eastward, northward = wind_components(weather["wind_speed"].to_numpy(), weather["wind_direction"].to_numpy())
        dims = weather["wind_speed"].dims
        weather = weather.assign(u10=(dims, eastward), v10=(dims, northward))
    if "wind_speed" not in weather and {"u10", "v10"} <= set(weather):
        weather = weather.assign(wind_speed=np.hypot(weather["u10"], weather["v10"]))
    return weather.drop_vars("wind_direction", errors="ignore")


def daily(weather: xr.Dataset) -> xr.Dataset:
    """Daily quantities, dims (station, time): the vocabulary's mean, sum or extreme of the local day's hours.

    A day with fewer than 18 hours is NaN. Hourly temperature gives ``tmax`` and ``tmin``; hourly drivers of ozone
    give ``<name>_afternoon``. Daily weather is passed through.
    """
    weather = completed(weather)
    if weather.attrs["resolution"] == "day":
        return weather
    result: dict[str, xr.DataArray] = {}
    for name in map(str, weather.data_vars):
        hours, days = by_day(weather[name])
        coordinates = {"station": weather["station"], "time": days}
        for label, values in _of_hours(name, hours).items():
            result[label] = xr.DataArray(values, coordinates, ("station", "time"))
    return xr.Dataset(result, attrs={**weather.attrs, "resolution": "day"})


def _of_hours(name: str, hours: np.ndarray) -> dict[str, np.ndarray]:
    enough = np.isfinite(hours).sum(axis=-1) >= HOURS_OF_A_DAY
    present = np.isfinite(hours)
    counted = np.where(present, hours, 0.0)
    mean = counted.sum(axis=-1) / np.maximum(present.sum(axis=-1), 1)
    aggregate = WEATHER[name].daily if name in WEATHER else "mean"
    if aggregate == "sum":
        return {name: np.where(enough, 24 * mean, np.nan)}
    highest = np.where(present, hours, -np.inf).max(axis=-1)
    lowest = np.where(present, hours, np.inf).min(axis=-1)
    values = {name: {"mean": mean, "maximum": highest, "minimum": lowest}[aggregate]}
    if name == "t2m":
        values |= {"tmax": highest, "tmin": lowest}
    if name in AFTERNOON_DRIVERS:
        some = present[..., AFTERNOON].sum(axis=-1)
        afternoon = counted[..., AFTERNOON].sum(axis=-1) / np.maximum(some, 1)
        values[f"{name}_afternoon"] = np.where(some >= 6, afternoon, mean)
    return {label: np.where(enough, value, np.nan) for label, value in values.items()}


def base_drivers(weather: pd.DataFrame) -> pd.DataFrame:
    """One place's base drivers from its daily weather (index: day), on scales on which they act.

    Boundary-layer height and wind speed by their logarithm, precipitation by log(1 + mm), extremes as the diurnal
    range beside ``t2m`` and as they are without it or without one another; what the vocabulary does not know stays as
    it is. NaN stays NaN.
    """
    drivers = {}
    for name in weather:
        stem = str(name).removesuffix("_afternoon")
        values = weather[name]
        if stem == "blh":
            drivers[f"log_{name}"] = np.log(values.clip(lower=SHALLOW))
        elif stem == "wind_speed":
            drivers[f"log_{name}"] = np.log(values + CALM)
        elif stem == "tp":
            drivers[f"log_{name}"] = np.log1p(values.clip(lower=0))
        elif name not in ("tmax", "tmin"):
            drivers[str(name)] = values
    if {"tmax", "tmin"} <= set(weather):
        drivers["diurnal_range"] = weather["tmax"] - weather["tmin"]
    if not {"t2m", "tmax", "tmin"} <= set(weather):
        drivers |= {name: weather[name] for name in ("tmax", "tmin") if name in weather}
    return pd.DataFrame(drivers, index=weather.index)


def with_memory(drivers: pd.DataFrame) -> pd.DataFrame:
    """Base drivers with yesterday's value (``_lag1``) and the means of the last three and seven days.

    ``drivers`` has every day of its index in order. The first days, which have no yesterday, take what is there of
    the window; a window without any value is NaN.
    """
    before = drivers.shift(1)
    before.iloc[:1] = drivers.iloc[:1]
    parts = [drivers, before.add_suffix("_lag1")]
    for days in (3, 7):
        parts.append(drivers.rolling(days, min_periods=1).mean().add_suffix(f"_mean{days}"))
    return pd.concat(parts, axis=1)
