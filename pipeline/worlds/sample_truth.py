"""The sample world's truth as one Dataset, city by city, named like the program's own results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.worlds.pairing import Frequency, periods
from pipeline.worlds.world import Statistic, World

STATISTICS: Mapping[str, tuple[Statistic, ...]] = {"pm25": ("mean",), "o3": ("mean", "p90")}


def truth_dataset(worlds: Mapping[str, World], *, draws: int) -> xr.Dataset:
    """Everything that is true of a world's cities.

    ``counterfactual`` (name, pollutant, statistic, emission_period, weather_period) [ug m-3], NaN where a
    statistic is not used; ``mci_year``, ``mci_month``, ``mci_week`` (name, pollutant, year|month|week), base
    the first year; ``concentration`` (name, pollutant, day) [ug m-3] before stations and instruments;
    ``emissions`` (name, day); ``intervention_effect`` (name, pollutant) [%] of the last year's lockdown; the
    coordinate ``region`` along ``name``.
    """
    parts = [_of_region(region, world, draws) for region, world in worlds.items()]
    return xr.concat(parts, dim="name", join="exact", combine_attrs="override").assign_attrs(
        title="truth of the sample world of tianbang", draws=draws
    )


def _of_region(region: str, world: World, draws: int) -> xr.Dataset:
    pollutants = xr.DataArray(list(STATISTICS), dims="pollutant", name="pollutant")
    effects = [world.intervention_effect(name, world.interventions[-1], draws=draws) for name in STATISTICS]
    indices = {
        f"mci_{frequency}": _index(world, frequency, draws).assign_attrs(units="1") for frequency in get_args(Frequency)
    }
    actual = [world.actual[name] for name in STATISTICS]
    dataset = xr.Dataset(
        {
            "counterfactual": _tables(world, draws),
            **indices,
            "concentration": xr.concat(actual, pollutants, coords="minimal", compat="override"),
            "emissions": world.emissions,
            "intervention_effect": xr.concat(effects, pollutants),
        }
    )
    dataset["counterfactual"].attrs = dataset["concentration"].attrs = {"units": "ug m-3"}
    ordered = dataset.rename(place="name").transpose("name", "pollutant", ...)
    return ordered.assign_coords(region=("name", [region] * len(world.places)))


def _tables(world: World, draws: int) -> xr.DataArray:
    """(place, pollutant, statistic, emission_period, weather_period), periods labelled by their year."""
    years = [first.year for first, _ in world.years()]
    tables = xr.DataArray(
        np.full((len(world.places), len(STATISTICS), 2, len(years), len(years)), np.nan),
        dims=("place", "pollutant", "statistic", "emission_period", "weather_period"),
        coords={
            "place": world.places,
            "pollutant": list(STATISTICS),
            "statistic": list(get_args(Statistic)),
            "emission_period": years,
            "weather_period": years,
        },
    )
    for pollutant, statistics in STATISTICS.items():
        for statistic in statistics:
            table = world.truth(pollutant, statistic, draws=draws)
            tables.loc[{"pollutant": pollutant, "statistic": statistic}] = table.values
    return tables


def _index(world: World, frequency: Frequency, draws: int) -> xr.DataArray:
    """(place, pollutant, frequency), periods labelled by their first day."""
    starts = pd.DatetimeIndex([first for first, _ in periods(world.days, frequency)])
    values = [world.true_index(pollutant, frequency, draws=draws).values for pollutant in STATISTICS]
    return xr.DataArray(
        np.stack(values, axis=1),
        dims=("place", "pollutant", frequency),
        coords={"place": world.places, "pollutant": list(STATISTICS), frequency: starts},
    )
