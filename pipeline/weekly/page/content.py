"""What the page's script is given: the index by place and pollutant, every number as it is printed, both languages.

Of ``index.json`` (schema ``tianbang-index/1``); any optional part may be absent. Series are packed
(``pipeline.weekly.page.packing``): weeks and the band of past years share one axis for each pollutant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.errors import InputError
from pipeline.regions.cities import known_city
from pipeline.standards.rounding import rounded_decimal
from pipeline.weekly.index import FEWEST_DAYS_OF_CLASS
from pipeline.weekly.page.china import ChinaMap
from pipeline.weekly.page.packing import Spoken, packed, step_of
from pipeline.weekly.page.sentences import (
    CHANGES,
    DRIVERS_OF_CHANGE,
    concentration_decimals,
    name_of,
    percents,
    reading,
    sentences,
)
from pipeline.weekly.wording import statistic_in, words
from pipeline.wording import Language, pollutant_in, units_in

Part = Mapping[str, Any]
SCHEMA = "tianbang-index/1"
LANGUAGES: tuple[Language, ...] = ("en", "zh")
WINDOWS = ("week", "month", "year", "season")
REFERENCES = ("base", "recent")
WEEK_VALUES = ("mci", "low", "high")
AHEAD_VALUES = (*WEEK_VALUES, "forecast_error")
BAND_VALUES = ("min", "p10", "median", "p90", "max")
OBSERVED = ("value", "last_year", "change", "weather", "weather_low", "weather_high")
EVENT_DAYS = ("days", "judged_days", "usual_days")
LEVELS = ("nation", "region")
"""Levels whose events are on the page: those of all cities would be most of its bytes."""


def payload(
    index: Part, china: ChinaMap | None = None, *, with_series: Collection[str] = ("nation", "region", "city")
) -> dict[str, Any]:
    """Everything the script draws; series by week and day only of places of the levels ``with_series``.

    An InputError for another schema, or for content without places.
    """
    if index.get("schema") != SCHEMA:
        raise InputError(f"index: schema {index.get('schema')!r}, agreed {SCHEMA!r}; make the index again")
    if not index.get("places"):
        raise InputError("index: it holds no place; make the index of at least one city")
    groups = _groups(index)
    step = step_of(_series_values(index))
    spoken = Spoken()
    codes = {str(place["key"]): code_of(place) for place in index["places"] if place["level"] == "city"}
    return {
        "words": {language: vocabulary(index, language) for language in LANGUAGES},
        "run": {key: str(index.get(key) or "–") for key in ("run", "made", "version", "models", "schema")},
        "week": index["week"],
        "labels": {name: str(found["label"]) for name in REFERENCES if (found := index["references"].get(name))},
        "classes": [{key: one.get(key) for key in ("key", "above", "below")} for one in index["classes"]],
        "limits": dict(index.get("class_limits") or {}),
        "fewest_days": FEWEST_DAYS_OF_CLASS,
        "kinds": list(index["kinds"]),
        "groups": groups,
        "step": step,
        "places": [_place(place, codes, china) for place in index["places"]],
        "pollutants": {
            name: _pollutant(index, name, Axes(groups=groups, step=step, levels=with_series, spoken=spoken))
            for name in pollutants_of(index)
        },
        "forms": spoken.forms,
        "events": _events(index),
        "notes": [{language: str(note[language]) for language in LANGUAGES} for note in index.get("notes") or ()],
        "outlook": _outlook(index.get("outlook") or {}),
        "verification": {name: _verification(rows) for name, rows in (index.get("verification") or {}).items()},
    }


def pollutants_of(index: Part) -> list[str]:
    """Pollutants of any place, in the order they come."""
    return list(dict.fromkeys(name for place in index["places"] for name in place["pollutants"]))


def week_number(label: str) -> int | None:
    """40 of ``2025-W40``; None of a label that does not end with a number."""
    found = re.search(r"(\d+)$", label)
    return int(found.group()) if found else None


def _both(spoken: Any) -> dict[str, str]:
    return {language: spoken(language) for language in LANGUAGES}


def vocabulary(index: Part, language: Language) -> dict[str, str]:
    """Phrases by key in one language, and the names that the index brings: of classes, driver groups, events.

    A group or event without a name is its key in words.
    """
    keys = {
        "class": [one["key"] for one in index["classes"]],
        "group": _groups(index),
        "event": sorted({row["event"] for row in [*(index.get("events") or ()), *_events_of_weeks(index)]}),
    }
    lists = {"class": "classes", "group": "groups", "event": "event_names"}
    brought = {
        f"{kind}_{key}": told.get(key) or str(key).replace("_", " ")
        for kind, own in keys.items()
        for told in [{one["key"]: one.get(language) for one in index.get(lists[kind]) or ()}]
        for key in own
    }
    # a name from data is no template
    return words(language) | {key: str(name).replace("{", "").replace("}", "") for key, name in brought.items()}


def _events_of_weeks(index: Part) -> Iterator[Part]:
    for place in index["places"]:
        for own in place["pollutants"].values():
            for window in _weeks(own):
                yield from window.get("events") or ()


def _weeks(own: Part) -> tuple[Part, Part]:
    """The week and the coming one; empty where there is none."""
    return (own.get("windows") or {}).get("week") or {}, (own.get("outlook") or {}).get("week") or {}


def _groups(index: Part) -> tuple[str, ...]:
    """Driver groups as the index names them; without names, in the order they come."""
    told = [str(group["key"]) for group in index.get("groups") or ()]
    found = (
        str(driver["group"])
        for place in index["places"]
        for own in place["pollutants"].values()
        for window in (own.get("windows") or {}).values()
        for driver in (window or {}).get("drivers") or ()
    )
    return tuple(dict.fromkeys([*told, *found]))


def code_of(place: Part) -> str:
    """A city's administrative code: the one given, else that of its key or name; empty where it has none."""
    if place["level"] != "city":
        return ""
    written = [place.get("adcode"), place["key"], *(place.get("name") or {}).values()]
    found = (known_city(str(text)) for text in written if text)
    return next((city.code for city in found if city), "")


