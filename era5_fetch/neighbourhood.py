"""The weather around a place: means and gradients over 3 x 3 to 9 x 9 cells, as rows of the matrix of weights.

A field may be asked for by such a name: `t2m_mean_5x5`, `msl_gradient_east_5x5`, `msl_gradient_north_5x5`. The square
is centred on the cell whose centre is nearest to the place on each axis. Means are by area on the sphere. Gradients
are those of the plane in longitude and latitude fitted by least squares, per 100 km along the place's own circle of
latitude and along its meridian: exact where the field is such a plane.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from scipy.sparse import csr_array

from era5_fetch.combine import box
from era5_fetch.errors import GridError, VariableError
from era5_fetch.grid import AROUND, NEVER, nearest_centres, require_points

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from era5_fetch.grid import Integers, Weights

SIZES = (3, 5, 7, 9)
"""Cells along a side."""
MEAN, EAST, NORTH = "mean", "gradient_east", "gradient_north"
RADIUS = 6371.229
"""Of the sphere on which ECMWF's model computes [km], GRIB shape of the Earth 6 (WMO-No. 306, code table 3.2)."""
DISTANCE = 100.0
"""What gradients are per [km]."""
_NAME = re.compile(rf"(\w+)_({MEAN}|{EAST}|{NORTH})_(\d+)x(\d+)")


@dataclass(frozen=True)
class Around:
    """What is taken of a field around a place: a statistic over size x size cells."""

    statistic: str
    size: int

    def name(self, variable: str) -> str:
        """The name of the statistic of a variable: t2m_mean_5x5."""
        return f"{variable}_{self.statistic}_{self.size}x{self.size}"

    @property
    def differs(self) -> bool:
        """Whether weights sum to zero: then no cell can stand in for one that is NaN."""
        return self.statistic != MEAN

    def attributes(self, of_point: Mapping[str, Any]) -> dict[str, Any]:
        """CF attributes, from those of the field itself: a gradient has neither its name nor its unit."""
        found, cells = dict(of_point), f"{self.size} x {self.size} cells around"
        if self.statistic == MEAN:
            found["cell_methods"] = f"{found.get('cell_methods', '')} area: mean".strip()
            return found | {"long_name": f"{found.get('long_name', '')}, mean of {cells}".lstrip(", ")}
        found.pop("standard_name", None)
        direction = "eastward" if self.statistic == EAST else "northward"
        found["long_name"] = f"{found.get('long_name', '')}, {direction} gradient over {cells}".lstrip(", ")
        return found | {"units": per_distance(str(found.get("units", "1")))}


def per_distance(unit: str) -> str:
    """A unit by 100 km, as UDUNITS reads it."""
    return "1e-5 m-1" if unit == "1" else f"1e-5 {unit} m-1"


def parsed(name: str) -> tuple[str, Around | None]:
    """The variable that a name is about, and what is taken of it around the place; None of a plain name.

    Raises
    ------
    VariableError
        A size that is none of `SIZES`.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        return name, None
    if match[3] != match[4] or int(match[3]) not in SIZES:
        agreed = ", ".join(f"{n}x{n}" for n in SIZES)
        raise VariableError(f"{name!r} is over {match[3]}x{match[4]} cells, agreed {agreed}")
    return match[1], Around(match[2], int(match[3]))


def neighbourhood(grid: xr.Dataset | xr.DataArray, points: pd.DataFrame, *, size: int = 5) -> dict[str, Weights]:
    """Matrices (point, cell) of "mean", "gradient_east", "gradient_north" over size x size cells around points.

    `points` as in `grid.weights`. Rows of the mean sum to one; rows of the gradients, by 100 km, to zero.

    Raises
    ------
    GridError
        The cells around a point reach beyond the grid: the message names it and the grid's box; or points
        that are not points.
    VariableError
        A size that is none of `SIZES`.
    """
    if size not in SIZES:
        raise VariableError(f"size {size}, agreed {', '.join(map(str, SIZES))} cells along a side")
    require_points(points)
    latitude, longitude = grid["latitude"].values, grid["longitude"].values
    rows, whole = _axis(latitude, points["latitude"].to_numpy("float64"), NEVER, size)
    columns, complete = _axis(longitude, points["longitude"].to_numpy("float64"), AROUND, size)
    _require_room(grid, points, whole & complete, size)
    lower, upper = _edges_of(latitude[rows])
    areas = np.sin(upper) - np.sin(lower)
    offsets = np.arange(size) - size // 2
    slope = offsets / (offsets**2).sum() / size
    tall, wide = (np.abs(np.diff(np.unique(axis))).min() for axis in (latitude, longitude))
    meridian = np.radians(tall) * RADIUS / DISTANCE
    parallel = np.radians(wide) * RADIUS / DISTANCE * np.cos(np.radians(points["latitude"].to_numpy("float64")))
    ones, shape = np.ones((len(points), size)), (len(points), latitude.size * longitude.size)
    parts = {
        MEAN: (areas / areas.sum(axis=1, keepdims=True), ones / size),
        EAST: (ones, slope / parallel[:, None]),
        NORTH: (np.broadcast_to(slope / meridian, ones.shape), ones),
    }
    return {name: _outer(*part, rows, columns, longitude.size, shape) for name, part in parts.items()}


def _axis(
    axis: np.ndarray[Any, Any], values: np.ndarray[Any, Any], around: float, size: int
) -> tuple[Integers, np.ndarray[Any, np.dtype[np.bool_]]]:
    """Positions of the cells along an axis, (point, size), ascending; and of which points all are there."""
    centres, position = np.unique(axis.astype("float64"), return_index=True)
    middle, inside = nearest_centres(centres, values, around)
    wanted = middle[:, None] + np.arange(size) - size // 2
    turns, number = np.divmod(wanted, centres.size)
    reached = centres[number] + turns * around
    step = np.diff(centres).min() if centres.size > 1 else 0.0
    even = np.abs(np.diff(reached, axis=1) - step) < step / 2
    return position[number], inside & even.all(axis=1)


def _edges_of(centres: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Lower and upper edges of rows of cells [radians]; a pole's cell ends there."""
    step = np.diff(centres, axis=1)[:, :1]
    return np.asarray(np.radians(np.clip([centres - step / 2, centres + step / 2], -90, 90)))


