"""The report's paragraphs with the numbers filled in, English and Chinese; every number is a fact's, rounded once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from pipeline.report.facts import HEADLINE, LIMITS, PARTIAL_WITH_YEAR, SHARED_DAYS, THREE_YEARS, TRAILING
from pipeline.report.gaps import SECTIONS, Section, headline_window, missing
from pipeline.report.indices import TO_DATE, YEARLY
from pipeline.report.scope import Scope
from pipeline.report.wording import (
    as_printed,
    before_in,
    concentration_decimals,
    joined,
    number,
    period_in,
    place_in,
    pollutant_in,
    say,
    signed,
    statistic_in,
    telling,
)
from pipeline.wording import Direction, Language, direction, units_in

PERCENT, POINTS, PARTS = 1, 1, 1
"""Decimals of per cents, of percentage points, of the parts of a change."""
OBSERVED: dict[Direction, str] = {"lowered": "fell", "raised": "rose", "little": "same"}


Row = Mapping[Any, Any]


class Sentence(NamedTuple):
    """A sentence of a section, and the ids of the facts whose numbers it names; none for what is missing."""

    section: str
    text: str
    facts: tuple[str, ...]


class _Told:
    """FACTS of a report's regions, in one language; ``used`` were looked up since the last sentence."""

    def __init__(self, found: pd.DataFrame, scope: Scope, language: Language) -> None:
        self.scope, self.language = scope, language
        regions = found[(found["level"] == "region") & found["name"].isin(scope.regions)]
        self.rows = regions.set_index("fact", drop=False)
        self.facts = self.rows.to_dict("index")
        self.used: list[str] = []

    def fact(self, *parts: str, marks: str = "") -> Row | None:
        """The fact of a region by the parts of its id; None where it is not known."""
        parts = tuple(part.replace("/", "--") for part in ("region", *parts, *marks.split(";")) if part)
        row = self.facts.get("/".join(parts))
        if row is not None:
            self.used.append(str(row["fact"]))
        return row

    def say(self, key: str, **values: object) -> str:
        return say(key, self.language, **values)

    def sentence(self, section: Section, text: str) -> Sentence:
        """The sentence with the facts that were looked up for it."""
        used, self.used = tuple(dict.fromkeys(self.used)), []
        return Sentence(section, text, used)

    def list(self, texts: Sequence[str]) -> str:
        """Comparisons behind a number: each with a comma before it."""
        return "".join(self.say("comma") + text for text in texts if text)

    def place(self, name: str) -> str:
        """A place as a sentence names it; in Chinese, Latin letters keep their distance from what follows."""
        text = place_in(name, self.language)
        return f"{text} " if self.language == "zh" and text[-1:].isascii() else text

    def before(self, window: str, period: str) -> str:
        return before_in(window, period, self.language)

    def period(self, period: str) -> str:
        return period_in(period, self.language)


def sentences(found: pd.DataFrame, scope: Scope, language: Language) -> list[Sentence]:
    """The paragraphs of the report on FACTS, section by section; what is missing is said at its section's end.

    Regions come in the order of the scope. An interval that holds zero makes a change "little changed"; an observed
    change has none and is called after the number as it is printed. Per cents are of the unrounded values.
    """
    told = _Told(found, scope, language)
    gaps = missing(found, scope)
    makers = {
        "concentrations": _concentrations,
        "attaining": _attaining,
        "heavy_days": _heavy_days,
        "index": _index,
        "attribution": _attribution,
    }
    made: list[Sentence] = []
    for section in SECTIONS:
        made += makers[section](told)
        made += [Sentence(section, gap.said(language), ()) for gap in gaps if gap.section == section]
    return made


def _series(told: _Told) -> Iterator[tuple[str, str]]:
    return ((pollutant, name) for pollutant in told.scope.pollutants for name in told.scope.regions)