def _place(place: Part, codes: Mapping[str, str], china: ChinaMap | None) -> dict[str, Any]:
    """``codes`` are those of the cities by key: a region's members are given by code."""
    code = code_of(place)
    names = _both(lambda language: name_of(place, language))
    member_codes = [codes.get(str(city)) or str(city) for city in place.get("cities") or ()]
    is_region = bool(member_codes) and place["level"] == "region"
    return {
        "level": str(place["level"]),
        "key": str(place["key"]),
        **names,
        **({"adcode": code} if code else {}),
        **({"cities": member_codes} if is_region else {}),
        **({"outline": china.outline(member_codes)} if is_region and china else {}),
    }


def _series_values(index: Part) -> Iterator[float | None]:
    for place in index["places"]:
        for own in place["pollutants"].values():
            yield from (row.get(name) for row in own.get("weeks") or () for name in WEEK_VALUES)
            yield from (row.get(name) for row in own.get("band") or () for name in BAND_VALUES)
            yield from (row.get(name) for row in (own.get("outlook") or {}).get("days") or () for name in AHEAD_VALUES)


@dataclass(frozen=True)
class Axes:
    """What places share: driver groups, the packed step, levels with series, forms of sentences; weeks and days."""

    groups: tuple[str, ...]
    step: float
    levels: Collection[str]
    spoken: Spoken
    weeks: tuple[str, ...] = ()
    band: tuple[int, ...] = ()
    ahead: tuple[str, ...] = ()


def _pollutant(index: Part, name: str, shared: Axes) -> dict[str, Any]:
    owns = [place["pollutants"].get(name) for place in index["places"]]
    known = [own for own in owns if own]
    labels = {row["start"]: str(row["label"]) for own in known for row in own.get("weeks") or ()}
    ahead = {row["date"] for own in known for row in (own.get("outlook") or {}).get("days") or ()}
    numbers = {int(row["week"]) for own in known for row in own.get("band") or ()}
    axes = replace(shared, weeks=tuple(sorted(labels)), band=tuple(sorted(numbers)), ahead=tuple(sorted(ahead)))
    units = str(known[0].get("units", ""))
    return {
        **_both(lambda language: pollutant_in(language, name)),
        "units": _both(lambda language: units_in(language, units)),
        "statistic": _both(lambda language: statistic_in(language, name)),
        "decimals": _decimals(index, name),
        "weeks": [
            [labels[start], start, week_number(labels[start]) or position + 1]
            for position, start in enumerate(axes.weeks)
        ],
        "band": axes.band,
        "ahead": axes.ahead,
        "places": [
            None if own is None else _own(index, place, name, axes)
            for place, own in zip(index["places"], owns, strict=True)
        ],
    }


