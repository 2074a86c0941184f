"""The sample world's invented places: regions, cities on a coarse grid, stations around them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import ContractError
from pipeline.worlds.climates import COASTAL_SOUTH, NORTH_CHINA, SICHUAN_BASIN, Climate
from pipeline.worlds.emissions import Constructor, decline, plateau, step

FloatArray = npt.NDArray[np.float64]

NORTHERN_EDGE, WESTERN_EDGE, SPACING = 36.0, 112.0, 1.0  # degrees; a region is a row, a city a cell


@dataclass(frozen=True)
class Region:
    """A region's climate, the forms of its physics, and how its emissions went."""

    name: str
    chinese: str
    climate: Climate
    pm25: str
    o3: str
    emissions: Constructor
    heating: float


REGIONS = (
    Region("Northern Plain", "北原", NORTH_CHINA, "box", "isopleth", decline, 0.45),
    Region("Mist Basin", "雾盆", SICHUAN_BASIN, "reservoir", "budget", plateau, 0.15),
    Region("Tide Coast", "潮岸", COASTAL_SOUTH, "box", "budget", step, 0.08),
)

# syllables whose pairs name no Chinese city
FIRST = tuple(zip("云霁岚砚澄栖墨杳霜萤禾芷", "Yun Ji Lan Yan Cheng Qi Mo Yao Shuang Ying He Zhi".split(), strict=True))
SECOND = tuple(zip("汀渡屿坞溪岫浦泽川原壑湾", "ting du yu wu xi xiu pu ze chuan yuan he wan".split(), strict=True))
QUARTERS = ("城东", "城西", "北门", "南苑", "河畔", "植物园")


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    ``stations`` has the columns of a station list; ``cities`` maps region -> cities in order along its row;
    ``cell`` gives a city's (row, column) on the grid of ``latitude`` (decreasing) and ``longitude``
    [degrees]; ``chinese`` translates regions and cities.
    """

    stations: pd.DataFrame
    cities: dict[str, tuple[str, ...]]
    cell: dict[str, tuple[int, int]]
    latitude: FloatArray
    longitude: FloatArray
    chinese: dict[str, str]


def layout(cities: Sequence[int], stations_per_city: int) -> Layout:
    """So many cities in each region, each with so many stations within some kilometres of its grid point."""
    if len(cities) != len(REGIONS) or min(cities) < 1 or stations_per_city < 1:
        raise ContractError(
            f"sample world: found {list(cities)} cities with {stations_per_city} stations; agreed "
            f"{len(REGIONS)} counts, one per region, and at least one of each"
        )
    numbers = iter(range(sum(cities)))
    members = [[city_name(next(numbers)) for _ in range(count)] for count in cities]
    chinese = {english: name for row in members for english, name in row}
    cell = {city: (row, column) for row, of_row in enumerate(members) for column, (city, _) in enumerate(of_row)}
    latitude = np.asarray(NORTHERN_EDGE - SPACING * np.arange(len(REGIONS)), dtype=float)
    longitude = np.asarray(WESTERN_EDGE + SPACING * np.arange(max(2, *cities)), dtype=float)
    of_region = zip(REGIONS, members, strict=True)
    return Layout(
        stations=_stations(chinese, cell, latitude, longitude, stations_per_city),
        cities={region.name: tuple(city for city, _ in of_row) for region, of_row in of_region},
        cell=cell,
        latitude=latitude,
        longitude=longitude,
        chinese={**{region.name: region.chinese for region in REGIONS}, **chinese},
    )


def city_name(number: int) -> tuple[str, str]:
    """An invented city's English and Chinese name; after 144 of them they are numbered."""
    first, second = FIRST[number % 12], SECOND[(5 * number + number // 12) % 12]
    again = "" if number < 144 else f" {number // 144 + 1}"
    return f"{first[1]}{second[1]}{again}", f"{first[0]}{second[0]}{again}"


def _stations(
    cities: Mapping[str, str],
    cell: Mapping[str, tuple[int, int]],
    latitude: FloatArray,
    longitude: FloatArray,
    per_city: int,
) -> pd.DataFrame:
    """Stations up to 4 km from their city's grid point, towards the inside of the grid."""
    rows = []
    for city, (english, chinese) in enumerate(cities.items()):
        row, column = cell[english]
        inward = -1 if row < len(latitude) - 1 else 1, 1 if column < len(longitude) - 1 else -1
        for place in range(per_city):
            share = (place + 1) / per_city
            quarter = QUARTERS[place] if place < len(QUARTERS) else f"{place + 1}号"
            rows.append(
                {
                    "station": f"{9001 + city * per_city + place}A",
                    "name": f"{chinese}{quarter}",
                    "city": english,
                    "latitude": round(float(latitude[row]) + inward[0] * 0.01 * share, 4),
                    "longitude": round(float(longitude[column]) + inward[1] * 0.04 * share, 4),
                }
            )
    return pd.DataFrame(rows)
