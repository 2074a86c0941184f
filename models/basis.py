"""Columns of the backbone: season, a trend that may turn or step, and weather with its curvature and products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

HARMONICS = 3
"""Pairs of harmonics of the year in the season common to all years."""
CHANGING_HARMONICS = 2
"""Pairs of harmonics whose amplitude may change from year to year."""
TREND_DAYS = 30
"""Distance of the knots of the trend: emissions are followed month by month."""
YEAR = 365.25


@dataclass(frozen=True)
class Scale:
    """Centre and spread by which columns are standardised; a constant column keeps spread 1."""

    centre: np.ndarray
    spread: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return np.asarray((values - self.centre) / self.spread)


def scale(values: np.ndarray) -> Scale:
    """The scale of the columns of ``values`` (n, p)."""
    spread = values.std(axis=0)
    return Scale(values.mean(axis=0), np.where(spread > 0, spread, 1.0))


def harmonics(days: pd.DatetimeIndex, count: int) -> np.ndarray:
    """Cosine and sine of the day of the year, (n, 2 * count)."""
    angle = 2 * np.pi * np.asarray(days.day_of_year) / YEAR
    return np.stack([wave(k * angle) for k in range(1, count + 1) for wave in (np.cos, np.sin)], axis=1)


def ramps(length: int, knot_days: float) -> np.ndarray:
    """Integrated hat functions over ``length`` days: independent coefficients make a random walk through the knots."""
    knots = np.arange(0, length + knot_days, knot_days)
    hats = np.clip(1 - np.abs(np.arange(length)[:, None] - knots) / knot_days, 0, None)
    return np.asarray(hats @ np.tril(np.ones((len(knots), len(knots))))[:, 1:])


def season(days: pd.DatetimeIndex) -> np.ndarray:
    """Intercept and the season common to all years, (n, 1 + 2 * HARMONICS)."""
    return np.hstack([np.ones((len(days), 1)), harmonics(days, HARMONICS)])


def emission_blocks(days: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """The trend, and how the season changes over the years; consecutive ``days``."""
    yearly = ramps(len(days), YEAR)
    waves = harmonics(days, CHANGING_HARMONICS)
    changing = np.hstack([yearly * wave[:, None] for wave in waves.T])
    return {"trend": ramps(len(days), TREND_DAYS), "changing season": changing}


@dataclass(frozen=True)
class WeatherBasis:
    """How drivers (n, p) become the weather's columns; made from training rows, applied to any."""

    columns: tuple[str, ...]
    main: tuple[str, ...]
    linear: Scale
    curved: Scale
    seasonal: Scale

    def blocks(self, drivers: pd.DataFrame) -> dict[str, np.ndarray]:
        """Linear in all drivers; squares and products of the main ones; main ones by season."""
        linear = self.linear(drivers[list(self.columns)].to_numpy(dtype=float))
        main = linear[:, [self.columns.index(name) for name in self.main]]
        curved, seasonal = self.curved(_curved(main)), self.seasonal(_seasonal(main, drivers.index))
        squares = main.shape[1]
        return {
            "weather": linear,
            "squares": curved[:, :squares],
            "products": curved[:, squares:],
            "weather by season": seasonal,
        }


def weather_basis(drivers: pd.DataFrame, main: tuple[str, ...]) -> WeatherBasis:
    """The basis for ``drivers`` (index: day, no NaN) of which ``main`` interact."""
    columns = tuple(map(str, drivers.columns))
    values = drivers.to_numpy(dtype=float)
    linear = scale(values)
    inner = linear(values)[:, [columns.index(name) for name in main]]
    return WeatherBasis(columns, main, linear, scale(_curved(inner)), scale(_seasonal(inner, drivers.index)))


def _curved(main: np.ndarray) -> np.ndarray:
    first, second = np.triu_indices(main.shape[1], k=1)
    return np.hstack([main**2, main[:, first] * main[:, second]])


def _seasonal(main: np.ndarray, days: pd.Index) -> np.ndarray:
    waves = harmonics(pd.DatetimeIndex(days), 1)
    return np.hstack([main * wave[:, None] for wave in waves.T])
