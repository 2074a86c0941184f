"""``report.nc``: the facts on their grid, CF-1.11: a variable for each quantity, by place, pollutant and time."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import xarray as xr

from pipeline import __version__

UNITS = {"percentage points": "%", "cities": "1", "percent": "%", "": "1"}
"""Units of facts that are none of UDUNITS."""
TELLING = ("limit=", "dust=", "group=", "panel=", "pollutants=")
"""Beginnings of marks that make a variable of its own; other marks tell of a value and are in facts.csv."""
DIMS = ("name", "pollutant", "statistic")
LONG_NAMES = {
    "name": "level and name of the place",
    "pollutant": "pollutant; all where a number is of all of them",
    "statistic": "statistic of the period's days; none where none applies",
    "period": "window and period",
    "comparison": "window, period it starts from and period it leads to",
}


def gridded(facts: pd.DataFrame, *, title: str, last_day: str) -> xr.Dataset:
    """FACTS as a Dataset: dims (name, pollutant, statistic, period) or (..., comparison); NaN where there is no fact.

    ``name`` is ``level:name``; ``period`` is "window period", ``comparison`` "window from to". Bounds end in ``_low``
    and ``_high``, and are left out where no fact of a quantity has any.
    """
    own = facts.assign(
        name=facts["level"] + ":" + facts["name"],
        pollutant=facts["pollutant"].fillna("").replace("", "all"),
        statistic=facts["statistic"].fillna("").replace("", "none"),
        variable=[_variable(*row) for row in zip(facts["quantity"], facts["marks"].fillna(""), strict=True)],
        units=facts["units"].fillna("").replace(UNITS),
    )
    found = [_quantity(str(name), group) for name, group in own.groupby("variable", sort=True)]
    data = xr.merge(found, join="outer", compat="no_conflicts") if found else xr.Dataset()
    for name, long_name in LONG_NAMES.items():
        if name in data.coords:
            data[name].attrs["long_name"] = long_name
            data[name].encoding["dtype"] = "S1"
    return data.assign_attrs(
        Conventions="CF-1.11",
        title=title,
        source=f"tianbang {__version__}: station observations and weather",
        comment=f"the numbers of facts.csv; data to {last_day}; intervals of 90 %",
    )


def _variable(quantity: str, marks: str) -> str:
    telling = [mark for mark in marks.split(";") if mark.startswith(TELLING)]
    return re.sub(r"\W+", "_", "_".join([quantity, *telling]))


def _quantity(variable: str, group: pd.DataFrame) -> xr.Dataset:
    parts = [_of_units(variable, units, rows) for units, rows in group.groupby("units", sort=True)]
    if len(parts) > 1:
        parts = [part.rename({name: f"{name}_{_slug(part[name].attrs['units'])}" for name in part}) for part in parts]
    return xr.merge(parts, join="outer", compat="no_conflicts")


def _slug(units: str) -> str:
    return re.sub(r"\W+", "_", units.replace("%", "percent")).strip("_") or "1"


def _of_units(variable: str, units: object, rows: pd.DataFrame) -> xr.Dataset:
    start = rows["period_from"].fillna("").astype(str)
    compared = bool((start != "").any())
    labels = rows["window"] + " " + start.where(start == "", start + " ") + rows["period_to"].astype(str)
    dims = (*DIMS, "comparison" if compared else "period")
    wide = rows.assign(**{dims[-1]: labels}).drop_duplicates(list(dims)).set_index(list(dims))
    data = xr.Dataset()
    for column, end in (("value", ""), ("low", "_low"), ("high", "_high")):
        if wide[column].notna().any():
            array = wide[column].astype(float).to_xarray().rename(variable + end)
            data[variable + end] = array.assign_attrs(units=str(units), long_name=(variable + end).replace("_", " "))
            data[variable + end].encoding = {"zlib": True, "complevel": 4, "_FillValue": np.nan, "dtype": "float32"}
    return data
