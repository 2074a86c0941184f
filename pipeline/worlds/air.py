"""What every box of air has in common: the weather in a box model's terms, and what stays unobserved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Unobserved:
    """What no model sees: a persistent standard-normal factor and the day's own noise, the day leading."""

    persistent: FloatArray
    daily: FloatArray


@dataclass(frozen=True)
class Air:
    """The weather in the terms of a box model, each with the day leading."""

    mixing_height: FloatArray
    wind: FloatArray
    direction: FloatArray
    warmth: FloatArray
    afternoon: FloatArray
    humidity: FloatArray
    rain: FloatArray
    sunshine: FloatArray


class Physics(Protocol):
    """Concentrations that emissions give under weather, day after day."""

    @property
    def pollutant(self) -> str:
        """The pollutant's name in the vocabulary, ``pm25`` or ``o3``."""
        ...

    def run(self, weather: Mapping[str, FloatArray], emissions: FloatArray, unobserved: Unobserved) -> FloatArray:
        """Concentrations [ug m-3], day leading; ``emissions`` are relative to 1."""
        ...


def air(weather: Mapping[str, FloatArray]) -> Air:
    """What the boxes need of the weather (variables of ``pipeline.worlds.weather``, canonical units)."""
    return Air(
        mixing_height=np.clip(weather["blh"], 40.0, 4000.0),
        wind=np.sqrt(weather["u10"] ** 2 + weather["v10"] ** 2 + 0.6**2),
        direction=np.arctan2(-weather["u10"], -weather["v10"]),
        warmth=weather["t2m"] - 288.0,
        afternoon=weather["tmax"] - 298.0,
        humidity=relative_humidity(weather["t2m"], weather["d2m"]),
        rain=np.clip(weather["tp"], 0.0, None),
        sunshine=weather["ssrd"] / 200.0,
    )


def relative_humidity(temperature: FloatArray, dewpoint: FloatArray) -> FloatArray:
    """Relative humidity [0-1] from temperature and dew point [K] (Magnus, over water)."""

    def vapour_pressure(kelvin: FloatArray) -> FloatArray:
        return np.asarray(np.exp(17.67 * (kelvin - 273.15) / (kelvin - 29.65)))

    return np.clip(vapour_pressure(dewpoint) / vapour_pressure(temperature), 0.02, 1.0)


def sector(direction: FloatArray, centre: float, sharpness: float) -> FloatArray:
    """1 when the wind comes from ``centre`` [degrees], falling to exp(-2 sharpness) opposite to it."""
    return np.asarray(np.exp(sharpness * (np.cos(direction - np.deg2rad(centre)) - 1)))
