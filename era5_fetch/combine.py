"""Pieces of time and of variables, from files that may overlap -> one Dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from era5_fetch.errors import DecodeError, GridError, PeriodError

if TYPE_CHECKING:
    from collections.abc import Sequence

ABSENT, PRELIMINARY, UNKNOWN, FINAL = range(4)
"""How good an hour is: of two, the better stays; of two as good, the later."""


def ordered(piece: xr.Dataset) -> xr.Dataset:
    """Time and longitude ascending, latitude descending, each value once.

    Of an hour that is there twice the final one stays, or else the later.
    """
    for name, descending in (("latitude", True), ("longitude", False)):
        if name in piece.dims:
            piece = _taken(piece, name, _unique(piece[name].values, descending=descending))
    rank = np.lexsort((standing_of(piece), piece["time"].values))
    later = np.append(piece["time"].values[rank][1:] != piece["time"].values[rank][:-1], True)
    return _taken(piece, "time", rank[later])


def _unique(axis: np.ndarray[Any, Any], *, descending: bool) -> np.ndarray[Any, Any]:
    first = np.unique(axis, return_index=True)[1]
    return first[::-1] if descending else first


def _taken(piece: xr.Dataset, dim: str, positions: np.ndarray[Any, Any]) -> xr.Dataset:
    same = np.array_equal(positions, np.arange(piece.sizes[dim]))
    return piece if same else piece.isel({dim: positions})


def combined(pieces: Sequence[xr.Dataset]) -> xr.Dataset:
    """One Dataset over the hours and variables of all pieces.

    Pieces share every dimension but time. Where two hold the same hour of a variable the final one stays,
    and of two as final the later in order. An hour no piece holds of a variable is NaN, if another variable
    has it. `preliminary(time)` is True where any variable's hour is; when only some pieces tell, its
    attribute `hours_unknown` counts those of which nothing is known. The one piece of one is given back
    without touching its values.

    Raises
    ------
    GridError
        The pieces lie on different grids.
    PeriodError
        There are no pieces.
    DecodeError
        The same variable accumulates over the hour in one and over the day in another.
    """
    parts = [ordered(piece) for piece in pieces]
    if not parts:
        raise PeriodError("no pieces to combine, agreed one at least")
    if len(parts) == 1:
        return parts[0]
    _require_one_grid(parts)
    times = _all_times(parts)
    names = dict.fromkeys(str(name) for part in parts for name in part.data_vars)
    made = {name: _one_variable(name, [p for p in parts if name in p], times) for name in names}
    standing = np.stack([standing for _, standing in made.values()]) if made else np.zeros((1, times.size))
    coordinates = {k: v for k, v in parts[0].coords.items() if "time" not in v.dims} | {"time": times}
    whole = xr.Dataset({name: field for name, (field, _) in made.items()}, coords=coordinates)
    return with_standing(whole, standing) if any("preliminary" in p.coords for p in parts) else whole


def _all_times(parts: Sequence[xr.Dataset]) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.unique(np.concatenate([p["time"].values for p in parts])), name="time")


def _one_variable(
    name: str, parts: Sequence[xr.Dataset], times: pd.DatetimeIndex
) -> tuple[xr.Variable, np.ndarray[Any, np.dtype[np.int_]]]:
    """The variable over all times, and how good each hour of it is."""
    model = parts[0][name].transpose("time", ...)
    values = np.full((times.size, *model.shape[1:]), np.nan, dtype="float32")
    standing = np.full(times.size, ABSENT)
    for part in parts:
        into = times.get_indexer(part.indexes["time"])
        better = standing_of(part) >= standing[into]
        values[into[better]] = part[name].transpose(*model.dims).values[better]
        standing[into[better]] = standing_of(part)[better]
    return xr.Variable(model.dims, values, _attributes(name, parts)), standing


def standing_of(part: xr.Dataset) -> np.ndarray[Any, np.dtype[np.int_]]:
    """How good each hour of a piece is."""
    if "preliminary" not in part.coords:
        return np.full(part.sizes["time"], UNKNOWN)
    return np.where(part["preliminary"].values, PRELIMINARY, FINAL)


def _attributes(name: str, parts: Sequence[xr.Dataset]) -> dict[str, Any]:
    every = [part[name].attrs for part in parts]
    if len({a.get("accumulation") for a in every}) > 1:
        raise DecodeError(f"{name!r} accumulates over the hour and over the day: part ERA5 from ERA5-Land")
    attributes = dict(every[0])
    if "negatives_clipped" in attributes:
        attributes["negatives_clipped"] = sum(int(a.get("negatives_clipped", 0)) for a in every)
    return attributes


def with_standing(whole: xr.Dataset, standing: np.ndarray[Any, Any]) -> xr.Dataset:
    """With the coordinate `preliminary`, by how good each hour of each variable is, (variable, time)."""
    unknown = int(((standing == UNKNOWN).any(0) & ~(standing == PRELIMINARY).any(0)).sum())
    flags = xr.Variable("time", (standing == PRELIMINARY).any(0), {"hours_unknown": unknown} if unknown else {})
    return whole.assign_coords(preliminary=flags)


def _require_one_grid(parts: Sequence[xr.Dataset]) -> None:
    first = parts[0]
    for part in parts[1:]:
        for dim in (str(d) for d in first.dims if d != "time"):
            if dim not in part.dims or not np.array_equal(first[dim].values, part[dim].values):
                raise GridError(f"grids differ: {box(first)} and {box(part)}, agreed one: open them apart")


def box(grid: xr.Dataset | xr.DataArray) -> str:
    """The grid's extent in words: sizes, and degrees from south to north and from west to east."""
    if "latitude" not in grid.dims or "longitude" not in grid.dims:
        return f"{dict(grid.sizes)}"
    (south, north), (west, east) = ((float(grid[n].min()), float(grid[n].max())) for n in ("latitude", "longitude"))
    sizes = f"{grid.sizes['latitude']} x {grid.sizes['longitude']}"
    return f"{sizes}, {south:g} to {north:g} N, {west:g} to {east:g} E"
