"""The public netCDF files: ``counterfactual.nc`` and ``normalized.nc``, CF-1.11 with units and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from models.counterfactual import interval
from pipeline import __version__
from pipeline.readings import YEARS, summed_up
from pipeline.vocabulary import pollutant as known_pollutant

LONG_NAMES = {
    "concentration": "concentration of the emissions of one year under the weather of another",
    "month_concentration": "mean of each calendar month: emissions of one year under the weather of another",
    "week_concentration": "mean of each calendar week: emissions of one year under the weather of another",
    "month_days": "days of the month that both years have",
    "pair_concentration": "concentration over the days that two years share, of which attribution.csv is read",
    "observed": "observed concentration",
    "predicted": "expected concentration under the emissions and weather of the day",
    "normalized": "expected concentration under the emissions of the day and the mean weather of its calendar day",
}


SPANS = [f"{name}_concentration{end}" for name in ("month", "week") for end in ("", "_low", "_high")]
LONG_NAMES |= {
    f"{name}_{end}": f"{word} end of the 90 % interval: {LONG_NAMES[name]}"
    for name in ("concentration", "month_concentration", "week_concentration")
    for end, word in (("low", "lower"), ("high", "upper"))
}
COMMENTS = {
    "concentration": "over the calendar days that both years have with weather, in the order of the earlier year (29 "
    "February meets 28 February); the diagonal over all days of the year with weather, so that against a year that "
    "lacks some of them, differences are those of pair_concentration",
    "month_concentration": "over the calendar days that both years have with weather, at least half of the month's; "
    "weighted by month_days, whole months add up to the mean of the year",
    "week_concentration": "weeks are the same seven calendar days in every year, the first from 1 January; 29 February "
    "belongs to the ninth, 31 December to the last; at least half of the days in both years",
    "pair_concentration": "the four numbers from which the parts of a change are made; NaN for less than 30 days",
}


def products(readings: Sequence[xr.Dataset], made_of: Mapping[str, Any]) -> dict[str, xr.Dataset]:
    """Both files as Datasets with dims (name, pollutant, ...); ``name`` is ``level:name``, unique over levels."""
    return {
        "counterfactual.nc": _with_attributes(_combined(readings, _table), "Counterfactual tables", made_of),
        "normalized.nc": _with_attributes(_combined(readings, _series), "Weather-normalized concentrations", made_of),
    }


def _combined(readings: Sequence[xr.Dataset], of_place: Any) -> xr.Dataset:
    by_pollutant: dict[str, list[xr.Dataset]] = {}
    for place in readings:
        label = f"{place.attrs['level']}:{place.attrs['name']}"
        by_pollutant.setdefault(place.attrs["pollutant"], []).append(of_place(place).expand_dims(name=[label]))
    parts = [
        xr.concat(places, "name", join="outer").expand_dims(pollutant=[name]) for name, places in by_pollutant.items()
    ]
    combined = xr.concat(parts, "pollutant", join="outer").transpose("name", "pollutant", ...)
    units = {place.attrs["pollutant"]: place.attrs["units"] for place in readings}
    standard = [known_pollutant(name).standard_name for name in units]
    for quantity, variable in combined.data_vars.items():
        if quantity == "month_days":
            variable.attrs["units"] = "d"
            continue
        variable.attrs["units"] = next(iter(units.values())) if len(set(units.values())) == 1 else "see pollutant_units"
        if len(units) == 1 and standard[0]:
            variable.attrs["standard_name"] = standard[0]
    return combined.assign_coords(pollutant_units=("pollutant", np.array(list(units.values()), dtype=object)))


def _table(place: xr.Dataset) -> xr.Dataset:
    members = place["concentration"]
    low, high = interval(members.transpose(..., "member").to_numpy())
    dims = ("statistic", *YEARS)
    estimate = members.isel(member=0).transpose(*dims)
    own = {"concentration": estimate, "concentration_low": (dims, low), "concentration_high": (dims, high)}
    return xr.Dataset({**own, "pair_concentration": place["pair_concentration"]}).merge(
        summed_up(place)[[*SPANS, "month_days"]]
    )


def _series(place: xr.Dataset) -> xr.Dataset:
    return place[["observed", "predicted", "normalized"]]


def _with_attributes(data: xr.Dataset, title: str, made_of: Mapping[str, Any]) -> xr.Dataset:
    for name, variable in data.data_vars.items():
        variable.attrs["long_name"] = LONG_NAMES[str(name)]
        if name in COMMENTS:
            variable.attrs["comment"] = COMMENTS[str(name)]
    for name, long_name in {
        "name": "level and name of the place",
        "pollutant": "pollutant",
        "statistic": "statistic of the period's days: mean or 90th percentile",
        "month": "calendar month, 1 is January",
        "week": "week of the calendar, the first from 1 January in every year",
        "pair": "two years, the earlier first",
        "emissions_of": "which year of the pair gives the emissions",
        "weather_of": "which year of the pair gives the weather",
        "period_from": "the earlier year of the pair",
        "period_to": "the later year of the pair",
        "emission_period": "year whose emissions are assumed, labelled by the calendar year it starts in",
        "weather_period": "year whose weather is assumed, labelled by the calendar year it starts in",
    }.items():
        if name in data.coords:
            data[name].attrs["long_name"] = long_name
    if "time" in data.coords:
        data["time"].attrs = {"standard_name": "time", "long_name": "day, local standard time"}
    data.attrs = {
        "Conventions": "CF-1.11",
        "title": f"{title} (tianbang {__version__})",
        "source": "station observations and weather; penalised separation with a smooth response to the weather",
        "config_sha256": str(made_of["config"]),
        "inputs_sha256": "; ".join(f"{name} {value}" for name, value in list(made_of["inputs"].items())[:20]),
        "seed": int(made_of["seed"]),
    }
    return data
