"""HJ 633: individual indices (IAQI), the index of a day (AQI), its grade and its primary pollutants."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from pipeline.standards.rounding import decimals, rounded
from pipeline.standards.versions import IndexTable, content, standards

MISSING = -1
"""Index of a day without one."""
GRADES: dict[str, int] = dict(content()["grades"])
"""Grade -> its highest AQI."""


def individual_index(values: np.ndarray, indicator: str, table: IndexTable) -> np.ndarray:
    """IAQI of concentrations by an indicator of ``table``; int16, ``MISSING`` where there is none; any shape.

    The concentration is rounded first (whole, CO one decimal), the index rounded up; 500 above the last breakpoint
    (HJ 633-2012 and HJ 633-2026, 4.2 and table 1). An 8-hour mean of O3 above 800 has none in 2012, 300 in 2026.
    """
    places = decimals(indicator, date=next(iter(standards().values())).since)
    steps = _steps(indicator, table.key)
    known = np.isfinite(values)
    at = rounded(np.where(known, values, 0.0), places) * 10**places
    position = np.clip(np.rint(at), 0, len(steps) - 1).astype(np.int64)
    return np.where(known, steps[position], np.int16(MISSING))


@cache
def _steps(indicator: str, key: str) -> np.ndarray:
    """IAQI of every concentration in units of its last decimal, and of any above, in whole numbers throughout."""
    table = next(version.index for version in standards().values() if version.index.key == key)
    scale = 10 ** decimals(indicator, date=next(iter(standards().values())).since)
    levels = [scale * level for level in table.breakpoints[indicator]]
    result = np.empty(levels[-1] + 2, dtype=np.int16)
    result[0] = table.points[0]
    for low, high, index_low, index_high in zip(levels, levels[1:], table.points, table.points[1:], strict=False):
        above = np.arange(1, high - low + 1)
        result[low + 1 : high + 1] = index_low - (-(index_high - index_low) * above) // (high - low)
    short = len(levels) < len(table.points)
    beyond = (MISSING if table.above_o3 is None else table.above_o3) if short else table.points[-1]
    result[-1] = beyond
    return result


def air_quality_index(indices: Mapping[str, np.ndarray]) -> np.ndarray:
    """AQI: the highest individual index; ``MISSING`` where one of ``indices`` is. ``o3_1h`` may be missing.

    Of the seven indicators of HJ 633-2012 the highest hour of O3 is seldom archived as such: it counts where it is
    known, and stands for an 8-hour mean above 800.
    """
    known = [_known_ozone(indices) if name == "o3" else indices[name] for name in indices if name != "o3_1h"]
    highest = np.maximum.reduce([*known, indices.get("o3_1h", known[0])])
    return np.where(np.minimum.reduce(known) == MISSING, np.int16(MISSING), highest)


def _known_ozone(indices: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.where(indices["o3"] == MISSING, indices.get("o3_1h", indices["o3"]), indices["o3"])


def grade(index: np.ndarray) -> np.ndarray:
    """Number of the grade in ``GRADES``: 0 excellent ... 5 severe; ``MISSING`` where the index is (table 2)."""
    bounds = np.array(list(GRADES.values())[:-1])
    return np.where(index == MISSING, np.int8(MISSING), np.searchsorted(bounds, index).astype(np.int8))


def primary_pollutants(indices: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each indicator is a primary pollutant: AQI above 50 and its index the highest, ties all (4.4)."""
    index = air_quality_index(indices)
    return {name: (index > GRADES["excellent"]) & (values == index) for name, values in indices.items()}
