"""Grid -> places, file by file, by one sparse matrix."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from era5_fetch.decode import decoded
from era5_fetch.grid import polygon_weights, weights
from era5_fetch.stream import bounding, gathered

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    import pandas as pd

    from era5_fetch.dialect import Accumulation
    from era5_fetch.grid import Method, Weights
    from era5_fetch.period import Period
    from era5_fetch.stream import Reduction

BLOCK = 4_000_000
"""Values read at a time: 32 MB in float64."""


def extract(
    files: Iterable[str | PathLike[str]],
    variables: Sequence[str],
    points: pd.DataFrame,
    *,
    method: Method = "bilinear",
    period: Period | None = None,
    accumulation: Accumulation | None = None,
) -> xr.Dataset:
    """Variables at points, dims `(time, place)`, in canonical names and units; see `decode.open_file`.

    `points` has the columns `latitude` and `longitude` [degrees] and names as its index, which becomes
    `place`. Memory does not grow with the files, only with hours times places.

    NaN: of a point's cells those that are NaN do not count, and the weights of the rest are scaled up; NaN
    where all are.

    Raises
    ------
    GridError
        A point outside the grid of a file.
    VariableError, PeriodError
        A variable, or any hour of it, is in no file.
    FileError, DecodeError, PackageError
        As in `decode.open_file`.
    """
    reduction = points_reduction(points, method=method)
    return gathered(paths(files), variables, reduction, period=period, accumulation=accumulation)


def extract_polygons(
    files: Iterable[str | PathLike[str]],
    variables: Sequence[str],
    polygons: Mapping[str, Any],
    *,
    period: Period | None = None,
    accumulation: Accumulation | None = None,
) -> xr.Dataset:
    """Variables' means over polygons (shapely; degrees), dims `(time, place)`, by area on the sphere.

    NaN rule and errors as in `extract`; GridError where a polygon reaches beyond the grid.
    """
    names = {"place": np.array([str(name) for name in polygons])}
    reduction = _reduction(lambda grid: polygon_weights(grid, polygons), names)
    return gathered(paths(files), variables, reduction, period=period, accumulation=accumulation)


def paths(files: Iterable[str | PathLike[str]]) -> list[Path]:
    """The files as paths, in their order."""
    return [Path(file) for file in files]


def points_reduction(points: pd.DataFrame, *, method: Method) -> Reduction:
    """What cuts a cube down to points; weights are made once for each grid met."""
    coordinates = {
        "place": np.array(points.index.tolist()),
        "latitude": ("place", points["latitude"].to_numpy("float64")),
        "longitude": ("place", points["longitude"].to_numpy("float64")),
    }
    return _reduction(lambda grid: weights(grid, points, method=method), coordinates)


def _reduction(make: Callable[[xr.Dataset], Weights], places: Mapping[str, Any]) -> Reduction:
    known: dict[Hashable, Weights] = {}

    def reduction(cube: xr.Dataset) -> xr.Dataset:
        key = (cube["latitude"].values.tobytes(), cube["longitude"].values.tobytes())
        if key not in known:
            known[key] = make(cube)
        return _sampled(cube, known[key]).assign_coords(places)

    return reduction


def _sampled(cube: xr.Dataset, matrix: Weights) -> xr.Dataset:
    """A labelled cube at the places of a matrix, `(time, place)`, read in blocks of the cells in use."""
    used = np.unique(matrix.indices)
    row, column = np.unravel_index(used, (cube.sizes["latitude"], cube.sizes["longitude"]))
    rows, columns = _run(row), _run(column)
    window = cube.isel(latitude=rows, longitude=columns)
    cell = (row - rows.start) * (columns.stop - columns.start) + column - columns.start
    fields = {str(name): _places(window[[name]], matrix[:, used], cell) for name in cube.data_vars}
    known = {k: v for k, v in cube.coords.items() if k in ("time", "preliminary")}
    return xr.Dataset(fields, coords=known)


def _run(positions: np.ndarray[Any, np.dtype[np.intp]]) -> slice:
    mask = np.zeros(int(positions.max()) + 1, dtype=bool)
    mask[positions] = True
    return bounding(mask)


def _places(field: xr.Dataset, matrix: Weights, cell: np.ndarray[Any, np.dtype[np.intp]]) -> xr.Variable:
    name = next(iter(field.data_vars))
    values = np.empty((field.sizes["time"], matrix.shape[0]), dtype="float32")
    attributes: dict[str, Any] = {}
    for block in _blocks(field):
        read = decoded(field.isel(time=block))[name]
        values[block] = apply(matrix, read.values.reshape(read.sizes["time"], -1)[:, cell])
        attributes = dict(read.attrs)
    return xr.Variable(("time", "place"), values, attributes)


def _blocks(field: xr.Dataset) -> Iterator[slice]:
    hours = max(1, BLOCK // (field.sizes["latitude"] * field.sizes["longitude"]))
    yield from (slice(start, start + hours) for start in range(0, field.sizes["time"], hours))


def apply(matrix: Weights, cells: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Means of cells, (time, cell) -> (time, place), over those that are not NaN; NaN where all are."""
    valid = ~np.isnan(cells)
    total = (matrix @ np.where(valid, cells, 0).astype("float64").T).T
    if valid.all():
        return np.asarray(total)
    counted = (matrix @ valid.astype("float64").T).T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(counted > 0, total / counted, np.nan))