def _require_room(
    grid: xr.Dataset | xr.DataArray, points: pd.DataFrame, whole: np.ndarray[Any, np.dtype[np.bool_]], size: int
) -> None:
    if whole.all():
        return
    out = points[~whole]
    more = f" and {len(out) - 1} more" if len(out) > 1 else ""
    where = f"{out.index[0]!r} at {out['latitude'].iloc[0]:g} N, {out['longitude'].iloc[0]:g} E{more}"
    raise GridError(f"{where}: {size} x {size} cells around it reach beyond the grid, {box(grid)}")


def _outer(
    by_row: np.ndarray[Any, Any],
    by_column: np.ndarray[Any, Any],
    rows: Integers,
    columns: Integers,
    width: int,
    shape: tuple[int, int],
) -> Weights:
    weight = (by_row[:, :, None] * by_column[:, None, :]).ravel()
    cell = (rows[:, :, None] * width + columns[:, None, :]).ravel()
    point = np.repeat(np.arange(shape[0]), rows.shape[1] * columns.shape[1])
    matrix = csr_array((weight, (point, cell)), shape=shape)
    matrix.eliminate_zeros()  # the middle of a gradient must not bring its NaN in
    return matrix


def divergence(dataset: xr.Dataset, *, size: int = 5) -> xr.DataArray:
    """Divergence of the wind at 10 m around places [s-1], dims as its parts; NaN where one is.

    From u10's gradient eastward, v10's northward and v10's mean over size x size cells:
    du/dx + dv/dy - v tan(latitude) / R (Holton & Hakim, An Introduction to Dynamic Meteorology, 5th ed., 2.3).

    Raises
    ------
    VariableError
        A part is not in the dataset.
    """
    return _of_wind(dataset, size, ("u10", "v10", "v10"), -1, "divergence_of_wind", "divergence")


def vorticity(dataset: xr.Dataset, *, size: int = 5) -> xr.DataArray:
    """Relative vorticity of the wind at 10 m around places [s-1]: dv/dx - du/dy + u tan(latitude) / R.

    As `divergence`, from v10's gradient eastward, u10's northward and u10's mean.
    """
    return _of_wind(dataset, size, ("v10", "u10", "u10"), 1, "atmosphere_upward_relative_vorticity", "vorticity")


def _of_wind(
    dataset: xr.Dataset, size: int, winds: tuple[str, str, str], sign: int, standard_name: str, name: str
) -> xr.DataArray:
    needed = [Around(s, size).name(wind) for s, wind in zip((EAST, NORTH, MEAN), winds, strict=True)]
    if lacking := [n for n in needed if n not in dataset]:
        raise VariableError(f"{name} needs {', '.join(needed)}; lacking: {', '.join(lacking)}: extract them too")
    east, north, mean = (dataset[n].astype("float64") for n in needed)
    slopes = (east - sign * north) / (DISTANCE * 1e3)
    converging = sign * mean * np.tan(np.radians(dataset["latitude"])) / (RADIUS * 1e3)
    attributes = {
        "standard_name": standard_name,
        "long_name": f"{name} of the wind at 10 m over {size} x {size} cells around",
        "units": "s-1",
        "cell_methods": "time: point",
    }
    found = (slopes + converging).astype("float32").rename(f"{name}_{size}x{size}")
    return found.assign_attrs(attributes)
