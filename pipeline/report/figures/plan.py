"""Which figures a report has, in the order and the sections in which they stand."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from pipeline.config import Config
from pipeline.figures import source_line
from pipeline.regions import definitions, label
from pipeline.report.figures import NotMade, ReportFigure, maps_of
from pipeline.report.figures.maps import Change, statistic_of
from pipeline.report.scope import Scope
from pipeline.stages import read_places
from pipeline.store import Run
from pipeline.wording import Language


def planned(
    config: Config, store: Run, scope: Scope, facts: pd.DataFrame, language: Language
) -> Iterator[tuple[str, ReportFigure | NotMade]]:
    """Section and figure, in order; what cannot be drawn is ``NotMade`` and says why."""
    source = source_line(config, language)
    stations, regions = read_places(store)
    places = places_of(pd.DataFrame(list(stations.values())))
    nations = {key for key, one in definitions().items() if one.region == "nation"}
    outlined = {name: cities for name, cities in regions.items() if name not in nations}
    for pollutant in scope.pollutants:
        change = Change(pollutant, statistic_of(facts, pollutant), scope.base_year, scope.year)
        for figure in maps_of(facts, places, change, language=language, source=source, outlined=outlined):
            yield "maps", figure


def places_of(stations: pd.DataFrame) -> pd.DataFrame:
    """The cities of stations, in the middle of their own: columns ``maps.PLACES``."""
    middle = stations.groupby("city", sort=True)[["latitude", "longitude"]].mean()
    names = [str(city) for city in middle.index]
    labels = {f"label_{language}": [label(name, language) for name in names] for language in ("en", "zh")}
    return middle.reset_index(drop=True).assign(name=names, **labels)
