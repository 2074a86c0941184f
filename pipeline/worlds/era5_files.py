"""Hourly weather as the files the Climate Data Store gives since 2024: one per kind of step, times in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

FloatArray = npt.NDArray[np.float64]

# short name -> (units, long name) as the converter of the Climate Data Store writes them
INSTANT = MappingProxyType(
    {
        "t2m": ("K", "2 metre temperature"),
        "d2m": ("K", "2 metre dewpoint temperature"),
        "u10": ("m s**-1", "10 metre U wind component"),
        "v10": ("m s**-1", "10 metre V wind component"),
        "msl": ("Pa", "Mean sea level pressure"),
        "sp": ("Pa", "Surface pressure"),
        "blh": ("m", "Boundary layer height"),
        "tcc": ("(0 - 1)", "Total cloud cover"),
    }
)
ACCUM = MappingProxyType(
    {
        "tp": ("m", "Total precipitation"),
        "ssrd": ("J m**-2", "Surface short-wave (solar) radiation downwards"),
    }
)
STEPS: Mapping[str, Mapping[str, tuple[str, str]]] = MappingProxyType({"instant": INSTANT, "accum": ACCUM})
ATTRIBUTES = MappingProxyType(
    {
        "GRIB_centre": "ecmf",
        "Conventions": "CF-1.7",
        "institution": "European Centre for Medium-Range Weather Forecasts",
        "comment": "sample world of tianbang: invented weather, not ERA5",
    }
)


def write_era5(
    folder: Path,
    fields: Mapping[str, FloatArray] | Mapping[str, npt.NDArray[np.float32]],
    *,
    time: pd.DatetimeIndex,
    latitude: FloatArray,
    longitude: FloatArray,
) -> list[Path]:
    """Two files a calendar year (UTC) of fields (time, latitude, longitude) in ERA5's own units.

    ``latitude`` decreases, ``longitude`` increases [degrees]. Returns the paths in order.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for year in sorted(set(time.year)):
        chosen = np.asarray(time.year == year)
        for step, names in STEPS.items():
            dataset = _coordinates(time[chosen], latitude, longitude)
            for name in names:
                dataset[name] = _variable(name, step, fields[name][chosen])
            paths.append(_write(dataset, folder / f"{year}_data_stream-oper_stepType-{step}.nc"))
    return paths


def _coordinates(time: pd.DatetimeIndex, latitude: FloatArray, longitude: FloatArray) -> xr.Dataset:
    decreasing = {"units": "degrees_north", "standard_name": "latitude", "stored_direction": "decreasing"}
    coordinates: dict[str, Any] = {
        "number": ((), np.int64(0), {"units": "1", "standard_name": "realization"}),
        "valid_time": ("valid_time", time, {"standard_name": "time", "long_name": "time"}),
        "latitude": ("latitude", latitude, decreasing),
        "longitude": ("longitude", longitude, {"units": "degrees_east", "standard_name": "longitude"}),
        "expver": ("valid_time", np.full(len(time), "0001", dtype="U4")),
    }
    return xr.Dataset(coords=coordinates, attrs=dict(ATTRIBUTES))


def _variable(name: str, step: str, values: npt.NDArray[np.floating]) -> xr.Variable:
    units, long_name = STEPS[step][name]
    attributes = {"units": units, "long_name": long_name, "GRIB_shortName": name, "GRIB_stepType": step}
    return xr.Variable(("valid_time", "latitude", "longitude"), values.astype("float32"), attributes)


def _write(dataset: xr.Dataset, final: Path) -> Path:
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"zlib": True, "complevel": 1, "shuffle": True} for name in dataset.data_vars
    }
    encoding["valid_time"] = {"units": "seconds since 1970-01-01", "dtype": "int64"}
    partial = final.with_suffix(".part")
    dataset.to_netcdf(partial, engine="netcdf4", encoding=encoding)
    return partial.replace(final)
