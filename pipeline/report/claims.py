"""Statements of a report checked against the facts: claim, our value, its interval, and whether they agree.

A claims file (YAML) lists statements, each with the fact it is about and either the value or the direction it claims.
Those of the 2025 report ship as ``claims_2025.yml``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import as_file, files
from itertools import product
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from pipeline.config import read_yaml
from pipeline.errors import ConfigError
from pipeline.report.facts import NAMED_BY, PARTIAL_WITH_YEAR, fact_of
from pipeline.report.indices import TO_DATE
from pipeline.report.scope import Scope
from pipeline.report.tables import Shown
from pipeline.report.wording import as_printed, number, say, signed
from pipeline.wording import Direction, Language, direction

CLAIMS = (
    "claim", "statement_en", "statement_zh", "quantity", "name", "pollutant", "window", "period_from", "period_to",
    "claimed", "tolerance", "value", "low", "high", "units", "agrees", "why", "same_months",
    "note_en", "note_zh", "source", "fact",
)  # fmt: skip
"""A row for each claim; ``agrees`` is yes, no or cannot be checked, ``why`` a key of ``WHY``. ``same_months`` is our
value over like months, where a claim compares a part of a year with a whole one."""
Agrees = Literal["yes", "no", "cannot be checked"]
WHY = (
    "inside_interval", "outside_interval", "inside_tolerance", "outside_tolerance", "direction_agrees",
    "direction_differs", "interval_holds_zero", "no_region", "no_pollutant", "no_period", "no_fact",
)  # fmt: skip
DIRECTIONS: dict[str, Direction] = {"down": "lowered", "up": "raised", "little": "little"}
PRINTED = 1
"""Decimals to which a number without an interval is read for its direction, and of the table."""


class Selector(BaseModel):
    """Which fact a claim is about: columns of FACTS with one value, or several of which the first that is known counts.

    ``period_from`` and ``period_to`` may be the words ``base_year`` and ``year``: those of the report.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    level: Literal["region", "city"] = "region"
    name: tuple[str, ...]
    pollutant: str = ""
    statistic: tuple[str, ...] = ("mean", "p90", "p95")
    quantity: str
    window: tuple[str, ...]
    period_from: tuple[str, ...] = ("",)
    period_to: tuple[str, ...]
    marks: tuple[str, ...] = ()

    @field_validator("name", "statistic", "window", "period_from", "period_to", "marks", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)


class Claim(BaseModel):
    """A statement, what it claims of a fact, and how far a value may be off."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    id: str
    en: str
    zh: str
    source: str = ""
    of: Selector
    value: float | None = None
    direction: Literal["down", "up", "little"] | None = None
    tolerance: float = Field(default=0.0, ge=0)
    note_en: str = ""
    note_zh: str = ""

    @model_validator(mode="after")
    def _one_of_both(self) -> Claim:
        if (self.value is None) == (self.direction is None):
            raise ValueError("found both or neither of value and direction; allowed: one of them")
        return self


def claims_2025() -> tuple[Claim, ...]:
    """The statements of the 2025 report about air quality and weather."""
    with as_file(files("pipeline.report").joinpath("claims_2025.yml")) as path:
        return load_claims(path)


def load_claims(path: Path) -> tuple[Claim, ...]:
    """The claims of a YAML file, in order; what is not agreed is a ConfigError of one line a key."""
    content = read_yaml(path)
    listed = content.get("claims") if isinstance(content, Mapping) and set(content) == {"claims"} else None
    if not isinstance(listed, list) or not listed:
        raise ConfigError(
            f"{path}: found no list of claims; allowed: one key `claims`, a list of id, en, zh, of, value"
        )
    found = [_claim(number, entry, path) for number, entry in enumerate(listed, start=1)]
    ids = [claim.id for claim in found]
    if twice := sorted({name for name in ids if ids.count(name) > 1}):
        raise ConfigError(f"{path}: claim {twice[0]!r} is given twice; allowed: each id once")
    return tuple(found)


def _claim(number: int, entry: Any, path: Path) -> Claim:
    named = entry.get("id", number) if isinstance(entry, Mapping) else number
    try:
        return Claim.model_validate(entry)
    except ValidationError as error:
        lines = [
            f"{path}: claim {named}: {'.'.join(map(str, one['loc'])) or 'entry'}: "
            f"{str(one['msg']).removeprefix('Value error, ')}"
            for one in error.errors()
        ]
        raise ConfigError("\n".join(lines)) from None


def claims(found: pd.DataFrame, scope: Scope, listed: Sequence[Claim] | None = None) -> pd.DataFrame:
    """Each claim beside our value; columns ``CLAIMS``. By default those of the 2025 report.

    A value agrees when the claimed one, give or take its tolerance, meets our 90 % interval; where ours has none, when
    the two differ by no more than the tolerance. A direction agrees when our interval lies on its side of zero; an
    interval that holds zero bears out ``little`` and lets ``up`` and ``down`` be neither confirmed nor refuted. Without
    an interval the direction is that of the number as printed.
    """
    chosen = claims_2025() if listed is None else listed
    return pd.DataFrame([_checked(claim, found, scope) for claim in chosen], columns=list(CLAIMS))


def _checked(claim: Claim, found: pd.DataFrame, scope: Scope) -> dict[str, object]:
    row, lacking = _fact_of(claim.of, found, scope)
    about = {
        "claim": claim.id,
        "statement_en": claim.en,
        "statement_zh": claim.zh,
        "quantity": claim.of.quantity,
        "name": claim.of.name[0],
        "pollutant": claim.of.pollutant,
        "claimed": claim.direction if claim.value is None else claim.value,
        "tolerance": None if claim.value is None else claim.tolerance,
        "note_en": claim.note_en,
        "note_zh": claim.note_zh,
        "source": claim.source,
    }
    if row is None:
        return {**about, "agrees": "cannot be checked", "why": lacking}
    agrees, why = _of_value(claim, row) if claim.value is not None else _of_direction(claim, row)
    own = {name: row[name] for name in CLAIMS if name in row and name != "source"}
    return {**about, **own, "agrees": agrees, "why": why, "same_months": _same_months(row, found, scope)}


def _same_months(row: Mapping[Any, Any], found: pd.DataFrame, scope: Scope) -> float:
    """The number over the same months, for one that compares a part of a year with a whole year; NaN for others."""
    if row["window"] != PARTIAL_WITH_YEAR:
        return math.nan
    named = {**row, "window": TO_DATE, "period_from": scope.to_date(int(row["period_from"]))}
    like = found.loc[found["fact"] == fact_of(*(str(named[name]) for name in NAMED_BY)), "value"]
    return float(like.iloc[0]) if len(like) else math.nan


def _fact_of(wanted: Selector, found: pd.DataFrame, scope: Scope) -> tuple[dict[Any, Any] | None, str]:
    """The fact a claim is about, or why there is none: the first of the selector's steps that leaves nothing."""
    rows = found[found["level"] == wanted.level]
    rows = _first_of(rows, "name", wanted.name)
    if rows.empty:
        return None, "no_region"
    rows = rows[rows["pollutant"] == wanted.pollutant]
    if rows.empty:
        return None, "no_pollutant"
    rows = rows[
        (rows["quantity"] == wanted.quantity) & rows["marks"].map(lambda marks: _distinct(marks) == set(wanted.marks))
    ]
    rows = rows[rows["statistic"].isin(wanted.statistic if wanted.pollutant else ("",))]
    if rows.empty:
        return None, "no_fact"
    for at in _steps(wanted, scope):
        there = rows[(rows[list(WHEN)] == pd.Series(dict(zip(WHEN, at, strict=True)))).all(axis=1)]
        if len(there):
            return _first_of(there, "statistic", wanted.statistic if wanted.pollutant else ("",)).iloc[0].to_dict(), ""
    return None, "no_period"


