"""The command ``tianbang index``: from the models a run keeps and the newest weather to the index of a week."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr
from threadpoolctl import threadpool_limits

from models.separation import Separation
from pipeline import __version__
from pipeline.attribution import file_name
from pipeline.clusters import HERE, Scheduler, at
from pipeline.config import Config
from pipeline.errors import InputError, NotYet
from pipeline.progress import say, tracked
from pipeline.readings import mean_of
from pipeline.regions import city_mean, label
from pipeline.regions.cities import known_city
from pipeline.stages import read_places
from pipeline.store import Run, digest
from pipeline.vocabulary import GROUPS
from pipeline.vocabulary import pollutant as known_pollutant
from pipeline.weekly import event_days, files, fitted, issued, wording
from pipeline.weekly.days import KINDS, extended
from pipeline.weekly.events import NATION, event_names, events_of
from pipeline.weekly.filling import filled
from pipeline.weekly.index import Entry, band_of_place, classes, weeks_of_place, window_of
from pipeline.weekly.means import Plan, arrays, planned, readings
from pipeline.weekly.newest import Newest, newest
from pipeline.weekly.notes import note_in_both
from pipeline.weekly.outlook import compose
from pipeline.weekly.outlook.ahead import WEEK, Asked, series
from pipeline.weekly.outlook.prepare import Prepared, prepare
from pipeline.weekly.outlook.refusal import Reason, reason_of
from pipeline.weekly.windows import DAY, WINDOWS, Week, week_named, week_of, weeks_of, windows
from pipeline.workers import each

ALL_CITIES = {"en": "all cities", "zh": "全部城市"}
"""Names of the nation where no region is defined as such: all cities of the run."""
FEW = 16
"""Cities below which other processes would take longer to start than the work takes."""

Stations = Mapping[str, Mapping[str, Any]]
Models = Mapping[str, Mapping[str, str]]
"""City -> pollutant -> the artefact of its model."""


@dataclass(frozen=True)
class City:
    """One city with all of its models and assessed ``stations``: all a worker needs, and small enough to send.

    ``weather`` is the daily weather after the record, None without any; ``observed`` are daily observations by
    pollutant. ``asked`` are the days of outlooks, ``analysed`` all weather after the record where there is more
    than ``weather``, ``ahead`` that with the forecast's.
    """

    folder: Path
    name: str
    stations: Sequence[str]
    models: Mapping[str, str]
    weather: pd.DataFrame | None
    observed: Mapping[str, pd.Series]
    plan: Plan
    asked: Asked
    analysed: pd.DataFrame | None
    ahead: pd.DataFrame | None


@dataclass(frozen=True)
class Means:
    """What a city gives: its windows' means and its days' series by pollutant, and why it has no days ahead.

    ``events`` are those of the week and of the coming one (``event_days.of_city``).
    """

    name: str
    windows: Mapping[str, xr.Dataset]
    series: Mapping[str, xr.Dataset]
    events: Mapping[str, pd.DataFrame]
    refused: Reason | None


def issue(
    config: Config,
    folder: Path,
    *,
    week: str | None,
    now: datetime.datetime,
    scheduler: str | None = None,
    outlook: bool = False,
    fill: bool = False,
    weather: Newest | None = None,
) -> Entry:
    """The index of a week, written to ``weekly/`` of the run folder; returns the document (schema ``files.SCHEMA``).

    Without a ``week`` that of the last whole one with weather up to the day before ``now``. With ``outlook`` the days
    ahead too; where no forecast can be had the document says why. With ``fill`` moreover days of the week that have
    no weather yet by the forecasts of that outlook, and marked so. ``weather`` is what came after the record up to the
    day before ``now``, where it was read already. ConfigError for a week that does not exist, NotYet when it lies
    behind all weather, InputError when models are missing or nothing is known of it; nothing is written then.
    """
    started = time.monotonic()
    run = Run(folder)
    asked = None if week is None else week_named(week, config.weekly.week_starts)
    stations, regions = _places_of(run)
    models, notes = _models(config, run, stations)
    yesterday, outlook = day_before(config, now), outlook or fill
    last = yesterday if asked is None else min(asked.end, yesterday)
    every = newest(config, run, stations, last=yesterday if outlook else last) if weather is None else weather
    every = every if outlook else every.until(last)
    found = every.until(last)
    chosen = asked or (week_over(config, now) if fill else _latest(config, found))
    prepared = prepare(config, run, stations, every, outlook=outlook)
    if fill:
        found = filled(found, prepared, chosen)
    _require_weather(chosen, found)
    plan = _plan(config, chosen, found)
    cities = [_city(run, name, own, stations, (found, every, prepared), plan) for name, own in models.items()]
    of_cities = {
        own.name: own
        for own in tracked(_mapped(cities, at(scheduler, config.scheduler)), stage="index", total=len(cities))
    }
    means = {name: own.windows for name, own in of_cities.items()}
    if refused := next((own.refused for _, own in sorted(of_cities.items()) if own.refused), None):
        prepared = prepared.refused(refused)
    notes += [*found.notes, *prepared.notes]
    why = (prepared.told or {}).get("why")
    for note in [*notes, *([why["en"]] if why else [])]:
        say(f"warning: {note}")
    document = {
        **_head(config, chosen, plan, now),
        "models": _digest_of(run, models),
        "places": _places(config, means, stations, regions, found, plan),
        "notes": [note_in_both(note) for note in [*notes, *_weather_ends(chosen, found)]],
    }
    document |= {"events": events_of(run, _areas(document)), "event_names": event_names()}
    scores = compose.add(document, prepared, {name: own.series for name, own in of_cities.items()}, config)
    event_days.add(document, {(name, key): own.events for name, own in of_cities.items() for key in own.windows})
    own = issued.issue_of(config, document["models"], chosen, found)
    key = digest([__version__, issued.made_of(own), document["made"]])
    files.write(run, document, key, issued.made_of(own))
    issued.keep(run, own, key)
    compose.keep(run, document, prepared, scores, config=config, key=key)
    _tell_missing(document)
    say(f"index of {chosen.label}: {len(cities)} cities in {time.monotonic() - started:.1f} s: {run.path(files.PAGE)}")
    return document


def weather_since(config: Config, run: Run, last: pd.Timestamp) -> Newest:
    """What came after the run's record, up to the day ``last``; InputError where there is no run."""
    stations, _ = _places_of(run)
    return newest(config, run, stations, last=last)


