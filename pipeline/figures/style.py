"""How every figure looks: colours safe for the colour-blind, one layout in inches, bytes that repeat."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.dates
import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from PIL import Image
from scipy.spatial import KDTree

from pipeline.figures.fonts import families, pdf_font_type
from pipeline.wording import Language

# Okabe and Ito (2008), https://jfly.uni-koeln.de/color/
WEATHER = "#0072B2"
EMISSIONS = "#D55E00"
RESIDUAL = "#999999"
OBSERVED = "#333333"
FAVOURABLE = "#009E73"
UNFAVOURABLE = "#E69F00"
QUIET = "#595959"

WIDTH = 6.0
LEFT, RIGHT = 0.72, 0.14
TOP, LEGEND_ROW, BOTTOM = 0.64, 0.19, 0.68
"""Margins [inch]: above the axes the title and rows of a legend, below them tick labels and source."""
DOTS_PER_INCH = 200
PALETTE = 256
"""Colours of a PNG: few are drawn, the rest are their edges."""


def settings(language: Language) -> Any:
    """The settings of matplotlib for a language, a dict. ``$`` in a name is a dollar, not mathematics."""
    return {
        "font.family": families(language),
        "font.size": 9.5,
        "axes.unicode_minus": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": QUIET,
        "axes.linewidth": 0.8,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "grid.color": "#DDDDDD",
        "grid.linewidth": 0.6,
        "xtick.color": QUIET,
        "ytick.color": QUIET,
        "xtick.labelcolor": "black",
        "ytick.labelcolor": "black",
        "legend.frameon": False,
        "legend.fontsize": 8.5,
        "svg.fonttype": "path",
        "svg.hashsalt": "tianbang",
        "text.parse_math": False,
    }


def canvas(
    height: float, *, title: str, source: str, width: float = WIDTH, dots_per_inch: int = DOTS_PER_INCH
) -> Canvas:
    """An empty figure with its title and source line; ``height`` and ``width`` in inches."""
    figure = Canvas(figsize=(width, height), dpi=dots_per_inch)
    FigureCanvasAgg(figure)
    figure.text(0.12 / width, 1 - 0.12 / height, shortened(title, int(74 * width / WIDTH)), fontsize=11, va="top")
    figure.text(0.12 / width, 0.09 / height, source, fontsize=7, color=QUIET, va="bottom", linespacing=1.4)
    return figure


def panels(figure: Canvas, shares: Sequence[float], *, legend_rows: int, gap: float = 0.5) -> list[Axes]:
    """Axes one above the other between the margins, their heights by ``shares``, with a gap in inches."""
    width, height = figure.get_size_inches()
    above = TOP + legend_rows * LEGEND_ROW
    unit = (height - above - BOTTOM - gap * (len(shares) - 1)) / sum(shares)
    bottoms = [above + i * gap + unit * sum(shares[: i + 1]) for i in range(len(shares))]
    return [
        figure.add_axes((LEFT / width, 1 - bottom / height, (width - LEFT - RIGHT) / width, unit * share / height))
        for bottom, share in zip(bottoms, shares, strict=True)
    ]


def legend(figure: Canvas, entries: Sequence[tuple[Artist, str]], *, columns: int) -> None:
    """The legend between title and axes."""
    width, height = figure.get_size_inches()
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(0.06 / width, 1 - 0.36 / height),
        ncols=columns,
        columnspacing=1.4,
        handlelength=1.6,
        labelspacing=0.35,
        borderaxespad=0,
    )


def year_axis(axes: Axes, start: pd.Timestamp, end: pd.Timestamp) -> None:
    """Years, or months of a short record, along the x axis; never more labels than fit."""
    dates: Any = matplotlib.dates  # its functions have no types
    years = (end - start).days / 365.25
    if years < 2:
        locator = dates.MonthLocator(interval=max(1, math.ceil(years * 12 / 8)))
        axes.xaxis.set_major_formatter(dates.DateFormatter("%Y-%m"))
    else:
        locator = dates.YearLocator(base=max(1, math.ceil(years / 12)))
        axes.xaxis.set_major_formatter(dates.DateFormatter("%Y"))
    axes.xaxis.set_major_locator(locator)
    axes.set_xlim(*dates.date2num([start, end]))


def day_number(day: object) -> float:
    """Where a day (2020-03-01) stands on an axis of dates."""
    dates: Any = matplotlib.dates
    return float(dates.date2num(pd.Timestamp(str(day))))


def shortened(text: str, columns: int) -> str:
    """``text`` cut to a width, a Chinese character counting as two columns."""
    if _columns(text) <= columns:
        return text
    kept = [character for i, character in enumerate(text) if _columns(text[: i + 1]) < columns]
    return "".join(kept) + "…"


def wrapped(text: str, columns: int) -> str:
    """``text`` in as few lines as a width allows, of about equal length; a Chinese character counts as two columns.

    English breaks between words, Chinese anywhere but within brackets.
    """
    pieces = re.findall(r"（[^）]*）|[\u2e81-\uffff]|[^\s\u2e81-\uffff]+|\s+", text)
    count = len(_lines(pieces, columns))
    widths = range(columns // 2, columns + 1)
    return "\n".join(next(lines for width in widths if len(lines := _lines(pieces, width)) <= count))


def _lines(pieces: Sequence[str], columns: int) -> list[str]:
    lines = [""]
    for piece in pieces:
        if lines[-1] and _columns(lines[-1] + piece.rstrip()) > columns:
            lines.append("")
        lines[-1] += piece if lines[-1] else piece.lstrip()
    return [line.rstrip() for line in lines]


def _columns(text: str) -> int:
    return sum(2 if ord(character) > 0x2E80 else 1 for character in text)


def padded(low: float, high: float, share: float = 0.06) -> tuple[float, float]:
    """Limits a little wider than the values."""
    margin = share * ((high - low) or 1.0)
    return low - margin, high + margin


def write_png(figure: Canvas, path: Path) -> None:
    """The figure as PNG with a palette: a third of the size, so that many fit into the page."""
    drawn: Any = FigureCanvasAgg(figure)
    drawn.draw()
    picture = Image.fromarray(np.asarray(drawn.buffer_rgba())).convert("RGB")
    picture.quantize(PALETTE, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        path, "png", optimize=True, dpi=(DOTS_PER_INCH, DOTS_PER_INCH)
    )


def write_print_png(figure: Canvas, path: Path) -> None:
    """The figure as PNG at its own dots per inch; the palette holds its commonest colours, each exactly."""
    drawn: Any = FigureCanvasAgg(figure)
    drawn.draw()
    pixels = np.asarray(drawn.buffer_rgba())[..., :3].astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
    counts = np.bincount(pixels.ravel())
    found = np.flatnonzero(counts)
    colours = np.stack([found >> 16, found >> 8 & 255, found & 255], axis=1)
    palette = colours[np.argsort(-counts[found], kind="stable")[:PALETTE]]
    nearest = np.zeros(len(counts), np.uint8)
    nearest[found] = KDTree(palette).query(colours)[1]
    picture = Image.fromarray(nearest[pixels], "P")
    picture.putpalette(palette.astype(np.uint8).tobytes())
    picture.save(path, "png", optimize=True, dpi=(figure.dpi, figure.dpi))


def write_svg(figure: Canvas, path: Path) -> None:
    """The figure as SVG without date and version; text is drawn as outlines, the same on every machine."""
    figure.savefig(path, format="svg", metadata={"Creator": None, "Date": None, "Format": None, "Type": None})


def write_pdf(figure: Canvas, path: Path) -> None:
    """The figure as PDF without dates and versions; fonts are embedded, text can be searched."""
    texts = [text.get_text() for text in figure.findobj(Text)]
    with matplotlib.rc_context({"pdf.fonttype": pdf_font_type(texts, matplotlib.rcParams["font.family"])}):
        figure.savefig(path, format="pdf", metadata=dict.fromkeys(("CreationDate", "Creator", "Producer")))
