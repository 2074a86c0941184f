"""Figure: the headline of a place and pollutant under other choices: dots with intervals, the headline as a band."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pipeline.figures import style
from pipeline.report.sensitivity_wording import title, variant_in, word
from pipeline.wording import Language, units_in

QUANTITIES = ("weather", "emissions", "mci_change_percent")
COLOURS = {"weather": style.WEATHER, "emissions": style.EMISSIONS, "mci_change_percent": style.FAVOURABLE}
BAND = 0.16
"""How strongly the headline's interval is tinted."""
LABELS, BETWEEN = 1.42, 0.16
"""Inches for the names of the variants, and between the columns."""
NUMBERS = ["value", "low", "high"]
ABOVE, BELOW = 0.66, 1.05
"""Inches above the columns for title and legend, and below them for their names, a remark and the source."""
REMARK: dict[str, Any] = {
    "ha": "center",
    "va": "center",
    "fontsize": 7,
    "color": style.QUIET,
    "bbox": {"facecolor": "white", "edgecolor": "none", "pad": 1.5},
}
LINE = 0.215
"""Inches for a variant or the name of a choice."""


def rows_of(table: pd.DataFrame, name: str, pollutant: str, statistic: str) -> pd.DataFrame:
    """The table's rows of one figure: a place and pollutant, the parts of a statistic, the index beside them."""
    own = table[(table["name"] == name) & (table["pollutant"] == pollutant)]
    return own[(own["statistic"] == statistic) | (own["quantity"] == QUANTITIES[-1])]


def paint(rows: pd.DataFrame, language: Language, *, years: tuple[int, int], source: str) -> Canvas:
    """A column a quantity, a line a variant under its choice; ``rows`` are ``rows_of`` a table SENSITIVITY."""
    lines = list(_lines(rows))
    height = ABOVE + BELOW + LINE * (len(lines) + 0.5)
    first, last = years
    figure = style.canvas(height, title=title(rows, language, first=first, last=last), source=source)
    columns = [name for name in QUANTITIES if (rows["quantity"] == name).any()]
    for axes, quantity in zip(_axes(figure, len(columns)), columns, strict=True):
        own = rows[rows["quantity"] == quantity]
        _column(axes, own, lines, language)
        units = units_in(language, str(own["units"].iloc[0]))
        axes.set_xlabel(f"{word(quantity, language)}\n{units}", fontsize=8, linespacing=1.35)
    shrinking = set(rows.loc[rows["note"].str.startswith("shrinks"), "variant"])
    _names(figure.axes[0], lines, language, shrinking)
    if shrinking:
        figure.text(0.12 / style.WIDTH, 0.36 / height, word("dagger", language), fontsize=7, color=style.QUIET)
    entries: list[tuple[Artist, str]] = [
        (Patch(color=style.WEATHER, alpha=2 * BAND), word("headline", language)),
        (Line2D([], [], color=style.OBSERVED, marker="o", mfc="white", ms=4.5, lw=1.2), word("other", language)),
    ]
    style.legend(figure, entries, columns=2)
    return figure


def _lines(rows: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """Choice and variant of each line; the line of a choice itself has no variant."""
    for choice, own in rows.groupby("choice", sort=False):
        yield str(choice), ""
        for variant in own["variant"].drop_duplicates():
            yield str(choice), str(variant)


def _axes(figure: Canvas, count: int) -> list[Axes]:
    width, height = figure.get_size_inches()
    each = (width - LABELS - style.RIGHT - BETWEEN * (count - 1)) / count
    return [
        figure.add_axes(
            (
                (LABELS + column * (each + BETWEEN)) / width,
                BELOW / height,
                each / width,
                (height - ABOVE - BELOW) / height,
            )
        )
        for column in range(count)
    ]


def _column(axes: Axes, own: pd.DataFrame, lines: list[tuple[str, str]], language: Language) -> None:
    colour = COLOURS[str(own["quantity"].iloc[0])]
    told = own[own["headline"] & own["value"].notna()].head(1)
    for value, low, high in told[NUMBERS].to_numpy(dtype=float):
        if np.isfinite(low):
            axes.axvspan(low, high, color=colour, alpha=BAND, lw=0, zorder=0)
        axes.axvline(value, color=colour, lw=1.0, zorder=1)
    places = [lines.index((str(choice), str(name))) for choice, name in own[["choice", "variant"]].to_numpy()]
    numbers = own[NUMBERS].to_numpy(dtype=float)
    for at, (value, low, high), chosen in zip(places, numbers, own["headline"], strict=True):
        if not np.isfinite(value):
            middle = axes.get_yaxis_transform()
            axes.text(0.5, at, word("not_told", language), transform=middle, **REMARK)
            continue
        if np.isfinite(low):
            axes.plot([low, high], [at, at], color=colour, lw=1.4, zorder=2, solid_capstyle="butt")
        face = colour if chosen else "white"
        axes.plot([value], [at], "o", color=colour, mfc=face, ms=4.5, mew=1.2, zorder=3)
    axes.axvline(0, color=style.OBSERVED, lw=0.9, zorder=1)
    left, right = axes.get_xlim()
    axes.set_xlim(*style.padded(min(left, 0), max(right, 0), 0.03))
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.set_yticks([])
    axes.grid(True, axis="x")
    axes.tick_params(axis="x", labelsize=7.5)
    axes.locator_params(axis="x", nbins=4)


def _names(axes: Axes, lines: list[tuple[str, str]], language: Language, marked: Collection[str]) -> None:
    """Names of choices and variants beside the first column; those ``marked`` have a dagger."""
    beside = axes.get_yaxis_transform()
    for at, (choice, variant) in enumerate(lines):
        name = variant_in(language, choice, variant) if variant else word(choice, language)
        name += " †" if variant in marked else ""
        axes.text(
            -0.04,
            at,
            name,
            transform=beside,
            ha="right",
            va="center",
            fontsize=8 if variant else 8.5,
            color="black" if variant else style.QUIET,
            style="normal" if variant or language == "zh" else "italic",
        )