def _concentrations(told: _Told) -> Iterator[Sentence]:
    window, _, period = headline_window(told.scope)
    for pollutant, name in _series(told):
        series = (name, pollutant, HEADLINE.get(pollutant, "mean"))
        sentences = [_concentration(told, series, (window, period)), _unlike(told, series, period)]
        if any(sentences):
            yield told.sentence("concentrations", (" " if told.language == "en" else "").join(filter(None, sentences)))
        if sentence := _concentration(told, series, (TRAILING, told.scope.trailing(told.scope.year))):
            yield told.sentence("concentrations", sentence)
        last = told.scope.year - told.scope.partial
        if sentence := _concentration(told, series, (THREE_YEARS, f"{last - 2}-{last}")):
            yield told.sentence("concentrations", sentence)


Series = tuple[str, str, str]
"""Region, pollutant and statistic."""


def _concentration(told: _Told, series: Series, at: tuple[str, str]) -> str:
    """A window's concentration and how it compares with the same window of the base year and of the year before."""
    window, period = at
    own = told.fact(*series, "concentration", window, period)
    if own is None:
        return ""
    year = int(period[-4:]) if window == THREE_YEARS else told.scope.year
    earlier = [_same_window(told.scope, window, before) for before in dict.fromkeys((told.scope.base_year, year - 1))]
    comparisons = [_compared(told, series, window, (before, period)) for before in earlier if before != period]
    return told.say(
        {TRAILING: "trailing", THREE_YEARS: "three_years"}.get(window, "concentration"),
        place=told.place(series[0]),
        period=told.period(period),
        statistic=statistic_in(series[1], series[2], told.language, annual=window in (YEARLY, THREE_YEARS)),
        **_value(told, series[1], own),
        comparisons=told.list(comparisons),
    )


def _same_window(scope: Scope, window: str, year: int) -> str:
    if window == THREE_YEARS:
        return f"{year - 2}-{year}"
    return {TO_DATE: scope.to_date, TRAILING: scope.trailing}.get(window, str)(year)


def _value(told: _Told, pollutant: str, row: Row, name: str = "value") -> dict[str, str]:
    places = concentration_decimals(pollutant, told.scope)
    return {name: number(row["value"], places), "units": units_in(told.language, str(row["units"]))}


def _compared(told: _Told, series: Series, window: str, periods: tuple[str, str], key: str = "{}_percent") -> str:
    """How much lower or higher than before; empty where it is not known."""
    base = told.facts.get("/".join(("region", *series, "concentration", *(_base_of(window, periods[0])))))
    change = told.fact(*series, "change_percent", window, *periods)
    if change is None or base is None:
        return ""
    told.used.append(str(base["fact"]))
    found = as_printed(change["value"], PERCENT)
    return told.say(
        key.format(OBSERVED[found]),
        before=told.before(window, periods[0]),
        size=number(abs(change["value"]), PERCENT),
        **_value(told, series[1], base, "base"),
    )


def _base_of(window: str, period: str) -> tuple[str, str]:
    return YEARLY if window == PARTIAL_WITH_YEAR else window, period.replace("/", "--")


def _unlike(told: _Told, series: Series, period: str) -> str:
    """A part of a year against the whole base year, with the warning that they are unlike."""
    return _compared(told, series, PARTIAL_WITH_YEAR, (str(told.scope.base_year), period), "unlike_{}")


def _attaining(told: _Told) -> Iterator[Sentence]:
    window, base, period = headline_window(told.scope)
    for pollutant, limits in LIMITS.items():
        for limit in limits:
            for name in told.scope.regions:
                text = _attaining_one(told, (name, pollutant, f"limit={limit:g}"), window, (base, period))
                if text:
                    yield told.sentence("attaining", text)


