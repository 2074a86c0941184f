"""The sentences of a place and pollutant: the index of the week, how unusual, why, what was observed, what comes.

Direction words of the index come from its 90 % interval: one that holds 100 says "near the reference". Every number is
rounded once, from what the index holds (GB/T 8170); percents and points to one decimal, concentrations as the ministry
prints them.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.standards.rounding import decimals, rounded_decimal
from pipeline.weekly.wording import Said, statistic_in
from pipeline.wording import Language, direction, pollutant_in, units_in

Part = Mapping[str, Any]
DRIVERS_OF_CHANGE = ("previous", "last_year")
CHANGES = ("previous", "last_year", "five_years")
YEARS_OF_MEAN = 5
"""Of the mean ``five_years``, where the index does not say of how many it is."""
MOST_EVENTS = 3
"""Of the events of a week so many are named in its sentence, those farthest from what is usual."""
READINGS = {"lowered": "favourable", "raised": "unfavourable", "little": "near"}


def sentences(index: Part, place: Part, pollutant: str) -> list[Said]:
    """What is said of a place: the headline first; parts whose numbers are missing are left out.

    The values leave out what every phrase of the place may name: ``context``.
    """
    own = place["pollutants"].get(pollutant) or {}
    week = (own.get("windows") or {}).get("week") or {}
    said = [
        _headline(index, week),
        _unusual(week),
        _driver(week),
        _driver_of_change(week),
        _events(week),
        _observed(index, week, pollutant),
        _ahead(own),
        _marked(index, week),
        _missing(week),
    ]
    return [sentence for sentence in said if sentence]


def context(place: Part, pollutant: str, language: Language) -> dict[str, str]:
    """The place's name, the pollutant, its units and the statistic of its days, as the sentences name them."""
    units = str((place["pollutants"].get(pollutant) or {}).get("units", ""))
    return {
        "place": name_of(place, language),
        "pollutant": pollutant_in(language, pollutant),
        "units": units_in(language, units),
        "statistic": statistic_in(language, pollutant),
    }


def name_of(place: Part, language: Language) -> str:
    """What a place is called; a name that is missing in one language is that of the other, else its key."""
    names = place.get("name") or {}
    return str(names.get(language) or names.get("en") or names.get("zh") or place["key"])


def reading(low: float | None, high: float | None) -> str:
    """favourable, unfavourable or near, of an interval of the index; unknown ends hold everything."""
    found = direction(*(math.nan if end is None else float(end) for end in (low, high)), base=100.0)
    return READINGS[found]


def percents(mci: float | None, points: Mapping[str, float | None] | None) -> dict[str, float | None]:
    """Changes of the index in percent of what it was, from changes in index points; None where one is not known."""
    given = points or {}
    return {name: _percent(mci, given.get(name)) for name in CHANGES}


def _percent(mci: float | None, points: float | None) -> float | None:
    if mci is None or points is None or mci - points <= 0:
        return None
    return 100 * points / (mci - points)


