"""The page of a run: one file that asks nothing of the network, in every language of the config."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import xarray as xr

from pipeline import __version__
from pipeline.config import Config
from pipeline.figures import Drawn
from pipeline.figures.subjects import select
from pipeline.page import content
from pipeline.page.images import embedded
from pipeline.page.sentences import marked
from pipeline.page_base import environment, language_switch, style, template_file
from pipeline.store import Run, write_text
from pipeline.wording import phrase

if TYPE_CHECKING:
    from pipeline.stages import Keys

__all__ = ["render", "write"]

ARTEFACT = "index.html"


def write(
    config: Config,
    store: Run,
    key: Keys,
    readings: Sequence[xr.Dataset],
    frames: Mapping[str, pd.DataFrame],
    drawn: Sequence[Drawn],
    notes: Sequence[str],
) -> None:
    """Writes and records ``index.html``, the run's last artefact.

    ``frames`` are the public tables, ``quality`` where values were judged (``pipeline.quality.summary``) and ``truth``
    where it is known (``pipeline.known_truth.compared``); ``notes`` tell what was skipped, rejected or assumed.
    """
    from pipeline.stages import read_places

    run = content.Run(
        config,
        {**frames, "attribution": marked(frames["attribution"], frames["concentrations"])},
        select(readings),
        read_places(store)[0],
        embedded(store, drawn),
        list(dict.fromkeys([*(one.note for one in drawn if one.note), *notes])),
        _provenance(config, key),
    )
    write_text(store.path(ARTEFACT), render(run))
    store.record(ARTEFACT, key.products, key.made_of)


def _provenance(config: Config, key: Keys) -> dict[str, str]:
    return {
        "run_name": config.name,
        "version": f"tianbang {__version__}",
        "config_digest": str(key.made_of["config"]),
        "seed": str(key.made_of["seed"]),
        "input_count": str(len(key.inputs)),
    }


def render(run: content.Run) -> str:
    """The page as HTML. Everything that comes from data is escaped by the template engine."""
    pages = [content.page(run, language) for language in run.config.languages]
    return (
        environment("pipeline.page")
        .get_template("page.html")
        .render(
            pages=pages,
            say={page.language: partial(phrase, language=page.language) for page in pages},
            style=style("pipeline.page", "style.css"),
            script=language_switch() + template_file("pipeline.page", "script.js"),
        )
    )
