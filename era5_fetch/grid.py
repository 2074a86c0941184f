"""Places on a grid: one sparse matrix of weights from its cells, whatever the places are.

A grid is anything with the 1-D coordinates `latitude` and `longitude` [degrees], in any order, from -180 or
from 0; longitudes close around the Earth. Columns of a matrix are the cells, latitude by latitude.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from era5_fetch.combine import box
from era5_fetch.errors import GridError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

Method: TypeAlias = Literal["nearest", "bilinear"]
Floats: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Integers: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]
Weights: TypeAlias = "csr_array[np.float64]"

TOLERANCE = 1e-5
"""Coordinates closer than this [degrees], a metre, are the same."""
AROUND, NEVER = 360.0, 1e5
"""After how many degrees an axis comes back to where it began: longitude does, latitude does not."""


@dataclass(frozen=True)
class _Bracket:
    """The cells on both sides of each value on one axis."""

    left: Integers
    right: Integers
    fraction: Floats
    """How far from left (0) to right (1)."""
    inside: np.ndarray[Any, np.dtype[np.bool_]]


def weights(grid: xr.Dataset | xr.DataArray, points: pd.DataFrame, *, method: Method = "bilinear") -> Weights:
    """The matrix that takes the cells of a grid to points, (point, cell); each row sums to one.

    `points` has the columns `latitude` and `longitude` [degrees] and unique names as its index. "bilinear"
    is linear in latitude and in longitude between the four centres around the point; "nearest" takes the
    centre nearest on each axis, the western or southern of two as near.

    Raises
    ------
    GridError
        A point between no centres (bilinear), or in no cell (nearest): the message names it and the grid's
        box; or points that are not points, or another method.
    """
    require_points(points)
    require_method(method)
    rows = _bracket(grid["latitude"].values, points["latitude"].to_numpy("float64"), NEVER, method)
    columns = _bracket(grid["longitude"].values, points["longitude"].to_numpy("float64"), AROUND, method)
    _require_inside(grid, points, rows.inside & columns.inside)
    width = grid["longitude"].size
    corners = [(a[0] * width + b[0], a[1] * b[1]) for a in _sides(rows) for b in _sides(columns)]
    cells, parts = (np.concatenate(c) for c in zip(*corners, strict=True))
    point = np.tile(np.arange(len(points)), len(corners))
    return _matrix(parts, point, cells, (len(points), grid["latitude"].size * width))


def require_method(method: str) -> Method:
    """A way from cells to points; a GridError where there is no such way."""
    if method not in get_args(Method):
        raise GridError(f"method {method!r}, agreed 'nearest' or 'bilinear'")
    return "nearest" if method == "nearest" else "bilinear"


def _sides(bracket: _Bracket) -> tuple[tuple[Integers, Floats], tuple[Integers, Floats]]:
    return (bracket.left, 1 - bracket.fraction), (bracket.right, bracket.fraction)


def _matrix(parts: Floats, row: Integers, column: Integers, shape: tuple[int, int]) -> Weights:
    matrix = csr_array((parts, (row, column)), shape=shape)
    matrix.sum_duplicates()
    matrix.eliminate_zeros()  # a cell without weight must not bring its NaN in
    return matrix


def _bracket(axis: Floats, values: Floats, around: float, method: Method) -> _Bracket:
    centres, position = np.unique(axis.astype("float64"), return_index=True)
    ends = np.append(centres, centres[0] + around)
    turned = centres[0] + (values - centres[0]) % around
    left = np.clip(np.searchsorted(ends, turned, side="right") - 1, 0, centres.size - 1)
    width, offset = np.diff(ends)[left], turned - ends[left]
    step = _step(centres)
    reach = (step / 2 if method == "nearest" else 0.0) + TOLERANCE
    gap = width > 1.5 * step
    inside = ~gap | (offset <= reach) | (width - offset <= reach)
    snapped = np.where(gap | (method == "nearest"), offset > width / 2, offset / width)
    fraction = np.where(offset <= TOLERANCE, 0.0, np.where(width - offset <= TOLERANCE, 1.0, snapped))
    return _Bracket(position[left], position[(left + 1) % centres.size], fraction, inside)


def nearest_centres(
    centres: Floats, values: Floats, around: float
) -> tuple[Integers, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Of each value on an axis the number of the nearest of its sorted centres, and whether it lies in that cell."""
    bracket = _bracket(centres, values, around, "nearest")
    return np.where(bracket.fraction > 0.5, bracket.right, bracket.left), bracket.inside


def degrees_of(points: pd.DataFrame) -> tuple[Floats, Floats]:
    """Latitudes and longitudes of points, NaN where there are none.

    Raises
    ------
    GridError
        A column is not there, or holds text.
    """
    if lacking := {"latitude", "longitude"} - set(points.columns):
        raise GridError(f"points lack the columns {sorted(lacking)}, found {list(points.columns)}")
    latitude, longitude = (_numbers(points[name]) for name in ("latitude", "longitude"))
    return latitude, longitude


def _numbers(column: pd.Series[Any]) -> Floats:
    try:
        return column.to_numpy("float64")
    except (TypeError, ValueError):
        raise GridError(f"points have a {column.name} that is no number, agreed degrees such as 39.9") from None


def require_points(points: pd.DataFrame) -> None:
    """Raises a GridError unless points have places on Earth and unique names."""
    latitude, longitude = degrees_of(points)
    if points.empty:
        raise GridError("no points, agreed one at least")
    if twice := list(points.index[points.index.duplicated()].unique()):
        raise GridError(f"points {twice[:5]} are there twice, agreed unique names")
    good = (np.abs(latitude) <= 90) & (np.abs(longitude) <= 360)
    if not good.all():
        name, north, east = points.index[~good][0], latitude[~good][0], longitude[~good][0]
        more = f" and {(~good).sum() - 1} more" if (~good).sum() > 1 else ""
        raise GridError(f"{name!r} at {north:g} N, {east:g} E{more}: no place on Earth, agreed degrees north and east")


