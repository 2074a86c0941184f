"""Named regions: a name, the years in which it meant so, and its cities (``definitions.yml``)."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from pipeline.errors import ConfigError
from pipeline.regions.cities import Language, cities, city_name


@dataclass(frozen=True)
class Definition:
    """What the name of a region meant from the year ``since`` to the year ``until`` (None: to this day).

    ``region`` is what several definitions have in common; ``cities`` are codes of GB/T 2260.
    """

    key: str
    region: str
    chinese: str
    english: str
    since: int
    until: int | None
    source: str
    cities: tuple[str, ...]


@cache
def definitions() -> dict[str, Definition]:
    """Every definition by its key, such as ``bth_2_36``."""
    text = files("pipeline.regions").joinpath("definitions.yml").read_text(encoding="utf-8")
    return {key: _definition(key, content) for key, content in yaml.safe_load(text).items()}


def _definition(key: str, content: dict[str, Any]) -> Definition:
    without = content.pop("without", {})
    members = cities() if content["cities"] == "all" else content["cities"]
    return Definition(key=key, **{**content, "cities": tuple(code for code in members if code not in without)})


def definition(key: str) -> Definition:
    """The definition called ``key``; an unknown one is a ConfigError with those that may be meant."""
    known = definitions()
    if key not in known:
        near = difflib.get_close_matches(key, known, n=3) or list(known)
        raise ConfigError(f"regions: {key!r} is no definition of a region; known: {', '.join(near)}")
    return known[key]


def regions_of(keys: Sequence[str], *, mixed: bool = False) -> dict[str, tuple[str, ...]]:
    """Definition -> codes of its cities: the one membership that an analysis keeps in all its years.

    Two definitions of one region, or definitions that were in force in no common year (their cities overlap or leave
    gaps), are a ConfigError unless ``mixed`` asks for them.
    """
    chosen = [definition(key) for key in dict.fromkeys(keys)]
    if not chosen:
        raise ConfigError(f"regions: found no definition; known: {', '.join(definitions())}")
    if not mixed:
        _require_one_time(chosen)
    return {found.key: found.cities for found in chosen}


def _require_one_time(chosen: Sequence[Definition]) -> None:
    for number, one in enumerate(chosen):
        for other in chosen[:number]:
            if one.region == other.region:
                raise ConfigError(
                    f"regions: {other.key!r} and {one.key!r} define the same region; keep one of them, or ask "
                    "for mixed definitions"
                )
            earlier, later = sorted((one, other), key=lambda found: found.since)
            if earlier.until is not None and earlier.until < later.since:
                raise ConfigError(
                    f"regions: {other.key!r} ({_years(other)}) and {one.key!r} ({_years(one)}) were never in force "
                    "together; take definitions of one time, or ask for mixed definitions"
                )


def _years(found: Definition) -> str:
    return f"{found.since}-{found.until or ''}"


def label(key: str, language: Language) -> str:
    """How a region or city is printed: by the key of a definition or the code of a city; any other is its own name."""
    found = definitions().get(key)
    if found is None:
        return city_name(key, language)
    return found.chinese if language == "zh" else found.english
