"""What a fitted separation answers for any days: the emissions' part, and the weather's with its memory.

The weather of a day sets what the air tends to and how fast (``relaxation``); what that leaves unsaid of the days
before is ``Carried``, columns of the effect of the relaxed air.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from models import relaxation
from models.basis import Scale, WeatherColumns, dated, emission_blocks, level_and_season, scale


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

    @property
    def steps(self) -> np.ndarray:
        """The logarithm's step on the days of each intervention, (1 + members, interventions)."""
        first = level_and_season(self.record[:1], self.record).shape[1]
        return np.asarray(self.coefficients[:, first : first + len(self.interventions)])


CARRIED = ("carried", "carried by main", "curvature", "memory")
"""Blocks of what is carried over, in their order."""
FADING = 0.25
"""Weight of the last day in the slowest memory."""


@dataclass(frozen=True)
class Carried:
    """What relaxing air leaves unsaid of the days before: columns of their weather effect.

    Layers aloft, gases that turn into particles: what is left for today is not always a share of yesterday's air.
    ``level`` is the scale of the effect, ``scales`` those of the columns' blocks.
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
class WeatherResponse:
    """The fitted weather's part as a function of drivers: the record's own or those of any other consecutive days.

    ``rate`` (q,) are the coefficients of the rate at which air follows, ``about`` (t,) those of what it tends to about
    which the others were fitted. ``coefficients`` (1 + members, p), the estimate first, are of what it tends to, then
    of what is ``carried``; they deviate to first order from the air ``about``, whose effect is what is carried over.
    """

    columns: WeatherColumns
    carried: Carried
    rate: np.ndarray
    about: np.ndarray
    coefficients: np.ndarray

    def effects(self, table: pd.DataFrame) -> np.ndarray:
        """The weather's part of the logarithm, (1 + members, n), for a table of drivers on consecutive days.

        NaN on days without drivers. The first days of a table have no yesterday: give it a month more than is read.
        """
        known, held = self.columns.known(table), self.columns.held(table)
        linear, rate, by_main = self.additive(held)
        target = linear + self.smooth(np.cos(self.columns.phase(held)))
        return np.where(known, self.with_memory(target, rate, by_main, known).T, np.nan)

    @property
    def estimate(self) -> WeatherResponse:
        """The same without members."""
        return replace(self, coefficients=self.coefficients[:1])

    def effect(self, table: pd.DataFrame) -> np.ndarray:
        """The estimate alone, (n,)."""
        return np.asarray(self.estimate.effects(table)[0])

    def additive(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What is a sum over drivers, season given; ``table`` holds no NaN.

        The linear part of what air tends to (n, 2 + members) with ``about`` first, the logarithm of its rate (n,), and
        yesterday's slopes by main drivers, (n, 1 + members).
        """
        linear = np.hstack(list(self.columns.linear(table).values()))
        by_main = self.columns.main(table) @ self.carried.slopes_by_main(self.of_carried).T
        return linear @ self._of_target[:, : linear.shape[1]].T, self.columns.rate(table) @ self.rate, by_main

    def smooth(self, waves: np.ndarray) -> np.ndarray:
        """The smooth part (..., n, 2 + members) of the waves (..., n, waves), random features and curves."""
        standard = self.columns.scales["smooth"]
        weights = self._of_target[:, -len(standard.spread) :] / standard.spread
        return np.asarray(waves @ weights.T - weights @ standard.centre)

    def with_memory(self, target: np.ndarray, rate: np.ndarray, by_main: np.ndarray, known: np.ndarray) -> np.ndarray:
        """The effect of logarithms ``target`` and ``rate`` and of slopes ``by_main``, (..., n, 1 + members)."""
        relaxed = np.empty_like(target)
        for here in np.ndindex(target.shape[:-2]):
            relaxed[here], _ = relaxation.followed(target[here], rate[here])
        carried_over = self.carried.applied(self.of_carried, relaxed[..., 0], by_main, known)
        return np.asarray(relaxed[..., 1:] + carried_over)

    @property
    def of_carried(self) -> np.ndarray:
        """The coefficients (1 + members, q) of what is carried."""
        return self.coefficients[:, len(self.about) :]

    @property
    def _of_target(self) -> np.ndarray:
        return np.vstack([self.about, self.coefficients[:, : len(self.about)]])
