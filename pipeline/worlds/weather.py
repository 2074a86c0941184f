"""Realistic daily weather from a seed: seasons, synoptic persistence, stagnation spells, trends, calm years.

Every series is reproducible from (climate, days, seed). Units are the canonical ERA5 ones: temperatures [K],
pressures [Pa], wind components [m s-1], ``blh`` [m], ``tp`` [mm per day], ``ssrd`` [W m-2, daily mean],
``tcc`` [0-1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.linalg import solve_discrete_lyapunov
from scipy.signal import lfilter
from scipy.special import ndtri

from pipeline.errors import ContractError
from pipeline.worlds.climates import Climate

FloatArray = npt.NDArray[np.float64]

VARIABLES = ("t2m", "tmax", "tmin", "d2m", "u10", "v10", "msl", "sp", "blh", "tp", "ssrd", "tcc")
UNITS = MappingProxyType(
    {"t2m": "K", "tmax": "K", "tmin": "K", "d2m": "K", "u10": "m s-1", "v10": "m s-1", "msl": "Pa",
     "sp": "Pa", "blh": "m", "tp": "mm", "ssrd": "W m-2", "tcc": "1"}
)  # fmt: skip

SYNOPTIC = ("temperature", "moisture", "eastward", "northward", "pressure", "cloud", "stability", "rain")
SLOW = ("temperature", "wind", "mixing_height", "moisture", "cloud")
PERSISTENCE = (0.72, 0.66, 0.45, 0.50, 0.62, 0.42, 0.45, 0.30)
# what yesterday's state does to today's besides persisting: (driven, driver, strength)
COUPLING = (
    ("temperature", "northward", 0.18), ("temperature", "pressure", -0.12), ("moisture", "northward", 0.20),
    ("moisture", "eastward", -0.06), ("pressure", "temperature", -0.10), ("eastward", "pressure", -0.10),
    ("northward", "pressure", 0.15), ("cloud", "moisture", 0.18), ("rain", "moisture", 0.22),
    ("stability", "temperature", 0.10),
)  # fmt: skip
# correlation of the innovations of one day
TOGETHER = (
    ("temperature", "pressure", -0.35), ("temperature", "northward", 0.30), ("moisture", "northward", 0.35),
    ("moisture", "cloud", 0.40), ("moisture", "rain", 0.30), ("cloud", "rain", 0.55),
    ("eastward", "pressure", -0.20),
    ("northward", "pressure", -0.25), ("temperature", "cloud", -0.20), ("stability", "cloud", 0.15),
    ("stability", "moisture", 0.25), ("northward", "eastward", -0.15), ("pressure", "rain", -0.25),
)  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """What changes over the years: trends per decade and the standard deviation of single years' anomalies.

    Temperature in [K]; wind and mixing height as fractions of the climatology.
    """

    warming: float = 0.3
    wind: float = 0.0
    mixing_height: float = 0.0
    temperature_years: float = 0.45
    wind_years: float = 0.025
    mixing_height_years: float = 0.025
    season_share: float = 1.0
    calm_years: Mapping[int, float] = field(default_factory=dict)


def simulate(climate: Climate, days: pd.DatetimeIndex, *, seed: int, drift: Drift = Drift()) -> pd.DataFrame:
    """Daily weather of a place with this climate, one column per name in ``VARIABLES``, no NaN.

    ``days`` is a gapless DatetimeIndex of local days. The same arguments always give the same numbers.
    """
    return composed(climate, days, chance(climate, days, seed=seed, season_share=drift.season_share), drift=drift)


@dataclass(frozen=True)
class Chance:
    """What chance gives a climate.

    ``states`` (day, SYNOPTIC) of the days and ``slow`` (day, SLOW) of years and seasons, of unit variance; ``calm``
    (day,) between 0 and 1, the spells of stagnation.
    """

    states: FloatArray
    slow: FloatArray
    calm: FloatArray


def chance(climate: Climate, days: pd.DatetimeIndex, *, seed: int, season_share: float = 1.0) -> Chance:
    """What a seed gives on ``days``; of the climate only the chance of spells counts."""
    rng = np.random.default_rng([seed, 101])
    states = synoptic_states(len(days), rng)
    slow = np.stack([_years_and_seasons(days, season_share, rng) for _ in SLOW], axis=1)
    day_of_year = days.day_of_year.to_numpy(dtype=float)
    return Chance(states, slow, _spells(climate.spell_chance.on(day_of_year), rng))


def composed(climate: Climate, days: pd.DatetimeIndex, given: Chance, *, drift: Drift = Drift()) -> pd.DataFrame:
    """The daily weather that a climate makes of what chance gives; columns ``VARIABLES``."""
    states = dict(zip(SYNOPTIC, given.states.T, strict=True))
    slow = dict(zip(SLOW, given.slow.T, strict=True))
    return _compose(climate, days, states, _slow_anomalies(days, drift, slow), given.calm)


def from_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Any real daily weather, checked and ordered so that a world can be driven by it.

    ``frame`` has a gapless daily DatetimeIndex and the columns ``VARIABLES`` in their canonical units.
    Raises ContractError for missing columns, gaps in the days or NaN.
    """
    if absent := [name for name in VARIABLES if name not in frame.columns]:
        raise ContractError(f"weather of a world: columns {absent} are missing; needed: {list(VARIABLES)}")
    days = pd.DatetimeIndex(frame.index)
    if len(days) < 2 or not (np.diff(days.to_numpy()) == np.timedelta64(1, "D")).all():
        raise ContractError("weather of a world: days must follow each other without gap or repetition")
    ordered = frame[list(VARIABLES)].astype(float)
    if ordered.isna().to_numpy().any():
        raise ContractError(f"weather of a world: NaN in {list(ordered.columns[ordered.isna().any()])}")
    return ordered


