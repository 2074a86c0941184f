"""A run from config to page: each stage is skipped when nothing it depends on has changed.

daily (files -> assessed days) -> readings (one task a place and pollutant, on Dask) -> tables and netCDF -> figures
-> page. A stage's key is the digest of what it depends on, so freshness is decided before anything is read.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pipeline import __version__
from pipeline.assessment.options import Panel
from pipeline.config import WHERE, Config
from pipeline.errors import Incomplete, NothingToDo
from pipeline.progress import say, tracked
from pipeline.store import Run, digest, file_digest, written_whole
from pipeline.sweeping import sweep
from pipeline.weather import published

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from pipeline.attribution import Outcome, Task
    from pipeline.daily import Daily

DAILY = ("daily/observations.nc", "daily/weather.nc")
REJECTED, QUALITY, STEP = "tables/rejected.csv", "tables/quality.csv", "tables/particulate_step.csv"
STATIONS, CITY_OZONE = "tables/stations.csv", "daily/ozone_of_city_hours.nc"
DAILY_STAGE = (*DAILY, CITY_OZONE, "daily/places.json", STATIONS, REJECTED, QUALITY, STEP)
TABLES = (
    "attribution",
    "attribution_months",
    "counterfactual",
    "methods",
    "drivers",
    "index",
    "concentrations",
    "trends",
    "changepoints",
    "interventions",
    "dependence",
    "joint_dependence",
    "events",
    "skill",
)
PAGE = "index.html"
ASSESSMENT_TABLES = ("assessment", "aqi_days", "attainment", "guidelines", "ozone_two_ways")
EPISODES = "episodes"
PRODUCTS = (
    *(f"tables/{name}.csv" for name in (*TABLES, EPISODES, *ASSESSMENT_TABLES)),
    "counterfactual.nc",
    "normalized.nc",
    PAGE,
)
NOTES_SHOWN = 10
LOGS = "logs"


@dataclass(frozen=True)
class Keys:
    """The digests that decide what is fresh, and what every manifest says its artefact was made of."""

    config: Config
    inputs: dict[str, str]
    failed: tuple[str, ...] = ()
    """Readings that could not be made: products without them are not those of the run."""

    @cached_property
    def made_of(self) -> dict[str, Any]:
        """For the manifests: config digest, input digests, seed."""
        return {
            "config": digest(self.config.model_dump(mode="json", exclude=WHERE)),
            "inputs": self.inputs,
            "seed": self.config.model.seed,
        }

    @cached_property
    def daily(self) -> str:
        """What the daily stage depends on."""
        fields = {
            "period",
            "utc_offset",
            "pollutants",
            "observations",
            "archive",
            "weather",
            "stations",
            "regions",
            "mixed_definitions",
            "quality",
            "name",
        }
        dumped = self.config.model_dump(mode="json", include=fields)
        of_weather = published(self.config.weather, self.config.period)
        of_assessment = [self.config.assessed_pollutants, self.config.assessment.particulate_reference]
        return digest([__version__, "daily", dumped, of_assessment, self.inputs, *of_weather])

    @cached_property
    def readings(self) -> str:
        """What the readings depend on."""
        fields = {"model", "base_period", "year_start", "interventions"}
        return digest([self.daily, "readings", self.config.model_dump(mode="json", include=fields)])

    @cached_property
    def products(self) -> str:
        """What tables, figures and page depend on."""
        dumped = self.config.model_dump(mode="json", exclude={"weekly"} | WHERE)
        return digest([self.readings, "products", dumped, *self.failed])


def keys(config: Config) -> Keys:
    """The keys of a run, from the config and the bytes of its input files."""
    from pipeline.daily import inputs

    files = inputs(config)
    names = [path.name for path in files]
    return Keys(
        config,
        {
            name if names.count(name) == 1 else str(path): file_digest(path)
            for name, path in zip(names, files, strict=True)
        },
    )


def run(config: Config, folder: Path, *, scheduler: str | None = None, truth: Path | None = None) -> Path:
    """Makes or completes the run folder; returns the path of the page.

    A world whose ``truth`` is known, a netCDF file, gets a table that compares (``pipeline.known_truth``). When a place
    failed the rest is made, then Incomplete is raised; the next run tries it again.
    """
    started, begun = time.monotonic(), time.time()
    store, key = Run(folder), keys(config)
    if all(store.fresh(product, key.products) for product in PRODUCTS) and models_kept(config, store, key):
        say(f"nothing has changed since {store.path(PAGE)} was made; nothing to do")
        return store.path(PAGE)
    daily_stage(config, store, key)
    outcomes = readings_stage(config, store, key, scheduler)
    failures = [outcome for outcome in outcomes if outcome.failed]
    key = replace(key, failed=tuple(outcome.task.artefact for outcome in failures))
    products = products_stage(config, store, key, outcomes, truth)
    if stale := sweep(store, {*products, *DAILY_STAGE, *usable_readings(config, store, key)}, before=begun):
        say(f"removed {len(stale)} files of earlier runs that this one does not make, such as {stale[0]}")
    say(f"done in {time.monotonic() - started:.1f} s: {store.path(PAGE)}")
    if failures:
        raise Incomplete(
            f"{len(failures)} of {len(outcomes)} series failed, such as {failures[0].notes[0]}; the rest is in "
            f"{store.path(PAGE)}; run again to try them again"
        )
    return store.path(PAGE)


def models_kept(config: Config, store: Run, key: Keys) -> bool:
    """Whether every city whose readings are there has its model beside them."""
    try:
        planned = tasks(config, store, key)
    except OSError:  # without places no model is asked for
        return True
    of_cities = [task for task in planned if store.path(task.artefact).is_file()]
    return all(store.path(artefact).is_file() for task in of_cities for artefact in task.artefacts)


def daily_stage(config: Config, store: Run, key: Keys) -> None:
    """Daily observations and weather of every station."""
    if all(store.fresh(artefact, key.daily) for artefact in DAILY_STAGE):
        say("daily: unchanged")
        return
    import xarray as xr

    from pipeline.daily import daily

    started = time.monotonic()
    found = daily(config)
    made_of = key.made_of | {"inputs": key.inputs | found.weather.attrs["fetched"]}
    ozone = xr.Dataset() if found.ozone_of_city_hours is None else found.ozone_of_city_hours.to_dataset(name="o3")
    for artefact, data in zip((*DAILY, CITY_OZONE), (found.observations, found.weather, ozone), strict=True):
        write_netcdf(store, artefact, data.drop_attrs(deep=False))
        store.record(artefact, key.daily, made_of, notes=found.notes)
    write_places(store, found, key)
    frames = {
        STATIONS: found.places.table(),
        REJECTED: found.rejected,
        QUALITY: found.quality,
        STEP: found.particulate_step,
    }
    for artefact, frame in frames.items():
        write_csv(store, artefact, frame)
        store.record(artefact, key.daily, made_of)
    count = found.observations.sizes
    say(f"daily: {count['station']} stations, {count['time']} days in {time.monotonic() - started:.1f} s")


def write_places(store: Run, found: Daily, key: Keys) -> None:
    """Which stations and regions the run has, for the stages after this one."""
    import json

    from pipeline.store import write_text

    content = {"stations": found.places.stations.to_dict("index"), "regions": found.places.regions}
    write_text(store.path("daily/places.json"), json.dumps(content, ensure_ascii=False, indent=1))
    store.record("daily/places.json", key.daily, key.made_of)


def read_places(store: Run) -> tuple[dict[str, dict[str, Any]], dict[str, list[str]]]:
    """Stations (with city, latitude, longitude) and regions of a run."""
    import json

    content = json.loads(store.path("daily/places.json").read_text(encoding="utf-8"))
    return content["stations"], content["regions"]


def tasks(config: Config, store: Run, key: Keys) -> list[Task]:
    """One task for each station and city and each pollutant. Cities always, since regions are made of them.

    Cities stand on the stations of the config's ``panel``.
    """
    from pipeline.attribution import Task
    from pipeline.samples import Place

    stations, _ = read_places(store)
    cities: dict[str, list[str]] = {}
    for station, facts in stations.items():
        if facts["assessed"]:
            cities.setdefault(facts["city"], []).append(station)
    found = [Place("city", city, tuple(members)) for city, members in sorted(cities.items())]
    if "station" in config.levels:
        found += [Place("station", station, (station,)) for station in sorted(stations)]
    days = {artefact: (store.manifest(artefact) or {}).get("sha256") for artefact in DAILY}
    made_of = {"config": key.made_of["config"], "inputs": days, "seed": config.model.seed}
    constant = _constant_stations(config, store) if config.panel == "constant" else {}

    def task_of(place: Place, pollutant: str) -> Task:
        kept = tuple(name for name in place.stations if name in constant.get(pollutant, place.stations))
        parts = [key.readings, place.level, place.name, pollutant]
        if place.level == "city" and kept != place.stations:
            own = Place(place.level, place.name, kept)
            return Task(
                config, store.folder, own, pollutant, digest([*parts, "constant", kept]), made_of, panel="constant"
            )
        return Task(config, store.folder, place, pollutant, digest(parts), made_of)

    return [task_of(place, pollutant) for place in found for pollutant in config.pollutants]


def _constant_stations(config: Config, store: Run) -> dict[str, frozenset[str]]:
    """Pollutant -> the stations whose days are valid in every year: the constant panel of the assessment."""
    import xarray as xr

    from pipeline.assessment.products import network_of

    stations, regions = read_places(store)
    network = network_of(xr.load_dataset(store.path(DAILY[0])), stations, regions, year_start=config.year_start)
    return {
        name: frozenset(station for members in network.panel(name, "constant").values() for station in members)
        for name in config.pollutants
    }


def readings_stage(config: Config, store: Run, key: Keys, scheduler: str | None) -> list[Outcome]:
    """Readings of every place and pollutant, mapped over Dask; in the order of the tasks."""
    from pipeline.attribution import attribute, failed, repeated, twins
    from pipeline.clusters import at
    from pipeline.workers import each

    planned = tasks(config, store, key)
    fresh = [task for task in planned if task.fresh(store)]
    done = {task.artefact: attribute(task) for task in fresh}
    twin_of = {artefact: twin for artefact, twin in twins(planned).items() if artefact not in done}
    waiting = [task for task in planned if task.artefact not in done and task.artefact not in twin_of]
    if done:
        say(f"readings: {len(done)} of {len(planned)} unchanged")
    where = at(scheduler, config.scheduler)
    made = each(attribute, waiting, scheduler=where, failed=failed, logs=store.path(LOGS))
    for outcome in tracked(made, stage="readings", total=len(waiting)):
        done[outcome.task.artefact] = outcome
    for task in planned:
        if task.artefact in twin_of:
            done[task.artefact] = repeated(task, done[twin_of[task.artefact].artefact])
    outcomes = [done[task.artefact] for task in planned]
    if not any(outcome.artefact for outcome in outcomes):
        raise NothingToDo("no place could be separated: " + "; ".join(outcomes[0].notes or ("no place found",)))
    return outcomes


def load_readings(config: Config, store: Run, outcomes: Sequence[Outcome]) -> list[xr.Dataset]:
    """The readings of regions, cities and stations that the config asks for, in that order."""
    import xarray as xr

    from pipeline.readings import mean_of, summed_up

    _, regions = read_places(store)
    places = {
        (outcome.task.place.level, outcome.task.place.name, outcome.task.pollutant): store.path(outcome.artefact)
        for outcome in outcomes
        if outcome.artefact
    }
    found = []
    for region, cities in regions.items() if "region" in config.levels else ():
        for pollutant in config.pollutants:
            members = [places[key] for city in cities if (key := ("city", city, pollutant)) in places]
            if members:
                # one city after the other: the members of a nation's cities do not fit into memory at once
                mean = summed_up(mean_of(map(xr.load_dataset, members)))
                found.append(mean.assign_attrs(level="region", name=region))
    return found + [
        summed_up(xr.load_dataset(path)) for (level, _, _), path in places.items() if level in config.levels
    ]


def usable_readings(config: Config, store: Run, key: Keys) -> list[str]:
    """The readings and models that this run, or one of the same config for other levels or panels, takes over."""
    every = [{"levels": Config.model_fields["levels"].default, "panel": panel} for panel in get_args(Panel)]
    planned = [task for update in every for task in tasks(config.model_copy(update=update), store, key)]
    found = {artefact: task.key for task in planned for artefact in task.artefacts}
    return [artefact for artefact, own in found.items() if (store.manifest(artefact) or {}).get("key") == own]


def products_stage(config: Config, store: Run, key: Keys, outcomes: Sequence[Outcome], truth: Path | None) -> list[str]:
    """Tables, netCDF files, figures and the page; returns what they are."""
    import pandas as pd
    import xarray as xr

    from pipeline import datasets, figures, page, tables
    from pipeline.assessment.products import network_of
    from pipeline.assessment.products import products as assessed
    from pipeline.known_truth import compared

    readings = load_readings(config, store, outcomes)
    of_days = (store.manifest(DAILY[0]) or {}).get("notes", [])
    notes = list(dict.fromkeys([*of_days, *(note for outcome in outcomes for note in outcome.notes)]))
    frames = {name: getattr(tables, name)(readings) for name in TABLES}
    frames[EPISODES] = episodes_of(config, store)
    network = network_of(xr.load_dataset(store.path(DAILY[0])), *read_places(store), year_start=config.year_start)
    of_city_hours = xr.load_dataset(store.path(CITY_OZONE)).get("o3")
    frames |= assessed(network, config.assessment, ozone_of_city_hours=of_city_hours)
    if truth is not None:
        frames["truth"] = compared(frames["attribution"], xr.load_dataset(truth))
    for name, frame in frames.items():
        artefact = f"tables/{name}.csv"
        write_csv(store, artefact, frame)
        store.record(artefact, key.products, key.made_of, notes=notes)
    for artefact, data in datasets.products(readings, key.made_of).items():
        write_netcdf(store, artefact, data)
        store.record(artefact, key.products, key.made_of)
    for note in notes[:NOTES_SHOWN]:
        say(f"warning: {note}")
    if len(notes) > NOTES_SHOWN:
        say(f"warning: and {len(notes) - NOTES_SHOWN} more, listed on the page")
    say(f"tables: {', '.join(f'{name} {len(frame)} rows' for name, frame in frames.items())}")
    drawn = []
    planned = figures.plan(config, readings, frames, read_places(store)[0])
    for figure in tracked(planned, stage="figures", total=len(planned)):
        drawn.append(figure.draw(store, key))
    shown = {**frames, "quality": pd.read_csv(store.path(QUALITY))}
    page.write(config, store, key, readings, shown, drawn, notes)
    of_figures = [artefact for one in drawn for artefact in one.artefacts.values()]
    return [*PRODUCTS, *(f"tables/{name}.csv" for name in frames), *of_figures]


def episodes_of(config: Config, store: Run) -> pd.DataFrame:
    """The episodes of every event at the run's cities and stations (``pipeline.events``)."""
    import xarray as xr

    from pipeline.events.tables import cities_and_stations, episodes_of_places

    places = cities_and_stations(read_places(store)[0], config.levels)
    return episodes_of_places(xr.load_dataset(store.path(DAILY[1])), places)


def write_csv(store: Run, artefact: str, frame: pd.DataFrame) -> None:
    """A table under its artefact's path, whole or not at all."""
    with written_whole(store.path(artefact)) as partial:
        frame.to_csv(partial, index=False, float_format="%.6g", encoding="utf-8")


def write_netcdf(store: Run, artefact: str, data: xr.Dataset) -> None:
    """A Dataset under its artefact's path, whole or not at all."""
    with written_whole(store.path(artefact)) as partial:
        data.drop_encoding().to_netcdf(partial)
