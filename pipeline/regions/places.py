"""The places of a run: which station stands for which city, which city for which region."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from pipeline.config import Config, read_yaml, region_lists
from pipeline.errors import ConfigError, InputError
from pipeline.regions.belonging import with_cities
from pipeline.regions.cities import known_city
from pipeline.regions.definitions import label, regions_of
from pipeline.stations.station_lists import read_lists

Regions = Mapping[str, Sequence[str]] | Sequence[str] | Path | None
"""Region -> cities; keys of definitions; a YAML file of either; or nothing: all cities are one region."""

STATION_TABLE = (
    "station", "name", "city", "city_name", "city_chinese", "city_by", "county", "region", "latitude", "longitude",
    "closed", "background", "assessed",
)  # fmt: skip
"""Columns of ``tables/stations.csv``."""


@dataclass(frozen=True)
class Places:
    """The stations of a run and what they add up to.

    ``stations`` is indexed by station with columns name, city, county, city_by, latitude, longitude, closed,
    background and ``assessed``: whether it counts in its city's mean. ``regions`` maps a region to its cities that
    have such stations. With definitions of regions, cities are codes and regions keys, printed by
    ``pipeline.regions.label``; else they are names as the user writes them.
    """

    stations: pd.DataFrame
    regions: dict[str, tuple[str, ...]]

    @property
    def cities(self) -> list[str]:
        """Cities that have stations that count, sorted."""
        return sorted(self.stations.loc[self.stations["assessed"], "city"].unique())

    def table(self) -> pd.DataFrame:
        """A row for each station, columns ``STATION_TABLE``; ``city_by`` is the way in which it found its city."""
        of_city = {city: region for region, members in reversed(self.regions.items()) for city in members}
        found = self.stations.rename_axis("station").reset_index()
        found = found.assign(
            city_name=[label(city, "en") for city in found["city"]],
            city_chinese=[label(city, "zh") for city in found["city"]],
            region=[of_city.get(city, "") for city in found["city"]],
        )
        return found[list(STATION_TABLE)].sort_values("station", ignore_index=True)

    def of_city(self, city: str) -> list[str]:
        """The stations that count in the mean of a city: neither background nor a county-level city's own."""
        return list(self.stations.index[(self.stations["city"] == city) & self.stations["assessed"]])


def read_regions(given: Regions, *, name: str, cities: list[str], mixed: bool = False) -> dict[str, list[str]]:
    """Region -> cities from the config, from a YAML file, by definitions, or all cities as one region ``name``.

    A city of a region that is no city of the run as written means the one that is the same by its code.
    """
    if given is None:
        return {name: cities}
    try:
        content = read_yaml(given) if isinstance(given, Path) else given
        if by_definition(content):
            return {key: list(codes) for key, codes in regions_of([str(key) for key in content], mixed=mixed).items()}
        lists = region_lists(content)
    except ValueError as error:
        raise ConfigError(f"{given}: {error}") from None
    ours = {known.code: city for city in cities if (known := known_city(city))}

    def as_listed(city: str) -> str:
        known = known_city(city) if city not in cities else None
        return ours.get(known.code, city) if known else city

    return {region: [as_listed(city) for city in members] for region, members in lists.items()}


def by_definition(given: object) -> bool:
    """Whether regions are given as keys of definitions, not as lists of cities."""
    return isinstance(given, Sequence) and not isinstance(given, str)


