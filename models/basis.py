"""Columns of the separation: season, a trend that may turn or step, and a smooth response to the weather."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.signal import lfilter

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
class EmissionResponse:
    """The fitted emissions' part on any day: before and after the ``record`` its first and last level are held.

    ``coefficients`` (1 + members, p): the estimate first.
    """

    record: pd.DatetimeIndex
    interventions: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    coefficients: np.ndarray

    def effects(self, days: pd.DatetimeIndex) -> np.ndarray:
        """The emissions' part of the logarithm, (1 + members, n): season and weekend of the day, trend held."""
        fixed = np.hstack([level_and_season(days, self.record), dated(days, self.interventions)])
        columns = np.hstack([fixed, *emission_blocks(days, self.record).values()])
        return np.asarray(self.coefficients @ columns.T)


@dataclass(frozen=True)
class WeatherColumns:
    """How a table of drivers becomes columns: scales and directions found once, the same for every table after.

    Linear in every driver, main drivers by season, a Gaussian process over the smooth ones by random Fourier features
    (Rahimi and Recht 2007, NIPS 20), and a curve of its own for each main driver that is smooth: cosines and sines of
    it alone, each curve with its own prior. ``directions`` (inner, waves) and ``offsets`` (waves,) hold the random
    features first, then the curves. Rows with NaN hold no meaning.
    """

    drivers: Drivers
    scales: Mapping[str, Scale]
    directions: np.ndarray
    offsets: np.ndarray

    def known(self, table: pd.DataFrame) -> np.ndarray:
        """Which rows have every driver, (n,)."""
        return np.asarray(table[self.drivers.columns].notna().all(axis=1))

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

    def blocks(self, table: pd.DataFrame) -> dict[str, np.ndarray]:
        """Every column, by blocks that share a prior."""
        waves = self.scales["smooth"](np.cos(self.phase(table)))
        curves = {f"curve of {name}": waves[:, own] for name, own in _curves(self.drivers).items()}
        return {**self.linear(table), "smooth": waves[:, :WAVES], **curves}


def weather_columns(table: pd.DataFrame, drivers: Drivers, known: np.ndarray, *, seed: int) -> WeatherColumns:
    """The weather's columns, scaled on the ``known`` days (n,) of ``table``."""
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
    return WeatherColumns(drivers, scales, directions, offsets)


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


