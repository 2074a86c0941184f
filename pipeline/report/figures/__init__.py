"""The figures of the annual report: planned without drawing, then each written as PDF, PNG (300 dpi) and SVG."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.figure import Figure as Canvas

from pipeline.attribution import file_name
from pipeline.errors import InputError
from pipeline.figures import style, texts_of
from pipeline.figures.fonts import find_cjk_font, unwritable
from pipeline.report.figures import maps, multiples
from pipeline.report.figures.maps import Change
from pipeline.report.figures.words import phrase
from pipeline.store import written_whole
from pipeline.wording import Language, pollutant_in
from pipeline.wording import phrase as general

__all__ = ["NotMade", "ReportFigure", "maps_of"]

FORMATS: Mapping[str, Callable[[Canvas, Path], None]] = {
    "pdf": style.write_pdf,
    "png": style.write_print_png,
    "svg": style.write_svg,
}
"""How each format is written: without dates and versions, so that equal figures are equal bytes."""


@dataclass(frozen=True)
class ReportFigure:
    """A figure to write: ``alt`` says what is seen, ``caption`` what it is.

    ``paint`` is to be called within ``style.settings`` of the language.
    """

    name: str
    language: Language
    paint: Callable[[], Canvas]
    alt: str
    caption: str

    def write(self, folder: Path, formats: Sequence[str] = ("pdf", "png")) -> dict[str, Path]:
        """Writes ``folder/LANGUAGE/NAME.FORMAT`` and says where.

        A language without a font, or a character that no font has, is an InputError: nothing is written.
        """
        if self.language == "zh" and find_cjk_font() is None:
            raise InputError(f"figure {self.name}: {general('no_cjk_font', 'en')}")
        paths = {suffix: folder / self.language / f"{file_name(self.name)}.{suffix}" for suffix in formats}
        with matplotlib.rc_context(style.settings(self.language)):
            with warnings.catch_warnings(action="ignore", category=UserWarning):  # of glyphs, which are asked for next
                canvas = self.paint()
            if lacking := unwritable(texts_of(canvas), matplotlib.rcParams["font.family"]):
                said = " ".join(lacking[:10])
                raise InputError(general("no_glyph", "en", artefact=f"figure {self.name}", characters=said))
            for suffix, path in paths.items():
                path.parent.mkdir(parents=True, exist_ok=True)
                with written_whole(path) as unfinished:
                    FORMATS[suffix](canvas, unfinished)
        return paths


@dataclass(frozen=True)
class NotMade:
    """A figure that cannot be made, and ``why``, to be said in its place."""

    name: str
    language: Language
    why: str


def maps_of(
    facts: pd.DataFrame,
    places: pd.DataFrame,
    change: Change,
    *,
    language: Language,
    source: str,
    outlined: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[ReportFigure | NotMade]:
    """The maps of a pollutant: the change of the last year in four panels, then a map a year of weather and index.

    ``facts`` are rows of ``facts.csv``, ``places`` has columns ``maps.PLACES``; ``outlined`` are regions with their
    cities, whose outlines are drawn. Multiples are planned where there is more than one year after the base year. What
    has fewer than two cities with numbers and a place is ``NotMade``.
    """
    given: dict[str, Any] = {"language": language, "source": source, "outlined": outlined}
    stem, shown = f"{change.pollutant}-{change.first}-{change.last}", maps.quantities(facts, change)
    if why := _why_not(list(shown.values()), places, change, language):
        yield NotMade(f"maps-{stem}", language, why)
    else:
        paint = partial(maps.paint, facts, places, change, **given)
        yield ReportFigure(
            f"maps-{stem}", language, paint, maps.alt(facts, change, language), maps.caption(change, language)
        )
    kinds = multiples.KINDS if change.last - change.first > 1 else ()
    for kind in kinds:
        found = multiples.quantities(facts, change, kind)
        if why := _why_not(list(found.values()), places, change, language):
            yield NotMade(f"years-{kind}-{stem}", language, why)
            continue
        paint = partial(multiples.paint, facts, places, change, kind, **given)
        alt, caption = multiples.alt(facts, change, kind, language), multiples.caption(change, kind, language)
        yield ReportFigure(f"years-{kind}-{stem}", language, paint, alt, caption)


def _why_not(values: Sequence[pd.DataFrame], places: pd.DataFrame, change: Change, language: Language) -> str:
    found = maps.mapped(values, places)
    if found >= maps.LEAST:
        return ""
    names = {"pollutant": pollutant_in(language, change.pollutant), "first": change.first, "last": change.last}
    return phrase("no_map", language, found=found, **names)