def places(config: Config, observed: list[str]) -> tuple[Places, list[str]]:
    """The places of a run, for the stations found in the observations, and notes on what was left out.

    Without a station list every station is its own city. A station absent from the list, or whose city is in no
    region, is an error that names it; with regions by definition such stations are left out and told.
    """
    listed, notes = _listed(config, observed)
    given = read_yaml(config.regions) if isinstance(config.regions, Path) else config.regions
    if by_definition(given):
        stations, of_choice = _in_definitions(
            listed, observed, read_regions(given, name=config.name, cities=[], mixed=config.mixed_definitions)
        )
    else:
        stations, of_choice = _all_of(listed, observed, config), []
    stations = stations.assign(assessed=~stations["background"] & (stations["county"] == ""))
    result = Places(stations, {})
    cities = result.cities
    regions = read_regions(config.regions, name=config.name, cities=cities, mixed=config.mixed_definitions)
    covered = {city for members in regions.values() for city in members}
    if orphans := stations.index[~stations["city"].isin(covered) & stations["assessed"]].tolist():
        raise ConfigError(
            f"regions: station {orphans[0]!r} (city {stations['city'][orphans[0]]!r}) is in no region; "
            f"found regions {', '.join(regions)}; add its city to one"
        )
    kept = {region: tuple(city for city in members if city in cities) for region, members in regions.items()}
    notes += [
        f"regions: {region!r} has no city with stations; left out" for region, members in kept.items() if not members
    ]
    notes += [*of_choice, *_not_assessed(stations)]
    absent = listed.index.difference(observed)
    if len(absent):
        notes.append(f"stations: {len(absent)} of the list have no observations: {', '.join(absent[:5])}")
    return Places(stations, {region: members for region, members in kept.items() if members}), notes


def _listed(config: Config, observed: list[str]) -> tuple[pd.DataFrame, list[str]]:
    if config.stations is None:
        listed = pd.DataFrame({"name": observed, "city": observed}, index=pd.Index(observed, name="station"))
        nowhere = float("nan")
        listed = listed.assign(prefecture="", latitude=nowhere, longitude=nowhere, closed="", background=False)
        return listed, []
    return read_lists(config.stations)


def _all_of(listed: pd.DataFrame, observed: list[str], config: Config) -> pd.DataFrame:
    if unlisted := [station for station in observed if station not in listed.index]:
        raise InputError(
            f"station {unlisted[0]!r} is in the observations, not in {config.stations}; add it (found there: "
            f"{', '.join(listed.index[:5])} ...)"
        )
    stations = listed.loc[observed]
    if (nowhere := stations.index[stations["city"] == ""]).size:
        raise InputError(
            f"station {nowhere[0]!r} has no city in {config.stations}; write it there, or take regions by definition, "
            "which find it by coordinates"
        )
    return stations.drop(columns="prefecture").assign(county="", city_by="list" if config.stations else "none")


def _in_definitions(
    listed: pd.DataFrame, observed: list[str], regions: Mapping[str, Sequence[str]]
) -> tuple[pd.DataFrame, list[str]]:
    """The observed stations in cities of the regions, and what was left out."""
    known = listed.loc[[station for station in observed if station in listed.index]]
    found = with_cities(known).drop(columns="prefecture")
    covered = {city for members in regions.values() for city in members}
    inside = found["city"].isin(covered)
    left_out = {
        "are in no station list": [station for station in observed if station not in listed.index],
        "belong to no known city": list(found.index[found["city"] == ""]),
        "are in cities of no region": list(found.index[~inside & (found["city"] != "")]),
    }
    notes = [
        f"stations: {len(stations)} {why}; left out: {', '.join(stations[:5])}"
        for why, stations in left_out.items()
        if stations
    ]
    ways = found.loc[inside, "city_by"].value_counts()
    notes += [f"stations: {ways[way]} found their city by {way}" for way in ("polygon", "nearest") if way in ways]
    if not inside.any():
        raise InputError(
            f"stations: none of the {len(observed)} observed is in a city of {', '.join(regions)}; correct `stations` "
            "or `regions`"
        )
    return found[inside], notes


def _not_assessed(stations: pd.DataFrame) -> list[str]:
    kinds = {
        "stand in the background of their city": stations["background"],
        "are a county-level city's own": ~stations["background"] & (stations["county"] != ""),
    }
    return [
        f"stations: {int(which.sum())} {why}; not in city means: {', '.join(stations.index[which][:5])}"
        for why, which in kinds.items()
        if which.any()
    ]
