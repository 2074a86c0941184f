"""Places on grids: points or polygons, each with its rows of the matrix of weights."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from era5_fetch.errors import GridError
from era5_fetch.grid import polygon_weights, require_method, require_points, weights
from era5_fetch.neighbourhood import neighbourhood

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from era5_fetch.grid import Method, Weights
    from era5_fetch.neighbourhood import Around


class Places(Protocol):
    """What fields are taken to."""

    @property
    def method(self) -> str:
        """How cells become a value: nearest, bilinear, or area."""

    @property
    def names(self) -> np.ndarray[Any, Any]:
        """Unique names."""

    @property
    def definitions(self) -> list[str]:
        """What each is, in a line that changes when it does."""

    @property
    def coordinates(self) -> dict[str, Any]:
        """The coordinates over `place`."""

    def matrix(self, grid: xr.Dataset, around: Around | None) -> Weights:
        """The matrix (place, cell) of the field at the places, or of a statistic around them."""

    def only(self, positions: Sequence[int]) -> Places:
        """Some of them."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points: a table with the columns `latitude` and `longitude` [degrees] and unique names as its index."""

    table: pd.DataFrame
    method: Method = "bilinear"

    def __post_init__(self) -> None:
        require_points(self.table)
        require_method(self.method)

    @property
    def names(self) -> np.ndarray[Any, Any]:
        """The table's index."""
        return np.array(self.table.index.tolist())

    @property
    def definitions(self) -> list[str]:
        """Latitude and longitude."""
        columns = (self.table[c].to_numpy("float64") for c in ("latitude", "longitude"))
        return [f"{latitude:.5f} N, {longitude:.5f} E" for latitude, longitude in zip(*columns, strict=True)]

    @property
    def coordinates(self) -> dict[str, Any]:
        """Names, latitudes and longitudes."""
        degrees = {c: ("place", self.table[c].to_numpy("float64")) for c in ("latitude", "longitude")}
        return {"place": self.names, **degrees}

    def matrix(self, grid: xr.Dataset, around: Around | None) -> Weights:
        """As `grid.weights` and `neighbourhood.neighbourhood` make it."""
        if around is None:
            return weights(grid, self.table, method=self.method)
        return neighbourhood(grid, self.table, size=around.size)[around.statistic]

    def only(self, positions: Sequence[int]) -> Points:
        """Some of them."""
        return Points(self.table.iloc[list(positions)], self.method)


@dataclass(frozen=True, eq=False)
class Polygons:
    """Polygons by name: shapely geometries of longitude and latitude [degrees]."""

    shapes: Mapping[str, Any]
    method: str = "area"

    @property
    def names(self) -> np.ndarray[Any, Any]:
        """The mapping's keys."""
        return np.array([str(name) for name in self.shapes])

    @property
    def definitions(self) -> list[str]:
        """The SHA-256 of each shape's vertices."""
        return [hashlib.sha256(shape.wkb).hexdigest() for shape in self.shapes.values()]

    @property
    def coordinates(self) -> dict[str, Any]:
        """Names alone."""
        return {"place": self.names}

    def matrix(self, grid: xr.Dataset, around: Around | None) -> Weights:
        """As `grid.polygon_weights` makes it."""
        if around is not None:
            raise GridError(f"{around.name('...')}: a polygon has no cells around it, agreed points")
        return polygon_weights(grid, self.shapes)

    def only(self, positions: Sequence[int]) -> Polygons:
        """Some of them."""
        names = list(self.shapes)
        return Polygons({names[p]: self.shapes[names[p]] for p in positions})
