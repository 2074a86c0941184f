"""The generated nation: the 339 cities and the key regions with weather, air and truth of our making, as real files.

What is written is what a user would have: the national archive's daily files, ERA5 files, a list of stations in the
network's form and a config; and, beside them, the truth, and claims that a report can be held against.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
import yaml

from pipeline.errors import ConfigError
from pipeline.progress import say
from pipeline.store import write_text, written_whole
from pipeline.worlds.era5_files import write_era5
from pipeline.worlds.nation_air import NORTH, city_air, city_world, dust_of, dust_starts, lockdown
from pipeline.worlds.nation_claims import claims
from pipeline.worlds.nation_observations import write_observations
from pipeline.worlds.nation_places import KEY_REGIONS, NATION, NationPlaces, nation_places
from pipeline.worlds.nation_truth import nation_truth
from pipeline.worlds.nation_weather import NationWeather, nation_weather
from pipeline.worlds.sample_weather import UTC_OFFSET
from pipeline.worlds.world import World

FIRST_YEAR, THROUGH = 2020, "2025-09"
NAME = "generated_nation"


@dataclass(frozen=True)
class NationOptions:
    """What nation is generated: how many ``cities`` (None: all 339), from which year through which month (YYYY-MM)."""

    cities: int | None = None
    first_year: int = FIRST_YEAR
    through: str = THROUGH
    stations_per_city: int = 2
    seed: int = 1
    members: int = 10
    draws: int = 32

    @property
    def days(self) -> pd.DatetimeIndex:
        """The days of the record; at least two years, or a ConfigError."""
        start = pd.Timestamp(self.first_year, 1, 1)
        try:
            end = pd.Timestamp(f"{self.through}-01") + pd.offsets.MonthEnd(0)
        except ValueError:
            raise ConfigError(f"nation: through: found {self.through!r}; allowed: a month such as 2025-09") from None
        if end < start + pd.DateOffset(years=2, days=-1):
            raise ConfigError(f"nation: found {start:%Y-%m} to {self.through}; allowed: two years and more")
        return pd.date_range(start, end, name="day")


@dataclass(frozen=True)
class Nation:
    """Everything the files are written from; a city's world is made when it is asked for."""

    options: NationOptions
    places: NationPlaces
    weather: NationWeather

    def world(self, city: str) -> World:
        """The world of a city of its code."""
        return city_world(self.places, self.weather, city, seed=self.options.seed)


@dataclass(frozen=True)
class NationPaths:
    """Where the files are; ``config`` is ready for ``tianbang run``, ``claims`` for a report."""

    config: Path
    observations: Path
    weather: Path
    stations: Path
    truth: Path
    claims: Path


def nation(options: NationOptions) -> Nation:
    """The nation of these options: the places and the weather of their grid."""
    places = nation_places(options.cities, stations_per_city=options.stations_per_city)
    return Nation(options, places, nation_weather(places, options.days, seed=options.seed))


def write(folder: Path, options: NationOptions) -> NationPaths:
    """Writes a nation's files into ``folder`` and says where they are; the same options, the same content."""
    paths = NationPaths(
        config=folder / "config.yml",
        observations=folder / "observations",
        weather=folder / "era5",
        stations=folder / "stations.csv",
        truth=folder / "truth" / "truth.nc",
        claims=folder / "truth" / "claims.yml",
    )
    started = time.monotonic()
    made = nation(options)
    write_weather(made, paths.weather)
    say(f"nation: weather of {made.weather.fields['t2m'][0].size} cells after {time.monotonic() - started:.0f} s")
    air: dict[str, dict[str, Any]] = {}
    truth = nation_truth(made.places, _worlds(made, air), base=base_period(options), draws=options.draws)
    say(f"nation: air and truth of {len(air)} cities after {time.monotonic() - started:.0f} s")
    write_truth(truth, paths.truth)
    write_text(paths.claims, claims(truth, base_year=base_period(options)[0].year))
    written = write_observations(made.places, air, paths.observations, days=options.days, seed=options.seed)
    say(f"nation: {len(written)} daily files of stations after {time.monotonic() - started:.0f} s")
    write_stations(made.places, paths.stations)
    write_text(paths.config, yaml.safe_dump(config(made), sort_keys=False, allow_unicode=True))
    return paths


