"""Figure: one quantity by city, a map for each year against the base year, all on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.figure import Figure as Canvas

from pipeline.report.figures import maps, panels
from pipeline.report.figures.ground import ground_of
from pipeline.report.figures.maps import Change
from pipeline.report.figures.panels import Page, Panel
from pipeline.report.figures.scales import scale_of
from pipeline.report.figures.words import phrase
from pipeline.wording import Language

Kind = Literal["weather", "mci"]
QUANTITY: Mapping[Kind, str] = {"weather": "weather", "mci": maps.INDEX}
KINDS: tuple[Kind, ...] = ("weather", "mci")


def quantities(facts: pd.DataFrame, change: Change, kind: Kind) -> dict[int, pd.DataFrame]:
    """The numbers of each year after the base year, up to ``change.last``; of a year without any, no rows."""
    years = range(change.first + 1, change.last + 1)
    return {year: maps.numbers(facts, replace(change, last=year), QUANTITY[kind]) for year in years}


def paint(
    facts: pd.DataFrame,
    places: pd.DataFrame,
    change: Change,
    kind: Kind,
    *,
    language: Language,
    source: str,
    outlined: Mapping[str, Sequence[str]] | None = None,
) -> Canvas:
    """A map for each year from the one after ``change.first`` to ``change.last``; arguments as in ``maps.paint``."""
    found, ground = quantities(facts, change, kind), ground_of(places)
    scale = scale_of(np.concatenate([values["value"] for values in found.values()]))
    shown = [Panel(_title(year, values, language), values, scale) for year, values in found.items()]
    measured = {"statistic": maps.measure(change, language), "units": maps.units_of(found.values(), language)}
    page = Page(
        title=phrase(f"{kind}_title", language, **maps.words(change, language)),
        bars=[(scale, phrase(f"{kind}_bar", language, **measured))],
        notes=[
            source,
            *maps.notes(ground, {year: {kind: one} for year, one in found.items()}, change.first, language),
        ],
        columns=2 if len(shown) in (2, 4) else min(3, len(shown)),
        outlined=outlined or {},
    )
    return panels.paint(ground, places, shown, page, language=language)


def _title(year: int, values: pd.DataFrame, language: Language) -> str:
    return phrase("partial_year" if maps.is_partial([values]) else "year", language, year=year)


def caption(change: Change, kind: Kind, language: Language) -> str:
    """What the figure is, for the line below it."""
    return phrase(f"{kind}_caption", language, **maps.words(change, language))


def alt(facts: pd.DataFrame, change: Change, kind: Kind, language: Language) -> str:
    """What is seen, year by year."""
    found = quantities(facts, change, kind)
    said = [maps.panel_alt(_title(year, values, language), values, language) for year, values in found.items()]
    return phrase("maps_alt", language, panels=(" " if language == "en" else "").join(said))
