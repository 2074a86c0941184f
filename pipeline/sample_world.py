"""The sample world: an invented country whose weather, air and truth are known, written as real files.

Three regions of differing climate, emissions and physics. What is written is what a user would have: ERA5
files as the Climate Data Store gives them, the national archive's wide daily files with their dirt, a station
list, a region file and a config; and, beside them, the truth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from pipeline.worlds.archive import write_archive
from pipeline.worlds.era5_files import write_era5
from pipeline.worlds.sample_observations import TYPES, archive_values
from pipeline.worlds.sample_places import REGIONS, Layout, layout
from pipeline.worlds.sample_truth import truth_dataset
from pipeline.worlds.sample_weather import UTC_OFFSET, GridWeather, grid_weather, region_world
from pipeline.worlds.world import World

DEFAULT_CITIES = (3, 2, 2)
START = pd.Timestamp("2015-01-01")


@dataclass(frozen=True)
class SampleWorld:
    """Everything the files are written from: the places, the hourly weather and a world per region."""

    seed: int
    places: Layout
    weather: GridWeather
    worlds: dict[str, World]


@dataclass(frozen=True)
class Paths:
    """Where the files of a sample world are; ``config`` is ready for ``tianbang run``."""

    config: Path
    observations: Path
    weather: Path
    stations: Path
    regions: Path
    names: Path
    truth: Path


def sample_world(
    *, seed: int = 7, years: int = 6, stations_per_city: int = 2, cities: Sequence[int] = DEFAULT_CITIES
) -> SampleWorld:
    """The world of a seed; ``cities`` counts the cities of the three regions, ``years`` begin with 2015."""
    places = layout(cities, stations_per_city)
    days = pd.date_range(START, START + pd.DateOffset(years=years, days=-1), name="day")
    weather = grid_weather(places, days, seed=seed)
    worlds = {region.name: region_world(region, places, weather, seed=seed) for region in REGIONS}
    return SampleWorld(seed, places, weather, worlds)


def write(
    folder: Path,
    *,
    seed: int = 7,
    years: int = 6,
    stations_per_city: int = 2,
    cities: Sequence[int] = DEFAULT_CITIES,
    draws: int = 128,
) -> Paths:
    """Writes a sample world's files into ``folder`` and says where they are; the same seed, the same content.

    ``draws`` of what is unobserved stand behind the truth.
    """
    world = sample_world(seed=seed, years=years, stations_per_city=stations_per_city, cities=cities)
    paths = Paths(
        config=folder / "config.yml",
        observations=folder / "observations",
        weather=folder / "era5",
        stations=folder / "stations.csv",
        regions=folder / "regions.yml",
        names=folder / "names.csv",
        truth=folder / "truth" / "truth.nc",
    )
    write_weather(world, paths.weather)
    write_observations(world, paths.observations)
    write_places(world, paths)
    write_truth(world, paths.truth, draws=draws)
    write_config(world, paths)
    return paths


def write_weather(world: SampleWorld, folder: Path) -> list[Path]:
    """ERA5 files, two a year: instantaneous fields, and sums over the hour before; times in UTC."""
    time = world.weather.local_time - pd.Timedelta(hours=UTC_OFFSET)
    places = world.places
    fields = world.weather.fields
    return write_era5(folder, fields, time=time, latitude=places.latitude, longitude=places.longitude)


def write_observations(world: SampleWorld, folder: Path) -> list[Path]:
    """The archive's daily files, gases at 273.15 K until 2018-09-01, with holes, outages and two outliers."""
    observed = archive_values(world.places, list(world.worlds.values()), seed=world.seed)
    values = {kind: observed.values[kind] for kind in TYPES}
    stations = list(world.places.stations["station"])
    return write_archive(folder, values, time=observed.time, stations=stations, absent=observed.absent)


def write_places(world: SampleWorld, paths: Paths) -> None:
    """The station list, region -> cities, and the Chinese names of regions and cities."""
    _write_text(paths.stations, world.places.stations.to_csv(index=False))
    members = {region: list(cities) for region, cities in world.places.cities.items()}
    _write_text(paths.regions, yaml.safe_dump(members, allow_unicode=True, sort_keys=False))
    names = pd.DataFrame(sorted(world.places.chinese.items()), columns=["english", "chinese"])
    _write_text(paths.names, names.to_csv(index=False))


def write_truth(world: SampleWorld, path: Path, *, draws: int) -> Path:
    """The truth as netCDF: see ``worlds.sample_truth``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    truth_dataset(world.worlds, draws=draws).to_netcdf(partial, engine="netcdf4")
    return partial.replace(path)


def write_config(world: SampleWorld, paths: Paths) -> None:
    """A config that runs the program on these files, with paths relative to it.

    Stations are read but not separated one by one: that keeps the demo under a minute.
    """
    days = next(iter(world.worlds.values())).days
    event = next(iter(world.worlds.values())).interventions[0]
    config = {
        "name": "sample_world",
        "period": [days[0].date(), days[-1].date()],
        "base_period": [days[0].date(), (days[0] + pd.DateOffset(years=1, days=-1)).date()],
        "pollutants": ["pm25", "o3"],
        "observations": {"reader": "national", "path": paths.observations.name},
        "weather": {"source": "era5", "path": paths.weather.name},
        "stations": paths.stations.name,
        "regions": paths.regions.name,
        "levels": ["city", "region"],
        "interventions": [{"name": "lockdown", "start": event.start.date(), "end": event.end.date()}],
    }
    _write_text(paths.config, yaml.safe_dump(config, sort_keys=False))


def _write_text(path: Path, text: str) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