def synoptic_states(count: int, rng: np.random.Generator) -> FloatArray:
    """Stationary VAR(1) states of unit variance, dims (day, SYNOPTIC)."""
    size = len(SYNOPTIC)
    position = {name: index for index, name in enumerate(SYNOPTIC)}
    transition, innovation = np.diag(PERSISTENCE), np.eye(size)
    for driven, driver, strength in COUPLING:
        transition[position[driven], position[driver]] = strength
    for one, other, correlation in TOGETHER:
        innovation[position[one], position[other]] = innovation[position[other], position[one]] = correlation
    scale = np.sqrt(1 - np.square(PERSISTENCE))
    innovation *= np.outer(scale, scale)
    stationary = solve_discrete_lyapunov(transition, innovation)
    shocks = rng.standard_normal((count, size)) @ np.linalg.cholesky(innovation).T
    state = np.linalg.cholesky(stationary) @ rng.standard_normal(size)
    states = np.empty((count, size))
    for day in range(count):
        state = transition @ state + shocks[day]
        states[day] = state
    return states / np.sqrt(np.diag(stationary))


def clear_sky_radiation(latitude: float, day_of_year: FloatArray) -> FloatArray:
    """Daily mean clear-sky radiation [W m-2]: 0.75 of the extraterrestrial (FAO-56, equations 21, 37)."""
    phi = np.deg2rad(latitude)
    declination = 0.409 * np.sin(2 * np.pi * day_of_year / 365.25 - 1.39)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    distance = 1 + 0.033 * np.cos(2 * np.pi * day_of_year / 365.25)
    geometry = sunset * np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.sin(sunset)
    return np.asarray(0.75 * 1361.0 / np.pi * distance * geometry)


