"""Which fact a cell of the report's tables prints: from the row of ``tables`` and the column, never from the number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd

from pipeline.report.facts import HEADLINE, PARTIAL_WITH_YEAR, SHARED_DAYS, fact_of
from pipeline.report.indices import TO_DATE, YEARLY
from pipeline.report.scope import Scope
from pipeline.report.tables import PRINTED, Shown, year_label

Row = Mapping[Any, Any]
Id = Callable[[Row, str], tuple[str, ...]]
"""(row, column) -> statistic, quantity, window, period_from, period_to and marks of the cell's fact."""


def traced(table: Shown, frame: pd.DataFrame, scope: Scope, facts: Collection[str]) -> list[tuple[str, ...]]:
    """The fact of each cell of a printed table, row by row; empty for words, and for what is no fact of the report.

    ``frame`` are the table's numbers (``tables``), ``facts`` the ids that there are.
    """
    rows = frame.to_dict("records")
    if table.name == "concentrations":
        series: dict[tuple[str, ...], list[Row]] = {}
        for row in rows:
            series.setdefault((str(row["name"]), str(row["pollutant"]), str(row["window"])), []).append(row)
        found = [_by_year(own, scope) for own in series.values()]
    else:
        found = [tuple(_fact(table.name, row, column) for column in PRINTED[table.name]) for row in rows]
    return [tuple(fact if fact in facts else "" for fact in row) for row in found]


def _by_year(rows: list[Row], scope: Scope) -> tuple[str, ...]:
    by_year = {year_label(str(row["period"]), scope): _fact("concentrations", row, "value") for row in rows}
    words = ("",) * len(PRINTED["concentrations"])
    return (*words, *(by_year.get(str(year), "") for year in scope.shown_years))


def _fact(table: str, row: Row, column: str) -> str:
    parts = FACT_OF[table](row, column)
    return fact_of("region", str(row["name"]), str(row.get("pollutant", "")), *parts) if parts else ""


def _concentration(row: Row, column: str) -> tuple[str, ...]:
    return str(row["statistic"]), "concentration", str(row["window"]), "", str(row["period"]), ""


def _ends(row: Row, column: str, named: tuple[str, str, str, str]) -> tuple[str, ...]:
    """Of a row that compares two periods: the number of either end, or the change between them."""
    statistic, level, change, marks = named
    window, first, last = (str(row[key]) for key in ("window", "period_from", "period_to"))
    before, after = (YEARLY, TO_DATE) if window == PARTIAL_WITH_YEAR else (window, window)
    if column.endswith("_from"):
        return statistic, level, before, "", first, marks
    if column.endswith("_to"):
        return statistic, level, after, "", last, marks
    return statistic, change, window, first, last, marks


def _changes(row: Row, column: str) -> tuple[str, ...]:
    if column not in ("value_from", "value_to", "change", "change_percent"):
        return ()
    return _ends(row, column, (str(row["statistic"]), "concentration", column, ""))


def _attaining(row: Row, column: str) -> tuple[str, ...]:
    named = (HEADLINE[str(row["pollutant"])], "cities_attaining", "cities_attaining_change", f"limit={row['limit']:g}")
    if column == "cities":
        return _ends(row, "cities_to", (named[0], "cities", "", named[3]))
    return _ends(row, column, named) if column in ("attaining_from", "attaining_to", "change") else ()


def _heavy_days(row: Row, column: str) -> tuple[str, ...]:
    if column not in ("value_from", "value_to", "change_points"):
        return ()
    measure, dust = str(row["measure"]), "dust=excluded" if row["dust"] == "excluded" else ""
    return _ends(row, column, ("", measure, f"{measure}_change", dust))


def _index(row: Row, column: str) -> tuple[str, ...]:
    window, last = str(row["window"]), str(row["period_to"])
    if column == "mci":
        return "mean", "mci", window, "", last, ""
    if column == "change_percent":
        recent = "recent_" if row["against"] == "recent_years" else ""
        return "mean", f"mci_{recent}change_percent", window, str(row["period_from"]), last, ""
    return ()


def _attribution(row: Row, column: str) -> tuple[str, ...]:
    if column in ("place", "pollutant", "season", "period_from", "period_to"):
        return ()
    window = f"season {row['season']}" if "season" in row else SHARED_DAYS
    return str(row["statistic"]), column, window, str(row["period_from"]), str(row["period_to"]), ""


FACT_OF: dict[str, Id] = {
    "concentrations": _concentration,
    "changes": _changes,
    "attaining": _attaining,
    "heavy_days": _heavy_days,
    "index": _index,
    "attribution": _attribution,
    "attribution_seasons": _attribution,
}
