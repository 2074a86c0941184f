"""Figure: what fixed emissions give on days of each event against other days, of the same months and of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D

from pipeline.events import event_in, of_interest
from pipeline.figures import style
from pipeline.figures.subjects import Subject
from pipeline.wording import Language, decimals_of, number, phrase, signed, units_in

LEFT, RIGHT = 1.72, 0.98
"""Inches for the names of the events, and for the shares of days on the other side."""
ROW = 0.3
MATCHED = "difference_season_matched"
Limits = tuple[float, float]


def rows(subject: Subject) -> pd.DataFrame:
    """The subject's events over all years that matter for its pollutant and can be compared within months."""
    own = of_interest(subject.events)
    return own[own[MATCHED].notna()]


def limits(subjects: Sequence[Subject]) -> Limits:
    """One x axis for all places of a pollutant, whiskers and zero inside."""
    columns = [MATCHED, f"{MATCHED}_low", f"{MATCHED}_high", "difference"]
    values = pd.concat([rows(subject)[columns] for subject in subjects]).to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    return style.padded(min([0.0, *known]), max([0.0, *known]))


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """A row for each event: the difference within months with its interval, the plain one, the share of days."""
    frame = rows(subject)
    height = style.TOP + 2 * style.LEGEND_ROW + ROW * len(frame) + style.BOTTOM + 0.3
    figure = style.canvas(height, title=title, source=source)
    bottom, top = style.BOTTOM + 0.2, style.TOP + 2 * style.LEGEND_ROW
    axes = figure.add_axes(
        (LEFT / style.WIDTH, bottom / height, (style.WIDTH - LEFT - RIGHT) / style.WIDTH, 1 - (bottom + top) / height)
    )
    places, values = np.arange(len(frame)), frame[MATCHED].to_numpy(dtype=float)
    whiskers = np.abs(np.stack([values - frame[f"{MATCHED}_low"], frame[f"{MATCHED}_high"] - values]))
    axes.axvline(0, color="black", lw=0.9, zorder=1.5)
    axes.plot(frame["difference"], places, "D", mfc="white", mec=style.QUIET, ms=5, zorder=2)
    axes.errorbar(
        values, places, xerr=whiskers, fmt="o", color=style.WEATHER, ms=6, elinewidth=1.6, capsize=3.5, zorder=3
    )
    axes.set_yticks(places, [event_in(language, event) for event in frame["event"]])
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=True, axis="x")
    axes.set_ylim(len(frame) - 0.4, -0.6)
    axes.set_xlim(shared)
    axes.set_xlabel(phrase("events_axis", language, units=units_in(language, subject.units)))
    for place, share in zip(places, frame["share"], strict=True):
        where = (1.02, place)
        axes.annotate(f"{number(100 * share)} %", where, xycoords=("axes fraction", "data"), va="center", size=8.5)
    heading = phrase("share_of_days", language)
    axes.annotate(heading, (1.02, 1.03), xycoords="axes fraction", size=8.5, color=style.QUIET)
    style.legend(figure, _entries(language), columns=1)
    return figure


def _entries(language: Language) -> list[tuple[Artist, str]]:
    filled = Line2D([], [], color=style.WEATHER, marker="o", ms=6, lw=1.6)
    hollow = Line2D([], [], color="none", marker="D", mfc="white", mec=style.QUIET, ms=5)
    return [(filled, phrase("within_months", language)), (hollow, phrase("plain_difference", language))]


def summary(subject: Subject, language: Language) -> str:
    """The differences in words, for those who do not see the figure."""
    frame = rows(subject)
    decimals = decimals_of(float(frame["on_event"].max()))
    said = [f"{event_in(language, str(row['event']))} {signed(row[MATCHED], decimals)}" for _, row in frame.iterrows()]
    return phrase("comma", language).join(said)
