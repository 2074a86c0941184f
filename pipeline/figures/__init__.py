"""The figures of a run, for each language: planned without drawing, drawn one by one as PNG and SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text

from pipeline import __version__
from pipeline.attribution import file_name
from pipeline.config import Config
from pipeline.figures import (
    attribution_bars,
    condition_index,
    dependence,
    driver_shares,
    event_differences,
    joint_dependence,
    place_map,
    style,
    trend,
)
from pipeline.figures.fonts import find_cjk_font, unwritable
from pipeline.figures.subjects import Place, Subject, subjects_of
from pipeline.regions import label
from pipeline.store import Run, written_whole
from pipeline.wording import (
    Language,
    decimals_of,
    number,
    phrase,
    pollutant_in,
    source_in,
    statistic_in,
    units_in,
)

if TYPE_CHECKING:
    from pipeline.stages import Keys

__all__ = ["Drawn", "Figure", "find_cjk_font", "plan", "source_line"]

FORMATS: dict[str, Callable[[Canvas, Path], None]] = {"png": style.write_png, "svg": style.write_svg}
"""How each format is written: no date and no version, so that equal figures are equal bytes."""


KINDS: tuple[tuple[str, Any, Callable[[Subject], bool], str], ...] = (
    ("trend", trend, lambda subject: True, "trend"),
    ("index", condition_index, lambda subject: True, "values"),
    ("bars", attribution_bars, lambda subject: not attribution_bars.rows(subject).empty, "values"),
    ("drivers", driver_shares, lambda subject: not driver_shares.rows(subject).empty, "values"),
    ("events", event_differences, lambda subject: not event_differences.rows(subject).empty, "values"),
    ("dependence", dependence, lambda subject: subject.dependence is not None, "values"),
    (
        "joint",
        joint_dependence,
        lambda subject: subject.dependence is not None and "joint" in subject.dependence,
        "values",
    ),
)
"""A figure's kind, its module, for which subjects it is drawn, and the word its alternative text calls its summary."""


@dataclass(frozen=True)
class Drawn:
    """A figure and where it is; ``artefacts`` is empty when it was not drawn, and ``note`` says why."""

    figure: Figure
    artefacts: Mapping[str, str]
    note: str | None = None


@dataclass(frozen=True)
class Figure:
    """A figure to draw. ``place`` is None for a map; ``alt`` says what is seen, ``caption`` what it is."""

    kind: str
    place: Place | None
    pollutant: str
    language: Language
    paint: Callable[[], Canvas]
    alt: str
    caption: str

    def artefact(self, suffix: str) -> str:
        """Where the figure lives in the run folder."""
        parts = [self.kind, *(self.place or ()), self.pollutant]
        return f"figures/{self.language}/{'-'.join(file_name(part) for part in parts)}.{suffix}"

    def draw(self, store: Run, key: Keys) -> Drawn:
        """Writes PNG and SVG, unless both are fresh or a character has no font."""
        artefacts = {suffix: self.artefact(suffix) for suffix in FORMATS}
        if all(store.fresh(artefact, key.products) for artefact in artefacts.values()):
            return Drawn(self, artefacts)
        if self.language == "zh" and find_cjk_font() is None:
            return Drawn(self, {}, phrase("no_cjk_font", "en"))
        with matplotlib.rc_context(style.settings(self.language)):
            canvas = self.paint()
            if lacking := unwritable(texts_of(canvas), matplotlib.rcParams["font.family"]):
                return Drawn(self, {}, _no_glyph(artefacts["png"], lacking))
            for suffix, artefact in artefacts.items():
                with written_whole(store.path(artefact)) as path:
                    FORMATS[suffix](canvas, path)
                store.record(artefact, key.products, key.made_of)
        return Drawn(self, artefacts)


def texts_of(canvas: Canvas) -> list[str]:
    """Everything that is written in a figure."""
    return [text.get_text() for text in canvas.findobj(Text)]


def _no_glyph(artefact: str, lacking: Sequence[str]) -> str:
    return phrase("no_glyph", "en", artefact=artefact, characters=" ".join(lacking[:10]))


def plan(
    config: Config,
    readings: Sequence[xr.Dataset],
    frames: Mapping[str, pd.DataFrame],
    stations: Mapping[str, Mapping[str, Any]],
) -> list[Figure]:
    """Every figure of a run, in the order of the page: by language, place and pollutant, then the maps.

    Regions and cities get figures, see ``subjects.select``; ``stations`` (with latitude and longitude) get the map.
    """
    found = subjects_of(config, readings, frames)
    maps = place_map.points(frames["attribution"], stations)
    figures: list[Figure] = []
    for language in config.languages:
        source = source_line(config, language)
        figures += [figure for subject in found for figure in _of_subject(subject, found, config, language, source)]
        figures += [_map(places, language, source) for places in maps]
    return figures


def source_line(config: Config, language: Language) -> str:
    """Where a figure's observations and weather come from, its period and the version."""
    return phrase(
        "source",
        language,
        observations=source_in(language, config.observations.reader),
        weather=source_in(language, config.weather.source),
        start=config.period[0],
        end=config.period[1],
        version=__version__,
    )


def _of_subject(
    subject: Subject, found: Sequence[Subject], config: Config, language: Language, source: str
) -> Iterator[Figure]:
    alike = [other for other in found if other.pollutant == subject.pollutant]
    names = {
        "place": label(subject.place[1], language),
        "pollutant": pollutant_in(language, subject.pollutant),
        "first": subject.first,
        "base": phrase("to", language, start=config.base_period[0], end=config.base_period[1]),
        "start": config.period[0],
        "end": config.period[1],
    }
    for kind, module, drawable, said in KINDS:
        shown = [other for other in alike if drawable(other)]
        if not drawable(subject):
            continue
        title = phrase(f"{kind}_title", language, **names)
        yield Figure(
            kind,
            subject.place,
            subject.pollutant,
            language,
            partial(module.paint, subject, module.limits(shown), language, title=title, source=source),
            phrase(f"{kind}_alt", language, **names, **{said: module.summary(subject, language)}),
            phrase(f"{kind}_caption", language, **names),
        )


def _map(places: place_map.Places, language: Language, source: str) -> Figure:
    parts = places.rows["meteorology"]
    decimals = decimals_of(float(places.rows["observed_from"].mean()))
    names: dict[str, object] = {
        "pollutant": pollutant_in(language, places.pollutant),
        "statistic": statistic_in(language, places.pollutant, places.statistic),
        "units": units_in(language, places.units),
        "first": places.first,
        "last": places.last,
        "count": len(places.rows),
        "low": number(float(parts.min()), decimals),
        "high": number(float(parts.max()), decimals),
    }
    title = phrase("map_title", language, **names)
    return Figure(
        "map",
        None,
        places.pollutant,
        language,
        partial(place_map.paint, places, language, title=title, source=source),
        phrase("map_alt", language, **names),
        phrase("map_caption", language, **names),
    )
