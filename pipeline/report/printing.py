"""The report's tables as the document prints them: each number with the fact it is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, takewhile
from typing import Any

import pandas as pd

from pipeline.report.blocks import Cell, Column
from pipeline.report.claims import shown_claims
from pipeline.report.document import Tabled
from pipeline.report.document_wording import say
from pipeline.report.facts import HEADLINE
from pipeline.report.figures.sensitivity import rows_of
from pipeline.report.gaps import missing
from pipeline.report.scope import Scope
from pipeline.report.sensitivity_wording import note_in, summary, variant_in, word
from pipeline.report.sentences import Sentence
from pipeline.report.tables import AGAINST, PRINTED, SECTION_OF, WORDS, Shown, shown, tables
from pipeline.report.tracing import traced
from pipeline.report.wording import place_in, pollutant_in
from pipeline.wording import Language, decimals_of, signed, statistic_in, units_in

GROUPED = ("place", "pollutant")
"""Leading columns that stand as headings over their rows."""


def printed_tables(facts: pd.DataFrame, scope: Scope, language: Language) -> Iterator[Tabled]:
    """The tables of the facts. What is missing is told by the sentences of its section, and not once more below."""
    known, frames = set(facts["fact"]), tables(facts, scope)
    told = {gap.said(language) for gap in missing(facts, scope)}
    for table in shown(facts, scope, language):
        words = [column in WORDS for column in PRINTED[table.name]]
        kinds = [*words, *[False] * (len(table.headings) - len(words))]
        columns = tuple(Column(name, numbers=not is_word) for name, is_word in zip(table.headings, kinds, strict=True))
        ids = traced(table, frames[table.name], scope, known)
        rows = [_cells(texts, facts_of) for texts, facts_of in zip(table.rows, ids, strict=True)]
        notes = " ".join(note for note in table.notes if note not in told)
        made = Tabled(SECTION_OF[table.name], table.name, table.title, columns, tuple(rows), notes)
        if table.name == "index" and rows:
            made = _beside(made, list(frames["index"]["against"]), scope, language)
        yield _grouped(made)


def _beside(table: Tabled, against: Sequence[str], scope: Scope, language: Language) -> Tabled:
    """The index with its changes against several references beside each other; its word is that against the first."""
    at = {column: number for number, column in enumerate(PRINTED["index"])}
    known = [name for name in AGAINST if name in against]
    several = len({row[at["period_to"]].text for row in table.rows}) > 1
    names = ("place", "pollutant", "window", *(("period_to",) if several else ()), "mci")
    rows = []
    for _, own in groupby(zip(table.rows, against, strict=True), key=lambda pair: [c.text for c in pair[0][:4]]):
        by = {name: row for row, name in own}
        first = next(iter(by.values()))
        changes = [by[name][at["change_percent"]] if name in by else Cell("–") for name in known]
        rows.append((*(first[at[name]] for name in names), *changes, first[at["reading"]]))
    span = f"{scope.recent_years[0]}–{scope.recent_years[-1]}"
    years = {"base_year": scope.base_year, "year_before": scope.year - 1, "recent_years": span}
    headings = [Column(say("column_against", language, years=years[name])) for name in known]
    columns = (*(table.columns[at[name]] for name in names), *headings, table.columns[at["reading"]])
    return replace(table, columns=columns, rows=tuple(rows))


def _grouped(table: Tabled) -> Tabled:
    """The same with a heading for each place, or place and pollutant, instead of their columns."""
    leading = sum(1 for _ in takewhile(GROUPED.__contains__, PRINTED[table.name]))
    groups: dict[str, list[tuple[Cell, ...]]] = {}
    for row in table.rows:
        groups.setdefault(" · ".join(cell.text for cell in row[:leading]), []).append(row[leading:])
    rows = [row for name, own in groups.items() for row in ((Cell(name),), *own)]
    return replace(table, columns=table.columns[leading:], rows=tuple(rows))


def _cells(texts: Sequence[str], facts: Sequence[str]) -> tuple[Cell, ...]:
    return tuple(Cell(text, (fact,) if fact else ()) for text, fact in zip(texts, facts, strict=True))


def printed_claims(checked: pd.DataFrame, facts: pd.DataFrame, language: Language) -> Tabled:
    """The claims beside our values."""
    table, known = shown_claims(checked, language), set(facts["fact"])
    ours = 2
    rows = tuple(
        tuple(Cell(text, (fact,) if number == ours and fact in known else ()) for number, text in enumerate(texts))
        for texts, fact in zip(table.rows, checked["fact"], strict=True)
    )
    return Tabled("claims", "claims", table.title, _columns_of_claims(table), rows, " ".join(table.notes))


def _columns_of_claims(table: Shown) -> tuple[Column, ...]:
    return tuple(Column(name, numbers=number in (1, 2, 3)) for number, name in enumerate(table.headings))


def no_claims(checked: pd.DataFrame, language: Language) -> Tabled:
    """Instead of a table: that this run has nothing to check the claims of the 2025 report with."""
    why = say("no_claims", language, count=len(checked))
    return Tabled("claims", "claims", say("claims_of_2025", language), why=why)


SHOWN = ("choice", "variant", "weather", "emissions", "mci_change_percent", "note")


def printed_sensitivity(table: pd.DataFrame, scope: Scope, language: Language) -> Tabled:
    """The headline of every region under other choices; all numbers are in sensitivity.csv."""
    rows: list[tuple[str, ...]] = []
    for name in scope.regions:
        for pollutant in scope.pollutants:
            own = rows_of(table, name, pollutant, HEADLINE.get(pollutant, "mean"))
            if len(own):
                first = own.iloc[0]
                units = units_in(language, str(own.loc[own["quantity"] != "mci_change_percent", "units"].iloc[0]))
                statistic = statistic_in(language, pollutant, HEADLINE.get(pollutant, "mean"))
                head = f"{place_in(str(first['name']), language)} · {pollutant_in(pollutant, language)}"
                rows.append((f"{head} · {statistic} ({units})",))
                rows += list(_variants(own, language))
    columns = tuple(Column(say(f"column_sensitivity_{name}", language), numbers=name in SHOWN[2:5]) for name in SHOWN)
    cells = tuple(tuple(map(Cell, row)) for row in rows)
    note = say("note_sensitivity", language)
    return Tabled("sensitivity", "sensitivity", say("table_sensitivity", language), columns, cells, note)


def _variants(own: pd.DataFrame, language: Language) -> Iterator[tuple[str, ...]]:
    for (choice, variant), rows in own.groupby(["choice", "variant"], sort=False):
        by = {str(row["quantity"]): row for row in rows.to_dict("records")}
        numbers = [_number(by.get(name)) for name in SHOWN[2:5]]
        notes = dict.fromkeys(note_in(language, str(row["note"])) for row in by.values())
        star = " *" if rows["headline"].any() else ""
        name = variant_in(language, str(choice), str(variant))
        yield (word(str(choice), language), f"{name}{star}", *numbers, "; ".join(filter(None, notes)))


def _number(row: Mapping[Any, Any] | None) -> str:
    if row is None or not math.isfinite(row["value"]):
        return "–"
    value, low, high = (float(row[name]) for name in ("value", "low", "high"))
    decimals = decimals_of(max(abs(value), 3.0))
    bounds = "" if math.isnan(low) else f" [{signed(low, decimals)}, {signed(high, decimals)}]"
    return f"{signed(value, decimals)}{bounds}"


def sensitivity_sentences(table: pd.DataFrame, scope: Scope, language: Language) -> Iterator[Sentence]:
    """Within what the weather's part of each region lies under all choices."""
    for pollutant in scope.pollutants:
        for name in scope.regions:
            rows = rows_of(table, name, pollutant, HEADLINE.get(pollutant, "mean"))
            if len(rows):
                yield Sentence("sensitivity", summary(rows, language), ())
