"""Days of cities from days of stations, in two panels: all stations, and those there in every year."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.assessment.statistics import valid_windows
from pipeline.assessment.windows import Window
from pipeline.regions.means import STATIONS_FOR_CITY, STATIONS_FOR_SMALL_CITY
from pipeline.standards.days import by_day, maximum_daily_8h


def city_days(days: xr.DataArray, cities: Mapping[str, Sequence[str]]) -> xr.DataArray:
    """The days of each city: the mean of its stations' days; from (station, time) to (place, time).

    NaN where too few of its stations report: the rule of ``pipeline.regions.city_mean``, for a whole network at once.
    """
    values, index = days.transpose("station", "time").to_numpy(), days.get_index("station")
    found = np.full((len(cities), days.sizes["time"]), np.nan)
    for place, stations in enumerate(cities.values()):
        found[place] = _city_mean(values[index.get_indexer(pd.Index(list(stations)))])
    coordinates = {"place": np.array(list(cities), dtype=object), "time": days["time"]}
    return xr.DataArray(found, coordinates, ("place", "time"), days.name, attrs=days.attrs)


def _city_mean(values: np.ndarray) -> np.ndarray:
    observed = np.isfinite(values)
    begun = np.maximum.accumulate(observed, axis=1)
    not_ended = np.maximum.accumulate(observed[:, ::-1], axis=1)[:, ::-1]
    in_service, reporting = (begun & not_ended).sum(axis=0), observed.sum(axis=0)
    share = np.where(in_service >= 4, STATIONS_FOR_CITY, STATIONS_FOR_SMALL_CITY)
    enough = (reporting >= share * in_service) & (reporting > 0)
    return np.where(enough, np.where(observed, values, 0.0).sum(axis=0) / np.maximum(reporting, 1), np.nan)


def city_days_of_hours(hours: xr.DataArray, cities: Mapping[str, Sequence[str]]) -> xr.DataArray:
    """MDA8 of each city's mean hours: the other reading of HJ 663 for O3; from hours (station, time) to (place, time).

    ``city_days`` of the stations' MDA8 is the reading used: HJ 663 averages the assessed days of the stations.
    """
    mean = city_days(hours, cities).rename(place="station")
    values, days = by_day(mean)
    coordinates = {"place": mean["station"].to_numpy(), "time": days}
    return xr.DataArray(maximum_daily_8h(values), coordinates, ("place", "time"), hours.name, attrs=hours.attrs)


def constant_stations(days: xr.DataArray, years: Sequence[Window]) -> list[str]:
    """Stations whose days (station, time) are valid in every one of ``years`` (HJ 663), in their order.

    An unfinished first or last year is judged by the months that the days hold.
    """
    time = pd.DatetimeIndex(days.get_index("time"))
    inside = [_clipped(year, time) for year in years if year.start <= time[-1] and year.end >= time[0]]
    valid = valid_windows(days.rename(station="place"), inside)
    return [str(name) for name in days["station"].to_numpy()[valid.all("window").to_numpy()]]


def _clipped(year: Window, time: pd.DatetimeIndex) -> Window:
    return Window(year.kind, year.label, max(year.start, time[0]), min(year.end, time[-1]))


def only(cities: Mapping[str, Sequence[str]], stations: Sequence[str]) -> dict[str, list[str]]:
    """``cities`` with those of ``stations`` alone; cities left without any are dropped."""
    chosen = set(stations)
    kept = {city: [name for name in members if name in chosen] for city, members in cities.items()}
    return {city: members for city, members in kept.items() if members}