def models_of(config: Config, run: Run) -> str:
    """The digest of all models that an index is made of; InputError when some are missing."""
    models, _ = _models(config, run, _places_of(run)[0])
    return _digest_of(run, models)


def day_before(config: Config, now: datetime.datetime) -> pd.Timestamp:
    """The last whole local day."""
    return pd.Timestamp(now.astimezone(_zone(config)).date()) - DAY


def week_over(config: Config, now: datetime.datetime) -> Week:
    """The last week whose days are all over."""
    return week_of(day_before(config, now) - 6 * DAY, config.weekly.week_starts)


def _zone(config: Config) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(hours=config.utc_offset))


def _digest_of(run: Run, models: Models) -> str:
    return fitted.digest_of(run, [path for own in models.values() for path in own.values()])


def _places_of(run: Run) -> tuple[Stations, Mapping[str, Sequence[str]]]:
    try:
        return read_places(run)
    except (OSError, ValueError, KeyError):
        raise InputError(
            f"{run.folder}: no run folder with places; run `tianbang run CONFIG --out` on it first"
        ) from None


def _members(stations: Stations) -> dict[str, list[str]]:
    """The assessed stations of each city, sorted by city."""
    found: dict[str, list[str]] = {}
    for station, facts in stations.items():
        if facts["assessed"]:
            found.setdefault(str(facts["city"]), []).append(station)
    return dict(sorted(found.items()))


def _models(config: Config, run: Run, stations: Stations) -> tuple[Models, list[str]]:
    """Every model of the run, and a note on places that the run could not separate.

    InputError when a place has readings and no model, and when a pollutant has no model anywhere.
    """
    found: dict[str, dict[str, str]] = {}
    missing: list[str] = []
    skipped: list[str] = []
    for city in _members(stations):
        for pollutant in config.pollutants:
            read = f"readings/city-{file_name(city)}-{pollutant}.nc"
            model = fitted.artefact(read)
            if run.path(model).is_file():
                found.setdefault(city, {})[pollutant] = model
            else:
                (missing if run.path(read).is_file() else skipped).append(f"{city}, {pollutant}")
    absent = [name for name in config.pollutants if not any(name in models for models in found.values())]
    if missing or absent:
        which = f"of {len(missing)} places, such as {missing[0]}," if missing else f"of {absent[0]!r}"
        raise InputError(f"{run.folder}: models {which} are missing; run `tianbang run` with this config and --out")
    return found, [wording.say("note_models", "en", count=len(skipped), place=skipped[0])] if skipped else []


