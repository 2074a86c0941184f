"""PM2.5 in two forms of a box with memory: a ventilated box, and a reservoir of precursors.

Concentrations are in [ug m-3]; the constants have the size of a Chinese city's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from pipeline.worlds.air import Air, FloatArray, Unobserved, air, sector

SECONDS = 86400.0


@dataclass(frozen=True)
class VentilatedBox:
    """PM2.5: dC/dt = (primary + secondary) / height - (ventilation + rain + deposition) (C - inflow share).

    Each day is integrated exactly, so yesterday's remainder decays by today's removal. Linear in the
    emissions, but for what flows in from outside.
    """

    scale: float = 1.0
    dirty_sector: float = 190.0
    clean_background: float = 7.0
    dirty_background: float = 34.0
    local_share: float = 0.55
    box_length: float = 190e3
    aqueous: float = 1.5
    photochemical: float = 0.22
    persistent: float = 0.18
    daily: float = 0.13
    pollutant: str = "pm25"

    def scaled(self, factor: float) -> VentilatedBox:
        """The same physics with all sources and inflow multiplied by ``factor``."""
        return replace(self, scale=self.scale * factor)

    def run(self, weather: Mapping[str, FloatArray], emissions: FloatArray, unobserved: Unobserved) -> FloatArray:
        """See ``Physics``."""
        state = air(weather)
        ventilation = SECONDS / self.box_length * state.wind
        removal = ventilation + 0.0011 * SECONDS / (state.mixing_height + 150) + 0.32 * state.rain**0.55
        gain = np.exp(self.persistent * unobserved.persistent + self.daily * unobserved.daily)
        inflow = ventilation * self.background(state, emissions)
        production = self.sources(state) * emissions + inflow
        return _relax(production / removal, removal, gain)

    def sources(self, state: Air) -> FloatArray:
        """Primary and secondary production at unit emissions [ug m-3 day-1]."""
        wet = 1 / (1 + np.exp(-(state.humidity - 0.70) / 0.08))
        nitrate = 1 / (1 + np.exp((state.warmth - 9.0) / 4.0))
        sunlit = state.sunshine * np.exp(0.035 * state.warmth)
        secondary = self.aqueous * wet * (0.35 + 0.65 * nitrate) + self.photochemical * sunlit
        return self.scale * 68.0 * (450.0 / (state.mixing_height + 120)) ** 0.9 * (0.7 + secondary)

    def background(self, state: Air, emissions: FloatArray) -> FloatArray:
        """What the wind brings in [ug m-3]; a part of it follows the same emissions."""
        dirty = self.dirty_background * sector(state.direction, self.dirty_sector, 0.9)
        season = 1 - 0.02 * np.clip(state.warmth, -15, 15)
        return (
            self.scale
            * season
            * (self.clean_background + dirty * (1 - self.local_share + self.local_share * emissions))
        )


@dataclass(frozen=True)
class PrecursorReservoir:
    """PM2.5: gases gather in a reservoir, turn into particles, and yesterday's residual layer mixes down.

    Dilution is a power of the height, ventilation saturates with wind, the particles formed from gases
    respond less than in proportion to the emissions, and the residual layer carries a second memory.
    """

    scale: float = 1.0
    dirty_sector: float = 150.0
    regional: float = 15.0
    residual_layer: float = 0.33
    persistent: float = 0.19
    daily: float = 0.13
    order: float = 0.85
    pollutant: str = "pm25"

    def scaled(self, factor: float) -> PrecursorReservoir:
        """The same physics with all sources and inflow multiplied by ``factor``."""
        return replace(self, scale=self.scale * factor)

    def run(self, weather: Mapping[str, FloatArray], emissions: FloatArray, unobserved: Unobserved) -> FloatArray:
        """See ``Physics``."""
        state = air(weather)
        flushed = state.wind**2 / (state.wind**2 + 2.6**2)
        washed = 1 - np.exp(-0.27 * np.sqrt(state.rain))
        kept = 0.72 * (1 - 0.85 * flushed) * (1 - 0.75 * washed)
        dilution = (state.mixing_height / 450.0) ** -0.62
        conversion = 0.10 + 0.55 * state.humidity**3 + 0.10 * state.sunshine
        gain = np.exp(self.persistent * unobserved.persistent + self.daily * unobserved.daily)
        inflow = self.regional * (0.4 + 1.6 * flushed * sector(state.direction, self.dirty_sector, 1.3))
        return self._step(kept, dilution, conversion, inflow, emissions, gain)

    def _step(
        self,
        kept: FloatArray,
        dilution: FloatArray,
        conversion: FloatArray,
        inflow: FloatArray,
        emissions: FloatArray,
        gain: FloatArray,
    ) -> FloatArray:
        shape = np.broadcast_shapes(kept.shape, emissions.shape)
        kept, dilution, conversion, inflow, emissions = (
            np.broadcast_to(part, shape) for part in (kept, dilution, conversion, inflow, emissions)
        )
        gases, aloft, particles = np.ones(shape[1:]), np.full(shape[1:], 40.0), np.empty(shape)
        for day in range(shape[0]):
            gases = kept[day] * gases + emissions[day] ** self.order
            fresh = 14.0 * emissions[day] + 33.0 * conversion[day] * gases
            surface = kept[day] * dilution[day] * (2.1 * fresh + self.residual_layer * aloft) + inflow[day]
            aloft = 0.45 * kept[day] * aloft + 0.55 * surface / (0.5 + dilution[day])
            particles[day] = surface
        return np.asarray(self.scale * particles * gain)


def _relax(target: FloatArray, rate: FloatArray, gain: FloatArray) -> FloatArray:
    """Daily means of a box that relaxes at ``rate`` [day-1] towards ``target * gain``, from its target."""
    shape = np.broadcast_shapes(target.shape, rate.shape, gain.shape)
    decay = np.exp(-rate)
    remaining = (1 - decay) / rate
    decay, remaining = np.broadcast_to(decay, shape), np.broadcast_to(remaining, shape)
    goal = target * gain
    level, means = np.array(goal[0]), np.empty(shape)
    for day in range(shape[0]):
        excess = level - goal[day]
        means[day] = goal[day] + excess * remaining[day]
        level = goal[day] + excess * decay[day]
    return means
