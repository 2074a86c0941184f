"""What the page says in one language: headlines, a section for each place, caveats, notes, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.config import Config
from pipeline.figures.subjects import Place, Selection
from pipeline.page import cells, truth
from pipeline.page.cells import Table
from pipeline.page.images import Image
from pipeline.page.sentences import (
    caution,
    driver_sentence,
    event_sentence,
    headline,
    level_of,
    longest,
    trend_sentence,
)
from pipeline.quality import report_rows
from pipeline.regions import label
from pipeline.wording import LEAST_R2, Language, phrase, pollutant_in

ROWS_SHOWN = 400
"""Rows of the table of all places; the files have the rest."""
NOTES_SHOWN = 200
TABLES = (
    ("attribution", cells.attribution),
    ("drivers", cells.drivers),
    ("methods", cells.methods),
    ("trends", cells.trends),
    ("changepoints", cells.changepoints),
    ("interventions", cells.interventions),
    ("index", cells.index),
    ("events", cells.events),
    ("concentrations", cells.concentrations),
    ("assessment", cells.assessment),
    ("skill", cells.skill),
)


@dataclass(frozen=True)
class Run:
    """What a page is made from."""

    config: Config
    frames: Mapping[str, pd.DataFrame]
    selection: Selection
    stations: Mapping[str, Mapping[str, Any]]
    images: Sequence[Image]
    notes: Sequence[str]
    provenance: Mapping[str, str]


@dataclass(frozen=True)
class Headline:
    """The sentences of one pollutant, and a caution where its model explains little."""

    pollutant: str
    sentences: tuple[str, ...]
    caution: str


@dataclass(frozen=True)
class Section:
    """A place: headlines, figures and tables."""

    anchor: str
    heading: str
    level: str
    remark: str
    headlines: tuple[Headline, ...]
    images: tuple[Image, ...]
    tables: tuple[Table, ...]


@dataclass(frozen=True)
class Page:
    """Everything the template prints in one language."""

    language: Language
    title: str
    subtitle: str
    sections: tuple[Section, ...]
    maps: tuple[Image, ...]
    overview: Table
    truth: Table | None
    truth_sentence: str
    quality: Table | None
    caveats: tuple[str, ...]
    notes: tuple[str, ...]
    provenance: tuple[tuple[str, str], ...]


def page(run: Run, language: Language) -> Page:
    """The page in one language."""
    known = run.frames.get("truth")
    compared = known is not None and not known.empty
    images = [image for image in run.images if image.figure.language == language]
    start, end = run.config.period
    return Page(
        language,
        phrase("title", language, name=run.config.name),
        phrase("subtitle", language, start=start, end=end),
        tuple(_section(run, place, number, images, language) for number, place in enumerate(sections_of(run))),
        tuple(image for image in images if image.figure.place is None),
        cells.overview(
            run.frames,
            lambda level, name: place_in(run.stations, (level, name), language),
            language,
            limit=ROWS_SHOWN,
        ),
        truth.comparison(known, run.frames["attribution"], language) if known is not None and compared else None,
        truth.sentence(known, language) if known is not None and compared else "",
        _quality(run, language),
        tuple(caveats(run, language)),
        tuple(_notes(run, language)),
        tuple((phrase(key, language), value) for key, value in run.provenance.items()),
    )


def sections_of(run: Run) -> tuple[Place, ...]:
    """The places that get a section: those drawn; where there are only stations, the first few of them."""
    if run.selection.drawn:
        return run.selection.drawn
    frame = run.frames["attribution"]
    return tuple(dict.fromkeys(zip(frame["level"], frame["name"], strict=True)))[:6]


def place_in(stations: Mapping[str, Mapping[str, Any]], place: Place, language: Language) -> str:
    """A place's name; a station's own name beside its code where it can be read."""
    level, name = place
    if level != "station":
        return label(name, language)
    own = str(stations.get(name, {}).get("name") or name)
    if own == name or (language == "en" and not own.isascii()):
        return name
    return f"{own} ({name})" if language == "en" else f"{own}（{name}）"


def _section(run: Run, place: Place, number: int, images: Sequence[Image], language: Language) -> Section:
    own = {name: _of_place(frame, place) for name, frame in run.frames.items() if name in dict(TABLES)}
    own |= {"methods": cells.beside_interval(own["methods"], own["attribution"])} if "methods" in own else {}
    kinds = list(dict.fromkeys(image.figure.kind for image in images))
    mine = [image for image in images if image.figure.place == place]
    return Section(
        f"{language}-place-{number}",
        place_in(run.stations, place, language),
        phrase(place[0], language),
        _remark(run, place, language),
        tuple(_headlines(own, language)),
        tuple(sorted(mine, key=lambda image: kinds.index(image.figure.kind))),
        tuple(
            table
            for name, build in TABLES
            if name in own and not own[name].empty and (table := build(own[name], language)).rows
        ),
    )


def _of_place(frame: pd.DataFrame, place: Place) -> pd.DataFrame:
    return frame[(frame["level"] == place[0]) & (frame["name"] == place[1])]


def _remark(run: Run, place: Place, language: Language) -> str:
    same = [city for city, region in run.selection.repeated.items() if region == place]
    return phrase("only_city", language, city=same[0][1]) if same else ""


def _headlines(own: Mapping[str, pd.DataFrame], language: Language) -> Iterator[Headline]:
    for pollutant, rows in longest(own["attribution"]).groupby("pollutant", sort=False):
        mine = {name: frame[frame["pollutant"] == pollutant] for name, frame in own.items()}
        sentences: list[str] = []
        for row in rows.to_dict("records"):
            sentences.append(headline(row, mine["index"], language))
            if row["statistic"] == "mean":
                sentences.append(driver_sentence(row, mine["drivers"], language))
        sentences.append(trend_sentence(mine["trends"], language, level=level_of(rows.iloc[0].to_dict())))
        if "events" in mine:
            sentences.append(event_sentence(mine["events"], language))
        name = pollutant_in(language, str(pollutant))
        yield Headline(name, tuple(filter(None, sentences)), caution(mine["skill"], language))


def caveats(run: Run, language: Language) -> Iterator[str]:
    """What the numbers hold, and what they do not."""
    config = run.config
    facts: dict[str, object] = {
        "members": config.model.members,
        "block_days": config.model.block_days,
        "base": phrase("to", language, start=config.base_period[0], end=config.base_period[1]),
        "year_start": config.year_start,
        "least": LEAST_R2,
    }
    for key in (
        "interval",
        "parts",
        "emissions",
        "regime",
        "feedback",
        "residual",
        "skill",
        "weak",
        "outside",
        "index",
    ):
        yield phrase(f"caveat_{key}", language, **facts)
    if config.year_start != "01-01":
        yield phrase("caveat_year", language, **facts)


def _quality(run: Run, language: Language) -> Table | None:
    found = run.frames.get("quality")
    if found is None or found.empty:
        return None
    return cells.quality(report_rows(found, language, run.config.quality), language)


def _notes(run: Run, language: Language) -> Iterator[str]:
    if run.selection.left_out:
        drawn = len(run.selection.drawn)
        yield phrase("not_drawn", language, drawn=drawn, left=run.selection.left_out)
    yield from run.notes[:NOTES_SHOWN]
    if (left := len(run.notes) - NOTES_SHOWN) > 0:
        yield phrase("notes_left_out", language, left=left)
