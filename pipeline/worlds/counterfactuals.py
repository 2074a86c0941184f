"""What one place's air would have been under swapped weather: the physics run again, draw by draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.signal import lfilter

from pipeline.worlds.air import Physics, Unobserved
from pipeline.worlds.emissions import Intervention, events
from pipeline.worlds.pairing import IntArray, Period, positions, same_days_of, swapped, with_spin_up
from pipeline.worlds.weather import VARIABLES

FloatArray = npt.NDArray[np.float64]
Statistic = Literal["mean", "p90"]

SPIN_UP = 20  # days: the slowest box forgets nine tenths within five
PERSISTENCE = 0.75  # of the unobserved factor from day to day


@dataclass(frozen=True)
class Place:
    """One place and one pollutant: ``weather`` (day, variable), ``emissions`` (day,), and the physics.

    ``shared`` is the part of the persistent factor's variance that all places of a world have in common.
    """

    name: str
    seed: int
    days: pd.DatetimeIndex
    weather: FloatArray
    emissions: FloatArray
    physics: Physics
    shared: float = 0.0

    def actual(self) -> FloatArray:
        """What happened: concentrations [ug m-3] of the one draw that came true, dims (day,)."""
        run = with_spin_up(np.arange(len(self.days)), SPIN_UP)
        hidden = self.hidden("air", len(run), 1)
        return self._run(run[:, None], self.emissions[run][:, None], hidden)[SPIN_UP:, 0, 0]

    def table(self, statistic: Statistic, among: Sequence[Period], draws: int) -> FloatArray:
        """Counterfactual table [ug m-3], dims (emission_period, weather_period); NaN where seasons differ."""
        rows = [self._row(statistic, period, among, draws) for period in among]
        return np.stack(rows)

    def index(self, statistic: Statistic, among: Sequence[Period], base: Period, draws: int) -> FloatArray:
        """Index of every period: its weather against the base's, both with the base's emissions."""
        actual, reference = self.index_means(statistic, among, base, draws).T
        return np.asarray(100 * actual / reference)

    def index_means(self, statistic: Statistic, among: Sequence[Period], base: Period, draws: int) -> FloatArray:
        """The base's emissions under the weather of every period and under the base's on its days, (period, 2)."""
        in_base = same_days_of(self.days, base)
        hidden = self.hidden("truth", len(self.days), draws)
        blocks = np.split(np.arange(len(self.days)), np.flatnonzero(in_base[1:] < in_base[:-1]) + 1)
        air = np.concatenate([self._against_base(block, in_base[block], hidden) for block in blocks])
        return np.array([_statistic(air[positions(self.days, period)], statistic) for period in among])

    def intervention_effect(self, event: Intervention, draws: int) -> float:
        """Mean over the intervention's days with it against without it, same weather [%]."""
        run = with_spin_up(positions(self.days, (event.start, event.end)), SPIN_UP)
        without = self.emissions / events(self.days, (event,))
        both = np.stack([self.emissions[run], without[run]], axis=1)
        hidden = self.hidden("truth", len(run), draws)
        with_it, without_it = self._run(run[:, None], both, hidden)[SPIN_UP:].mean(axis=(0, 2))
        return float(100 * (with_it / without_it - 1))

    def rng(self, purpose: str) -> np.random.Generator:
        """The same generator for the same seed, place, pollutant and purpose, in any order."""
        return labelled_rng(self.seed, purpose, self.name, self.physics.pollutant)

    def hidden(self, purpose: str, count: int, draws: int) -> Unobserved:
        """What is unobserved here, partly shared with the world's other places, dims (day, draw)."""
        own = unobserved(count, draws, rng=self.rng(purpose))
        common = unobserved(count, draws, rng=labelled_rng(self.seed, purpose, "all places", self.physics.pollutant))
        mixed = np.sqrt(1 - self.shared) * own.persistent + np.sqrt(self.shared) * common.persistent
        return Unobserved(mixed, own.daily)

    def _against_base(self, own: IntArray, in_base: IntArray, hidden: Unobserved) -> FloatArray:
        """Days under their own and under the base's weather with the base's emissions: (day, 2, draw)."""
        own_run, base_run = with_spin_up(own, SPIN_UP), with_spin_up(in_base, SPIN_UP)
        weather_days = np.stack([own_run, base_run], axis=1)
        same_draws = Unobserved(hidden.persistent[own_run], hidden.daily[own_run])
        return self._run(weather_days, self.emissions[base_run][:, None], same_draws)[SPIN_UP:]

    def _row(self, statistic: Statistic, emission_period: Period, among: Sequence[Period], draws: int) -> FloatArray:
        run = with_spin_up(positions(self.days, emission_period), SPIN_UP)
        swaps = [swapped(self.days, emission_period, other, spin_up=SPIN_UP) for other in among]
        known = [column for column, swap in enumerate(swaps) if swap is not None]
        weather_days = np.stack([swap for swap in swaps if swap is not None], axis=1)
        hidden = self.hidden("truth", len(run), draws)
        air = self._run(weather_days, self.emissions[run][:, None], hidden)[SPIN_UP:]
        row = np.full(len(among), np.nan)
        row[known] = _statistic(air, statistic)
        return row

    def _run(self, weather_days: IntArray, emissions: FloatArray, hidden: Unobserved) -> FloatArray:
        """The physics over swapped days: (day, pair) of weather and emissions -> (day, pair, draw)."""
        rows = self.weather[weather_days][:, :, None, :]
        weather = {name: rows[..., column] for column, name in enumerate(VARIABLES)}
        draws = Unobserved(hidden.persistent[:, None, :], hidden.daily[:, None, :])
        return self.physics.run(weather, emissions[..., None], draws)


def labelled_rng(seed: int, *labels: str) -> np.random.Generator:
    """The same generator for the same seed and labels, on any machine."""
    return np.random.default_rng([seed, *(crc32(label.encode()) for label in labels)])


def unobserved(count: int, draws: int, *, rng: np.random.Generator) -> Unobserved:
    """Draws of the persistent AR(1) factor and of the day's noise, standard normal, dims (day, draw)."""
    shocks = rng.standard_normal((count + 60, draws)) * np.sqrt(1 - PERSISTENCE**2)
    persistent = lfilter([1.0], [1.0, -PERSISTENCE], shocks, axis=0)[60:]
    return Unobserved(np.asarray(persistent), rng.standard_normal((count, draws)))


def _statistic(air: FloatArray, statistic: Statistic) -> FloatArray:
    """Mean over draws of the mean or the 90th percentile of the days; dims (pair,)."""
    of_days = air.mean(axis=0) if statistic == "mean" else np.quantile(air, 0.9, axis=0)
    return np.asarray(of_days.mean(axis=-1))
