"""The CDS's time series as CSV: `valid_time,t2m,...,latitude,longitude`, and no word about units.

They are the archive's own: K, Pa, m s-1, and for what accumulates over the hour m and J m-2
(https://cds.climate.copernicus.eu/datasets/reanalysis-era5-single-levels-timeseries).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch import lexicon
from era5_fetch.errors import DecodeError, FileError
from era5_fetch.lexicon import Kind

if TYPE_CHECKING:
    from pathlib import Path

TIMES, PLACES = ("valid_time", "time"), ("latitude", "longitude")
QUARTER, LAND = 0.25, 0.1
"""Grid steps of ERA5, and of ERA5-Land where a place lies on no cell of ERA5 [degrees]."""
_ARCHIVED = {"mm": "m", "W m-2": "J m-2"}
_STEP = "GRIB_iDirectionIncrementInDegrees"


def is_series(head: bytes) -> bool:
    """Whether a file that begins so is such a table: its columns are a time, a latitude and a longitude."""
    names = _names(head.decode("utf-8-sig", "replace").partition("\n")[0].split(","))
    return bool(set(TIMES) & set(names)) and set(PLACES) <= set(names)


def _names(columns: list[str]) -> list[str]:
    return [column.strip().strip('"') for column in columns]


def read_series(member: Path, path: Path) -> xr.Dataset:
    """The raw dataset `(valid_time, latitude, longitude)` of a table, in memory, with the archive's units.

    Columns that the lexicon does not know have no units.

    Raises
    ------
    FileError
        It cannot be read as such a table.
    DecodeError
        An hour of a place is there twice, or the places form no grid.
    """
    try:
        table = pd.read_csv(member, encoding="utf-8-sig", skipinitialspace=True)
        table.columns = pd.Index(_names(list(map(str, table.columns))))
        time = next(name for name in TIMES if name in table.columns)
        table[time] = pd.to_datetime(table[time], utc=True, format="ISO8601").dt.tz_localize(None)
        numbers = table.drop(columns=[time, *(n for n in ("expver", "number") if n in table.columns)]).astype("float64")
    except (ValueError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[0]
        raise FileError(f"{path}: a table of text that cannot be read ({reason}): fetch it again") from None
    keys = [table[time].rename(TIMES[0]), *(numbers[name] for name in PLACES)]
    return _cube(numbers.drop(columns=list(PLACES)).set_index(keys), path)


def _cube(table: pd.DataFrame, path: Path) -> xr.Dataset:
    if twice := int(table.index.duplicated().sum()):
        raise DecodeError(f"{path}: {twice} rows are of an hour and place that are there already, agreed each once")
    degrees = pd.DataFrame({name: table.index.get_level_values(name) for name in PLACES})
    tall, wide = (degrees[name].nunique() for name in PLACES)
    if tall * wide != len(degrees.drop_duplicates()):
        raise DecodeError(f"{path}: its places form no grid, agreed one place or a grid: split it by place")
    found = xr.Dataset.from_dataframe(table)
    steps = degrees.to_numpy() / QUARTER
    of_era5 = np.allclose(steps, np.rint(steps), rtol=0, atol=1e-3)
    for name, field in found.data_vars.items():
        field.attrs |= _units(str(name)) | {_STEP: QUARTER if of_era5 else LAND}
    return found


def _units(name: str) -> dict[str, str]:
    known = lexicon.identify(name)
    if known is None:
        return {}
    return {"units": _ARCHIVED.get(known.unit, known.unit) if known.kind is Kind.ACCUMULATED else known.unit}
