"""The document as PDF, set by Typst: Chinese and Latin composed by their own rules, tagged, fonts embedded.

Only the fonts that come with the packages are used, and the date is the data's, so that equal documents are equal
bytes on every machine.
"""

from __future__ import annotations

import datetime
import importlib.util
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import InputError
from pipeline.report.blocks import Block, Cell, Document, Equation, Grid, Picture, Trace, columns_needed

FONTS = "pylopdf_fonts_zh_cn"
"""The package with Noto Serif SC and Noto Sans SC (OFL 1.1)."""
STANDARD: Literal["ua-1"] = "ua-1"
"""PDF/UA-1: tagged, every figure with its alternative text, and no character without a glyph."""
TEXT_WIDTH, LANDSCAPE_WIDTH = 16.6, 25.7
"""Between the margins of the page [cm]."""
SIZES = (8.5, 8.0, 7.5, 7.0)
"""Sizes of a table's text, the largest that fits is taken [pt]."""
TEXT_EMS = (22.0, 12.0)
"""A column of texts that is wider than this is broken into lines; rather that than smaller letters."""
SLACK = 1.06
"""A table that is so much too wide is rather made smaller than its page turned."""
NO_BREAK = "\u00a0"
POINT = 2.54 / 72
INSET = 6.0
"""Left and right of a cell together [pt]."""
PREFERRED = ("svg", "png")
"""A tagged PDF cannot hold other PDFs."""


def fonts_folder() -> Path:
    """Where the fonts of the document lie; an InputError says what to install where they are missing."""
    found = importlib.util.find_spec(FONTS)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (Path(folder) / "NotoSerifSC-Regular.otf").is_file():
            return Path(folder)
    raise InputError("the PDF needs the fonts Noto Serif SC and Noto Sans SC: pip install pylopdf-fonts-zh-cn")


def write_pdf(document: Document, path: Path) -> None:
    """The document at ``path``. A character without a glyph is an InputError."""
    import typst

    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        template = files("pipeline.report") / "templates" / "report.typ"
        (folder / "report.typ").write_text(template.read_text(encoding="utf-8"), encoding="utf-8")
        content = json.dumps(_content(document, folder), ensure_ascii=False, sort_keys=True)
        (folder / "content.json").write_text(content, encoding="utf-8")
        try:
            typst.compile(
                folder / "report.typ",
                output=path,
                format="pdf",
                root=folder,
                font_paths=[fonts_folder()],
                ignore_system_fonts=True,
                pdf_standards=STANDARD,
                timestamp=datetime.datetime(*document.last_day, tzinfo=datetime.UTC),
            )
        except typst.TypstError as error:
            told = " ".join([error.message, *error.hints]).replace(made, "")
            raise InputError(f"PDF ({document.language}): Typst could not set the document: {told}") from None


def equation_svg(equation: Equation) -> str:
    """An equation as SVG, its glyphs as outlines."""
    import typst

    source = (
        "#set page(width: auto, height: auto, margin: 2pt, fill: none)\n"
        "#set text(size: 11pt)\n"
        '#show math.equation: set text(font: ("New Computer Modern Math", "Noto Serif SC"))\n'
        f'#math.equation(block: true, eval({json.dumps(equation.typst)}, mode: "math"))\n'
    )
    fonts = typst.Fonts(include_system_fonts=False, font_paths=[fonts_folder()])
    return typst.compile(source.encode(), format="svg", font_paths=fonts, timestamp=0).decode()


def _content(document: Document, folder: Path) -> dict[str, Any]:
    return {
        "language": document.language,
        "title": document.title,
        "subtitle": document.subtitle,
        "series": document.series,
        "imprint": document.imprint,
        "author": ["tianbang"],
        "keywords": [value for _, value in document.facts[:3]],
        "version": document.version,
        "as_of": document.as_of,
        "date": list(document.last_day),
        "facts": [list(pair) for pair in document.facts],
        "labels": document.labels,
        "blocks": [_block(block, folder, number) for number, block in enumerate(document.blocks)],
    }


def _block(block: Block, folder: Path, number: int) -> dict[str, Any]:
    if isinstance(block, Picture):
        return {**_plain(block), "files": None, "file": _beside(block, folder, number)}
    if isinstance(block, Grid):
        return _grid(block)
    if isinstance(block, Trace):
        return {"kind": "trace", "entries": list(_entries(block))}
    return _plain(block)


def _plain(block: Block) -> dict[str, Any]:
    content = asdict(block)
    content.pop("files", None)
    return {"kind": block.kind, **content}


def _beside(picture: Picture, folder: Path, number: int) -> str:
    suffix = next(suffix for suffix in PREFERRED if suffix in picture.files)
    name = f"figure-{number}.{suffix}"
    shutil.copyfile(picture.files[suffix], folder / name)
    return name


def _grid(grid: Grid) -> dict[str, Any]:
    size, wide = size_of(grid)
    return {
        "kind": "grid",
        "label": grid.label,
        "caption": grid.caption,
        "columns": [{"name": one.name, "kind": "number" if one.numbers else "text"} for one in grid.columns],
        "rows": [_texts(grid, row) for row in grid.rows],
        "note": grid.note,
        "size": size,
        "wide": wide,
    }


def _texts(grid: Grid, row: Sequence[Cell]) -> list[str]:
    """A row's texts; a number is never broken from its interval."""
    if len(row) == 1:
        return [row[0].text]
    both = zip(row, grid.columns, strict=True)
    return [cell.text.replace(" ", NO_BREAK) if column.numbers else cell.text for cell, column in both]


def size_of(grid: Grid) -> tuple[float, bool]:
    """The size of a table's text [pt] and whether its page is turned; too wide for any, its cells are broken."""
    for wide, room in ((False, TEXT_WIDTH * SLACK), (True, LANDSCAPE_WIDTH)):
        for size, line in product(SIZES, TEXT_EMS):
            ems = sum(_ems_of(grid, number, line) for number in range(len(grid.columns)))
            if (ems * size + INSET * len(grid.columns)) * POINT <= room:
                return size, wide
    return SIZES[-1], True


def _ems_of(grid: Grid, number: int, line: float) -> float:
    """What a column needs: its widest number; of texts, which break as its heading does, no more than a ``line``."""
    column = grid.columns[number]
    needed = columns_needed([row[number].text for row in grid.rows if len(row) > 1])
    return max(needed if column.numbers else min(needed, line), columns_needed(column.name.split()))


def _entries(trace: Trace) -> Iterator[dict[str, Any]]:
    for number, said, facts in trace.entries:
        listed = [{"id": one.fact, "value": one.value, "source": one.source} for one in facts]
        yield {"number": number, "said": said, "facts": listed}