def text(value: float | None, places: int = 1) -> str:
    """A number as it is printed: rounded once, half to even, a true minus sign, no minus before zero; – if unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    written = str(rounded_decimal(float(value), places))
    return written.lstrip("-") if float(written) == 0 else written.replace("-", "−")


def signed(value: float | None, places: int = 1) -> str:
    """``text`` with its sign, also when positive."""
    written = text(value, places)
    return f"+{written}" if value is not None and value > 0 and written.strip("0.") else written


def concentration_decimals(pollutant: str, end: str) -> int:
    """Decimals with which the ministry prints a concentration of that day."""
    return decimals(pollutant, date=datetime.date.fromisoformat(end), printing="ministry")


def _base(index: Part) -> Said:
    label = str(index["references"]["base"]["label"])
    years = label.replace("-", "").replace("–", "").isdigit()
    return ("same_days_of" if years else "reference_named", {"label": label})


def _headline(index: Part, week: Part) -> Said:
    base = week.get("base") or {}
    mci = base.get("mci")
    if mci is None:
        return ("index_none", {})
    found = reading(base.get("low"), base.get("high"))
    against_base = (f"{found}_base", {"size": text(abs(mci - 100)), "base": [_base(index)]})
    change = week.get("change") or {}
    changes = [_change(name, percent, change) for name, percent in percents(mci, change).items() if percent is not None]
    values = {**_texts(base, "mci", "low", "high"), "few": _few(week), "changes": [against_base, *changes]}
    return (f"index_{found}", {**values, "recent": _recent(index, week, found)})


def _few(week: Part) -> list[Said]:
    """How many days the week has where some are missing."""
    missing, days = len(week.get("missing") or ()), week.get("days")
    return [("few_days", {"days": days, "all": days + missing})] if missing and days is not None else []


def _recent(index: Part, week: Part, of_base: str) -> list[Said]:
    """The index against the mean of recent years, and whether its verdict is that of the base; none if not known."""
    recent, period = week.get("recent") or {}, index["references"].get("recent")
    if recent.get("mci") is None or not period:
        return []
    found = reading(recent.get("low"), recent.get("high"))
    values = {"label": str(period["label"]), **_texts(recent, "mci", "low", "high")}
    if found == of_base:
        return [("recent_agrees", values)]
    return [("recent_differs", {**values, "reading": [(found, {})]})]


def _change(name: str, percent: float, change: Part) -> Said:
    """Risen, fallen, or not surely changed where the interval holds zero; without an interval by the printed number."""
    ends = [change.get(f"{name}_{end}") for end in ("low", "high")]
    if None in ends:
        found = {"same": "little"}.get(verb := _verb(percent, 1), verb)
    else:
        found = {"lowered": "fell", "raised": "rose", "little": "little"}[direction(*map(_number, ends))]
    years = {"years": text(change.get("years", YEARS_OF_MEAN), 0)} if name == "five_years" else {}
    return (f"{found}_{name}", {"size": signed(percent) if found == "little" else text(abs(percent)), **years})


def _texts(numbers: Part, *names: str) -> dict[str, Any]:
    return {name: text(numbers.get(name)) for name in names}


def _verb(value: float, places: int) -> str:
    if not text(abs(value), places).strip("0."):
        return "same"
    return "fell" if value < 0 else "rose"


def _unusual(week: Part) -> Said | None:
    base = week.get("base") or {}
    if base.get("rank") is None or not base.get("of"):
        return None
    return ("unusual", {"rank": base["rank"], "of": base["of"], "percentile": text(base.get("percentile"), 0)})


def _driver(week: Part) -> Said | None:
    return _largest("driver", week.get("drivers") or ())


def _largest(phrase: str, drivers: Sequence[Part]) -> Said | None:
    """The driver group with the largest share, or that it is not sure; None where none is known."""
    known = [driver for driver in drivers if driver.get("points") is not None]
    if not known:
        return None
    largest = max(known, key=lambda driver: abs(driver["points"]))
    numbers = {name: signed(largest.get(name)) for name in ("points", "low", "high")}
    sure = direction(_number(largest.get("low")), _number(largest.get("high"))) != "little"
    return (phrase if sure else f"{phrase}_uncertain", {"group": [(f"group_{largest['group']}", {})], **numbers})


def _driver_of_change(week: Part) -> Said | None:
    """What changed the index most on the week before and on last year."""
    drivers = week.get("drivers_of_change") or {}
    parts = [_largest(f"driver_{change}", drivers.get(change) or ()) for change in DRIVERS_OF_CHANGE]
    known = [part for part in parts if part]
    return ("driver_change", {"parts": known}) if known else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _events(week: Part) -> Said | None:
    """Events that there were, at most ``MOST_EVENTS``; a day of a region is the mean over its cities."""
    judged = [event for event in week.get("events") or () if event.get("judged_days")]
    if not judged:
        return None
    found = [event for event in judged if text(event["days"]).strip("0.")]
    farthest = sorted(found, key=lambda event: -abs(event["days"] - (event.get("usual_days") or 0)))[:MOST_EVENTS]
    said = [_event(event) for event in found if event in farthest]
    return ("events_week", {"events": said}) if said else ("events_week_none", {})


def _event(event: Part) -> Said:
    days = {"days": count(event["days"]), "judged": count(event["judged_days"])}
    usual = event.get("usual_days")
    more = {} if usual is None else {"usual": text(usual)}
    return ("event_days" if more else "event_days_alone", {"event": [(f"event_{event['event']}", {})], **days, **more})


def count(value: float) -> str:
    """A number of days: whole ones without a decimal, means over cities with one."""
    return text(value, 0) if float(value).is_integer() else text(value)


def _observed(index: Part, week: Part, pollutant: str) -> Said | None:
    observed = week.get("observed") or {}
    if observed.get("value") is None:
        return None
    places = concentration_decimals(pollutant, index["week"]["end"])
    value, change = text(observed["value"], places), observed.get("change")
    if change is None:
        return ("observed", {"value": value, "days": text(observed.get("days"), 0)})
    size = text(abs(change), places)
    return (
        f"observed_{_verb(change, places)}",
        {"value": value, "size": size, "explained": [_explained(observed, places)]},
    )


def _explained(observed: Part, places: int) -> Said:
    if observed.get("weather") is None:
        return ("stop", {})
    ends = {name: observed.get(f"weather_{name}") for name in ("low", "high")}
    found = direction(_number(ends["low"]), _number(ends["high"]))
    numbers = {"weather": observed["weather"], **ends}
    return (f"explained_{found}", {name: signed(value, places) for name, value in numbers.items()})


def _ahead(own: Part) -> Said | None:
    ahead = (own.get("outlook") or {}).get("week") or {}
    if ahead.get("mci") is None:
        return None
    values = {name: ahead.get(name, "–") for name in ("start", "end")} | _texts(ahead, "mci", "low", "high")
    # an interval without the forecast's error is too narrow for a call
    if ahead.get("forecast_error") is None:
        return ("ahead_without_error", values)
    return (f"ahead_{reading(ahead.get('low'), ahead.get('high'))}", values)


def _marked(index: Part, week: Part) -> Said | None:
    counts = week.get("kinds") or {}
    parts = [
        ("marked_part", {"count": counts[kind], "kind": [(kind, {})]})
        for kind in index["kinds"]
        if kind != "final" and counts.get(kind)
    ]
    return ("marked", {"parts": parts, "days": sum(counts.values())}) if parts else None


def _missing(week: Part) -> Said | None:
    missing = week.get("missing") or ()
    return ("missing", {"count": len(missing)}) if missing else None
