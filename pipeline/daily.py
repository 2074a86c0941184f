"""First stage: from files to assessed days of observations and weather at every station."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline import quality
from pipeline.assessment import PARTICULATE_STEP
from pipeline.assessment.particulate_step import particulate_step
from pipeline.config import Config, Period
from pipeline.contracts import check
from pipeline.errors import InputError
from pipeline.events import left_out
from pipeline.observed_days import observed_days, spans_of
from pipeline.regions import Places, places
from pipeline.samples import Place, samples, unfit
from pipeline.standards.reference_state import particles_in_ambient_state
from pipeline.stations import READERS
from pipeline.vocabulary import WEATHER, weather_variable
from pipeline.weather import SOURCES, features


@dataclass(frozen=True)
class Daily:
    """Daily observations and weather, both (station, time) on the days of the period, and what was noted.

    ``particulate_step`` tells in which state particles are archived (``pipeline.assessment.particulate_step``);
    ``rejected`` lists every value and file that was not taken (columns ``REJECTED``), ``quality`` sums it up by rule.
    ``ozone_of_city_hours`` (place, time) is the other reading of a city's O3, where there are hours.
    """

    observations: xr.Dataset
    weather: xr.Dataset
    places: Places
    particulate_step: pd.DataFrame
    rejected: pd.DataFrame
    quality: pd.DataFrame
    ozone_of_city_hours: xr.DataArray | None
    notes: tuple[str, ...]


def inputs(config: Config) -> list[Path]:
    """Every file the run depends on, without reading any."""
    files = READERS[config.read_from.reader].inputs(config.read_from)
    files += SOURCES[config.weather.source].inputs(config.weather, config.observations)
    lists = config.stations if isinstance(config.stations, tuple) else (config.stations,)
    files += [path for path in (*lists, config.regions) if isinstance(path, Path)]
    return sorted(set(files))


def daily(config: Config) -> Daily:
    """Reads, screens and assesses everything a run needs."""
    days = pd.date_range(*config.period, freq="D", name="time", unit="ns")
    spans = spans_of(config)
    found, region_notes = places(config, spans.stations)
    observed = observed_days(spans, config, {city: found.of_city(city) for city in found.cities})
    notes = [*quality.notes(observed.quality), *quality.file_notes(observed.rejected)]
    observations = observed.days.sel(station=list(found.stations.index))
    weather, weather_notes = weather_of_days(config, found.stations, days)
    step, observations = _in_asked_state(config, observations, weather, found)
    verdicts = [f"{row['pollutant']} before 2018-09-01: {row['verdict']}" for row in step_rows(step)]
    untold = left_out([str(name) for name, values in weather.items() if bool(values.notnull().any())])
    all_notes = (*notes, *region_notes, *weather_notes, *untold, *verdicts)
    result = Daily(
        observations,
        weather,
        found,
        step,
        observed.rejected,
        observed.quality,
        observed.ozone_of_city_hours,
        all_notes,
    )
    _require_one_fit(result, config)
    return result


def _in_asked_state(
    config: Config, observations: xr.Dataset, weather: xr.Dataset, found: Places
) -> tuple[pd.DataFrame, xr.Dataset]:
    """The test of the state in which particles are archived, and the observations in the state the config asks for."""
    ambient = config.assessment.particulate_reference == "ambient"
    if not {"t2m", "sp"} <= set(map(str, weather.data_vars)):
        if ambient:
            raise InputError(
                "assessment.particulate_reference: found 'ambient', and weather without t2m and sp; agreed both; add "
                "them, or set as_reported"
            )
        return pd.DataFrame(columns=list(PARTICULATE_STEP)), observations
    cities = {str(station): str(city) for station, city in found.stations["city"].items()}
    step = particulate_step(observations, weather, cities)
    return step, particles_in_ambient_state(observations, weather) if ambient else observations


def step_rows(step: pd.DataFrame) -> list[dict[str, object]]:
    """The rows of the step itself, without its placebos."""
    return [{str(key): value for key, value in row.items()} for row in step[step["kind"] == "step"].to_dict("records")]


def period_of(days: pd.DatetimeIndex) -> Period:
    """First and last of consecutive days."""
    return days[0].date(), days[-1].date()


def weather_of_days(config: Config, stations: pd.DataFrame, days: pd.DatetimeIndex) -> tuple[xr.Dataset, list[str]]:
    """Daily weather (station, time) of ``stations`` (columns latitude, longitude) on ``days``, and notes.

    A coordinate ``preliminary`` (time) marks days whose weather the source calls so, where it tells; the attribute
    ``fetched`` identifies what it fetched, {name: digest}. InputError when nothing is known on any day.
    """
    source = SOURCES[config.weather.source]
    weather = source.read(
        config.weather,
        observations=config.observations,
        stations=stations,
        period=period_of(days),
        utc_offset=config.utc_offset,
    )
    # one file may hold both: a pollutant is no weather of its own
    weather = weather.drop_vars([name for name in config.assessed_pollutants if name in weather])
    names = [str(name) for name in weather.data_vars]
    check(weather, names, seam="weather source -> features")
    screened, notes = quality.plausible(weather, weather_variable)
    notes += [
        f"weather: column {name!r} is not in the vocabulary; used as a driver of the group 'other'"
        for name in names
        if name not in WEATHER
    ]
    notes += _stations_without(weather, stations)
    of_days = features.daily(screened).reindex(station=np.array(stations.index, dtype=object), time=days)
    if not any(bool(values.notnull().any()) for values in of_days.data_vars.values()):
        raise InputError(
            f"weather: no day from {days[0]:%Y-%m-%d} to {days[-1]:%Y-%m-%d} is known at any station; correct the path "
            "or, for daily values, `resolution: day`"
        )
    notes += _too_few_hours(screened, of_days)
    if "preliminary" in weather.attrs:
        told = pd.DatetimeIndex(weather.attrs["preliminary"])
        of_days = of_days.assign_coords(preliminary=("time", np.asarray(days.isin(told))))
    of_days = of_days.assign_attrs(fetched=weather.attrs.get("fetched", {}))
    return of_days, [*map(str, weather.attrs.get("notes", ())), *notes]


def _too_few_hours(weather: xr.Dataset, of_days: xr.Dataset) -> list[str]:
    """One line on variables that have hours and yet no day, such as six-hourly ones; or none."""
    if weather.attrs["resolution"] == "day":
        return []
    known = (str(name) for name, values in weather.items() if bool(values.notnull().any()))
    if thin := [name for name in known if not bool(of_days[name].notnull().any())]:
        least = features.HOURS_OF_A_DAY
        return [f"weather: {', '.join(thin)}: no day has the {least} hours that a day's value needs; not used"]
    return []


def _stations_without(weather: xr.Dataset, stations: pd.DataFrame) -> list[str]:
    found = [str(name) for name in weather["station"].to_numpy()]
    without = [str(name) for name in stations.index if name not in found]
    if len(without) == len(stations):
        raise InputError(
            f"weather: holds the stations {', '.join(found[:5])}, none of the observations' {', '.join(without[:5])}; "
            "agreed the same names in both"
        )
    return [f"weather: station {name} has none; it is left out" for name in without]


def _require_one_fit(found: Daily, config: Config) -> None:
    """Refuses a pollutant whose series can be separated nowhere, before anything is written."""
    cities = [Place("city", city, tuple(found.places.of_city(city))) for city in found.places.cities]
    stations = [Place("station", str(name), (str(name),)) for name in found.places.stations.index]
    for name in config.pollutants:
        tried = (samples(found.observations, found.weather, place, name) for place in [*cities, *stations])
        reasons = (unfit(rows, minimum_days=config.model.minimum_days) for rows in tried)
        first = next(reasons)
        if first is not None and None not in reasons:
            raise InputError(f"observations: '{name}' can be separated at no place; city {cities[0].name}: {first}")
