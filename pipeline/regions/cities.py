"""The 339 cities of the national assessment by administrative code, and the many ways of writing them.

Names and codes: GB/T 2260 (prefecture-level divisions, municipalities, 石河子 and 五家渠). A code has six digits.
Names in Latin letters are for reading only: ten cities share five of them.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from pipeline.errors import InputError

MUNICIPALITIES = ("110000", "120000", "310000", "500000")
"""Cities that are provinces; GB/T 2260 also lists their districts together as ..0100."""


@dataclass(frozen=True)
class City:
    """A city by its code, with its names; ``other`` are older and further names."""

    code: str
    chinese: str
    full: str
    english: str
    province_code: str
    province_chinese: str
    province_english: str
    other: tuple[str, ...] = ()

    @property
    def distinct(self) -> str:
        """The English name, with its province where another city has the same: ``Suzhou (Anhui)``."""
        return f"{self.english} ({self.province_english})" if self.english in _shared_names() else self.english


@dataclass(frozen=True)
class CountyCity:
    """A county-level city, old or present, or a new area, that the network lists and publishes as a city of its own.

    ``code`` is empty for new areas, which have none in GB/T 2260; ``city`` is the code of the city it is part of.
    """

    code: str
    chinese: str
    english: str
    city: str


def _rows(name: str) -> list[dict[str, str]]:
    text = files("pipeline.regions").joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def cities() -> dict[str, City]:
    """Every city by its code, in the order of the codes."""
    provinces = {row["code"]: row for row in _rows("provinces.csv")}
    found = {}
    for row in _rows("cities.csv"):
        province = provinces[row["code"][:2] + "0000"]
        found[row["code"]] = City(
            **{key: row[key] for key in ("code", "chinese", "full", "english")},
            province_code=province["code"],
            province_chinese=province["chinese"],
            province_english=province["english"],
            other=tuple(name for name in row["other"].split(";") if name),
        )
    return found


@cache
def county_cities() -> dict[str, CountyCity]:
    """What the network lists beside the 339 cities, by its Chinese name with and without 市 or 区.

    The 29 county-level cities made 367 of 338, and the four new areas came later.
    """
    listed = [CountyCity(**row) for row in _rows("county_cities.csv")]
    return {f"{county.chinese}{ending}": county for county in listed for ending in ("", "市", "区")}


@cache
def _shared_names() -> frozenset[str]:
    count = Counter(city.english for city in cities().values())
    return frozenset(name for name, cities_so_called in count.items() if cities_so_called > 1)


def plain(text: str) -> str:
    """``text`` as it is compared: no spaces, apostrophes, accents over u or difference of case."""
    return re.sub(r"[\s'’`·-]", "", text.strip().lower().replace("ü", "u"))


def _spellings(city: City) -> Iterator[str]:
    yield city.code
    if city.code in MUNICIPALITIES:
        yield city.code[:2] + "0100"
    for name in (city.chinese, city.full, *city.other):
        yield name
        yield f"{city.province_chinese}{name}"
    yield f"{city.chinese}市"
    yield f"{city.english} ({city.province_english})"
    yield f"{city.english}, {city.province_english}"
    yield f"{city.english}({city.province_chinese})"
    yield city.english


@cache
def _by_spelling() -> dict[str, tuple[City, ...]]:
    found: dict[str, tuple[City, ...]] = {}
    for city in cities().values():
        for spelling in dict.fromkeys(plain(spelling) for spelling in _spellings(city)):
            found[spelling] = (*found.get(spelling, ()), city)
    return found


def city_of(text: str) -> City:
    """The city that ``text`` writes: 北京, 北京市, Beijing, 110000 or 110100; older names too.

    An unknown name, or one in Latin letters that two cities share, is an InputError with those that may be meant.
    """
    found = _by_spelling().get(plain(text), ())
    if len(found) == 1:
        return found[0]
    if found:
        meant = " or ".join(f"{city.distinct} ({city.chinese}, {city.code})" for city in found)
        raise InputError(f"city {text!r}: {len(found)} cities are written so; write {meant}")
    near = difflib.get_close_matches(plain(text), _by_spelling(), n=3)
    close = ", ".join(
        dict.fromkeys(f"{city.distinct} ({city.chinese})" for name in near for city in _by_spelling()[name])
    )
    raise InputError(
        f"city {text!r} is none of the {len(cities())} prefecture-level cities; "
        + (f"near: {close}" if close else "agreed a name such as 北京, 北京市, Beijing or a code such as 110000")
    )


def known_city(text: str) -> City | None:
    """The city that ``text`` writes, None where it writes none or several."""
    found = _by_spelling().get(plain(text), ())
    return found[0] if len(found) == 1 else None


Language = Literal["en", "zh"]


def city_name(code: str, language: Language) -> str:
    """A city's name as it is printed, of its code or of any of its spellings; what is no city is its own name."""
    city = cities().get(code) or known_city(code)
    if city is None:
        return code
    return city.chinese if language == "zh" else city.distinct
