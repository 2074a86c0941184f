"""Which places get figures, and what a figure of one place and pollutant is drawn from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.config import Config

TOP_LIMIT = 12
"""Figures of at most so many places of the highest level, regions as a rule."""
LIMIT = 6
"""Cities below regions are drawn when there are at most so many places in all."""

TABLES = ("attribution", "index", "concentrations", "drivers", "trends", "changepoints", "events")
"""The tables that figures are drawn from."""
Place = tuple[str, str]
"""Level and name."""


@dataclass(frozen=True)
class Selection:
    """The places that get figures, in order; which city only repeats which region; how many were left out."""

    drawn: tuple[Place, ...]
    repeated: Mapping[Place, Place]
    left_out: int


@dataclass(frozen=True)
class Subject:
    """One place and pollutant: its readings and its rows of the tables, years as integers.

    ``dependence`` are the readings that hold the dependence on drivers (``pipeline.dependence``): the place's own, or
    those of a region's only city; None where there are none, as for regions of several cities.
    """

    place: Place
    pollutant: str
    units: str
    readings: xr.Dataset
    attribution: pd.DataFrame
    index: pd.DataFrame
    months: pd.DataFrame
    drivers: pd.DataFrame
    trends: pd.DataFrame
    changepoints: pd.DataFrame
    events: pd.DataFrame
    dependence: xr.Dataset | None
    first: int


def place_of(readings: xr.Dataset) -> Place:
    """Level and name of readings."""
    return str(readings.attrs["level"]), str(readings.attrs["name"])


def select(readings: Sequence[xr.Dataset]) -> Selection:
    """The places to draw: the highest level there is, and cities below it while there are few.

    A city that only repeats its region (the region's one city) is not drawn a second time. Stations never are.
    """
    places = [place for place in dict.fromkeys(map(place_of, readings)) if place[0] != "station"]
    repeated = _repeated(readings)
    distinct = [place for place in places if place not in repeated]
    top = [place for place in distinct if place[0] == places[0][0]]
    drawn = distinct if len(distinct) <= LIMIT else top[:TOP_LIMIT]
    return Selection(tuple(drawn), repeated, len(distinct) - len(drawn))


def _repeated(readings: Sequence[xr.Dataset]) -> dict[Place, Place]:
    regions = [data for data in readings if place_of(data)[0] == "region"]
    cities = [data for data in readings if place_of(data)[0] == "city"]
    return {
        place_of(city): place_of(region)
        for city in cities
        for region in regions
        if region.attrs["pollutant"] == city.attrs["pollutant"] and _same(region, city)
    }


def _same(one: xr.Dataset, other: xr.Dataset) -> bool:
    return all(
        one[name].shape == other[name].shape and np.array_equal(one[name], other[name], equal_nan=True)
        for name in ("observed", "normalized")
    )


def subjects_of(config: Config, readings: Sequence[xr.Dataset], frames: Mapping[str, pd.DataFrame]) -> list[Subject]:
    """One subject for each drawn place and pollutant, in the order of the readings."""
    selection = select(readings)
    return [
        _subject(config, data, frames, _dependence(data, readings, selection))
        for data in readings
        if place_of(data) in selection.drawn
    ]


def _dependence(readings: xr.Dataset, others: Sequence[xr.Dataset], selection: Selection) -> xr.Dataset | None:
    """Readings with the dependence on drivers: the place's own, or those of the city that repeats it."""
    places = [
        place_of(readings),
        *(city for city, region in selection.repeated.items() if region == place_of(readings)),
    ]
    found = [
        data
        for data in others
        if "dependence" in data and place_of(data) in places and data.attrs["pollutant"] == readings.attrs["pollutant"]
    ]
    return found[0] if found else None


def _subject(
    config: Config, readings: xr.Dataset, frames: Mapping[str, pd.DataFrame], dependence: xr.Dataset | None
) -> Subject:
    place, pollutant = place_of(readings), str(readings.attrs["pollutant"])
    own = {name: rows_of(frames[name], place, pollutant) for name in TABLES}
    months = own["concentrations"].query("frequency == 'month' and statistic == 'mean'")
    return Subject(
        place,
        pollutant,
        str(readings.attrs["units"]),
        readings,
        own["attribution"],
        own["index"],
        months,
        own["drivers"],
        own["trends"],
        own["changepoints"],
        own["events"],
        dependence,
        first_year(config, own["attribution"]),
    )


def rows_of(frame: pd.DataFrame, place: Place, pollutant: str) -> pd.DataFrame:
    """The rows of a public table that are of one place and pollutant."""
    level, name = place
    mine = (frame["level"] == level) & (frame["name"] == name) & (frame["pollutant"] == pollutant)
    return frame[mine]


def first_year(config: Config, attribution: pd.DataFrame) -> int:
    """The year that later years are compared with: the base period's, or the first that has later ones."""
    month_day = config.base_period[0].strftime("%m-%d")
    base = config.base_period[0].year - (month_day < config.year_start)
    known = set(attribution["period_from"])
    return base if base in known or not known else int(min(known))


def series_of(subject: Subject) -> pd.DataFrame:
    """Monthly means of the normalized concentration beside the observed ones; columns observed, normalized.

    Indexed by the first day of the month. An observed month too short to be valid (HJ 663) is NaN.
    """
    normalized = subject.readings["normalized"].to_series().resample("MS").mean()
    months = subject.months[subject.months["valid"].astype(bool)]
    starts = pd.to_datetime(months["period"], format="%Y-%m")
    observed = pd.Series(months["value"].to_numpy(), index=pd.DatetimeIndex(starts))
    return pd.DataFrame({"observed": observed.reindex(normalized.index), "normalized": normalized})
