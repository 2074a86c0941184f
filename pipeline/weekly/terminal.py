"""The document as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import east_asian_width

from pipeline.vocabulary import pollutant
from pipeline.weekly.index import FEWEST_DAYS_OF_CLASS, Entry
from pipeline.weekly.windows import WINDOWS
from pipeline.weekly.wording import statistic_in

HEAD = (
    "place", "", "window", "MCI", "90 % interval", "class", "last week", "last year", "5 years", "rank", "observed",
    "kind",
)  # fmt: skip
TITLES = {"week": "week", "month": "month to date", "year": "year to date", "season": "seasonal year"}


def as_text(document: Entry) -> str:
    """The week, its references, thresholds and models, then a row for each place, pollutant and window."""
    rows = [HEAD, *_rows(document)]
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(_padded(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*_head(document), "", *lines, *_ahead(document)])


def _head(document: Entry) -> Iterator[str]:
    week, references = document["week"], document["references"]
    days = f"{week['start']} to {week['end']}"
    yield f"{document['run']}: meteorological condition index (MCI), week {week['label']}, {days}"
    base, recent = references["base"], references["recent"]
    yield f"100 is the weather of {base['label']} at its emissions; below favourable (有利), above unfavourable"
    if recent is not None:
        yield f"index.csv, index.json: against {recent['label']} too"
    limits = [f"{own['en']} {_limits(own)}" for own in document["classes"]]
    yield f"classes of weeks: {'; '.join(limits)}"
    of_years = ", ".join(f"{limit:g}" for limit in document["class_limits"]["year"])
    yield f"of year and seasonal year to date the limits are {of_years}; both are this project's own"
    yield f"no class with fewer than {FEWEST_DAYS_OF_CLASS} days"
    yield f"observed: {'; '.join(_statistics(document))}"
    yield f"models {document['models'][:16]}, tianbang {document['version']}"


def _statistics(document: Entry) -> list[str]:
    """What the observed numbers of each pollutant are."""
    names = dict.fromkeys(name for place in document["places"] for name in place["pollutants"])
    return [f"{pollutant(name).english} mean of {statistic_in('en', name)}" for name in names]


def _ahead(document: Entry) -> Iterator[str]:
    """The coming week of every place, or why there is none; nothing where no outlook was asked for."""
    told = document.get("outlook")
    if told is None:
        return
    yield ""
    if told["why"]:
        yield f"no outlook: {told['why']['en']}"
        return
    yield f"outlook of {told['source']}, issued {told['issued']}; all days are forecast"
    for place in document["places"]:
        for name, found in place["pollutants"].items():
            week = found["outlook"]["week"]
            if week is not None:
                days = f"{week['start']} to {week['end']}"
                values = f"{week['mci']:.1f}  {week['low']:.1f} to {week['high']:.1f}"
                label = f"{place['level']} {place['name']['en']}  {pollutant(name).english}"
                without = "" if week["forecast_error"] is not None else "  (without forecast error)"
                yield f"{label}  {days}  {values}  {week['class'].replace('_', ' ')}{without}"


def _limits(own: Entry) -> str:
    if own["above"] is None:
        return f"below {own['below']:g}"
    return f"from {own['above']:g}" if own["below"] is None else f"{own['above']:g} to {own['below']:g}"


def _rows(document: Entry) -> Iterator[Sequence[str]]:
    for place in document["places"]:
        for name, found in place["pollutants"].items():
            for window in WINDOWS:
                own = found["windows"][window]
                cells = _cells(own, pollutant(name).english, TITLES[window], found["units"])
                yield (f"{place['level']} {place['name']['en']}", *cells)


def _cells(own: Entry, title: str, window: str, units: str) -> Sequence[str]:
    base, change, observed = own["base"], own["change"], own["observed"]
    days = f"{own['days']} of {own['days'] + len(own['missing'])} days" if own["missing"] else ""
    kind = ", ".join(
        [*(f"{count} {kind}" for kind, count in own["kinds"].items() if kind != "final"), *([days] if days else [])]
    )
    if base is None:
        return (title, window, *[""] * 8, kind or "no day known")
    return (
        title,
        window,
        f"{base['mci']:.1f}",
        f"{base['low']:.1f} to {base['high']:.1f}",
        base["class"].replace("_", " ") if base["class"] else "no class",
        *(_signed(change[name]) for name in ("previous", "last_year", "five_years")),
        f"{base['rank']} of {base['of']}",
        "" if observed["value"] is None else f"{observed['value']:.1f} {units}",
        kind,
    )


def _signed(value: float | None) -> str:
    return "" if value is None else f"{value:+.1f}"


def _width(text: str) -> int:
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - _width(text))
