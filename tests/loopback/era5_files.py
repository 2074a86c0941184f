"""Files as the CDS makes them of a request; an hour, cell and variable has one value, whatever it is asked with."""

from __future__ import annotations

import calendar
import itertools
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon

FINAL_UNTIL = pd.Timestamp("2026-09-01")
"""From here on hours are ERA5T, where nothing else is said."""
_RAW_UNITS = {"W m-2": "J m**-2", "mm": "m", "1": "(0 - 1)", "m s-1": "m s**-1"}
_RAW_SCALE = {"W m-2": 3600.0, "mm": 1e-3}


def times_of(inputs: dict[str, Any]) -> pd.DatetimeIndex:
    """The hours of a request; days that a month has not are left out without a word, as the CDS does."""
    product = itertools.product(inputs["year"], inputs["month"], inputs["day"], inputs["time"])
    good = [(y, m, d, t) for y, m, d, t in product if int(d) <= calendar.monthrange(int(y), int(m))[1]]
    return pd.DatetimeIndex([pd.Timestamp(f"{y}-{m}-{d} {t}") for y, m, d, t in good]).as_unit("ns")


def truth(name: str, times: pd.DatetimeIndex, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
    """Values in canonical units, (time, latitude, longitude): within the plausible range, all different."""
    low, high = lexicon.variable(name).plausible
    hour = (times.as_unit("ns").asi8 // 3_600_000_000_000)[:, None, None]
    phase = 0.37 * hour + 1.7 * latitude[None, :, None] + 2.3 * longitude[None, None, :] + sum(map(ord, name))
    return low + (high - low) * (0.5 + 0.4 * np.sin(phase))


def dataset(
    inputs: dict[str, Any], *, times: pd.DatetimeIndex | None = None, final_until: pd.Timestamp = FINAL_UNTIL
) -> xr.Dataset:
    """The raw dataset of a request, in the dialect of the CDS since 2024."""
    times = times_of(inputs) if times is None else times
    north, west, south, east = inputs.get("area", [90, -180, -90, 179.75])
    latitude, longitude = np.arange(north, south - 1e-6, -0.25), np.arange(west, east + 1e-6, 0.25)
    levels = [int(level) for level in inputs.get("pressure_level", [])]
    fields: dict[str, Any] = {}
    for request in inputs["variable"]:
        if levels:
            stack = [truth(lexicon.identify(request, level=n).name, times, latitude, longitude) for n in levels]
            known = lexicon.identify(request, level=levels[0])
            dims, values = ("valid_time", "pressure_level", "latitude", "longitude"), np.stack(stack, axis=1)
            short = known.grib
        else:
            known = lexicon.variable(request)
            dims, values, short = (
                ("valid_time", "latitude", "longitude"),
                truth(known.name, times, latitude, longitude),
                known.name,
            )
        units = _RAW_UNITS.get(known.unit, known.unit)
        fields[short] = (dims, (values * _RAW_SCALE.get(known.unit, 1.0)).astype("f4"), {"units": units})
    expver = np.where(times < final_until, "0001", "0005")
    coordinates = {
        "number": ((), np.int64(0)),
        "valid_time": ("valid_time", times),
        "latitude": ("latitude", latitude),
        "longitude": ("longitude", longitude),
        "expver": ("valid_time", expver),
    } | ({"pressure_level": ("pressure_level", np.array(levels, "f8"), {"units": "hPa"})} if levels else {})
    return xr.Dataset(fields, coordinates, {"Conventions": "CF-1.7"})


def bytes_of(raw: xr.Dataset) -> bytes:
    """A netCDF 4 file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "data.nc")
        encoding = {name: {"zlib": True, "complevel": 1, "shuffle": True} for name in raw.data_vars}
        raw.to_netcdf(path, engine="netcdf4", encoding=encoding | {"valid_time": {"units": "seconds since 1970-01-01"}})
        return path.read_bytes()


def netcdf(name: str, inputs: dict[str, Any]) -> bytes:
    """What the CDS would give for a request."""
    return bytes_of(dataset(inputs))


def zipped(name: str, inputs: dict[str, Any]) -> bytes:
    """The same in a ZIP, as the CDS gives it for more than one kind of step."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as members:
        members.writestr("data_stream-oper_stepType-instant.nc", netcdf(name, inputs))
    return archive.getvalue()
