"""Planted emission histories: daily multiplicative series around 1, with their season and their events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Intervention:
    """A dated change of the emissions by ``factor`` (0.7 is -30 %), ``start`` and ``end`` included."""

    start: pd.Timestamp
    end: pd.Timestamp
    factor: float


@dataclass(frozen=True)
class EmissionHistory:
    """Daily emissions relative to about 1 along ``days``, and the interventions contained in them."""

    days: pd.DatetimeIndex
    values: FloatArray
    interventions: tuple[Intervention, ...] = ()

    def without_interventions(self) -> FloatArray:
        """The same history had no intervention taken place."""
        return self.values / events(self.days, self.interventions)


Constructor = Callable[..., EmissionHistory]


def years_since_start(days: pd.DatetimeIndex) -> FloatArray:
    """Time since the first day [years of 365.25 days]."""
    return np.asarray((days.to_numpy() - days.to_numpy()[0]) / np.timedelta64(1, "D") / 365.25, dtype=float)


def winter(days: pd.DatetimeIndex) -> FloatArray:
    """1 in the heating season (15 November to 15 March), 0 outside, with edges of about ten days."""
    since_july = np.asarray((days.day_of_year.to_numpy(dtype=float) - 182) % 365.25)
    begins, ends = 1 / (1 + np.exp(-(since_july - 137) / 4)), 1 / (1 + np.exp((since_july - 258) / 4))
    return np.asarray(begins * ends)


def season(days: pd.DatetimeIndex, *, heating: float) -> FloatArray:
    """The yearly course: heating on top of 1, a little less in summer, and a working week."""
    harmonic = 0.04 * np.cos(2 * np.pi * (days.day_of_year.to_numpy(dtype=float) - 330) / 365.25)
    weekend = np.where(days.day_of_week.to_numpy() >= 5, -0.03, 0.012)
    return np.asarray((1 + heating * winter(days)) * (1 + harmonic) * (1 + weekend))


def events(days: pd.DatetimeIndex, interventions: tuple[Intervention, ...]) -> FloatArray:
    """Product of the interventions' factors on each day."""
    factors = np.ones(len(days))
    for event in interventions:
        factors[(days >= event.start) & (days <= event.end)] *= event.factor
    return factors


def flat(days: pd.DatetimeIndex, *, heating: float = 0.3) -> EmissionHistory:
    """Nothing changes but the season."""
    return EmissionHistory(days, season(days, heating=heating))


def decline(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.06) -> EmissionHistory:
    """A steady fall by ``rate`` a year."""
    return EmissionHistory(days, 1.2 * season(days, heating=heating) * (1 - rate) ** years_since_start(days))


def rise(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.04) -> EmissionHistory:
    """A steady rise by ``rate`` a year."""
    return EmissionHistory(days, 0.85 * season(days, heating=heating) * (1 + rate) ** years_since_start(days))


def plateau(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.10) -> EmissionHistory:
    """A fall over the first half of the record, then no further change."""
    years = years_since_start(days)
    return EmissionHistory(days, 1.2 * season(days, heating=heating) * (1 - rate) ** np.minimum(years, years[-1] / 2))


def v_shape(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.09) -> EmissionHistory:
    """A fall to the middle of the record and a return."""
    years = years_since_start(days)
    distance = years[-1] / 2 - np.abs(years - years[-1] / 2)
    return EmissionHistory(days, 1.15 * season(days, heating=heating) * (1 - rate) ** distance)


def step(days: pd.DatetimeIndex, *, heating: float = 0.3, size: float = 0.28) -> EmissionHistory:
    """A sudden lasting fall by ``size`` on a day in the middle of the record."""
    after = years_since_start(days) >= 0.55 * years_since_start(days)[-1]
    return EmissionHistory(days, 1.1 * season(days, heating=heating) * np.where(after, 1 - size, 1.0))


def lockdown(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.03) -> EmissionHistory:
    """A slow decline with ten weeks of -30 % from 24 January of a later year."""
    event = _event(days, month=1, day=24, weeks=10, factor=0.70)
    return with_intervention(decline(days, heating=heating, rate=rate), event)


def week_intervention(days: pd.DatetimeIndex, *, heating: float = 0.3, rate: float = 0.03) -> EmissionHistory:
    """A slow decline with one week of -40 % in early November of a later year (a summit)."""
    event = _event(days, month=11, day=5, weeks=1, factor=0.60)
    return with_intervention(decline(days, heating=heating, rate=rate), event)


def heating_shrinks(days: pd.DatetimeIndex, *, heating: float = 0.65, rate: float = 0.02) -> EmissionHistory:
    """Heating fades from ``heating`` to a quarter of it, the rest of the year hardly changes."""
    years = years_since_start(days)
    share = heating * (1 - 0.75 * years / years[-1])
    base = (1 + share * winter(days)) * season(days, heating=0.0)
    return EmissionHistory(days, 1.05 * base * (1 - rate) ** years)


def with_intervention(history: EmissionHistory, event: Intervention) -> EmissionHistory:
    """``history`` with one intervention more."""
    values = history.values * events(history.days, (event,))
    return EmissionHistory(history.days, values, (*history.interventions, event))


def _event(days: pd.DatetimeIndex, *, month: int, day: int, weeks: int, factor: float) -> Intervention:
    start = pd.Timestamp(int(days[int(0.62 * len(days))].year), month, day)
    return Intervention(start, start + pd.Timedelta(days=7 * weeks - 1), factor)


EMISSION_HISTORIES: Mapping[str, Constructor] = MappingProxyType(
    {
        "flat": flat,
        "decline": decline,
        "plateau": plateau,
        "v_shape": v_shape,
        "step": step,
        "rise": rise,
        "lockdown": lockdown,
        "week_intervention": week_intervention,
        "heating_shrinks": heating_shrinks,
        "decline_with_weather_trend": decline,
    }
)