def _attaining_one(told: _Told, at: Series, window: str, periods: tuple[str, str]) -> str:
    name, pollutant, limit = at
    series = (name, pollutant, HEADLINE[pollutant])
    attaining, cities = (
        told.fact(*series, quantity, window, periods[1], marks=limit) for quantity in ("cities_attaining", "cities")
    )
    if attaining is None or cities is None:
        return ""
    change = told.fact(*series, "cities_attaining_change", window, *periods, marks=limit)
    comparisons = []
    if change is not None:
        word = {"lowered": "fewer", "raised": "more", "little": "same"}[as_printed(change["value"], 0)]
        size = number(abs(change["value"]), 0)
        comparisons = [told.say(f"{word}_cities", size=size, before=told.before(window, periods[0]))]
    return told.say(
        "attaining",
        place=told.place(name),
        pollutant=pollutant_in(pollutant, told.language),
        period=told.period(periods[1]),
        attaining=number(attaining["value"], 0),
        cities=number(cities["value"], 0),
        limit=limit.removeprefix("limit="),
        units=units_in(told.language, "ug m-3"),
        comparisons=told.list(comparisons),
    )


def _heavy_days(told: _Told) -> Iterator[Sentence]:
    window, base, period = headline_window(told.scope)
    for name in told.scope.regions:
        for quantity in ("heavy_days_percent", "heavy_days_pm25_percent", "good_days_percent"):
            for dust in ("", "dust=excluded"):
                own = told.fact(name, quantity, window, period, marks=dust)
                if own is None:
                    continue
                change = told.fact(name, f"{quantity}_change", window, base, period, marks=dust)
                text = told.say(
                    "days_dust" if dust else "days",
                    place=told.place(name),
                    period=told.period(period),
                    what=told.say(quantity),
                    value=number(own["value"], PERCENT),
                    comparisons=told.list([_points(told, change, window, base)]),
                )
                yield told.sentence("heavy_days", text)


def _points(told: _Told, change: Row | None, window: str, base: str) -> str:
    if change is None:
        return ""
    word = OBSERVED[as_printed(change["value"], POINTS)]
    size = number(abs(change["value"]), POINTS)
    return told.say(f"{word}_points", size=size, before=told.before(window, base))


def _index(told: _Told) -> Iterator[Sentence]:
    window, base, period = headline_window(told.scope)
    for pollutant in told.scope.pollutants:
        for name in told.scope.regions:
            series = (name, pollutant, "mean")
            change = told.fact(*series, "mci_change_percent", window, base, period)
            if change is not None:
                before = told.before(window, base)
                reading = f"reading_{_direction(change)}"
                named = pollutant_in(pollutant, told.language)
                words = {"reading": told.say(reading, pollutant=named, before=before)}
                yield told.sentence("index", _index_one(told, series, change, before, **words))
            if recent := _recent(told, series, window):
                yield recent
        yield from _by_direction(told, pollutant)


def _direction(row: Row) -> Direction:
    """Where a fact's interval lies: one that is not known says nothing, so nothing is said to have changed."""
    return direction(float(row["low"]), float(row["high"]))


def _bounded(row: Row, places: int) -> dict[str, str]:
    """A number and its interval; where the interval does not hold zero, no end of it is printed as zero."""
    sure = _direction(row) != "little"
    shown = {name: telling(row[name], places) if sure else places for name in ("value", "low", "high")}
    values = {name: signed(row[name], own) for name, own in shown.items()}
    return {**values, "size": number(abs(row["value"]), shown["value"])}


def _index_one(told: _Told, series: Series, row: Row, before: str, **words: str) -> str:
    change = told.say(
        f"index_{_direction(row)}",
        before=before,
        **_bounded(row, PERCENT),
    )
    return told.say(
        "index" if words else "index_recent",
        place=told.place(series[0]),
        pollutant=pollutant_in(series[1], told.language),
        period=told.period(str(row["period_to"])),
        change=change,
        **words,
    )


