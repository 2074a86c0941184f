"""What crosses a seam is checked here: dims, units and ranges agreed in the vocabulary."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from pipeline.errors import ContractError, InputError
from pipeline.vocabulary import SPELLINGS, WEATHER, conversion, pollutant, units_known_for

RESOLUTIONS = {"hour": pd.Timedelta(hours=1), "day": pd.Timedelta(days=1)}
REJECTED = ("file", "station", "variable", "rule", "start", "end", "values", "lowest", "highest", "detail")
"""Columns of what was rejected: a row for a file, or for consecutive values of one station and variable.

``rule`` is a key of ``pipeline.quality.RULES``; ``start`` and ``end`` are the labels of the first and last value; what
does not apply is empty.
"""


def nothing_rejected() -> pd.DataFrame:
    """No row of ``REJECTED``."""
    return pd.DataFrame(columns=list(REJECTED))


@dataclass(frozen=True)
class Observed:
    """What a reader found: ``data`` (station, time) and ``rejected``, what it could not take (columns ``REJECTED``)."""

    data: xr.Dataset
    rejected: pd.DataFrame = field(default_factory=nothing_rejected)


@dataclass(frozen=True)
class Batch:
    """Files that are read together; ``key`` is stable: the day (YYYY-MM-DD), or a path below the reader's."""

    key: str
    files: tuple[Path, ...]


def agreed_units(name: str) -> str:
    """The unit the vocabulary agrees on for a pollutant or weather variable."""
    return WEATHER[name].units if name in WEATHER else pollutant(name).units


def convert(values: np.ndarray, name: str, found: str, *, where: str) -> np.ndarray:
    """``values`` of ``name`` from unit ``found`` to the agreed one; an unknown unit is an InputError."""
    factors = conversion(name, found)
    if factors is None:
        raise InputError(
            f"{where}: '{name}' is in {found!r}; known units: {', '.join(units_known_for(name))}; "
            f"correct `units: {{{name}: ...}}`"
        )
    return values if factors == (1.0, 0.0) else values * factors[0] + factors[1]


def check(data: xr.Dataset, names: tuple[str, ...] | list[str], *, seam: str) -> None:
    """Refuses a (station, time) Dataset that breaks the contract.

    Every name is there with dims (station, time) in agreed units; time is sorted and unique; stations are unique;
    ``attrs['resolution']`` is hour or day. Raises ContractError naming the seam.
    """
    if data.attrs.get("resolution") not in RESOLUTIONS:
        raise ContractError(
            f"{seam}: resolution is {data.attrs.get('resolution')!r}, agreed one of {list(RESOLUTIONS)}"
        )
    for coordinate in ("station", "time"):
        index = data.get_index(coordinate)
        if not index.is_unique:
            raise ContractError(f"{seam}: {coordinate} {index[index.duplicated()][0]!r} is there twice, agreed once")
    if not data.get_index("time").is_monotonic_increasing:
        raise ContractError(f"{seam}: time is not sorted, agreed ascending")
    for name in names:
        _check_variable(data, name, seam)


def _check_variable(data: xr.Dataset, name: str, seam: str) -> None:
    if name not in data:
        raise ContractError(f"{seam}: found {sorted(map(str, data.data_vars))}, agreed '{name}' among them")
    if data[name].dims != ("station", "time"):
        raise ContractError(f"{seam}: '{name}' has dims {data[name].dims}, agreed ('station', 'time')")
    found = data[name].attrs.get("units", "nothing")
    known = name in WEATHER or pollutant(name).standard_name
    if known and SPELLINGS.get(found, found) != agreed_units(name):
        raise ContractError(f"{seam}: '{name}' is in {found!r}, agreed {agreed_units(name)!r}")
