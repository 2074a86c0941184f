"""Figure: what changed between two years by city, with the parts of weather and emissions and the index."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from pipeline.errors import ContractError
from pipeline.figures.place_map import LANGUAGES
from pipeline.regions import label
from pipeline.report.figures import panels
from pipeline.report.figures.ground import Ground, ground_of
from pipeline.report.figures.panels import Page, Panel
from pipeline.report.figures.scales import Scale, scale_of
from pipeline.report.figures.words import phrase
from pipeline.wording import Language, decimals_of, number, pollutant_in, statistic_in, units_in

PARTS = ("observed_change", "weather", "emissions")
"""Quantities that share units and a scale."""
INDEX = "mci_change_percent"
WINDOWS = ("shared_days", "year", "months_to_date")
"""The windows of facts that are no part of a year, the first that has rows."""
COLUMNS, LEAST = 2, 2
"""Panels beside each other; how many cities a map needs."""
PLACES = ("name", "label_en", "label_zh", "latitude", "longitude")
"""Columns of the places of a map."""


@dataclass(frozen=True)
class Change:
    """Which change a map shows: of the year ``first`` to the year ``last``."""

    pollutant: str
    statistic: str
    first: int
    last: int


def places_of(stations: pd.DataFrame) -> pd.DataFrame:
    """The cities of ``tables/stations.csv`` with columns ``PLACES``, each at the mean of its stations that count.

    Coordinates are NaN where no station of the city has any.
    """
    counted = stations[stations["assessed"].astype(bool)].assign(name=stations["city"].astype(str))
    means = counted.groupby("name")[["latitude", "longitude"]].mean().reset_index()
    labels = {f"label_{language}": [label(name, language) for name in means["name"]] for language in LANGUAGES}
    return means.assign(**labels)[list(PLACES)]


def statistic_of(facts: pd.DataFrame, pollutant: str) -> str:
    """The statistic of a pollutant's maps: the 90th percentile where its change is attributed, else the first."""
    rows = facts[(facts["level"] == "city") & (facts["pollutant"] == pollutant) & (facts["quantity"] == "weather")]
    found = list(dict.fromkeys(rows["statistic"]))
    return next((str(one) for one in found if str(one).startswith("p90")), str(found[0]) if found else "")


def numbers(facts: pd.DataFrame, change: Change, quantity: str) -> pd.DataFrame:
    """value, low, high, units and marks of a quantity by city; empty where there is none.

    Two rows of a city are a ContractError.
    """
    rows = facts[
        (facts["level"] == "city")
        & (facts["pollutant"] == change.pollutant)
        & (facts["quantity"] == quantity)
        & (_years(facts["period_from"]) == change.first)
        & (_years(facts["period_to"]) == change.last)
        & ((facts["statistic"] == change.statistic) | (quantity == INDEX))
    ]
    window = next((one for one in WINDOWS if (rows["window"] == one).any()), None)
    rows = rows[rows["window"] == window]
    if rows["name"].duplicated().any():
        twice = rows["name"][rows["name"].duplicated()].iloc[0]
        raise ContractError(
            f"facts: city {twice!r} has two rows of {quantity} {change.first} to {change.last}; keep one"
        )
    return rows.assign(name=rows["name"].astype(str)).set_index("name")[["value", "low", "high", "units", "marks"]]


def _years(periods: pd.Series) -> pd.Series:
    """The year in which a period (2025, 2025-09) lies; 0 where there is none."""
    return pd.to_numeric(periods.astype(str).str[:4], errors="coerce").fillna(0)


def mapped(values: Sequence[pd.DataFrame], places: pd.DataFrame) -> int:
    """How many places have a number in any of the panels."""
    known = {str(name) for one in values for name in one.index[one["value"].notna()]}
    return len(known & set(ground_of(places).shapes)) if known else 0


def quantities(facts: pd.DataFrame, change: Change) -> dict[str, pd.DataFrame]:
    """The numbers of each of the four panels."""
    return {quantity: numbers(facts, change, quantity) for quantity in (*PARTS, INDEX)}


