"""Which fonts the figures are written in, and whether they have every character that is asked of them."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from matplotlib import font_manager

from pipeline.wording import Language

LATIN = "DejaVu Sans"
"""Comes with matplotlib; has the signs that Chinese fonts lack (PM₂.₅, m⁻³)."""

CJK_FAMILIES = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Noto Sans CJK JP", "Droid Sans Fallback", "Microsoft YaHei", "SimHei", "PingFang SC",
    "Heiti SC", "STHeiti", "Arial Unicode MS",
)  # fmt: skip
"""Families with simplified Chinese, the best first."""

PACKAGED_FONT = ("pylopdf_fonts_zh_cn", "NotoSansSC-Regular.otf")
"""The Python package that carries a font (OFL 1.1), and its file; the package is found, not imported."""


def find_cjk_font() -> str | None:
    """The family of a font with Chinese characters: an installed one, else the packaged one, else None."""
    return _installed() or _packaged()


def _installed() -> str | None:
    known = {font.name for font in font_manager.fontManager.ttflist}
    return next((family for family in CJK_FAMILIES if family in known), None)


def _packaged() -> str | None:
    package, file = PACKAGED_FONT
    found = importlib.util.find_spec(package)
    paths = [Path(folder) / file for folder in (found.submodule_search_locations or [])] if found else []
    for path in filter(Path.is_file, paths):
        font_manager.fontManager.addfont(path)
        return font_manager.FontProperties(fname=path).get_name()
    return None


def families(language: Language) -> list[str]:
    """The families of a language's figures in the order in which a character is looked for."""
    found = find_cjk_font()
    chinese = [found] if found else []
    return [*chinese, LATIN] if language == "zh" else [LATIN, *chinese]


def pdf_font_type(texts: Iterable[str], names: Sequence[str]) -> int:
    """How matplotlib is to embed the fonts of ``texts`` in a PDF: as TrueType (42), or as Type 3 where one is not.

    Each character is written in the first family of ``names`` that has it.

    Noto's and Source Han's fonts have PostScript outlines, which matplotlib would put into a TrueType font's place; a
    reader that believes what the file says shows no character (matplotlib issues 2869, 20870).
    """
    used = {
        next((name for name in names if ord(character) in _characters(name)), LATIN)
        for character in set(_printed(texts))
    }
    return 3 if any(_has_postscript_outlines(name) for name in used) else 42


@cache
def _has_postscript_outlines(family: str) -> bool:
    with Path(_path(family)).open("rb") as file:
        head = file.read(16)
        file.seek(int.from_bytes(head[12:16]) if head.startswith(b"ttcf") else 0)  # the first font of a collection
        return file.read(4) == b"OTTO"


def unwritable(texts: Iterable[str], names: Iterable[str]) -> list[str]:
    """The characters of ``texts`` that no family of ``names`` has, sorted."""
    known = frozenset().union(*(_characters(name) for name in names))
    return sorted({character for character in _printed(texts) if ord(character) not in known})


def _printed(texts: Iterable[str]) -> Iterator[str]:
    return (character for text in texts for character in text if character != "\n")


@cache
def _characters(family: str) -> frozenset[int]:
    return frozenset(font_manager.get_font(_path(family)).get_charmap())


def _path(family: str) -> str:
    return str(font_manager.findfont(font_manager.FontProperties(family=family), fallback_to_default=False))