def _own(index: Part, place: Part, pollutant: str, axes: Axes) -> dict[str, Any]:
    own = place["pollutants"][pollutant]
    windows = {name: found for name in WINDOWS if (found := (own.get("windows") or {}).get(name))}
    places = _decimals(index, pollutant)
    return {
        "said": [axes.spoken.packed(one) for one in sentences(index, place, pollutant)],
        "windows": {name: _window(window, index, places) for name, window in windows.items()},
        "drivers": _waterfalls(windows.get("week") or {}, axes.groups),
        "happened": _happened(own),
        **_coming(own, index),
        **(_series(own, index["kinds"], axes) if place["level"] in axes.levels else {"left_out": True}),
    }


def _happened(own: Part) -> list[list[Any]]:
    """Event; days, judged days and usual days of the week, then of the coming one."""
    week, coming = ({row["event"]: row for row in window.get("events") or ()} for window in _weeks(own))
    return [
        [str(event), *(_printed(rows.get(event, {}).get(name)) for rows in (week, coming) for name in EVENT_DAYS)]
        for event in dict.fromkeys([*week, *coming])
    ]


def _coming(own: Part, index: Part) -> dict[str, Any]:
    """The coming week as ``_reference`` has the past one, its days and forecast error; nothing without an outlook."""
    outlook = own.get("outlook") or {}
    week = outlook.get("week")
    if not week:
        return {}
    dates, error = [week.get("start"), week.get("end")], _printed(week.get("forecast_error"))
    return {"coming": {"dates": dates, "base": _reference(week, index), "error": error}}


def _series(own: Part, kinds: Sequence[str], axes: Axes) -> dict[str, Any]:
    """Weeks of the year with their kinds, the band of other years, days ahead; what is absent is left out."""
    weeks = {row["start"]: row for row in own.get("weeks") or ()}
    band = {int(row["week"]): row for row in own.get("band") or ()}
    outlook = own.get("outlook") or {}
    ahead = {row["date"]: row for row in outlook.get("days") or ()}
    found: dict[str, Any] = {}
    if weeks:
        found |= {"weeks": _packed_rows(weeks, axes.weeks, WEEK_VALUES, axes.step), "kinds": _kinds(weeks, axes, kinds)}
    if band:
        years = max(int(row.get("years") or 0) for row in band.values())
        found |= {"band": _packed_rows(band, axes.band, BAND_VALUES, axes.step), "years": years}
    if ahead:
        found |= {
            "ahead": _packed_rows(ahead, axes.ahead, AHEAD_VALUES, axes.step),
            "issued": [_utc(outlook.get("issued")), outlook.get("source") or "–", _error_in(ahead.values())],
        }
    return found


def _utc(moment: str | None) -> str:
    """A time such as 2025-10-06T00:00:00Z as people write it."""
    return re.sub(r"^(\S+)T(\d\d:\d\d)(:\d\d)?Z$", r"\1 \2 UTC", moment) if moment else "–"


def _error_in(days: Collection[Part]) -> str:
    """Of how many days ahead the interval holds the forecast's error: all, some or none."""
    known = [day.get("forecast_error") is not None for day in days]
    return "all" if all(known) else "some" if any(known) else "none"


def _outlook(told: Part) -> dict[str, Any]:
    """Why there is no outlook, or what is to be said of it: phrases, each with its values."""
    if told.get("why") or not told.get("issued"):
        return {"why": told.get("why"), "remarks": []}
    leads = told.get("corrected_leads") or ()
    remarks: list[list[Any]] = [
        ["outlook_corrected", {"leads": ", ".join(map(str, leads))}]
        if leads
        else ["outlook_not_corrected", {"past": told.get("past", 0), "needed": told.get("correct_from", "–")}]
    ]
    lists = {"outlook_emulated": "emulated", "outlook_before": "before", "outlook_without": "without_weather"}
    for phrase, name in lists.items():
        if found := told.get(name):
            remarks.append([phrase, {"names" if name == "emulated" else "days": ", ".join(map(str, found))}])
    return {"why": None, "remarks": remarks}


