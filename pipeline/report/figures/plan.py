"""Which figures a report has, in the order and the sections in which they stand."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pandas as pd

from pipeline.config import Config
from pipeline.figures import source_line
from pipeline.regions import definitions, label
from pipeline.report.document_wording import say
from pipeline.report.facts import HEADLINE
from pipeline.report.figures import NotMade, ReportFigure, figure_one, maps_of, sensitivity
from pipeline.report.figures.maps import Change, statistic_of
from pipeline.report.scope import Scope
from pipeline.report.sensitivity_wording import summary, title
from pipeline.stages import read_places
from pipeline.store import Run
from pipeline.wording import Language

Planned = tuple[str, ReportFigure | NotMade]
"""A section and a figure of it."""


def planned(
    config: Config, store: Run, scope: Scope, numbers: tuple[pd.DataFrame, pd.DataFrame], language: Language
) -> Iterator[Planned]:
    """Section and figure, in order; what cannot be drawn is ``NotMade`` and says why.

    ``numbers`` are FACTS and SENSITIVITY.
    """
    facts, of_choices = numbers
    source = source_line(config, language)
    yield from _figure_one(facts, scope, language, source)
    yield from _maps(store, scope, facts, language, source=source)
    yield from _of_choices(of_choices, scope, language, source)


def _figure_one(facts: pd.DataFrame, scope: Scope, language: Language, source: str) -> Iterator[Planned]:
    paint = partial(figure_one.paint, facts, scope, language, source=source)
    caption, alt = figure_one.caption(scope, language), figure_one.summary(facts, scope, language)
    yield "concentrations", ReportFigure("figure-one", language, paint, alt, caption)


def _maps(store: Run, scope: Scope, facts: pd.DataFrame, language: Language, *, source: str) -> Iterator[Planned]:
    stations, regions = read_places(store)
    places = places_of(pd.DataFrame(list(stations.values())))
    nations = {key for key, one in definitions().items() if one.region == "nation"}
    outlined = {name: cities for name, cities in regions.items() if name not in nations}
    for pollutant in scope.pollutants:
        change = Change(pollutant, statistic_of(facts, pollutant), scope.base_year, scope.year)
        for figure in maps_of(facts, places, change, language=language, source=source, outlined=outlined):
            yield "maps", figure


def _of_choices(table: pd.DataFrame, scope: Scope, language: Language, source: str) -> Iterator[Planned]:
    """The headline of the first region under other choices: a figure for each pollutant."""
    years = (scope.base_year, scope.year)
    for pollutant in scope.pollutants:
        rows = sensitivity.rows_of(table, scope.regions[0], pollutant, HEADLINE.get(pollutant, "mean"))
        if rows["value"].notna().any():
            yield (
                "sensitivity",
                ReportFigure(
                    f"sensitivity-{pollutant}",
                    language,
                    partial(sensitivity.paint, rows, language, years=years, source=source),
                    summary(rows, language),
                    say("sensitivity_caption", language, what=title(rows, language, first=years[0], last=years[1])),
                ),
            )


def places_of(stations: pd.DataFrame) -> pd.DataFrame:
    """The cities of stations, in the middle of their own: columns ``maps.PLACES``."""
    middle = stations.groupby("city", sort=True)[["latitude", "longitude"]].mean()
    names = [str(city) for city in middle.index]
    labels = {f"label_{language}": [label(name, language) for name in names] for language in ("en", "zh")}
    return middle.reset_index(drop=True).assign(name=names, **labels)