def _latest(config: Config, found: Newest) -> Week:
    """The last whole week with weather; of a record shorter than that, the week it ends in."""
    last = week_of(found.end, config.weekly.week_starts)
    before = Week(last.start - 7 * DAY)
    return last if last.end <= found.end or before.start < found.record_start else before


def _require_weather(week: Week, found: Newest) -> None:
    if found.record_start <= week.end and week.start <= found.end:
        return
    after = "and the source holds nothing later" if found.days is None else "with what came after it"
    kind = NotYet if week.start > found.end else InputError
    raise kind(
        f"week {week.label} ({week.start:%Y-%m-%d} to {week.end:%Y-%m-%d}): no day has weather; the record runs from "
        f"{found.record_start:%Y-%m-%d} to {found.end:%Y-%m-%d} {after}; ask for a week in it, or add weather"
    )


def _plan(config: Config, week: Week, found: Newest) -> Plan:
    options = config.weekly
    return planned(
        windows(week, year_start=config.year_start, season_start=options.season_starts),
        weeks_of(week.year, options.week_starts),
        pd.date_range(found.record_start, found.end),
        base=(pd.Timestamp(config.base_period[0]), pd.Timestamp(config.base_period[1])),
        recent_years=options.recent_years,
    )


def _city(
    run: Run,
    name: str,
    models: Mapping[str, str],
    stations: Stations,
    days: tuple[Newest, Newest, Prepared],
    plan: Plan,
) -> City:
    """``days`` are those of the index, all that are analysed, and those of the outlook."""
    found, every, prepared = days
    members = _members(stations)[name]
    observed = {}
    if found.days is not None:
        for pollutant in models:
            if pollutant in found.days.observations:
                mean, _ = city_mean(found.days.observations[pollutant].sel(station=members))
                observed[pollutant] = mean.to_series()
    later = every.days if every is not found else None
    weather, analysed, ahead = (
        None if own is None else own.weather_of(members) for own in (found.days, later, prepared.days)
    )
    return City(run.folder, name, members, models, weather, observed, plan, prepared.asked, analysed, ahead)


def _mapped(cities: Sequence[City], scheduler: Scheduler) -> Iterator[Means]:
    few = len(cities) < FEW and scheduler.kind == HERE
    return map(city_means, cities) if few else each(city_means, cities, scheduler=scheduler)


def city_means(city: City) -> Means:
    """The means of a city's windows by pollutant, and the days of its outlooks."""
    found, days, refused = {}, {}, None
    place = f"city {city.name}"
    with threadpool_limits(limits=1):
        for pollutant, path in city.models.items():
            kept = fitted.load(Run(city.folder), path)
            own = _extended(kept, city.weather, place, city.observed.get(pollutant))
            found[pollutant] = readings(own, city.plan)
            analysed = own if city.analysed is None else _extended(kept, city.analysed, place, None)
            try:
                days[pollutant] = series((kept, analysed), city.ahead, city.asked, place=place)
            except InputError as error:
                days[pollutant], refused = series((kept, analysed), None, city.asked, place=place), reason_of(error)
    return Means(city.name, found, days, _events(city), refused)


def _events(city: City) -> dict[str, pd.DataFrame]:
    """Of the week, and of the coming one where the forecast has all of it."""
    days = {event_days.WEEK: city.plan.windows[0].days}
    if len(coming := city.asked.ahead[:WEEK]) == WEEK and city.ahead is not None:
        days |= {event_days.AHEAD: coming}
    weather = {event_days.WEEK: city.weather, event_days.AHEAD: city.ahead}
    return event_days.of_city(Run(city.folder), city.stations, weather, days)


def _extended(kept: Separation, weather: pd.DataFrame | None, place: str, observed: pd.Series | None) -> Separation:
    return kept if weather is None else extended(kept, weather, place=place, observed=observed)


def _weather_ends(week: Week, found: Newest) -> list[str]:
    """That weather ends within the week."""
    return [wording.say("note_weather_ends", "en", end=f"{found.end:%Y-%m-%d}")] if found.end < week.end else []