WHEN = ("window", "period_to", "period_from")


def _steps(wanted: Selector, scope: Scope) -> Iterator[tuple[str, ...]]:
    """Window and periods in the order in which they are looked for, the words of the selector filled."""
    words = {"year": str(scope.year), "base_year": str(scope.base_year)}
    periods = ([words.get(text, text) for text in getattr(wanted, name)] for name in WHEN[1:])
    return product(wanted.window, *periods)


def _first_of(rows: pd.DataFrame, column: str, options: Sequence[str]) -> pd.DataFrame:
    """The rows with the first of ``options`` that any has."""
    there = set(rows[column])
    return rows[rows[column] == next((option for option in options if option in there), None)]


def _distinct(marks: str) -> set[str]:
    return {mark for mark in marks.split(";") if "=" in mark and not mark.startswith("years=")}


def _of_value(claim: Claim, row: Mapping[Any, Any]) -> tuple[Agrees, str]:
    assert claim.value is not None
    low, high = (float(row[name]) for name in ("low", "high"))
    close = 1e-9 * max(1.0, abs(claim.value))
    if math.isfinite(low) and math.isfinite(high):
        meets = low - claim.tolerance - close <= claim.value <= high + claim.tolerance + close
        return ("yes", "inside_interval") if meets else ("no", "outside_interval")
    near = abs(float(row["value"]) - claim.value) <= claim.tolerance + close
    return ("yes", "inside_tolerance") if near else ("no", "outside_tolerance")


def _of_direction(claim: Claim, row: Mapping[Any, Any]) -> tuple[Agrees, str]:
    assert claim.direction is not None
    wanted = DIRECTIONS[claim.direction]
    bounded = math.isfinite(row["low"]) and math.isfinite(row["high"])
    ours = direction(row["low"], row["high"]) if bounded else as_printed(row["value"], PRINTED)
    if ours == wanted:
        return "yes", "direction_agrees"
    return ("cannot be checked", "interval_holds_zero") if bounded and ours == "little" else ("no", "direction_differs")


def why_in(language: Language, row: Mapping[Any, Any]) -> str:
    """Why a claim agrees or not, or cannot be checked, in words."""
    return say(f"claim_{row['why']}", language)


def shown_claims(checked: pd.DataFrame, language: Language) -> Shown:
    """The table of ``claims`` as a reader sees it: claim, our value with its interval, whether they agree and why."""
    keys = ("claim", "claimed", "ours", "same_months", "agrees", "note")
    rows = tuple(_printed(row, language) for row in checked.to_dict("records"))
    headings = tuple(say(f"column_{key}", language) for key in keys)
    return Shown("claims", say("table_claims", language), headings, rows, (say("note_claims", language),))


def _printed(row: Mapping[Any, Any], language: Language) -> tuple[str, ...]:
    places, claimed = 0 if row["units"] == "cities" else PRINTED, row["claimed"]
    write = signed if str(row["quantity"]).endswith(("change", "change_percent")) else number
    value, low, high, like = (
        write(row[name], places) if pd.notna(row[name]) else "" for name in ("value", "low", "high", "same_months")
    )
    agrees = say(f"claim_{str(row['agrees']).replace(' ', '_')}", language)
    return (
        str(row[f"statement_{language}"]),
        say(f"claimed_{claimed}", language) if isinstance(claimed, str) else write(claimed, places),
        f"{value} [{low}, {high}]" if low else value or "–",
        like or "–",
        say("with_reason", language, what=agrees, why=why_in(language, row)),
        str(row[f"note_{language}"]),
    )
