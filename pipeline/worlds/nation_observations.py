"""What the generated nation's stations report: hourly values of six pollutants, with the archive's holes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.worlds.archive import (
    MISSING,
    BoolArray,
    holes,
    hourly_from_mda8,
    hourly_from_mean,
    running_mean,
    write_archive,
)
from pipeline.worlds.counterfactuals import labelled_rng
from pipeline.worlds.nation_places import NationPlaces
from pipeline.worlds.sample_observations import absent_hours

FloatArray = npt.NDArray[np.float64]
Short = npt.NDArray[np.int16]

KINDS = {"pm25": "PM2.5", "pm10": "PM10", "so2": "SO2", "no2": "NO2", "o3": "O3", "co": "CO"}
RUNNING = {"PM2.5_24h": ("pm25", 24), "O3_8h": ("o3", 8)}
"""Columns that the archive has beside the hours: of which pollutant, over how many hours."""
CLEANER = 0.70
"""What the station that stands in for a closed one sees of what the closed one saw."""
STATION_NOISE = 0.04
OUTAGES = {"outages": 1.0, "hours": 12.0}
"""Of a well kept network: most stations are valid in every year."""
OUTLIER = 5598  # seen in the archive


def station_factors(places: NationPlaces, *, seed: int) -> dict[str, float]:
    """How much more than its city a station sees, constant in time; 1 on the mean over the stations first there."""
    raw = {one.code: 1 + 0.12 * labelled_rng(seed, "factor", one.code).uniform(-1, 1) for one in places.stations}
    first: dict[str, list[float]] = {}
    for one in places.stations:
        if one.opened is None:
            first.setdefault(one.city, []).append(raw[one.code])
    found: dict[str, float] = {}
    previous = 1.0
    for one in places.stations:  # the closed station stands before the one that stands in for it
        own = raw[one.code] / float(np.mean(first[one.city]))
        previous = found[one.code] = own if one.opened is None else CLEANER * previous
    return found


def station_days(
    places: NationPlaces, of_cities: Mapping[str, Mapping[str, FloatArray]], *, seed: int
) -> dict[str, dict[str, FloatArray]]:
    """Station -> pollutant -> daily values (day,) before rounding and holes: the city's times a constant, and noise."""
    factors = station_factors(places, seed=seed)
    return {
        one.code: {
            name: values
            * factors[one.code]
            * np.exp(STATION_NOISE * labelled_rng(seed, "station", one.code, name).standard_normal(len(values)))
            for name, values in of_cities[one.city].items()
        }
        for one in places.stations
    }


def write_observations(
    places: NationPlaces,
    of_cities: Mapping[str, Mapping[str, FloatArray]],
    folder: Path,
    *,
    days: pd.DatetimeIndex,
    seed: int,
) -> list[Path]:
    """The archive's daily files ``china_sites_YYYYMMDD.csv`` of all stations; paths in order.

    ``of_cities`` (day,) by city and pollutant as ``nation_air.city_air`` gives them.
    """
    time = pd.date_range(days[0] + pd.Timedelta(hours=1), periods=24 * len(days), freq="h")
    values = _archive_values(places, of_cities, time=time, days=days, seed=seed)
    absent = absent_hours(time, seed)
    stations = [one.code for one in places.stations]
    written = []
    for rows in _months(time):
        chunk = {kind: array[rows].astype(int) for kind, array in values.items()}
        written += write_archive(folder, chunk, time=time[rows], stations=stations, absent=absent[rows], tenths=("CO",))
    return written


def _archive_values(
    places: NationPlaces,
    of_cities: Mapping[str, Mapping[str, FloatArray]],
    *,
    time: pd.DatetimeIndex,
    days: pd.DatetimeIndex,
    seed: int,
) -> dict[str, Short]:
    """Whole numbers (time, station) by the archive's types, CO in tenths."""
    kinds = (*KINDS.values(), *RUNNING)
    found = {kind: np.empty((len(time), len(places.stations)), dtype=np.int16) for kind in kinds}
    of_stations = station_days(places, of_cities, seed=seed)
    for column, one in enumerate(places.stations):
        lost = holes(len(time), labelled_rng(seed, "holes", one.code), **OUTAGES) | ~np.repeat(one.stood(days), 24)
        for name, daily in of_stations[one.code].items():
            hourly = _hours(name, daily, labelled_rng(seed, "hours", one.code, name))
            found[KINDS[name]][:, column] = _printed(10 * hourly if name == "co" else hourly, lost)
            for kind, (of, span) in RUNNING.items():
                if of == name:
                    found[kind][:, column] = _printed(running_mean(hourly[:, None], span)[:, 0], lost)
    found["PM2.5"][len(time) // 3 + 11, -1] = OUTLIER
    return found


def _hours(name: str, daily: FloatArray, rng: np.random.Generator) -> FloatArray:
    return (hourly_from_mda8 if name == "o3" else hourly_from_mean)(daily, rng)


def _printed(values: FloatArray, lost: BoolArray) -> Short:
    return np.where(lost, MISSING, np.clip(np.rint(values), 1, 9999)).astype(np.int16)


def _months(time: pd.DatetimeIndex) -> Iterator[slice]:
    """The hours of each calendar month by their labels, consecutive ones: a file's rows stay together."""
    number = time.year * 12 + time.month
    starts = np.flatnonzero(np.diff(number, prepend=0)).tolist()
    for start, stop in zip(starts, [*starts[1:], len(time)], strict=True):
        yield slice(start, stop)
