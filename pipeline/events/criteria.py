"""The criteria of events, as ``criteria.yml`` says them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, get_args

import yaml

from pipeline.errors import ConfigError
from pipeline.vocabulary import WEATHER

Relation = Literal["below", "above", "at_least", "at_most"]
Season = Literal["all", "warm"]
PERCENTILE = "percentile"

NEEDS: dict[str, tuple[str, ...]] = {
    "wind_speed_500": ("u500", "v500"),
    "warmer_at_850": ("t850", "t2m"),
    "warmer_at_925": ("t925", "t2m"),
}
"""Quantities that are derived for a criterion, and the weather they need; any other is of the vocabulary."""
DERIVED_UNITS: dict[str, str] = {"wind_speed_500": "m s-1", "warmer_at_850": "K", "warmer_at_925": "K"}


@dataclass(frozen=True)
class Condition:
    """A quantity of the day against ``threshold``, or against its ``percentile`` of the calendar day (``window``)."""

    quantity: str
    relation: Relation
    threshold: float | None
    percentile: float | None
    window: int


@dataclass(frozen=True)
class Fall:
    """A quantity at least ``by`` lower than so many ``days`` before, for one of ``by_days`` (days, by)."""

    quantity: str
    by_days: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Criterion:
    """What makes a day one of an event; see ``criteria.yml`` for the meaning of each field."""

    key: str
    english: str
    chinese: str
    matters_for: tuple[str, ...]
    conditions: tuple[Condition, ...]
    fall: Fall | None
    least_days: int
    season: Season
    instead_of: str | None
    source: str
    verified: bool
    remark: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Weather quantities without which no day can be judged."""
        quantities = [condition.quantity for condition in self.conditions]
        quantities += [self.fall.quantity] if self.fall else []
        return tuple(dict.fromkeys(name for quantity in quantities for name in NEEDS.get(quantity, (quantity,))))


@cache
def criteria() -> dict[str, Criterion]:
    """Every criterion by its key, in the order in which they are printed."""
    return read(files("pipeline.events").joinpath("criteria.yml").read_text(encoding="utf-8"))


def read(text: str) -> dict[str, Criterion]:
    """The criteria of a YAML text; a quantity, unit or relation that is not agreed is a ConfigError."""
    return {key: _criterion(key, given) for key, given in yaml.safe_load(text)["events"].items()}


def _criterion(key: str, given: Mapping[str, Any]) -> Criterion:
    season = given.get("season", "all")
    if season not in get_args(Season):
        raise ConfigError(f"event {key}: found season {season!r}; agreed {', '.join(get_args(Season))}")
    return Criterion(
        key=key,
        english=given["english"],
        chinese=given["chinese"],
        matters_for=tuple(given["matters_for"]),
        conditions=tuple(_condition(key, one) for one in given["conditions"]),
        fall=_fall(key, given["falls"]) if "falls" in given else None,
        least_days=int(given.get("least_days", 1)),
        season=season,
        instead_of=given.get("instead_of"),
        source=given["source"],
        verified=bool(given["verified"]),
        remark=given["remark"],
    )


def _condition(key: str, given: Mapping[str, Any]) -> Condition:
    relations = [name for name in get_args(Relation) if name in given]
    if len(relations) != 1:
        raise ConfigError(f"event {key}: found {dict(given)}; agreed one of {', '.join(get_args(Relation))}")
    _require_units(key, given)
    bound = given[relations[0]]
    by_percentile = bound == PERCENTILE
    return Condition(
        quantity=given["quantity"],
        relation=relations[0],
        threshold=None if by_percentile else float(bound),
        percentile=float(given["percentile"]) if by_percentile else None,
        window=int(given["window"]) if by_percentile else 0,
    )


def _fall(key: str, given: Mapping[str, Any]) -> Fall:
    _require_units(key, given)
    return Fall(given["quantity"], tuple((int(days), float(by)) for days, by in given["by"]))


def _require_units(key: str, given: Mapping[str, Any]) -> None:
    quantity = given["quantity"]
    known = DERIVED_UNITS | {name: variable.units for name, variable in WEATHER.items()}
    if quantity not in known:
        raise ConfigError(f"event {key}: found the quantity {quantity!r}; known: {', '.join(known)}")
    if given["units"] != known[quantity]:
        raise ConfigError(f"event {key}: found {quantity} in {given['units']!r}; agreed {known[quantity]!r}")


def events_of_interest(pollutant: str) -> tuple[str, ...]:
    """Keys of the events that matter for a pollutant, in the order of the criteria; of one that none names, all."""
    named = tuple(key for key, one in criteria().items() if pollutant in one.matters_for)
    return named or tuple(criteria())


def event_in(language: str, key: str) -> str:
    """What an event is called; an unknown one keeps its key."""
    found = criteria().get(key)
    return key if found is None else found.english if language == "en" else found.chinese
