"""The public netCDF files: ``counterfactual.nc`` and ``normalized.nc``, CF-1.11 with units and provenance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from models.counterfactual import interval
from pipeline import __version__
from pipeline.vocabulary import pollutant as known_pollutant

LONG_NAMES = {
    "concentration": "concentration of the emissions of one period under the weather of another",
    "concentration_low": "lower end of the 90 % interval of the concentration",
    "concentration_high": "upper end of the 90 % interval of the concentration",
    "observed": "observed concentration",
    "predicted": "expected concentration under the emissions and weather of the day",
    "normalized": "expected concentration under the emissions of the day and the mean weather of its calendar day",
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
    for variable in combined.data_vars.values():
        variable.attrs["units"] = next(iter(units.values())) if len(set(units.values())) == 1 else "see pollutant_units"
        if len(units) == 1 and standard[0]:
            variable.attrs["standard_name"] = standard[0]
    return combined.assign_coords(pollutant_units=("pollutant", np.array(list(units.values()), dtype=object)))


def _table(place: xr.Dataset) -> xr.Dataset:
    members = place["concentration"]
    low, high = interval(members.transpose(..., "member").to_numpy())
    dims = ("statistic", "emission_period", "weather_period")
    estimate = members.isel(member=0).transpose(*dims)
    return xr.Dataset({"concentration": estimate, "concentration_low": (dims, low), "concentration_high": (dims, high)})


def _series(place: xr.Dataset) -> xr.Dataset:
    return place[["observed", "predicted", "normalized"]]


def _with_attributes(data: xr.Dataset, title: str, made_of: Mapping[str, Any]) -> xr.Dataset:
    for name, variable in data.data_vars.items():
        variable.attrs["long_name"] = LONG_NAMES[str(name)]
    for name, long_name in {
        "name": "level and name of the place",
        "pollutant": "pollutant",
        "statistic": "statistic of the period's days: mean or 90th percentile",
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