def _worlds(made: Nation, air: dict[str, dict[str, Any]]) -> Iterator[World]:
    """The cities' worlds in order, each made once; ``air`` is filled with their days."""
    days, seed = made.options.days, made.options.seed
    for city in made.places.cities:
        world = made.world(city)
        air[city] = city_air(world, dust=dust_of(made.places, city, days, seed=seed))
        yield world


def base_period(options: NationOptions) -> tuple[pd.Timestamp, pd.Timestamp]:
    """The year 2020, or the first where the record begins later."""
    year = max(FIRST_YEAR, options.first_year)
    return pd.Timestamp(year, 1, 1), pd.Timestamp(year, 12, 31)


def write_weather(made: Nation, folder: Path) -> list[Path]:
    """ERA5 files, two a year: instantaneous fields, and sums over the hour before; times in UTC."""
    utc = made.weather.local_time - pd.Timedelta(hours=UTC_OFFSET)
    places = made.places
    return write_era5(folder, made.weather.fields, time=utc, latitude=places.latitude, longitude=places.longitude)


def write_truth(truth: xr.Dataset, path: Path) -> None:
    """The truth as netCDF: see ``worlds.nation_truth``."""
    with written_whole(path) as partial:
        truth.to_netcdf(partial, engine="netcdf4")


def write_stations(places: NationPlaces, path: Path) -> None:
    """The list of stations in the network's form; a closed station says so in its name."""
    rows = [
        {
            "监测点编码": one.code,
            "监测点名称": one.name + (f"（停运{one.closed:%y%m%d}）" if one.closed else ""),
            "城市": places.cities[one.city].chinese,
            "经度": one.longitude,
            "纬度": one.latitude,
            "对照点": "N",
        }
        for one in places.stations
    ]
    write_text(path, pd.DataFrame(rows).to_csv(index=False))


def config(made: Nation) -> dict[str, Any]:
    """A config that runs the program, and a report, on these files, with paths relative to it.

    Cities are separated, stations not. All six pollutants are assessed, so that days have an AQI.
    """
    days, base = made.options.days, base_period(made.options)
    event = lockdown(days)
    return {
        "name": NAME,
        "period": [days[0].date(), days[-1].date()],
        "base_period": [base[0].date(), base[1].date()],
        "pollutants": ["pm25", "o3"],
        "observations": {"reader": "national", "path": "observations"},
        "weather": {"source": "era5", "path": "era5", "method": "nearest"},
        "stations": "stations.csv",
        "regions": [*KEY_REGIONS, NATION],
        "levels": ["region", "city"],
        "interventions": [{"name": "lockdown", "start": event.start.date(), "end": event.end.date()}] if event else [],
        "assessment": {
            "pollutants": ["pm25", "pm10", "so2", "no2", "o3", "co"],
            "attaining_since": base[0].year,
            "dust": _dust(made),
        },
        "model": {"members": made.options.members},
    }


def _dust(made: Nation) -> list[dict[str, Any]]:
    """The days of dust that the air was given, declared."""
    touched: dict[str, list[str]] = {}
    for city in made.places.cities.values():
        if city.latitude >= NORTH:
            touched.setdefault(city.block, []).append(city.code)
    events = [
        {
            "name": f"dust of {start:%Y-%m-%d}",
            "start": start.date(),
            "end": (start + pd.Timedelta(days=1)).date(),
            "places": members,
        }
        for block, members in touched.items()
        for start in dust_starts(block, made.options.days, seed=made.options.seed)
    ]
    return sorted(events, key=lambda event: (event["start"], event["places"]))
