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

from pipeline.page_base import environment, style, template_file
from pipeline.report.as_pdf import equation_svg
from pipeline.report.blocks import Document, Equation, Paragraph, Picture
from pipeline.report.document_wording import say
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
TYPES = {"png": "image/png", "svg": "image/svg+xml"}


@dataclass(frozen=True)
class Known:
    """A fact as the page carries it: its value in full, and the table it is read from."""

    value: str
    source: str


def write_html(documents: Sequence[Document], facts: pd.DataFrame, path: Path) -> None:
    """The page of all languages at ``path``, whole or not at all."""
    write_text(path, render(documents, facts))


def render(documents: Sequence[Document], facts: pd.DataFrame) -> str:
    """The page as HTML; whatever comes from data is escaped."""
    return (
        environment(PACKAGE)
        .get_template("report.html")
        .render(
            documents=documents,
            known=_known(facts),
            say={one.language: partial(say, language=one.language) for one in documents},
            signs=signs,
            said=said,
            equation=_equation,
            source=_source,
            style=style(PACKAGE, "report.css"),
            script=template_file(PACKAGE, "report.js"),
        )
    )


def _known(facts: pd.DataFrame) -> Mapping[str, Known]:
    rows = zip(facts["fact"], facts["value"], facts["source"], strict=True)
    return {str(fact): Known(f"{value:.6g}", str(source)) for fact, value, source in rows}


def signs(text: object) -> Markup:
    """``text`` escaped, its chemical signs and powers with real sub- and superscripts."""
    escaped = str(escape(str(text)))
    return Markup(re.sub("|".join(map(re.escape, SIGNS)), lambda found: SIGNS[found[0]], escaped))


def said(paragraph: Paragraph) -> Markup:
    """A sentence with the facts that it prints as its title."""
    title = escape(" ".join(paragraph.facts))
    return Markup('<span title="{}">{}</span>').format(title, signs(paragraph.text))


@cache
def _equation(block: Equation) -> str:
    return _encoded(equation_svg(block).encode(), "svg")


def _source(block: Picture) -> str:
    suffix = "png" if "png" in block.files else "svg"
    return _encoded(block.files[suffix].read_bytes(), suffix)


def _encoded(content: bytes, suffix: str) -> str:
    return f"data:{TYPES[suffix]};base64," + base64.b64encode(content).decode("ascii")
