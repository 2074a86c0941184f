"""The report as a document in one language: what stands in which section, numbered; what is missing, in its place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline import __version__
from pipeline.config import Config
from pipeline.regions import label
from pipeline.report.blocks import (
    Block,
    Cell,
    Column,
    Document,
    Grid,
    Heading,
    Items,
    NewPage,
    Paragraph,
    Picture,
    Said,
    Telling,
    Trace,
    Traced,
)
from pipeline.report.document_wording import listed, say
from pipeline.report.figures import NotMade, ReportFigure
from pipeline.report.methods import methods
from pipeline.report.scope import Scope
from pipeline.report.sentences import Sentence
from pipeline.report.supplement import Provenance, plain_config, without_paths
from pipeline.stages import read_places
from pipeline.store import Run, digest
from pipeline.wording import Language, phrase, pollutant_in, source_in

SECTIONS = (
    "headlines",
    "concentrations",
    "attaining",
    "heavy_days",
    "index",
    "attribution",
    "maps",
    "claims",
    "sensitivity",
)
"""The sections in order; a sentence, table or figure names the one it stands in."""
HEADLINES = ("concentrations", "index", "attribution")
"""Sections whose first sentences of the first region make the report in short."""
WORDS_SHOWN = 90
NOTES_SHOWN = 40
REGIONS_NAMED = 12


@dataclass(frozen=True)
class Tabled:
    """A table of a section; without rows ``why`` says what is missing."""

    section: str
    name: str
    caption: str
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    note: str = ""
    why: str = ""


@dataclass(frozen=True)
class Drawn:
    """A figure of a section with its files by suffix; one that was not made has none."""

    section: str
    figure: ReportFigure | NotMade
    files: Mapping[str, Path]


@dataclass(frozen=True)
class Parts:
    """What a document is composed of, in one language."""

    config: Config
    store: Run
    scope: Scope
    facts: pd.DataFrame
    origin: Provenance
    sentences: Sequence[Sentence]
    tables: Sequence[Tabled]
    drawn: Sequence[Drawn]
    notes: Sequence[str] = ()


@dataclass
class _Numbering:
    """Running numbers of sections, figures, tables and sentences."""

    language: Language
    section: int = 0
    count: dict[str, int] = field(default_factory=dict)

    def next(self, kind: str) -> int:
        self.count[kind] = self.count.get(kind, 0) + 1
        return self.count[kind]

    def label(self, kind: str) -> str:
        return say(kind, self.language, number=self.next(kind))


def compose(parts: Parts, language: Language) -> Document:
    """The document of a report in one language."""
    numbering = _Numbering(language)
    blocks: list[Block] = []
    for section in SECTIONS:
        blocks += _section(section, parts, numbering)
    traced = [one for block in blocks if isinstance(block, Telling) for one in block.sentences]
    blocks += _appendices(parts, language, traced)
    return Document(
        language,
        _title(parts.scope, language),
        _subtitle(parts, language),
        say("series", language, name=parts.config.name),
        say("imprint", language),
        f"tianbang {__version__}",
        say("as_of", language, day=parts.origin.last_day),
        (parts.origin.last_day.year, parts.origin.last_day.month, parts.origin.last_day.day),
        tuple((say(key, language), value) for key, value in _facts_of_run(parts, language)),
        tuple(blocks),
        {"contents": say("contents", language)},
    )


def _title(scope: Scope, language: Language) -> str:
    if scope.partial:
        return say("title_to_date", language, year=scope.year, through=f"{scope.end:%Y-%m}")
    return say("title", language, year=scope.year)


def _subtitle(parts: Parts, language: Language) -> str:
    key = "subtitle" if parts.scope.regions != parts.scope.key_regions else "subtitle_region"
    return say(key, language, first=parts.scope.base_year, last=parts.scope.year)


def _facts_of_run(parts: Parts, language: Language) -> Iterator[tuple[str, str]]:
    config, scope = parts.config, parts.scope
    stations, _ = read_places(parts.store)
    cities = {str(facts["city"]) for facts in stations.values()}
    year = say("partial", language, year=scope.year, day=parts.origin.last_day) if scope.partial else str(scope.year)
    named = [label(name, language) for name in scope.regions[:REGIONS_NAMED]]
    yield "fact_year", year
    yield "fact_data", phrase("to", language, start=config.period[0], end=parts.origin.last_day)
    yield "fact_base", phrase("to", language, start=config.base_period[0], end=config.base_period[1])
    yield "fact_pollutants", listed([pollutant_in(language, one) for one in config.pollutants], language)
    yield "fact_regions", listed(named, language)
    yield "fact_places", say("places_of", language, cities=len(cities), stations=len(stations))
    yield "fact_observations", source_in(language, config.observations.reader)
    yield "fact_weather", source_in(language, config.weather.source)
    yield (
        "fact_interval",
        say("interval_of", language, members=config.model.members, block_days=config.model.block_days),
    )


def _section(section: str, parts: Parts, numbering: _Numbering) -> Iterator[Block]:
    sentences = [one for one in (*_headlines(parts), *parts.sentences) if one.section == section]
    tables = [one for one in parts.tables if one.section == section]
    drawn = [one for one in parts.drawn if one.section == section]
    if not (sentences or tables or drawn):
        return
    number = numbering.next("section")
    yield Heading(1, f"{number} {say(f'section_{section}', numbering.language)}", f"section-{section}")
    if section == "claims":
        yield Paragraph(say("claims_intro", numbering.language))
    for subject, own in groupby(sentences, key=_subject):
        if subject:
            yield Telling(tuple(Said(one.text, one.facts, str(numbering.next("trace"))) for one in own))
        else:
            yield from (Paragraph(one.text, "plain" if section == "sensitivity" else "missing") for one in own)
    yield from dict.fromkeys(_picture(one, numbering) for one in drawn)
    told = any(not one.facts for one in sentences)  # what a table without rows lacks
    yield from (_table(table, numbering) for table in tables if table.rows or table.why or not told)


def _headlines(parts: Parts) -> Iterator[Sentence]:
    """What is said first of the first region: of each pollutant its concentration, its weather, its attribution."""
    for pollutant in parts.scope.pollutants:
        about = f"region/{parts.scope.regions[0]}/{pollutant}/"
        for section in HEADLINES:
            own = (
                one for one in parts.sentences if one.section == section and "".join(one.facts[:1]).startswith(about)
            )
            if (first := next(own, None)) is not None:
                yield first._replace(section="headlines")


def _subject(sentence: Sentence) -> tuple[str, ...]:
    """What sentences in a row have in common to make one paragraph; nothing where they say what is missing."""
    _, name, pollutant, *_ = [*(sentence.facts or ("",))[0].split("/"), "", "", ""]
    subjects = {"heavy_days": (name,), "attaining": (pollutant,)}
    return subjects.get(sentence.section, (name, pollutant)) if sentence.facts else ()


def _picture(drawn: Drawn, numbering: _Numbering) -> Block:
    figure = drawn.figure
    if isinstance(figure, NotMade):
        return Paragraph(figure.why, "missing")
    label = numbering.label("figure")
    return Picture(f"figure-{figure.name}", label, figure.caption, figure.alt, dict(drawn.files))


def _table(table: Tabled, numbering: _Numbering) -> Block:
    if not table.rows:
        why = table.why or say("no_rows", numbering.language)
        return Paragraph(say("missing_table", numbering.language, what=table.caption, why=why), "missing")
    return Grid(
        f"table-{table.name}",
        numbering.label("table"),
        table.caption,
        table.columns,
        table.rows,
        table.note,
    )


def _appendices(parts: Parts, language: Language, said: Sequence[Said]) -> Iterator[Block]:
    yield NewPage()
    yield Heading(1, say("appendix", language, letter="A", title=say("section_methods", language)), "methods")
    yield from methods(parts.config, parts.store, language)
    yield NewPage()
    yield Heading(1, say("appendix", language, letter="B", title=say("section_trace", language)), "trace")
    yield Paragraph(say("trace_intro", language))
    yield Trace(tuple(_traced(one, parts.facts) for one in said))
    yield NewPage()
    yield Heading(1, say("appendix", language, letter="C", title=say("section_provenance", language)), "provenance")
    yield from _provenance(parts, language)


def _traced(said: Said, facts: pd.DataFrame) -> tuple[str, str, tuple[Traced, ...]]:
    rows = facts.set_index("fact").loc[list(dict.fromkeys(said.facts))]
    words = said.text if len(said.text) <= WORDS_SHOWN else said.text[:WORDS_SHOWN].rstrip() + "…"
    found = (Traced(str(fact), value_of(row), str(row["source"])) for fact, row in rows.iterrows())
    return said.trace, words, tuple(found)


def value_of(row: pd.Series) -> str:
    """A fact's value as it stands in facts.csv: with interval and units."""
    bounds = f" [{row['low']:.6g}, {row['high']:.6g}]" if pd.notna(row["low"]) else ""
    units = "" if row["units"] in ("", "1") else f" {row['units']}"
    return f"{row['value']:.6g}{bounds}{units}".replace("-", "−")


