"""What is true of the generated nation, city by city, named like the program's own results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.worlds.nation_places import NationPlaces
from pipeline.worlds.pairing import Period
from pipeline.worlds.sample_truth import STATISTICS
from pipeline.worlds.world import Statistic, World

TABLES = ("emission_period", "weather_period")


def nation_truth(places: NationPlaces, worlds: Iterable[World], *, base: Period, draws: int) -> xr.Dataset:
    """Everything that is true of the cities; ``worlds`` has one a city, in their order, and may be made on the way.

    ``counterfactual`` (name, pollutant, statistic, emission_period, weather_period) [ug m-3] of whole years, NaN for a
    last year that is none; ``counterfactual_to_date`` the same of the days that the last year has, where it is none;
    ``index_actual`` and ``index_reference`` (name, pollutant, year): the means whose ratio is the index, with the
    emissions of ``base`` under the year's and the base's weather on the days that the year has; ``member`` (region,
    name): which city belongs to which region.
    """
    rows = [_of_city(world, base, draws) for world in worlds]
    regions = places.regions
    member = [[code in members for code in places.cities] for members in regions.values()]
    dataset = xr.concat(rows, dim="name", join="exact", coords="minimal", compat="override")
    dataset["member"] = (("region", "name"), np.array(member))
    dataset = dataset.assign_coords(
        region=list(regions), chinese=("name", [city.chinese for city in places.cities.values()])
    )
    title = "truth of the generated nation of tianbang"
    return dataset.assign_attrs(title=title, draws=draws, last_day=rows[0].attrs["last_day"])


def _of_city(world: World, base: Period, draws: int) -> xr.Dataset:
    whole = world.years()
    known = [*whole, *_unfinished(world.days)]
    to_date = [_cut(period, known[-1]) for period in known]
    pollutants = {"pollutant": list(STATISTICS)}
    found = xr.Dataset(
        {
            "counterfactual": _tables(world, whole, known, draws),
            "counterfactual_to_date": _tables(world, to_date, known, draws),
        }
    )
    pairs = np.stack([world.index_means(name, known, base, draws=draws) for name in STATISTICS], axis=1)
    years = {"year": [first.year for first, _ in known]}
    for position, name in enumerate(("index_actual", "index_reference")):
        dims = ("name", "pollutant", "year")
        found[name] = xr.DataArray(pairs[..., position], {**pollutants, **years, "name": world.places}, dims)
    return found.assign_attrs(last_day=f"{world.days[-1]:%Y-%m-%d}")


def _unfinished(days: pd.DatetimeIndex) -> list[Period]:
    """The last year's days, where they are not all there."""
    end = days[-1]
    return [] if (end.month, end.day) == (12, 31) else [(pd.Timestamp(end.year, 1, 1), end)]


def _cut(period: Period, last: Period) -> Period:
    """The days of a year that the last one has."""
    end = last[1] + pd.DateOffset(years=period[0].year - last[0].year)
    return period[0], min(period[1], end)


def _tables(world: World, among: Sequence[Period], known: Sequence[Period], draws: int) -> xr.DataArray:
    """(name, pollutant, statistic, emission_period, weather_period) labelled by the years ``known``."""
    years = [first.year for first, _ in known]
    shape = (len(world.places), len(STATISTICS), len(get_args(Statistic)), len(years), len(years))
    coords = {
        "name": world.places,
        "pollutant": list(STATISTICS),
        "statistic": list(get_args(Statistic)),
        **dict.fromkeys(TABLES, years),
    }
    tables = xr.DataArray(
        np.full(shape, np.nan), coords, ("name", "pollutant", "statistic", *TABLES), attrs={"units": "ug m-3"}
    )
    own = [first.year for first, _ in among]
    for pollutant, statistics in STATISTICS.items():
        for statistic in statistics:
            table = world.truth(pollutant, statistic, among, draws=draws)
            where = {"pollutant": pollutant, "statistic": statistic, **dict.fromkeys(TABLES, own)}
            tables.loc[where] = table.to_numpy()
    return tables