def _head(config: Config, week: Week, plan: Plan, now: datetime.datetime) -> Entry:
    return {
        "$schema": Path(files.JSON_SCHEMA).name,
        "schema": files.SCHEMA,
        "run": config.name,
        "made": now.astimezone(_zone(config)).isoformat(timespec="seconds"),
        "version": __version__,
        "week": {"label": week.label, "start": f"{week.start:%Y-%m-%d}", "end": f"{week.end:%Y-%m-%d}"},
        "week_starts": config.weekly.week_starts,
        "season_starts": config.weekly.season_starts,
        "references": {"base": _reference(plan.base), "recent": _reference(plan.recent)},
        "classes": [
            {"key": own.key, "above": own.above, "below": own.below, "en": own.english, "zh": own.chinese}
            for own in classes(config.weekly.limits("week"))
        ],
        "class_limits": {name: list(config.weekly.limits(name)) for name in WINDOWS},
        "kinds": list(KINDS),
        "groups": [{"key": group, "en": english, "zh": chinese} for group, (english, chinese) in GROUPS.items()],
    }


def _reference(period: tuple[pd.Timestamp, pd.Timestamp] | None) -> Entry | None:
    if period is None:
        return None
    first, last = period
    whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    years = f"{first.year}" if first.year == last.year else f"{first.year}-{last.year}"
    days = {"start": f"{first:%Y-%m-%d}", "end": f"{last:%Y-%m-%d}"}
    return {"label": years if whole else f"{days['start']}/{days['end']}", **days}


def _places(
    config: Config,
    means: Mapping[str, Mapping[str, xr.Dataset]],
    stations: Stations,
    regions: Mapping[str, Sequence[str]],
    found: Newest,
    plan: Plan,
) -> list[Entry]:
    """The nation, the regions and the cities that have a model, each with all of its pollutants."""
    every = sorted(means)
    areas = [(NATION, NATION, ALL_CITIES if NATION not in regions else _names(NATION), regions.get(NATION, every))]
    areas += [("region", key, _names(key), cities) for key, cities in regions.items() if key != NATION]
    entries = []
    for level, key, names, cities in areas:
        own = sorted({city for city in cities if city in means})
        of_pollutants = {
            pollutant: mean_of(members)
            for pollutant in config.pollutants
            if (members := [means[city][pollutant] for city in own if pollutant in means[city]])
        }
        if of_pollutants:
            entry = {"level": level, "key": key, "name": names, **_where(stations, own), "adcode": None, "cities": own}
            entries.append({**entry, "pollutants": _pollutants(config, of_pollutants, found, plan)})
    for city in every:
        known = known_city(city)
        entry = {"level": "city", "key": city, "name": _names(city), **_where(stations, [city])}
        entry |= {"adcode": int(known.code) if known else None, "cities": [city]}
        entries.append({**entry, "pollutants": _pollutants(config, means[city], found, plan)})
    return entries


def _names(key: str) -> dict[str, str]:
    return {"en": label(key, "en"), "zh": label(key, "zh")}


def _where(stations: Stations, cities: Sequence[str]) -> Entry:
    """The middle of the stations; None where their coordinates are not known."""
    frame = pd.DataFrame([facts for facts in stations.values() if facts["city"] in cities and facts["assessed"]])
    middle = frame[["latitude", "longitude"]].astype(float).mean()
    return {str(name): None if pd.isna(value) else round(float(value), 4) for name, value in middle.items()}


def _pollutants(config: Config, means: Mapping[str, xr.Dataset], found: Newest, plan: Plan) -> Entry:
    options, week = config.weekly, plan.windows[0]
    entries = {}
    for pollutant, own in means.items():
        place = arrays(own)
        entries[pollutant] = {
            "units": known_pollutant(pollutant).units,
            "windows": {
                window.name: window_of(place, plan, window, kinds=found.kinds, limits=options.limits(window.name))
                for window in plan.windows
            },
            "weeks": weeks_of_place(place, plan, kinds=found.kinds, until=week.days[-1]),
            "band": band_of_place(place, plan, year=int((week.days[0] + 3 * DAY).year)),
        }
    return entries


def _areas(document: Entry) -> dict[tuple[str, str], Sequence[str]]:
    """Level and key of the nation and the regions, with their cities."""
    return {(place["level"], place["key"]): place["cities"] for place in document["places"] if place["level"] != "city"}


def _tell_missing(document: Entry) -> None:
    """One line when days of the week have no weather in any city."""
    of_nation = next(iter(document["places"][0]["pollutants"].values()))["windows"]["week"]
    if of_nation["missing"]:
        say(f"warning: {document['week']['label']}: no weather on {', '.join(of_nation['missing'])}; they do not count")
