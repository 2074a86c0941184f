"""Columns of the separation: season, a trend that may turn or step, and a smooth response to the weather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
WAVES = 200
"""Random Fourier features of the smooth response."""
WAVE_NUMBER = 0.2
"""Spread of their wave numbers, per standard deviation of a driver: the response bends over several of them."""
SEASON_WEIGHT = 1.4
"""The season among the drivers of the smooth response: its two harmonics at the variance of one driver."""


@dataclass(frozen=True)
class Drivers:
    """Which columns of a table of drivers belong together.

    ``main`` are the drivers of the same day; ``families`` names further columns that share a prior (yesterday's, means
    of three days ...). ``smooth`` are the columns whose joint response may bend and interact.
    """

    main: tuple[str, ...]
    families: Mapping[str, tuple[str, ...]]
    smooth: tuple[str, ...]

    @property
    def columns(self) -> list[str]:
        """Every column, main ones first."""
        return [*self.main, *(name for names in self.families.values() for name in names)]


@dataclass(frozen=True)
class Scale:
    """Centre and spread by which columns are standardised; a constant column keeps spread 1."""

    centre: np.ndarray
    spread: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """``values`` (n, p) standardised."""
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


def level_and_season(days: pd.DatetimeIndex) -> np.ndarray:
    """Level, steady change, the season common to all years, and the weekend: (n, 3 + 2 * HARMONICS)."""
    weekend = np.asarray(days.day_of_week >= 5, dtype=float)
    steady = np.linspace(-1, 1, len(days))
    return np.column_stack([np.ones(len(days)), steady, harmonics(days, HARMONICS), weekend])


def emission_blocks(days: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """The trend, and how the season changes over the years; consecutive ``days``."""
    yearly = ramps(len(days), YEAR)
    waves = harmonics(days, CHANGING_HARMONICS)
    changing = np.hstack([yearly * wave[:, None] for wave in waves.T])
    return {"trend": ramps(len(days), TREND_DAYS), "changing season": changing}


def weather_blocks(table: pd.DataFrame, drivers: Drivers, known: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """The weather's columns for every day of ``table`` (n rows), scaled on the ``known`` days (n,).

    Linear in every driver, main drivers by season, and a Gaussian process over the smooth ones by random Fourier
    features (Rahimi and Recht 2007, NIPS 20). Rows that are not known hold no meaning.
    """

    def standardised(names: Sequence[str]) -> np.ndarray:
        values = table[list(names)].to_numpy(dtype=float)
        return scale(values[known])(values)

    days = pd.DatetimeIndex(table.index)
    waves = harmonics(days, 1)
    main = standardised(drivers.main)
    by_season = np.hstack([main * wave[:, None] for wave in waves.T])
    inner = np.hstack([standardised(drivers.smooth), SEASON_WEIGHT * waves])
    rng = np.random.default_rng([seed, 3])
    directions = WAVE_NUMBER * rng.standard_normal((inner.shape[1], WAVES))
    response = np.cos(inner @ directions + rng.uniform(0, 2 * np.pi, WAVES))
    return {
        "main": main,
        **{name: standardised(columns) for name, columns in drivers.families.items() if columns},
        "main by season": scale(by_season[known])(by_season),
        "smooth": scale(response[known])(response),
    }


def carry_blocks(effect: np.ndarray, main: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
    """What yesterday's weather leaves for today: columns of the fitted weather effect (n,) of the days before.

    Air is carried over: a stagnant day matters more after another. ``main`` (n, m) are the standardised drivers.
    """
    level = np.where(known, (effect - effect[known].mean()) / max(effect[known].std(), 1e-9), 0.0)
    yesterday = np.concatenate([level[:1], level[:-1]])
    before = np.concatenate([level[:2], level[:-2]])
    past = pd.Series(yesterday)
    blocks = {
        "carried": yesterday[:, None],
        "carried by main": yesterday[:, None] * main,
        "curvature": np.column_stack([level**2, yesterday**2, level * yesterday]),
        "memory": np.column_stack([before, past.rolling(3, min_periods=1).mean(), past.ewm(alpha=0.25).mean()]),
    }
    return {name: scale(values[known])(values) for name, values in blocks.items()}