def _values(table: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    return table[list(names)].to_numpy(dtype=float)


def _by_season(main: np.ndarray, table: pd.DataFrame) -> np.ndarray:
    return np.hstack([main * wave[:, None] for wave in harmonics(pd.DatetimeIndex(table.index), 1).T])


def _inner(scale_of_smooth: Scale, table: pd.DataFrame, drivers: Drivers) -> np.ndarray:
    waves = harmonics(pd.DatetimeIndex(table.index), 1)
    return np.hstack([scale_of_smooth(_values(table, drivers.smooth)), SEASON_WEIGHT * waves])


CARRIED = ("carried", "carried by main", "curvature", "memory")
"""Blocks of what is carried over, in their order."""
FADING = 0.25
"""Weight of the last day in the slowest memory."""


@dataclass(frozen=True)
class Carried:
    """What yesterday's weather leaves for today: columns of the weather effect of the days before.

    Air is carried over: a stagnant day matters more after another. ``level`` is the scale of that effect, ``scales``
    those of the columns' blocks.
    """

    level: Scale
    scales: Mapping[str, Scale]

    def blocks(self, effect: np.ndarray, main: np.ndarray, known: np.ndarray) -> dict[str, np.ndarray]:
        """The columns by block for the weather ``effect`` (n,) and the standardised ``main`` drivers (n, m)."""
        raw = _raw_carried(np.where(known, self.level(effect), 0.0), main)
        return {name: self.scales[name](values) for name, values in raw.items()}

    def applied(
        self, coefficients: np.ndarray, effect: np.ndarray, by_main: np.ndarray, known: np.ndarray
    ) -> np.ndarray:
        """What ``blocks`` times ``coefficients`` (j, p) comes to, (..., n, j), for many effects (..., n) at once.

        ``by_main`` (..., n, j) is ``slopes_by_main`` of the coefficients times the main drivers.
        """
        spread = np.concatenate([self.scales[name].spread for name in CARRIED])
        centre = np.concatenate([self.scales[name].centre for name in CARRIED])
        weights = coefficients / spread
        level = np.where(known, self.level(effect), 0.0)
        raw = np.concatenate([_own_columns(level)[name] for name in ("carried", "curvature", "memory")], axis=-1)
        own = np.r_[0, len(spread) - 6 : len(spread)]
        found = raw @ weights[:, own].T - weights @ centre
        found += raw[..., :1] * by_main
        return np.asarray(found)

    def slopes_by_main(self, coefficients: np.ndarray) -> np.ndarray:
        """Of ``coefficients`` (j, p), those of yesterday's level by each main driver, unscaled: (j, m)."""
        spread = self.scales["carried by main"].spread
        return np.asarray(coefficients[:, 1 : 1 + len(spread)] / spread)


def carried(effect: np.ndarray, main: np.ndarray, known: np.ndarray) -> Carried:
    """What the fitted weather ``effect`` (n,) leaves, scaled on the ``known`` days (n,); ``main`` (n, m)."""
    level = Scale(effect[known].mean(), np.maximum(effect[known].std(), 1e-9))
    raw = _raw_carried(np.where(known, level(effect), 0.0), main)
    return Carried(level, {name: scale(values[known]) for name, values in raw.items()})


def _raw_carried(level: np.ndarray, main: np.ndarray) -> dict[str, np.ndarray]:
    own = _own_columns(level)
    return {"carried": own["carried"], "carried by main": own["carried"] * main, **own}


def _own_columns(level: np.ndarray) -> dict[str, np.ndarray]:
    """Columns (..., n, k) of the level (..., n) of today and the days before, without the drivers of today."""
    yesterday = np.concatenate([level[..., :1], level[..., :-1]], axis=-1)
    before = np.concatenate([level[..., :2], level[..., :-2]], axis=-1)
    return {
        "carried": yesterday[..., None],
        "curvature": np.stack([level**2, yesterday**2, level * yesterday], axis=-1),
        "memory": np.stack([before, _mean_of_three(yesterday), _fading(yesterday)], axis=-1),
    }


def _mean_of_three(values: np.ndarray) -> np.ndarray:
    total = values.copy()
    for lag in (1, 2):
        total[..., lag:] += values[..., :-lag]
    return np.asarray(total / np.minimum(np.arange(values.shape[-1]) + 1, 3))


def _fading(values: np.ndarray) -> np.ndarray:
    """Mean of the days so far with weights that fade, as the exponentially weighted mean of pandas."""
    weights = lfilter([1.0], [1.0, FADING - 1], np.ones(values.shape[-1]))
    return np.asarray(lfilter([1.0], [1.0, FADING - 1], values, axis=-1) / weights)


@dataclass(frozen=True)
class Pass:
    """One turn of refining what is carried over: coefficients (p,) of the effect before, and its columns."""

    coefficients: np.ndarray
    carried: Carried


@dataclass(frozen=True)
class WeatherResponse:
    """The fitted weather's part as a function of drivers: the record's own or those of any other consecutive days.

    ``coefficients`` (1 + members, p) belong to the columns and what the last of the ``passes`` carries over.
    """

    columns: WeatherColumns
    passes: tuple[Pass, ...]
    coefficients: np.ndarray

    def effects(self, table: pd.DataFrame) -> np.ndarray:
        """The weather's part of the logarithm, (1 + members, n), for a table of drivers on consecutive days.

        NaN on days without drivers. The first days of a table have no yesterday: give it a month more than is read.
        """
        known = self.columns.known(table)
        filled = table.fillna(0.0)
        linear, by_main = self.additive(filled)
        direct = linear + self.smooth(np.cos(self.columns.phase(filled)))
        return np.where(known, self.with_memory(direct, by_main, known).T, np.nan)

    def effect(self, table: pd.DataFrame) -> np.ndarray:
        """The estimate alone, (n,)."""
        return np.asarray(WeatherResponse(self.columns, self.passes, self.coefficients[:1]).effects(table)[0])

    def additive(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """What is a sum over drivers, season given: the linear part and yesterday's slopes by main drivers.

        Both (n, passes + 1 + members): a column for the effect before each pass, then the result's.
        """
        linear = np.hstack(list(self.columns.linear(table).values()))
        main = self.columns.main(table)
        slopes = [np.zeros((1, main.shape[1])) for _ in self.passes[:1]]
        slopes += [
            step.carried.slopes_by_main(rows[:, self._direct :])
            for step, rows in zip(self.passes, self._rows[1:], strict=True)
        ]
        by_main = main @ np.vstack(slopes).T if slopes else np.zeros((len(table), len(self.coefficients)))
        return linear @ self._stacked[:, : linear.shape[1]].T, by_main

    def smooth(self, waves: np.ndarray) -> np.ndarray:
        """The smooth part (..., n, passes + 1 + members) of the waves (..., n, waves), random features and curves."""
        standard = self.columns.scales["smooth"]
        weights = self._stacked[:, self._direct - len(standard.spread) :] / standard.spread
        return np.asarray(waves @ weights.T - weights @ standard.centre)

    def with_memory(self, direct: np.ndarray, by_main: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The effect (..., n, 1 + members): ``direct`` and what each pass carries over, both (..., n, columns)."""
        result = direct[..., : len(self._rows[0])]
        first = len(self._rows[0])
        for step, rows in zip(self.passes, self._rows[1:], strict=True):
            own = slice(first, first + len(rows))
            effect = result[..., 0]
            carried_over = step.carried.applied(rows[:, self._direct :], effect, by_main[..., own], known)
            result = direct[..., own] + carried_over
            first += len(rows)
        return result

    @property
    def _rows(self) -> list[np.ndarray]:
        return [*(step.coefficients[None] for step in self.passes), self.coefficients]

    @property
    def _direct(self) -> int:
        """How many coefficients belong to the table's own columns."""
        return len(self._rows[0][0])

    @property
    def _stacked(self) -> np.ndarray:
        return np.vstack([rows[:, : self._direct] for rows in self._rows])
