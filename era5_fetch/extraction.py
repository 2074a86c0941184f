"""Grid -> places, file by file, by one sparse matrix."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.sparse import vstack

from era5_fetch.decode import decoded
from era5_fetch.neighbourhood import parsed
from era5_fetch.places import Points, Polygons
from era5_fetch.stream import canonical_name, gathered

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
    from os import PathLike

    import pandas as pd

    from era5_fetch.dialect import Accumulation
    from era5_fetch.grid import Integers, Method, Weights
    from era5_fetch.neighbourhood import Around
    from era5_fetch.period import Period
    from era5_fetch.places import Places
    from era5_fetch.stream import Reduction

BLOCK = 4_000_000
"""Values read at a time, about: 16 MB in float32."""
HOURS_MULTIPLIED = 24
"""Hours multiplied at a time, in float64: few enough to stay in the processor's cache."""


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
    `place`. A variable may be one of the cells around them, such as t2m_mean_5x5 (`neighbourhood`). Memory
    does not grow with the files, only with hours times places.

    NaN: of a point's cells those that are NaN do not count, and the weights of the rest are scaled up; NaN
    where all are. A gradient is NaN where any of its cells is.

    Raises
    ------
    GridError
        A point outside the grid of a file.
    VariableError, PeriodError
        A variable, or any hour of it, is in no file.
    FileError, DecodeError, PackageError
        As in `decode.open_file`.
    """
    reduction = points_reduction(points, variables, method=method)
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
    reduction = places_reduction(Polygons(polygons), variables)
    return gathered(paths(files), variables, reduction, period=period, accumulation=accumulation)


def paths(files: Iterable[str | PathLike[str]]) -> list[Path]:
    """The files as paths, in their order."""
    return [Path(file) for file in files]


def points_reduction(points: pd.DataFrame, variables: Sequence[str] = (), *, method: Method) -> Reduction:
    """What cuts a cube down to points; see `places_reduction`."""
    return places_reduction(Points(points, method), variables)


def places_reduction(places: Places, variables: Sequence[str] = ()) -> Reduction:
    """What cuts a cube down to places; weights are made once for each grid met.

    `variables` tell what is taken of each field of a cube; of one they do not name, the field itself.
    """
    asked = taken(variables)
    known: dict[Hashable, Reading] = {}

    def reduction(cube: xr.Dataset) -> xr.Dataset:
        grid = (cube["latitude"].values.tobytes(), cube["longitude"].values.tobytes())
        fields: dict[str, xr.Variable] = {}
        for variable in map(str, cube.data_vars):
            arounds, tile = asked.get(variable, (None,)), _tile(cube[variable])
            if (grid, arounds, tile) not in known:
                known[grid, arounds, tile] = reading(places, cube, arounds, tile)
            fields |= known[grid, arounds, tile].fields(cube[[variable]], variable)
        over_time = {k: v for k, v in cube.coords.items() if k in ("time", "preliminary")}
        return xr.Dataset(fields, coords=over_time).assign_coords(places.coordinates)

    return reduction


def taken(variables: Sequence[str]) -> dict[str, tuple[Around | None, ...]]:
    """Each field that names are about, by our name, and what is taken of it: None is the field itself."""
    found: defaultdict[str, list[Around | None]] = defaultdict(list)
    for variable, around in map(parsed, dict.fromkeys(map(canonical_name, variables))):
        found[variable].append(around)
    return {variable: tuple(arounds) for variable, arounds in found.items()}


@dataclass(frozen=True)
class Reading:
    """What is taken of a field on one grid: its cells that count, and their matrix."""

    row: Integers
    column: Integers
    tiles: tuple[slice, ...]
    """Cells that lie in one chunk of the file; they stand together."""
    matrix: Weights
    taken: tuple[Around | None, ...]
    """One block of the matrix's rows each."""

    def fields(self, field: xr.Dataset, variable: str) -> dict[str, xr.Variable]:
        """A labelled field as `(time, place)`, once for each thing taken of it; each chunk is read once."""
        values = self.room(field.sizes["time"])
        attributes: dict[str, Any] = {}
        for block in _blocks(field[variable]):
            cells, attributes = self._cells(field.isel(time=block), variable)
            self.multiply(cells, values[:, block])
            del cells  # before the next are read
        return self.named(values, variable, attributes)

    def room(self, hours: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """An array (taken, time, place), to be filled."""
        return np.empty((len(self.taken), hours, self.matrix.shape[0] // len(self.taken)), dtype="float32")

    def multiply(self, cells: np.ndarray[Any, Any], values: np.ndarray[Any, Any]) -> None:
        """Cells (time, cell) by the matrix, into (taken, time, place)."""
        _, hours, places = values.shape
        differs = np.repeat([around is not None and around.differs for around in self.taken], places)
        for start in range(0, hours, HOURS_MULTIPLIED):
            found = apply(self.matrix, cells[start : start + HOURS_MULTIPLIED], differs=differs)
            values[:, start : start + len(found)] = found.reshape(-1, len(self.taken), places).swapaxes(0, 1)

    def named(
        self, values: np.ndarray[Any, Any], variable: str, attributes: Mapping[str, Any]
    ) -> dict[str, xr.Variable]:
        """What was taken of a field by its names, each with its attributes."""
        return {
            around.name(variable) if around else variable: xr.Variable(
                ("time", "place"), values[number], around.attributes(attributes) if around else attributes
            )
            for number, around in enumerate(self.taken)
        }

    def _cells(self, field: xr.Dataset, variable: str) -> tuple[np.ndarray[Any, np.dtype[np.float32]], dict[str, Any]]:
        """Values (time, cell) in canonical units, and their attributes."""
        cells = np.empty((field.sizes["time"], self.row.size), dtype="float32")
        attributes: dict[str, Any] = {}
        for tile in self.tiles:
            read = self.tile(field, variable, tile)
            cells[:, tile], attributes = read.values, dict(read.attrs)
            del read
        return cells, attributes

    def tile(self, field: xr.Dataset, variable: str, cells: slice) -> xr.DataArray:
        """One tile's cells of a labelled field, (time, cell), in canonical units."""
        return _read(field, variable, self.row[cells], self.column[cells])


def _read(field: xr.Dataset, variable: str, row: Integers, column: Integers) -> xr.DataArray:
    """Some cells of a labelled field, (time, cell), by the smallest window around them."""
    window = field[variable].isel(latitude=_run(row), longitude=_run(column)).transpose(..., "latitude", "longitude")
    values = window.values
    cell = (row - row.min()) * values.shape[-1] + column - column.min()
    taken = np.take(values.reshape(*values.shape[:-2], -1), cell, axis=-1)
    others = {k: v for k, v in field.coords.items() if k in ("time", "expver")}
    cells = xr.Dataset({variable: ((*window.dims[:-2], "cell"), taken, window.attrs)}, coords=others)
    return decoded(cells)[variable].transpose("time", "cell")


def reading(places: Places, grid: xr.Dataset, taken: tuple[Around | None, ...], tile: tuple[int, int]) -> Reading:
    """What takes a field on a grid, in chunks of some rows and columns, to places: one matrix for all that is taken."""
    matrix = vstack([places.matrix(grid, around) for around in taken], format="csr")
    used = np.unique(matrix.indices)
    row, column = np.unravel_index(used, (grid.sizes["latitude"], grid.sizes["longitude"]))
    chunk = np.stack([row // tile[0], column // tile[1]])
    order = np.lexsort(chunk[::-1])
    ends = np.flatnonzero(np.diff(chunk[:, order], axis=1).any(axis=0)) + 1
    tiles = tuple(slice(*ends) for ends in pairwise([0, *ends.tolist(), order.size]))
    return Reading(row[order], column[order], tiles, matrix[:, used[order]], taken)


def _run(positions: Integers) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1)


def _chunk(field: xr.DataArray, *names: str) -> int | None:
    """The length of a file's chunks along a dimension, by whichever name it has there."""
    preferred = field.encoding.get("preferred_chunks", {})
    return next((int(preferred[name]) for name in names if name in preferred), None)


def _tile(field: xr.DataArray) -> tuple[int, int]:
    """Rows and columns of a file's chunks."""
    tall, wide = (_chunk(field, dim) or field.sizes[dim] for dim in ("latitude", "longitude"))
    return tall, wide


def _blocks(field: xr.DataArray) -> Iterator[slice]:
    """Runs of hours that end where chunks do, of about BLOCK values of a tile."""
    tall, wide = _tile(field)
    chunk, hours = _chunk(field, "valid_time", "time") or 1, max(1, BLOCK // (tall * wide))
    length = max(1, hours // chunk) * chunk
    yield from (slice(start, start + length) for start in range(0, field.sizes["time"], length))


def apply(
    matrix: Weights, cells: np.ndarray[Any, Any], *, differs: np.ndarray[Any, np.dtype[np.bool_]] | None = None
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Means of cells, (time, cell) -> (time, place), over those that are not NaN; NaN where all are.

    Rows that are differences of cells, `differs`, are NaN where any of their cells is.
    """
    missing = np.isnan(cells)
    if not missing.any():
        return np.asarray((matrix @ np.ascontiguousarray(cells.T, dtype="float64")).T)
    total = (matrix @ np.where(missing, 0, cells).T).T
    counted = (matrix @ (~missing).T.astype("float64")).T
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.where(counted > 0, total / counted, np.nan)
    if differs is None or not differs.any():
        return np.asarray(means)
    lacking = (abs(matrix) @ missing.T.astype("float64")).T > 0
    return np.asarray(np.where(differs, np.where(lacking, np.nan, total), means))