def paint(
    facts: pd.DataFrame,
    places: pd.DataFrame,
    change: Change,
    *,
    language: Language,
    source: str,
    outlined: Mapping[str, Sequence[str]] | None = None,
) -> Canvas:
    """Four maps: the observed change, its parts, and the change of the index; the first three share a scale.

    ``facts`` are rows of ``facts.csv``, ``places`` has columns ``PLACES``, ``source`` is the source line, ``outlined``
    regions with the names of their cities. To be called within ``style.settings`` of the language.
    """
    found, ground = quantities(facts, change), ground_of(places)
    parts, index = scales(found)
    titles = panel_titles(language)
    shown = [Panel(titles[key], values, index if key == INDEX else parts) for key, values in found.items()]
    page = Page(
        title=phrase("maps_title", language, **words(change, language)),
        bars=[
            (
                parts,
                phrase("change_axis", language, panels=_letters(0, 2, language), **_measure(found, change, language)),
            ),
            (index, phrase("mci_axis", language, panels=_letters(3, 3, language))),
        ],
        notes=[source, *notes(ground, {change.last: found}, change.first, language)],
        columns=COLUMNS,
        outlined=outlined or {},
    )
    return panels.paint(ground, places, shown, page, language=language)


def scales(found: Mapping[str, pd.DataFrame]) -> tuple[Scale, Scale]:
    """The scale that the parts share, and that of the index."""
    return scale_of(np.concatenate([found[key]["value"] for key in PARTS])), scale_of(found[INDEX]["value"])


def panel_titles(language: Language) -> dict[str, str]:
    """The title of each panel with its letter."""
    return {
        key: phrase("lettered", language, letter=letter, text=phrase(key, language))
        for letter, key in zip(ascii_lowercase, (*PARTS, INDEX), strict=False)
    }


def words(change: Change, language: Language) -> dict[str, object]:
    """What the phrases of a change ask for."""
    return {
        "pollutant": pollutant_in(language, change.pollutant),
        "statistic": measure(change, language),
        "first": change.first,
        "last": change.last,
    }


def measure(change: Change, language: Language) -> str:
    """The statistic in words."""
    return statistic_in(language, change.pollutant, change.statistic.removesuffix("_mda8"))


def units_of(frames: Iterable[pd.DataFrame], language: Language) -> str:
    """The units of the first frame that has any, as readers write them."""
    given = [str(one["units"].iloc[0]) for one in frames if len(one)]
    return units_in(language, given[0]) if given else ""


def notes(
    ground: Ground, by_year: Mapping[int, Mapping[str, pd.DataFrame]], first: int, language: Language
) -> list[str]:
    """What stands below the source line: years that are not whole, and what the ground is."""
    partial = [str(year) for year, frames in by_year.items() if is_partial(frames.values())]
    lines = [phrase("partial_note", language, years=", ".join(partial), first=first)] if partial else []
    return [*lines, phrase(f"{ground.kind}_note", language, package=ground.package)]


def is_partial(frames: Iterable[pd.DataFrame]) -> bool:
    """Whether any number is marked as one of a year that is not whole."""
    return any("partial" in str(marks).split(";") for frame in frames for marks in frame["marks"].unique())


def _measure(found: Mapping[str, pd.DataFrame], change: Change, language: Language) -> dict[str, str]:
    return {"statistic": measure(change, language), "units": units_of((found[key] for key in PARTS), language)}


def _letters(first: int, last: int, language: Language) -> str:
    if first == last:
        return phrase("panel", language, first=ascii_lowercase[first])
    return phrase("panels", language, first=ascii_lowercase[first], last=ascii_lowercase[last])


def caption(change: Change, language: Language) -> str:
    """What the figure is, for the line below it."""
    return phrase("maps_caption", language, **words(change, language))


def alt(facts: pd.DataFrame, change: Change, language: Language) -> str:
    """What is seen: of each panel how many cities, from where to where, and in how many the interval includes zero."""
    found = quantities(facts, change)
    titles = panel_titles(language)
    said = [panel_alt(titles[key], values, language) for key, values in found.items()]
    return phrase("maps_alt", language, panels=(" " if language == "en" else "").join(said))


def panel_alt(title: str, values: pd.DataFrame, language: Language) -> str:
    """What is seen in one panel."""
    panel = Panel(title, values, scale_of(values["value"]))
    shown = panel.numbers
    if shown.empty:
        return phrase("panel_alt_nothing", language, title=title)
    count = decimals_of(float(shown.abs().max()))
    said = {
        "title": title,
        "count": len(shown),
        "low": number(float(shown.min()), count),
        "high": number(float(shown.max()), count),
        "units": units_of([values], language),
    }
    if values[["low", "high"]].isna().all(axis=None):
        return phrase("panel_alt_exact", language, **said)
    return phrase("panel_alt", language, uncertain=len(panel.uncertain), **said)
