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
"""Random Fourier features of the joint smooth response."""
WAVE_NUMBER = 0.2
"""Spread of their wave numbers, per standard deviation of a driver: the response bends over several of them."""
CURVE_WAVE_NUMBERS = (0.4, 0.8, 1.6)
"""Wave numbers of each main driver's own curve, per standard deviation: it may bend about once in two of them."""
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


def held(days: pd.DatetimeIndex, record: pd.DatetimeIndex) -> np.ndarray:
    """Positions of ``days`` along the consecutive days of ``record``; those outside stand on its first or last."""
    return np.asarray(np.clip((days - record[0]).days, 0, len(record) - 1))


def level_and_season(days: pd.DatetimeIndex, record: pd.DatetimeIndex) -> np.ndarray:
    """Level, steady change over the ``record``, the season of all years, the weekend: (n, 3 + 2 * HARMONICS)."""
    weekend = np.asarray(days.day_of_week >= 5, dtype=float)
    steady = np.linspace(-1, 1, len(record))[held(days, record)]
    return np.column_stack([np.ones(len(days)), steady, harmonics(days, HARMONICS), weekend])


def dated(days: pd.DatetimeIndex, interventions: Sequence[tuple[pd.Timestamp, pd.Timestamp]]) -> np.ndarray:
    """Which days lie in each of the interventions, (n, interventions)."""
    inside = [(days >= start) & (days <= end) for start, end in interventions]
    return np.array(inside, dtype=float).reshape(len(inside), len(days)).T


def emission_blocks(days: pd.DatetimeIndex, record: pd.DatetimeIndex) -> dict[str, np.ndarray]:
    """The trend, and how the season changes over the years of the ``record``."""
    position = held(days, record)
    yearly = ramps(len(record), YEAR)[position]
    waves = harmonics(days, CHANGING_HARMONICS)
    changing = np.hstack([yearly * wave[:, None] for wave in waves.T])
    return {"trend": ramps(len(record), TREND_DAYS)[position], "changing season": changing}


@dataclass(frozen=True)
class WeatherColumns:
    """How a table of drivers becomes columns: scales and directions found once, the same for every table after.

    Linear in every driver, main drivers by season, a Gaussian process over the smooth ones by random Fourier features
    (Rahimi and Recht 2007, NIPS 20), and a curve of its own for each main driver that is smooth: cosines and sines of
    it alone, each curve with its own prior. ``directions`` (inner, waves) and ``offsets`` (waves,) hold the random
    features first, then the curves. ``middle`` are the means of the drivers by name. Rows with NaN hold no
    meaning.
    """

    drivers: Drivers
    middle: Mapping[str, float]
    scales: Mapping[str, Scale]
    directions: np.ndarray
    offsets: np.ndarray

    def known(self, table: pd.DataFrame) -> np.ndarray:
        """Which rows have every driver, (n,)."""
        return np.asarray(~np.isnan(_values(table, self.drivers.columns)).any(axis=1))

    def held(self, table: pd.DataFrame) -> pd.DataFrame:
        """The drivers of ``table``, where they are NaN their means: such rows hold a place and leave little behind."""
        return _filled(table, self.drivers.columns, self.middle)

    def main(self, table: pd.DataFrame) -> np.ndarray:
        """The standardised main drivers, (n, m)."""
        return self.scales["main"](_values(table, self.drivers.main))

    def linear(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """The blocks that are linear in the drivers, season given."""
        main = self.main(table)
        families = {name: names for name, names in self.drivers.families.items() if names}
        return {
            "main": main,
            **{name: self.scales[name](_values(table, names)) for name, names in families.items()},
            "main by season": self.scales["main by season"](_by_season(main, table)),
        }

    def phase(self, table: pd.DataFrame) -> np.ndarray:
        """The angles of the waves, random features and curves, linear in the drivers too: (n, waves)."""
        return np.asarray(_inner(self.scales["inner"], table, self.drivers) @ self.directions + self.offsets)

    def rate(self, table: pd.DataFrame) -> np.ndarray:
        """Columns of the logarithm of the rate at which air follows the weather: level and main drivers, (n, 1 + m)."""
        return np.column_stack([np.ones(len(table)), self.main(table)])

    def blocks(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Every column of the logarithm of what air tends to, by blocks that share a prior."""
        waves = self.scales["smooth"](np.cos(self.phase(table)))
        curves = {f"curve of {name}": waves[:, own] for name, own in _curves(self.drivers).items()}
        return {**self.linear(table), "smooth": waves[:, :WAVES], **curves}


def weather_columns(table: pd.DataFrame, drivers: Drivers, known: np.ndarray, *, seed: int) -> WeatherColumns:
    """The weather's columns, scaled on the ``known`` days (n,) of ``table``."""
    table = table[drivers.columns]
    middle = {str(name): float(mean) for name, mean in table[known].mean().items()}
    table = _filled(table, drivers.columns, middle)
    families = {"main": drivers.main, **{name: names for name, names in drivers.families.items() if names}}
    scales = {name: scale(_values(table, names)[known]) for name, names in families.items()}
    scales["main by season"] = scale(_by_season(scales["main"](_values(table, drivers.main)), table)[known])
    scales["inner"] = scale(_values(table, drivers.smooth)[known])
    inner = _inner(scales["inner"], table, drivers)
    rng = np.random.default_rng([seed, 3])
    joint = WAVE_NUMBER * rng.standard_normal((inner.shape[1], WAVES))
    directions = np.hstack([joint, _curve_directions(drivers, inner.shape[1])])
    turns = np.tile([0.0, -np.pi / 2], (directions.shape[1] - WAVES) // 2)
    offsets = np.concatenate([rng.uniform(0, 2 * np.pi, WAVES), turns])
    scales["smooth"] = scale(np.cos(inner @ directions + offsets)[known])
    return WeatherColumns(drivers, middle, scales, directions, offsets)


def _curves(drivers: Drivers) -> dict[str, slice]:
    """Which waves make the curve of each main driver that is smooth."""
    count = 2 * len(CURVE_WAVE_NUMBERS)
    curved = [name for name in drivers.main if name in drivers.smooth]
    return {name: slice(WAVES + i * count, WAVES + (i + 1) * count) for i, name in enumerate(curved)}


def _curve_directions(drivers: Drivers, inner: int) -> np.ndarray:
    """Directions (inner, waves) along single drivers, each twice: for a cosine and a sine."""
    numbers = np.repeat(CURVE_WAVE_NUMBERS, 2)
    rows = [drivers.smooth.index(name) for name in _curves(drivers)]
    return np.kron(np.eye(inner)[:, rows], numbers)


def _filled(table: pd.DataFrame, names: Sequence[str], middle: Mapping[str, float]) -> pd.DataFrame:
    values = _values(table, names)
    filled = np.where(np.isnan(values), [middle[name] for name in names], values)
    return pd.DataFrame(filled, index=table.index, columns=pd.Index(names))


def _values(table: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    return np.asarray(table.to_numpy(dtype=float)[:, table.columns.get_indexer(pd.Index(names))])


def _by_season(main: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    return np.hstack([main * wave[:, None] for wave in harmonics(pd.DatetimeIndex(table.index), 1).T])


def _inner(scale_of_smooth: Scale, table: pd.DataFrame, drivers: Drivers) -> np.ndarray:
    waves = harmonics(pd.DatetimeIndex(table.index), 1)
    return np.hstack([scale_of_smooth(_values(table, drivers.smooth)), SEASON_WEIGHT * waves])