def _slow_anomalies(days: pd.DatetimeIndex, drift: Drift, slow: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Anomalies that last months and years: trends, calm years, each season's own character."""
    decades = (days.to_numpy() - days.to_numpy()[len(days) // 2]) / np.timedelta64(1, "D") / 3652.5
    calm = pd.Series(days.year, index=days).map(dict(drift.calm_years)).fillna(0.0).to_numpy(dtype=float)
    sizes = (
        ("temperature", drift.warming, drift.temperature_years, 0.0),
        ("wind", drift.wind, drift.wind_years, -1.0),
        ("mixing_height", drift.mixing_height, drift.mixing_height_years, -0.8),
        ("moisture", 0.0, 0.12, 0.0),
        ("cloud", 0.0, 0.10, 0.0),
    )
    return {name: trend * decades + spread * slow[name] + share * calm for name, trend, spread, share in sizes}


def _years_and_seasons(days: pd.DatetimeIndex, season_share: float, rng: np.random.Generator) -> FloatArray:
    """A standard-normal offset per year plus a smooth one that lasts about a season."""
    year = days.year.to_numpy() - int(days.year.min())
    offsets = rng.standard_normal(int(year.max()) + 1)[year]
    shocks = rng.standard_normal(len(days) + 180)
    smooth = np.convolve(shocks, np.hanning(92)[1:-1], mode="same")[90:-90]
    return np.asarray(offsets + season_share * smooth / np.sqrt(np.sum(np.hanning(92) ** 2)))


def _spells(chance: FloatArray, rng: np.random.Generator, *, stay: float = 0.78) -> FloatArray:
    """Stagnation between 0 and 1: spells begin by chance, last about 1 / (1 - stay) days, fade smoothly."""
    draws = rng.random(len(chance))
    calm, state = np.zeros(len(chance)), False
    for day, draw in enumerate(draws):
        state = bool(draw < (stay if state else chance[day]))
        calm[day] = state
    return np.asarray(lfilter([0.55], [1, -0.45], calm))


def _compose(
    climate: Climate,
    days: pd.DatetimeIndex,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    calm: FloatArray,
) -> pd.DataFrame:
    day_of_year = days.day_of_year.to_numpy(dtype=float)
    u10, v10, briskness = _wind(climate, day_of_year, states, years, calm)
    tp = _rain(climate, day_of_year, states, calm)
    tcc = _cloud(climate, day_of_year, states, years, tp, calm)
    ssrd = clear_sky_radiation(climate.latitude, day_of_year) * (1 - 0.7 * tcc**1.7)
    t2m, tmax, tmin = _temperatures(climate, day_of_year, states, years, tcc)
    depression = _dewpoint_depression(climate, day_of_year, states, years, tp, calm)
    msl = climate.pressure.on(day_of_year) + climate.pressure_spread.on(day_of_year) * states["pressure"]
    columns = {
        "t2m": t2m, "tmax": tmax, "tmin": tmin, "d2m": t2m - depression, "u10": u10, "v10": v10, "msl": msl,
        "sp": msl * np.exp(-climate.elevation / (29.3 * t2m)),
        "blh": _mixing_height(climate, day_of_year, states, years, ssrd, briskness, calm), "tp": tp,
        "ssrd": ssrd, "tcc": tcc,
    }  # fmt: skip
    return pd.DataFrame(columns, index=days)[list(VARIABLES)]


def _wind(
    climate: Climate,
    day_of_year: FloatArray,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    calm: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    spread = climate.wind_spread.on(day_of_year)
    strength = np.clip(1 + years["wind"], 0.5, 1.5) * (1 - 0.4 * calm)
    u10 = strength * (climate.eastward.on(day_of_year) + spread * states["eastward"])
    v10 = strength * (climate.northward.on(day_of_year) + spread * states["northward"])
    briskness = np.log(np.sqrt(u10**2 + v10**2 + 0.6**2) / (1.4 * climate.wind_spread.mean))
    return u10, v10, briskness


def _rain(climate: Climate, day_of_year: FloatArray, states: Mapping[str, FloatArray], calm: FloatArray) -> FloatArray:
    """Daily sums [mm]: dry unless the state passes the season's quantile; skewed amounts beyond it."""
    chance = np.clip(climate.rain_chance.on(day_of_year), 0.03, 0.9)
    propensity = states["rain"] - 0.35 * calm
    threshold = ndtri(1 - chance)
    excess = np.clip(propensity - threshold, 0, None)
    amount = np.clip(climate.rain_amount.on(day_of_year), 0.6, None) * 2.3 * excess**1.5
    return np.where(amount < 0.05, 0.0, amount)


def _cloud(
    climate: Climate,
    day_of_year: FloatArray,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    tp: FloatArray,
    calm: FloatArray,
) -> FloatArray:
    logit = climate.cloudiness.on(day_of_year) + 1.35 * states["cloud"] + years["cloud"] - 0.3 * calm
    return np.asarray(1 / (1 + np.exp(-(logit + 1.1 * (tp > 0.5) - 0.25))))


def _temperatures(
    climate: Climate,
    day_of_year: FloatArray,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    tcc: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    spread = climate.temperature_spread.on(day_of_year)
    t2m = climate.temperature.on(day_of_year) + spread * states["temperature"] + years["temperature"]
    daily_range = climate.daily_range.on(day_of_year) * (1.35 - 0.75 * tcc)
    return t2m, t2m + 0.55 * daily_range, t2m - 0.45 * daily_range


def _dewpoint_depression(
    climate: Climate,
    day_of_year: FloatArray,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    tp: FloatArray,
    calm: FloatArray,
) -> FloatArray:
    typical = np.log(climate.dewpoint_depression.on(day_of_year))
    dryness = -0.42 * states["moisture"] - 0.3 * years["moisture"] + 0.12 * states["temperature"]
    return np.clip(np.exp(typical + dryness - 0.4 * (tp > 1) - 0.15 * calm), 0.2, 28.0)


def _mixing_height(
    climate: Climate,
    day_of_year: FloatArray,
    states: Mapping[str, FloatArray],
    years: Mapping[str, FloatArray],
    ssrd: FloatArray,
    briskness: FloatArray,
    calm: FloatArray,
) -> FloatArray:
    typical = climate.mixing_height.on(day_of_year) + np.log1p(np.clip(years["mixing_height"], -0.5, 0.5))
    sunshine = 0.22 * np.log(ssrd / (0.7 * clear_sky_radiation(climate.latitude, day_of_year)))
    return np.exp(typical + 0.3 * briskness + sunshine - 0.24 * states["stability"] - 0.22 * calm)
