"""Figure: the change since the base year and its parts, for every later year."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Patch

from pipeline.figures import style
from pipeline.figures.subjects import Subject
from pipeline.wording import Language, decimals_of, phrase, signed, statistic_in, units_in

BARS = (
    ("observed_change", "observed_change", style.OBSERVED),
    ("meteorology", "weather_part", style.WEATHER),
    ("emissions", "emissions_part", style.EMISSIONS),
    ("residual", "residual", style.RESIDUAL),
)
"""Column of the attribution table, key of its name, colour."""
BOUNDED = ("meteorology", "emissions")
Limits = tuple[float, float]


def rows(subject: Subject) -> pd.DataFrame:
    """The subject's changes from its first year to every later one."""
    return subject.attribution[subject.attribution["period_from"] == subject.first]


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all places and statistics of a pollutant, whiskers and zero inside."""
    columns = [column for column, _, _ in BARS] + [f"{column}_{end}" for column in BOUNDED for end in ("low", "high")]
    values = pd.concat([rows(subject)[columns] for subject in subjects]).to_numpy(dtype=float)
    known = values[np.isfinite(values)]
    return style.padded(min([0.0, *known]), max([0.0, *known]))


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """One panel for each statistic."""
    frame = rows(subject)
    statistics = list(dict.fromkeys(frame["statistic"]))
    figure = style.canvas(1.9 + 1.9 * len(statistics), title=title, source=source)
    for axes, statistic in zip(style.panels(figure, [1] * len(statistics), legend_rows=1), statistics, strict=True):
        _panel(axes, frame[frame["statistic"] == statistic])
        axes.set_ylim(shared)
        axes.set_ylabel(phrase("bars_axis", language, units=units_in(language, subject.units)))
        name = statistic_in(language, subject.pollutant, statistic)
        axes.set_title(name, loc="left", fontsize=9, color=style.QUIET, pad=4)
    entries: list[tuple[Artist, str]] = [(Patch(color=colour), phrase(key, language)) for _, key, colour in BARS]
    style.legend(figure, entries, columns=4)
    return figure


def _panel(axes: Axes, frame: pd.DataFrame) -> None:
    positions, width = np.arange(len(frame)), 0.2
    for k, (column, _, colour) in enumerate(BARS):
        at = positions + (k - 1.5) * width
        axes.bar(at, frame[column], width * 0.92, color=colour, zorder=2)
        if column in BOUNDED:
            values = frame[column].to_numpy()
            whiskers = np.abs(np.stack([values - frame[f"{column}_low"], frame[f"{column}_high"] - values]))
            axes.errorbar(at, values, whiskers, fmt="none", ecolor="black", elinewidth=1, capsize=2.5, zorder=3)
    axes.axhline(0, color="black", lw=0.9, zorder=2.5)
    axes.set_xlim(-0.6, len(frame) - 0.4)
    labels = [f"{row.period_from}–{row.period_to}" for row in frame.itertuples()]
    crowded = len(frame) > 7
    axes.set_xticks(positions, [label[5:] for label in labels] if crowded else labels)
    axes.tick_params(axis="x", length=0)


def summary(subject: Subject, language: Language) -> str:
    """The parts to the last year in words, for those who do not see the figure."""
    frame = rows(subject)
    last = frame[frame["period_to"] == frame["period_to"].max()]
    decimals = decimals_of(float(last["observed_to"].max()))
    comma = phrase("comma", language)
    sentences = [
        f"{row['period_from']}–{row['period_to']}, {statistic_in(language, subject.pollutant, row['statistic'])}: "
        + comma.join(f"{phrase(key, language)} {signed(row[column], decimals)}" for column, key, _ in BARS)
        for _, row in last.iterrows()
    ]
    return "; ".join(sentences)
