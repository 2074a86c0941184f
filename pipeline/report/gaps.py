"""What a report needs and the run does not have: said in its place, while the rest is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from pipeline.report.facts import HEADLINE, LIMITS, SHARED_DAYS
from pipeline.report.indices import TO_DATE, YEARLY
from pipeline.report.scope import Scope
from pipeline.report.wording import joined, period_in, place_in, pollutant_in, say
from pipeline.wording import Language

Section = Literal["concentrations", "attaining", "heavy_days", "index", "attribution"]
SECTIONS: tuple[Section, ...] = ("concentrations", "attaining", "heavy_days", "index", "attribution")


@dataclass(frozen=True)
class Gap:
    """Something that is not there: ``what`` and ``why`` are keys of phrases; empty where it is not about one."""

    section: Section
    what: str
    why: str
    name: str = ""
    pollutant: str = ""
    periods: tuple[str, ...] = ()

    def said(self, language: Language) -> str:
        """The line that stands in its place."""
        values = {
            "place": place_in(self.name, language) if self.name else "",
            "pollutant": pollutant_in(self.pollutant, language) if self.pollutant else "",
            "period": joined([period_in(period, language) for period in self.periods], "list", language),
            "section": say(f"section_{self.section}", language),
        }
        what = say(f"missing_{self.what}", language, **values)
        return say("missing", language, what=what, why=say(f"why_{self.why}", language))


def headline_window(scope: Scope) -> tuple[str, str, str]:
    """The window that the report's year is told by, and its period in the base year and in the report's."""
    if scope.partial:
        return TO_DATE, scope.to_date(scope.base_year), scope.to_date(scope.year)
    return YEARLY, str(scope.base_year), str(scope.year)


def missing(found: pd.DataFrame, scope: Scope) -> list[Gap]:
    """What the sections, tables and Figure 1 of a report need and ``found`` (FACTS) does not have, in their order.

    A pollutant or a region of which there is nothing is told once, in each section that needs it.
    """
    own = found[found["level"] == "region"]
    gone = [name for name in scope.regions if name not in set(own["name"])]
    lost = [name for name in scope.pollutants if name not in set(own["pollutant"])]
    gaps = [Gap(section, "region", "region", name=name) for section in SECTIONS for name in gone]
    gaps += [Gap(section, "pollutant", "pollutant", pollutant=name) for section in OF_POLLUTANTS for name in lost]
    places = [name for name in scope.regions if name not in gone]
    pollutants = [name for name in scope.pollutants if name not in lost]
    gaps += _concentrations(own, scope, places, pollutants)
    gaps += [gap for section in SECTIONS[1:] for gap in _of_section(section, own, scope, (places, pollutants))]
    return sorted(dict.fromkeys(gaps), key=lambda gap: SECTIONS.index(gap.section))


OF_POLLUTANTS: tuple[Section, ...] = ("concentrations", "attaining", "index", "attribution")


def _concentrations(own: pd.DataFrame, scope: Scope, places: list[str], pollutants: list[str]) -> list[Gap]:
    """Years of Figure 1 without a concentration: a whole year, of a partial one its months."""
    levels = own[(own["quantity"] == "concentration") & ~own["marks"].str.contains("dust=excluded")]
    known = set(levels[["name", "pollutant", "period_to"]].itertuples(index=False, name=None))
    wanted = [str(year) for year in scope.shown_years if not (scope.partial and year == scope.year)]
    wanted += [scope.to_date(scope.year)] if scope.partial else []
    lacking = {
        (name, pollutant): tuple(period for period in wanted if (name, pollutant, period) not in known)
        for pollutant in pollutants
        for name in places
    }
    gaps = []
    for pollutant in pollutants:
        everywhere = tuple(period for period in wanted if all(period in lacking[name, pollutant] for name in places))
        if places and everywhere:
            gaps.append(Gap("concentrations", "year", "concentrations", "", pollutant, everywhere))
        for name in places:
            if own_periods := tuple(period for period in lacking[name, pollutant] if period not in everywhere):
                gaps.append(Gap("concentrations", "cell", "concentrations", name, pollutant, own_periods))
    return gaps


def _of_section(section: Section, own: pd.DataFrame, scope: Scope, needed: tuple[list[str], list[str]]) -> list[Gap]:
    """Places, and their pollutants, without the number that a section is about; all together when none has it."""
    places, pollutants = needed
    rows = headline(section, own, scope)
    if not places or not pollutants:
        return []
    if rows.empty:
        return [Gap(section, "section", section)]
    if section == "heavy_days":
        return [Gap(section, "days", section, name=name) for name in places if name not in set(rows["name"])]
    known = set(rows[["name", "pollutant"]].itertuples(index=False, name=None))
    asked = [name for name in pollutants if section != "attaining" or name in LIMITS]
    return [
        Gap(section, "part", section, name, pollutant)
        for pollutant in asked
        for name in places
        if (name, pollutant) not in known
    ]


def headline(section: Section, own: pd.DataFrame, scope: Scope) -> pd.DataFrame:
    """The facts that a section begins with: the report's year against the base year, by regions."""
    window, before, period = headline_window(scope)
    rows = own[(own["level"] == "region") & (own["period_to"] == period)]
    if section == "attribution":
        pair = (own["period_from"] == str(scope.base_year)) & (own["period_to"] == str(scope.year))
        headlines = own["pollutant"].map(HEADLINE).fillna("mean")
        return own[
            pair & (own["quantity"] == "weather") & (own["window"] == SHARED_DAYS) & (own["statistic"] == headlines)
        ]
    quantity, needed = {
        "concentrations": ("concentration", ""),
        "attaining": ("cities_attaining", ""),
        "heavy_days": ("heavy_days_percent", ""),
        "index": ("mci_change_percent", before),
    }[section]
    return rows[(rows["quantity"] == quantity) & (rows["window"] == window) & (rows["period_from"] == needed)]
