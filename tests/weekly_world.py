"""A city whose weather acts as written here, separated on four years, with half a year of weather after them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from models.separation import Separation, Settings, separate
from pipeline.samples import roles
from pipeline.weather.features import base_drivers, with_memory
from pipeline.weekly.days import extended
from pipeline.weekly.means import Plan, planned
from pipeline.weekly.windows import week_named, weeks_of, windows

RECORD = pd.date_range("2019-01-01", "2022-12-31")
DAYS = pd.date_range("2019-01-01", "2023-06-30")
BASE = (pd.Timestamp("2019-01-01"), pd.Timestamp("2019-12-31"))
SETTINGS = Settings(members=6)


@cache
def weather(seed: int = 0) -> pd.DataFrame:
    """Daily weather of all days: persistent and seasonal."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((5, len(DAYS)))
    for i in range(1, len(DAYS)):
        noise[:, i] = 0.5 * noise[:, i - 1] + np.sqrt(0.75) * noise[:, i]
    season = np.cos(2 * np.pi * (DAYS.day_of_year.to_numpy() - 200) / 365.25)
    return pd.DataFrame(
        {
            "t2m": 288 + 10 * season + 3 * noise[0],
            "wind_speed": np.exp(1 + 0.4 * noise[1]),
            "blh": 700 * np.exp(0.3 * season + 0.4 * noise[2]),
            "tp": np.clip(4 * noise[3] - 3, 0, None),
            "ssrd": np.clip(180 + 80 * season + 30 * noise[4], 10, None),
        },
        index=DAYS,
    )


def factor(of: pd.DataFrame) -> np.ndarray:
    """What weather multiplies emissions by: calm and shallow air holds what is emitted."""
    wind, height = np.log(of["wind_speed"] + 0.3) - 1, np.log(of["blh"] / 700)
    return np.asarray(np.exp(-0.6 * wind - 0.5 * height - 0.05 * np.log1p(of["tp"]) + 0.01 * (of["t2m"] - 288)))


@cache
def observed(seed: int = 1) -> pd.Series:
    """Daily concentrations of all days: emissions fall by a tenth a year."""
    rng = np.random.default_rng(seed)
    years = np.arange(len(DAYS)) / 365.25
    values = 60 * np.exp(-0.1 * years) * factor(weather()) * rng.gamma(60, 1 / 60, len(DAYS))
    return pd.Series(values, index=DAYS)


def separated(*, scale: float = 1.0, days: pd.DatetimeIndex = RECORD) -> Separation:
    """The separation of the record, of concentrations in other units by ``scale``."""
    drivers = with_memory(base_drivers(weather().loc[days]))
    return separate(scale * observed().loc[days], drivers, drivers=roles(drivers), settings=SETTINGS)


@cache
def kept() -> Separation:
    """That of the record, made once."""
    return separated()


@cache
def whole() -> Separation:
    """The record's, with the days after it."""
    return extended(kept(), weather().loc[RECORD[-1] < DAYS], place="city", observed=observed())


def plan(week: str, days: pd.DatetimeIndex = DAYS, *, base: tuple[pd.Timestamp, pd.Timestamp] = BASE) -> Plan:
    """The plan of a week of this world."""
    chosen = week_named(week, "monday")
    of_week = windows(chosen, year_start="01-01", season_start="03-01")
    return planned(of_week, weeks_of(chosen.year, "monday"), days, base=base, recent_years=5)
