"""One place's rows: the target and the drivers of every day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from models.basis import Drivers
from pipeline.regions import city_mean
from pipeline.weather.features import base_drivers, with_memory

LEAST_SHARE = 0.8
"""Share of the days from a place's first observation to its last on which a weather quantity must be known."""


@dataclass(frozen=True)
class Place:
    """A station, or a city as the mean of its stations."""

    level: str
    name: str
    stations: tuple[str, ...]


@dataclass(frozen=True)
class Samples:
    """Rows of one place and pollutant on consecutive days.

    ``target`` is NaN where nothing was observed, ``drivers`` where the weather is not known; ``roles`` says which
    columns belong together; ``reporting`` counts the stations behind each target; ``weather`` holds the day's
    quantities, also those known too seldom to make a driver.
    """

    target: pd.Series
    drivers: pd.DataFrame
    roles: Drivers
    reporting: pd.Series
    weather: pd.DataFrame
    notes: tuple[str, ...]


def samples(observations: xr.Dataset, weather: xr.Dataset, place: Place, pollutant: str) -> Samples:
    """The samples of ``place`` from daily observations and daily weather, both (station, time) on the same days."""
    mean, reporting = city_mean(observations[pollutant].sel(station=list(place.stations)))
    of_stations = weather.sel(station=list(place.stations)).mean("station")
    days = observations.get_index("time")
    return of_series(
        pd.Series(mean.to_numpy(), index=days),
        pd.DataFrame({str(name): values.to_numpy() for name, values in of_stations.items()}, index=days),
        reporting=pd.Series(reporting.to_numpy(), index=days),
        label=f"{place.level} {place.name}",
    )


def of_series(target: pd.Series, weather: pd.DataFrame, *, reporting: pd.Series, label: str) -> Samples:
    """The samples of one series from its daily weather (columns of the vocabulary), on the same consecutive days.

    A quantity known on less than ``LEAST_SHARE`` of the days from the first observation to the last is left out with a
    note, and without a word one that never varies. ``label`` begins the notes.
    """
    seen = np.flatnonzero(target.notna())
    span = weather.iloc[seen[0] : seen[-1] + 1] if len(seen) else weather
    known = span.notna().mean()
    notes = tuple(
        f"{label}: weather '{name}' is known on {share:.0%} of the days, left out"
        for name, share in known.items()
        if share < LEAST_SHARE
    )
    drivers = with_memory(varying(base_drivers(weather.loc[:, known >= LEAST_SHARE])))
    return Samples(target, drivers, roles(drivers), reporting, weather, notes)


def varying(drivers: pd.DataFrame) -> pd.DataFrame:
    """The columns that are not constant."""
    return drivers.loc[:, drivers.std() > 1e-9 * np.maximum(drivers.abs().mean(), 1e-12)]


def unfit(rows: Samples, *, minimum_days: int) -> str | None:
    """Why a series cannot be separated; None when it can."""
    both = rows.target.notna() & rows.drivers.notna().all(axis=1)
    if not rows.target.notna().any():
        return "nothing was observed"
    if rows.drivers.empty or rows.drivers.shape[1] == 0 or not rows.drivers.notna().any().any():
        return "it has no weather"
    if both.sum() < minimum_days:
        return f"{both.sum()} days have both observation and weather, {minimum_days} are needed (model.minimum_days)"
    if rows.target[both].std() <= 1e-6 * abs(rows.target[both].mean()):
        return "the series is constant"
    if not rows.target[both].median() > 0:
        return "half of the values or more are zero"
    return None


def roles(drivers: pd.DataFrame) -> Drivers:
    """Which drivers share a prior: the day's own, the afternoon's, and each kind of memory.

    The response may bend in the day's own and its afternoon's.
    """
    names = [str(name) for name in drivers]
    afternoon = tuple(name for name in names if "_afternoon" in name)
    plain = [name for name in names if name not in afternoon]

    def ending(suffix: str) -> tuple[str, ...]:
        return tuple(name for name in plain if name.endswith(suffix))

    memory = {suffix.strip("_"): ending(suffix) for suffix in ("_lag1", "_mean3", "_mean7")}
    main = tuple(name for name in plain if not any(name in family for family in memory.values()))
    of_the_day = tuple(name for name in afternoon if name.endswith("_afternoon"))
    return Drivers(main, {**memory, "afternoon": afternoon}, (*main, *of_the_day))
