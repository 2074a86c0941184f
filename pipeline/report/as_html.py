"""The document as one HTML file: no network, both languages by a switch, whole without script, numbers traceable."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pandas as pd
from markupsafe import Markup, escape

from pipeline.page_base import environment, language_switch, style
from pipeline.report.as_pdf import equation_svg
from pipeline.report.blocks import Document, Equation, Picture, Said
from pipeline.report.document_wording import say
from pipeline.standards.rounding import rounded_decimal
from pipeline.store import write_text

PACKAGE = "pipeline.report"
SIGNS = {
    "PM₂.₅": "PM<sub>2.5</sub>",
    "PM₁₀": "PM<sub>10</sub>",
    "O₃": "O<sub>3</sub>",
    "NO₂": "NO<sub>2</sub>",
    "SO₂": "SO<sub>2</sub>",
    "m⁻³": "m<sup>−3</sup>",
}
"""What is printed with real subscripts: fonts draw the signs for them poorly, and some lack them."""
SEPARATOR = " | "
"""Between the ids of facts; an id may hold spaces."""
TYPES = {"png": "image/png", "svg": "image/svg+xml"}


NUMBER = re.compile(r"(?<![\w.₂₃])([−+-]?\d+(?:\.\d+)?)(?![\w.])", flags=re.ASCII)


@dataclass(frozen=True)
class Fact:
    """A fact as the page carries it: its value in full, the table it is read from, and its numbers."""

    value: str
    source: str
    numbers: tuple[float, ...]

    def prints(self, printed: str) -> bool:
        """Whether one of its numbers, without its sign, is printed so."""
        places = len(printed.partition(".")[2])
        own = printed.lstrip("−+-")
        return any(str(rounded_decimal(abs(number), places)) == own for number in self.numbers)


def write_html(documents: Sequence[Document], facts: pd.DataFrame, path: Path) -> None:
    """The page of all languages at ``path``, whole or not at all."""
    write_text(path, render(documents, facts))


def render(documents: Sequence[Document], facts: pd.DataFrame) -> str:
    """The page as HTML; whatever comes from data is escaped."""
    known = _known(facts)
    return (
        environment(PACKAGE)
        .get_template("report.html")
        .render(
            documents=documents,
            known=known,
            separator=SEPARATOR,
            say={one.language: partial(say, language=one.language) for one in documents},
            signs=signs,
            said=partial(said, facts=known),
            equation=_equation,
            source=_source,
            style=style(PACKAGE, "report.css"),
            script=language_switch(),
        )
    )


def _known(facts: pd.DataFrame) -> dict[str, Fact]:
    rows = facts[["fact", "value", "low", "high", "source"]].itertuples(index=False, name=None)
    return {
        str(fact): Fact(f"{value:.6g}", str(source), tuple(one for one in (value, low, high) if one == one))
        for fact, value, low, high, source in rows
    }


def signs(text: object) -> Markup:
    """``text`` escaped, its chemical signs and powers with real sub- and superscripts."""
    escaped = str(escape(str(text)))
    return Markup(re.sub("|".join(map(re.escape, SIGNS)), lambda found: SIGNS[found[0]], escaped))


def said(sentence: Said, facts: Mapping[str, Fact]) -> Markup:
    """A sentence whose numbers carry the facts that print as they do: value, interval or both."""
    found = [(fact, facts[fact]) for fact in sentence.facts]
    pieces = NUMBER.split(sentence.text)
    marked = [_traceable(piece, found) if number % 2 else signs(piece) for number, piece in enumerate(pieces)]
    return Markup("").join(marked)


def _traceable(printed: str, facts: Sequence[tuple[str, Fact]]) -> Markup:
    """A number of a sentence with the facts that have it, rounded as it is; as it stands where none has."""
    names = [name for name, fact in facts if fact.prints(printed)]
    if not names:
        return signs(printed)
    title = SEPARATOR.join(names)
    value = facts[[name for name, _ in facts].index(names[0])][1].value
    return Markup('<data value="{}" data-fact="{}" title="{}">{}</data>').format(value, title, title, printed)


@cache
def _equation(block: Equation) -> str:
    return _encoded(equation_svg(block).encode(), "svg")


def _source(block: Picture) -> str:
    suffix = "png" if "png" in block.files else "svg"
    return _encoded(block.files[suffix].read_bytes(), suffix)


def _encoded(content: bytes, suffix: str) -> str:
    return f"data:{TYPES[suffix]};base64," + base64.b64encode(content).decode("ascii")