def _require_inside(
    grid: xr.Dataset | xr.DataArray, points: pd.DataFrame, inside: np.ndarray[Any, np.dtype[np.bool_]]
) -> None:
    if inside.all():
        return
    out = points[~inside]
    name, latitude, longitude = out.index[0], out["latitude"].iloc[0], out["longitude"].iloc[0]
    more = f" and {len(out) - 1} more" if len(out) > 1 else ""
    raise GridError(f"{name!r} at {latitude:g} N, {longitude:g} E{more}: outside the grid, {box(grid)}")


def polygon_weights(grid: xr.Dataset | xr.DataArray, polygons: Mapping[str, Any]) -> Weights:
    """The matrix that takes the cells of a grid to means over polygons, (polygon, cell); rows sum to one.

    A cell counts by the area it shares with the polygon, on the sphere (Lambert's cylindrical projection
    keeps areas; an edge of the polygon is straight in it). Polygons are shapely geometries of longitude and
    latitude [degrees]; the grid's steps are regular.

    Raises
    ------
    GridError
        A polygon reaches beyond the cells: the message names it and the grid's box.
    """
    shape = (len(polygons), grid["latitude"].size * grid["longitude"].size)
    rows = [_shared(grid, str(name), polygon) for name, polygon in polygons.items()]
    row = np.repeat(np.arange(len(rows)), [cells.size for cells, _ in rows])
    cells, parts = (np.concatenate(c) for c in zip(*rows, strict=True))
    return _matrix(parts, row, cells, shape)


def _shared(grid: xr.Dataset | xr.DataArray, name: str, polygon: Any) -> tuple[Integers, Floats]:
    """The cells a polygon touches and its share in each."""
    import shapely

    flat = shapely.transform(polygon, lambda xy: np.column_stack([xy[:, 0], np.sin(np.radians(xy[:, 1]))]))
    west, south, east, north = flat.bounds
    bottom, top = np.sin(np.radians(np.clip(_edges(grid["latitude"].values), -90, 90)))
    rows = np.flatnonzero((top > south) & (bottom < north))
    cells, areas = [], []
    for turn in (-AROUND, 0.0, AROUND):
        start, stop = _edges(grid["longitude"].values) + turn
        columns = np.flatnonzero((stop > west) & (start < east))
        row, column = (i.ravel() for i in np.meshgrid(rows, columns, indexing="ij"))
        boxes = shapely.box(start[column], bottom[row], stop[column], top[row])
        cells.append(row * start.size + column)
        areas.append(shapely.area(shapely.intersection(boxes, flat)))
    area = np.concatenate(areas)
    if not area.sum() >= (1 - 1e-6) * flat.area > 0:
        raise GridError(f"polygon {name!r} reaches beyond the grid, {box(grid)}")
    return np.concatenate(cells), area / area.sum()


def _edges(centres: Floats) -> Floats:
    """Lower and upper edges of cells of one step."""
    step = _step(np.unique(centres))
    return np.stack([centres - step / 2, centres + step / 2])


def within(grid: xr.Dataset, area: Sequence[float]) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Which latitudes and longitudes of a grid lie in an area [north, west, south, east], edges with it.

    West may be greater than east: the area then crosses the date line.

    Raises
    ------
    GridError
        Not an area, or the grid ends more than a step before it does.
    """
    north, west, south, east = _require_area(area)
    latitude, longitude = grid["latitude"].values, grid["longitude"].values
    width = (east - west) % AROUND or (AROUND if east != west else 0.0)
    rows = (latitude <= north + TOLERANCE) & (latitude >= south - TOLERANCE)
    columns = (longitude - west + TOLERANCE) % AROUND <= width + 2 * TOLERANCE
    if not (rows.any() and columns.any() and _covered(grid, (north, west, south, width))):
        raise GridError(f"area {list(area)} [N, W, S, E] reaches beyond the grid, {box(grid)}")
    return {"latitude": rows, "longitude": columns}


def _require_area(area: Sequence[float]) -> tuple[float, float, float, float]:
    if len(area) != 4 or not 90 >= area[0] >= area[2] >= -90:
        raise GridError(f"area {list(area)}, agreed [north, west, south, east] in degrees")
    return float(area[0]), float(area[1]), float(area[2]), float(area[3])


def _covered(grid: xr.Dataset, area: tuple[float, float, float, float]) -> bool:
    """Whether the centres come within a step of every side of an area: north, west, south, degrees wide."""
    north, west, south, width = area
    latitude = np.unique(grid["latitude"].values)
    step = _step(latitude)
    tall = latitude[-1] + step > north - TOLERANCE and latitude[0] - step < south + TOLERANCE
    return bool(tall) and not _bare(np.unique(grid["longitude"].values), west, width)


def _bare(longitude: Floats, west: float, width: float) -> bool:
    """Whether an area lies in part farther than a step from all meridians of the grid."""
    stride = _step(longitude)
    gaps = np.diff(np.append(longitude, longitude[0] + AROUND)) - 2 * stride
    starts = (longitude + stride)[gaps > TOLERANCE]
    west_in_gap = (west - starts) % AROUND
    inside = (west_in_gap > TOLERANCE) & (west_in_gap < gaps[gaps > TOLERANCE] - TOLERANCE)
    return bool((inside | ((starts - west) % AROUND < width - TOLERANCE)).any())


def _step(centres: Floats) -> float:
    """The step of sorted centres [degrees]; 0 of a single one."""
    return float(np.diff(centres).min()) if centres.size > 1 else 0.0
