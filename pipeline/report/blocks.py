"""What a document is made of, in one language and before it is HTML or PDF: headings, paragraphs, figures, tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from pipeline.wording import Language

Role = Literal["plain", "note", "missing"]
"""A sentence of the document; small print; what could not be made, and why."""


@dataclass(frozen=True)
class Heading:
    """A heading with its number; ``anchor`` is unique in the document."""

    level: int
    text: str
    anchor: str
    kind: ClassVar = "heading"


@dataclass(frozen=True)
class Paragraph:
    """A paragraph without numbers of the run."""

    text: str
    role: Role = "plain"
    kind: ClassVar = "paragraph"


@dataclass(frozen=True)
class Said:
    """A sentence with numbers: the ids of their ``facts``, and the number under which these are listed."""

    text: str
    facts: tuple[str, ...]
    trace: str


@dataclass(frozen=True)
class Telling:
    """A paragraph of sentences with numbers."""

    sentences: tuple[Said, ...]
    kind: ClassVar = "telling"


@dataclass(frozen=True)
class Items:
    """A list of remarks."""

    remarks: tuple[str, ...]
    kind: ClassVar = "items"


@dataclass(frozen=True)
class Equation:
    """An equation for Typst, and as a line of plain text for who cannot see it."""

    typst: str
    plain: str
    kind: ClassVar = "equation"


@dataclass(frozen=True)
class Picture:
    """A figure: ``files`` by suffix; ``width`` is its share of the text's width; ``label`` is "Figure 1"."""

    anchor: str
    label: str
    caption: str
    alt: str
    files: Mapping[str, Path] = field(hash=False)
    width: float = 1.0
    kind: ClassVar = "picture"


@dataclass(frozen=True)
class Cell:
    """What a cell prints, and the ids of the facts behind it."""

    text: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """How a column is headed, and whether numbers stand in it."""

    name: str
    numbers: bool = True


@dataclass(frozen=True)
class Grid:
    """A table; a row of one cell is the heading of those that follow; ``label`` is "Table 1"."""

    anchor: str
    label: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    kind: ClassVar = "grid"


@dataclass(frozen=True)
class Traced:
    """A number of the text: the fact it is, its value as it stands in facts.csv, and where that is read."""

    fact: str
    value: str
    source: str


@dataclass(frozen=True)
class Trace:
    """The numbers of every sentence: its number, its first words, and its facts."""

    entries: tuple[tuple[str, str, tuple[Traced, ...]], ...]
    kind: ClassVar = "trace"


@dataclass(frozen=True)
class NewPage:
    """What follows begins a page, on paper."""

    kind: ClassVar = "newpage"


Block = Heading | Paragraph | Telling | Items | Equation | Picture | Grid | Trace | NewPage


@dataclass(frozen=True)
class Document:
    """The report in one language. ``facts`` are of the run (name, value); ``last_day`` dates it."""

    language: Language
    title: str
    subtitle: str
    series: str
    imprint: str
    version: str
    as_of: str
    last_day: tuple[int, int, int]
    facts: tuple[tuple[str, str], ...]
    blocks: tuple[Block, ...]
    labels: dict[str, str] = field(default_factory=dict)


def columns_needed(texts: Sequence[str]) -> float:
    """The width of the widest line of ``texts`` in ems: a Chinese character is one, a Latin one about half."""
    lines = [line for text in texts for line in text.splitlines()] or [""]
    return max(sum(1.0 if ord(character) > 0x2E80 else 0.56 for character in line) for line in lines)