def _recent(told: _Told, series: Series, window: str) -> Sentence | None:
    """The index against the mean of the last whole years."""
    last = told.scope.to_date(told.scope.year) if window == TO_DATE else str(told.scope.year)
    rows = told.rows[
        (told.rows["name"] == series[0])
        & (told.rows["pollutant"] == series[1])
        & (told.rows["quantity"] == "mci_recent_change_percent")
        & (told.rows["window"] == window)
        & (told.rows["period_to"] == last)
    ]
    if rows.empty:
        return None
    row = rows.iloc[0].to_dict()
    told.used.append(str(row["fact"]))
    years = next(mark.removeprefix("years=") for mark in str(row["marks"]).split(";") if mark.startswith("years="))
    span = told.period(str(row["period_from"]))
    whole = int(years) == len(told.scope.recent_years)
    known = span if whole else told.say("years_known", period=span, years=years)
    before = told.say("recent_same_months" if window == TO_DATE else "recent", period=known)
    return told.sentence("index", _index_one(told, series, row, before))


def _by_direction(told: _Told, pollutant: str) -> Iterator[Sentence]:
    """Where the index fell, where it rose, where neither can be said; nothing for less than two regions."""
    window, base, period = headline_window(told.scope)
    groups: dict[Direction, list[str]] = {"lowered": [], "raised": [], "little": []}
    for name in told.scope.key_regions:
        change = told.fact(name, pollutant, "mean", "mci_change_percent", window, base, period)
        if change is not None:
            groups[_direction(change)].append(place_in(name, told.language))
    if len(told.used) < 2:
        told.used = []
        return
    said = [
        told.say(f"group_{found}", places=joined(places, "list", told.language))
        for found, places in groups.items()
        if places
    ]
    text = told.say(
        "index_regions",
        before=told.before(window, base),
        pollutant=pollutant_in(pollutant, told.language),
        period=told.period(period),
        groups=joined(said, "and_then", told.language),
    )
    yield told.sentence("index", text)


def _attribution(told: _Told) -> Iterator[Sentence]:
    for first, last in told.scope.headline_pairs:
        for pollutant, name in _series(told):
            series = (name, pollutant, HEADLINE.get(pollutant, "mean"))
            if text := _attributed(told, series, (str(first), str(last))):
                yield told.sentence("attribution", text)


def _attributed(told: _Told, series: Series, years: tuple[str, str]) -> str:
    at = (SHARED_DAYS, *years)
    observed, weather, emissions, residual, unobserved = (
        told.fact(*series, quantity, *at)
        for quantity in ("observed_change", "weather", "emissions", "residual", "unobserved")
    )
    if weather is None or emissions is None:
        return ""
    units = units_in(told.language, str(weather["units"]))
    parts = [_part(told, "weather", weather, units), _part(told, "emissions", emissions, units)]
    for key, row in (("residual_value", residual), ("unobserved_value", unobserved)):
        if row is not None and as_printed(row["value"], PARTS) != "little":
            parts.append(told.say(key, value=signed(row["value"], PARTS), units=units))
    if observed is None:
        return ""
    found = as_printed(observed["value"], PARTS)
    return told.say(
        "attribution",
        place=told.place(series[0]),
        before=told.before(TO_DATE if told.scope.partial else YEARLY, years[0]),
        period=told.period(_reported(told.scope, years[1])),
        days=int(weather["days"]),
        statistic=statistic_in(series[1], series[2], told.language),
        observed=told.say(f"observed_{found}", size=number(abs(observed["value"]), PARTS), units=units),
        parts=joined(parts, "and_then", told.language),
    )


def _reported(scope: Scope, year: str) -> str:
    """The months of the report's year when it is not whole."""
    return scope.to_date(scope.year) if scope.partial and int(year) == scope.year else year


def _part(told: _Told, quantity: str, row: Row, units: str) -> str:
    return told.say(
        f"{quantity}_{_direction(row)}",
        units=units,
        **_bounded(row, PARTS),
    )
