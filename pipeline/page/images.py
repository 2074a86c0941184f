"""The page's figures: pictures inside the page while there is room, the rest named by their path."""

from __future__ import annotations

import base64
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.figures import Drawn, Figure
from pipeline.store import Run
from pipeline.wording import phrase

BUDGET = 2_600_000
"""Bytes of pictures in a page, over all languages."""


@dataclass(frozen=True)
class Image:
    """A figure as the page shows it; ``source`` is empty when there was no room, and ``elsewhere`` says where."""

    figure: Figure
    source: str
    width: int
    height: int
    elsewhere: str


def embedded(store: Run, drawn: Sequence[Drawn], *, budget: int = BUDGET) -> list[Image]:
    """The figures that were drawn; each language has the same share of the budget, first come first served."""
    languages = {one.figure.language for one in drawn}
    left = dict.fromkeys(languages, budget // max(1, len(languages)))
    found = []
    for one in drawn:
        if one.artefacts:
            content = store.path(one.artefacts["png"]).read_bytes()
            image = _image(one, content, room=left[one.figure.language])
            left[one.figure.language] -= len(image.source)
            found.append(image)
    return found


def _image(drawn: Drawn, content: bytes, *, room: int) -> Image:
    width, height = struct.unpack(">II", content[16:24])  # the IHDR chunk comes first in every PNG
    source = "data:image/png;base64," + base64.b64encode(content).decode("ascii")
    if len(source) <= room:
        return Image(drawn.figure, source, width, height, "")
    elsewhere = phrase("figure_linked", drawn.figure.language, path=drawn.artefacts["png"])
    return Image(drawn.figure, "", width, height, elsewhere)
