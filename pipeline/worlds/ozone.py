"""Daily maximum 8-h ozone in two forms: an isopleth with a ridge, and a budget of two precursors.

Concentrations are in [ug m-3] at 298.15 K; the constants have the size of a Chinese city's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.worlds.air import Air, FloatArray, Unobserved, air, sector

INFLOW_SHARE = 0.3  # of what is unobserved, on ozone from outside


@dataclass(frozen=True)
class OzoneIsopleth:
    """O3: production rises, peaks and falls with NOx (a ridge); titration eats it where air is shallow."""

    ridge: float = 0.8
    production: float = 44.0
    titration: float = 13.0
    marine_sector: float = 150.0
    background: float = 66.0
    carry: float = 0.40
    persistent: float = 0.18
    daily: float = 0.17
    pollutant: str = "o3"

    def turned(self, factor: float, *, production: float = 1.0) -> OzoneIsopleth:
        """The same physics turning at ``factor`` times the emissions, ``production`` times as productive."""
        return replace(self, ridge=self.ridge * factor, production=self.production * production)

    def run(self, weather: Mapping[str, FloatArray], emissions: FloatArray, unobserved: Unobserved) -> FloatArray:
        """See ``Physics``."""
        state = air(weather)
        trapped = (550.0 / (state.mixing_height + 100)) ** 0.45 * (2.0 / state.wind) ** 0.3
        nitrogen = emissions * trapped
        ridge = self.ridge * np.exp(0.022 * np.clip(state.afternoon, -25, 15))
        efficiency = 2 * (nitrogen / ridge) / (1 + (nitrogen / ridge) ** 2)
        light = state.sunshine**0.9 * np.exp(0.04 * np.clip(state.afternoon, -25, 14))
        dryness = 1 - 0.55 * np.clip(state.humidity - 0.45, 0, 1)
        made = self.production * light * dryness * efficiency * (1 - 0.25 * np.tanh(state.rain / 10))
        titrated = self.titration * nitrogen / (0.35 + state.sunshine)
        gain = np.exp(self.persistent * unobserved.persistent + self.daily * unobserved.daily)
        excess = _carry_over(
            made * gain - titrated, self.carry * np.exp(-0.08 * state.wind - 0.2 * np.tanh(state.rain))
        )
        return _soft_floor(self.inflow(state) * gain**INFLOW_SHARE + excess)

    def inflow(self, state: Air) -> FloatArray:
        """Ozone the wind brings [ug m-3]: lower from the sea in the warm season."""
        maritime = sector(state.direction, self.marine_sector, 1.0) * np.clip(state.warmth / 12, 0, 1)
        return self.background * (1 + 0.10 * np.tanh(state.warmth / 8) - 0.42 * maritime)


@dataclass(frozen=True)
class OzoneBudget:
    """O3: a daily budget of two precursors, radical termination by NOx, and a residual layer mixed down.

    Volatile compounds grow with temperature and in proportion to the emissions; beyond a NOx to VOC ratio of
    about ``turning`` more NOx makes less ozone; in dim air NO removes ozone by a factor, not by a difference.
    """

    turning: float = 1.05
    production: float = 50.0
    titration: float = 0.17
    dirty_sector: float = 220.0
    background: float = 80.0
    mixed_down: float = 0.36
    persistent: float = 0.18
    daily: float = 0.18
    pollutant: str = "o3"

    def turned(self, factor: float, *, production: float = 1.0) -> OzoneBudget:
        """The same physics turning at ``factor`` times the emissions, ``production`` times as productive."""
        return replace(self, turning=self.turning * factor, production=self.production * production)

    def run(self, weather: Mapping[str, FloatArray], emissions: FloatArray, unobserved: Unobserved) -> FloatArray:
        """See ``Physics``."""
        state = air(weather)
        confined = 1 / (0.35 + 0.22 * state.wind)
        volatile = 0.45 * emissions**0.5 + 0.55 * np.exp(0.05 * np.clip(state.warmth - 7, -25, 18))
        ratio = emissions * confined * (500.0 / (state.mixing_height + 150)) ** 0.3 / volatile
        yielding = ratio / (1 + (ratio / self.turning) ** 2) * volatile
        light = state.sunshine / (1 + 0.12 * state.sunshine) * (1 - 0.4 * state.humidity**2)
        warm = 1 / (1 + np.exp(-np.clip(state.afternoon + 2, -40, 40) / 7.0))
        made = self.production * light * (0.35 + 2.6 * warm) * yielding
        removed = np.exp(-self.titration * ratio / (0.25 + state.sunshine))
        gain = np.exp(self.persistent * unobserved.persistent + self.daily * unobserved.daily)
        share = self.mixed_down * np.clip(state.mixing_height / 600.0, 0.4, 1.5) / (1 + 0.03 * state.rain)
        mixed = _carry_over(made * gain, np.clip(share, 0, 0.6))
        return _soft_floor((self.inflow(state) * gain**INFLOW_SHARE + mixed) * removed)

    def inflow(self, state: Air) -> FloatArray:
        """Ozone the wind brings [ug m-3], from the polluted sector in warm sunshine most."""
        plume = 0.28 * sector(state.direction, self.dirty_sector, 0.8) * np.clip(state.sunshine, 0, 1.6)
        return self.background * (0.82 + plume)


def _carry_over(made: FloatArray, share: FloatArray) -> FloatArray:
    """What is made today plus a share of yesterday's sum."""
    shape = np.broadcast_shapes(made.shape, share.shape)
    made, share = np.broadcast_to(made, shape), np.broadcast_to(share, shape)
    level, levels = np.array(made[0]), np.empty(shape)
    for day in range(shape[0]):
        level = made[day] + share[day] * level
        levels[day] = level
    return levels


def _soft_floor(concentration: FloatArray, *, floor: float = 11.0) -> FloatArray:
    """Bends smoothly towards 0 so that no concentration is negative."""
    return np.asarray(floor * np.logaddexp(0, concentration / floor))