def _provenance(parts: Parts, language: Language) -> Iterator[Block]:
    origin = parts.origin
    packages = [f"{name} {version}" for name, version in origin.versions.items() if name != "Python"]
    yield Paragraph(say("provenance_intro", language))
    rows = [
        ("provenance_version", f"tianbang {__version__}"),
        ("provenance_code", origin.code),
        ("provenance_config", origin.config_digest),
        ("provenance_inputs", str(len(origin.inputs))),
        ("provenance_inputs_digest", digest(dict(origin.inputs))),
        ("provenance_seed", str(parts.config.model.seed)),
        ("provenance_facts", str(len(parts.facts))),
        ("provenance_python", origin.versions["Python"]),
        ("provenance_packages", listed(packages, language)),
    ]
    yield _pairs("provenance", [(say(key, language), value) for key, value in rows], "", language)
    config = [(key, value) for key, value in flat(plain_config(parts.config))]
    yield _pairs("config", config, say("config_caption", language), language)
    if parts.notes:
        yield Heading(2, say("notes_caption", language), "notes")
        shown = [without_paths(note) for note in parts.notes[:NOTES_SHOWN]]
        left = len(parts.notes) - len(shown)
        yield Items((*shown, say("notes_left", language, count=left)) if left > 0 else tuple(shown))
    yield Paragraph(say("citation", language), "note")


def _pairs(name: str, pairs: Sequence[tuple[str, str]], caption: str, language: Language) -> Grid:
    columns = (Column(say("column_key", language), numbers=False), Column(say("column_value", language), numbers=False))
    rows = tuple((Cell(key), Cell(value)) for key, value in pairs)
    return Grid(f"table-{name}", "", caption, columns, rows)


def flat(content: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Keys with dots between and their values as text; what is long is cut."""
    for key, value in content.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{above}{key}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{above}{key}", text if len(text) <= 400 else text[:400] + "…"