def _kinds(weeks: Mapping[str, Part], axes: Axes, kinds: Sequence[str]) -> str:
    """A digit for each week: the number of its kind, - where it has none."""
    told = [(weeks.get(start) or {}).get("kind") for start in axes.weeks]
    return "".join(str(kinds.index(kind)) if kind in kinds else "-" for kind in told)


def _packed_rows(rows: Mapping[Any, Part], keys: Sequence[Any], names: Sequence[str], step: float) -> str:
    return packed([(rows.get(key) or {}).get(name) for name in names for key in keys], step)


def _window(window: Part, index: Part, places: int) -> dict[str, Any]:
    base = window.get("base") or {}
    observed = window.get("observed") or {}
    return {
        "dates": [window.get("start"), window.get("end"), window.get("days"), len(window.get("missing") or ())],
        "kinds": [int((window.get("kinds") or {}).get(kind, 0)) for kind in index["kinds"]],
        **{name: _reference(window[name], index) for name in REFERENCES if window.get(name)},
        "change": [_printed(percents(base.get("mci"), window.get("change"))[name]) for name in CHANGES],
        "observed": [_printed(observed.get(name), places) for name in OBSERVED],
    }


def _waterfalls(window: Part, groups: Sequence[str]) -> dict[str, list[Any]]:
    """From where the week's index came, 100 or the week before or last year: the index there, then its drivers."""
    mci, of_change = (window.get("base") or {}).get("mci"), window.get("drivers_of_change") or {}
    found: dict[str, list[Any]] = {}
    if own := window.get("drivers"):
        found["reference"] = [100, *_drivers(own, groups)]
    for change in DRIVERS_OF_CHANGE:
        points = (window.get("change") or {}).get(change)
        if (own := of_change.get(change)) and mci is not None and points is not None:
            found[change] = [_printed(mci - points), *_drivers(own, groups)]
    return found


def _drivers(rows: Sequence[Part], groups: Sequence[str]) -> list[list[Any]]:
    """Number of the group, points, low, high."""
    return [
        [groups.index(str(row["group"])), *(_printed(row.get(name)) for name in ("points", "low", "high"))]
        for row in rows
    ]


def _reference(value: Part, index: Part) -> list[Any]:
    """mci, low, high, number of the class, rank, of, percentile, reading of the interval."""
    keys = [one["key"] for one in index["classes"]]
    found = keys.index(value["class"]) if value.get("class") in keys else None
    numbers = [_printed(value.get(name)) for name in WEEK_VALUES]
    known = value.get("mci") is not None
    call = reading(value.get("low"), value.get("high")) if known else None
    return [*numbers, found, value.get("rank"), value.get("of"), _printed(value.get("percentile"), 0), call]


def _printed(value: float | None, places: int = 1) -> float | int | None:
    """A number rounded as it will be printed; whole ones without a point."""
    if value is None or value != value:
        return None
    rounded = float(rounded_decimal(float(value), places)) + 0.0
    return int(rounded) if rounded.is_integer() else rounded


def _events(index: Part) -> list[list[Any]]:
    """level, key, pollutant, event, year, days, share in percent, concentration on such days, on others."""
    return [
        [
            row["level"], str(row["key"]), row["pollutant"], str(row["event"]), row["year"],
            _printed(row.get("days"), 0),
            _printed(None if row.get("share") is None else 100 * row["share"]),
            *(_printed(row.get(name), _decimals(index, row["pollutant"])) for name in ("on_event", "otherwise")),
        ]
        for row in index.get("events") or ()
        if row["level"] in LEVELS
    ]  # fmt: skip


def _decimals(index: Part, pollutant: str) -> int:
    return concentration_decimals(pollutant, index["week"]["end"])


def _verification(rows: Sequence[Part]) -> list[list[Any]]:
    """Lead (null of the coming week), count, error, bias, hit rate in percent; both of persistence, error of 100."""
    return [
        [
            None if row.get("window") == "week" else row["lead"],
            row.get("count"),
            *(_printed(row.get(name)) for name in ("mean_absolute_error", "bias")),
            _printed(_percent(row.get("hit_rate"))),
            _printed(row.get("persistence_error")),
            _printed(_percent(row.get("persistence_hit_rate"))),
            _printed(row.get("climatology_error")),
        ]
        for row in rows
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
