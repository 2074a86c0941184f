"""Which station stands for which city, which city for which region, and how their means are taken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.config import Config, read_yaml, region_lists
from pipeline.errors import ConfigError, InputError
from pipeline.stations.frames import numeric, read_csv

STATIONS_FOR_CITY = 0.75
STATIONS_FOR_SMALL_CITY = 0.5
"""Share of a city's stations that must report (HJ 663-2013): of four or more; of fewer than four."""


@dataclass(frozen=True)
class Places:
    """The stations of a run and what they add up to.

    ``stations`` is indexed by station with columns name, city, latitude, longitude; ``regions`` maps a region to its
    cities that have stations.
    """

    stations: pd.DataFrame
    regions: dict[str, tuple[str, ...]]

    @property
    def cities(self) -> list[str]:
        """Cities that have stations, sorted."""
        return sorted(self.stations["city"].unique())

    def of_city(self, city: str) -> list[str]:
        """The stations of a city."""
        return list(self.stations.index[self.stations["city"] == city])


def read_stations(path: Path) -> pd.DataFrame:
    """The station list ``station,name,city,latitude,longitude`` (name optional), indexed by station.

    A missing column, a station twice or without a city, or a coordinate that is no number is an InputError.
    """
    frame = read_csv(path, needed=("station", "city", "latitude", "longitude"))
    for name in ("station", "city"):
        if frame[name].isna().any():
            row = int(np.flatnonzero(frame[name].isna())[0])
            raise InputError(f"{path}: column {name!r} is empty in row {row + 2}; agreed a name")
    frame = numeric(frame, ["latitude", "longitude"], where=str(path)).astype({"station": str, "city": str})
    if frame["station"].duplicated().any():
        twice = frame.loc[frame["station"].duplicated(), "station"].iloc[0]
        raise InputError(f"{path}: station {twice!r} is listed twice; agreed once")
    if "name" not in frame:
        frame["name"] = frame["station"]
    return frame.set_index("station")[["name", "city", "latitude", "longitude"]]


def read_regions(
    given: dict[str, tuple[str, ...]] | Path | None, *, name: str, cities: list[str]
) -> dict[str, list[str]]:
    """Region -> cities from the config, from a YAML file, or all cities as one region called ``name``."""
    if given is None:
        return {name: cities}
    try:
        content = region_lists(read_yaml(given)) if isinstance(given, Path) else given
    except ValueError as error:
        raise ConfigError(f"{given}: {error}") from None
    return {region: list(members) for region, members in content.items()}


def places(config: Config, observed: list[str]) -> tuple[Places, list[str]]:
    """The places of a run, for the stations found in the observations, and notes on what was left out.

    Without a station list every station is its own city. A station absent from the list, or whose city is in no
    region, is an error that names it.
    """
    if config.stations is None:
        listed = pd.DataFrame({"name": observed, "city": observed}, index=pd.Index(observed, name="station"))
        listed = listed.assign(latitude=float("nan"), longitude=float("nan"))
    else:
        listed = read_stations(config.stations)
    if unlisted := [station for station in observed if station not in listed.index]:
        raise InputError(
            f"station {unlisted[0]!r} is in the observations, not in {config.stations}; add it (found there: "
            f"{', '.join(listed.index[:5])} ...)"
        )
    stations = listed.loc[observed]
    cities = sorted(stations["city"].unique())
    regions = read_regions(config.regions, name=config.name, cities=cities)
    covered = {city for members in regions.values() for city in members}
    if orphans := stations.index[~stations["city"].isin(covered)].tolist():
        raise ConfigError(
            f"regions: station {orphans[0]!r} (city {stations['city'][orphans[0]]!r}) is in no region; "
            f"found regions {', '.join(regions)}; add its city to one"
        )
    kept = {region: tuple(city for city in members if city in cities) for region, members in regions.items()}
    notes = [
        f"regions: {region!r} has no city with stations; left out" for region, members in kept.items() if not members
    ]
    absent = listed.index.difference(observed)
    if len(absent):
        notes.append(f"stations: {len(absent)} of the list have no observations: {', '.join(absent[:5])}")
    return Places(stations, {region: members for region, members in kept.items() if members}), notes


def city_mean(values: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Mean over ``station`` and the number of stations behind it; dims (time,).

    NaN on days when fewer than 75 % of the city's stations in service report (50 % of fewer than four). A station
    is in service from its first value to its last.
    """
    observed = values.notnull()
    begun = observed.cumsum("time") > 0
    not_ended = observed.isel(time=slice(None, None, -1)).cumsum("time").isel(time=slice(None, None, -1)) > 0
    in_service = (begun & not_ended).sum("station")
    reporting = observed.sum("station")
    share = xr.where(in_service >= 4, STATIONS_FOR_CITY, STATIONS_FOR_SMALL_CITY)
    return values.mean("station").where((reporting >= share * in_service) & (reporting > 0)), reporting
