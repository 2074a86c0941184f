"""Figure: the meteorological condition index by year and by month, with its 90 % interval."""

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
from pipeline.wording import Language, number, phrase

BASE = 100.0
BOUNDS = ["mci", "mci_low", "mci_high"]
LABELLED = 8
"""Values are written beside at most so many years."""
Limits = dict[str, tuple[float, float]]


def rows(subject: Subject, frequency: str) -> pd.DataFrame:
    """The subject's rows of the index table of one frequency, in order of time."""
    return subject.index[subject.index["frequency"] == frequency].sort_values("start")


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all places of a pollutant, for years and for months; 100 is always inside."""
    return {
        frequency: _around_base(pd.concat([rows(subject, frequency)[BOUNDS] for subject in subjects]))
        for frequency in ("year", "month")
    }


def _around_base(values: pd.DataFrame) -> tuple[float, float]:
    known = values.to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    return style.padded(min([BASE - 5, *known]), max([BASE + 5, *known]))


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """Above the years as points with whiskers, below the months as a line in its band."""
    figure = style.canvas(4.9, title=title, source=source)
    above, below = style.panels(figure, [1, 1.35], legend_rows=1)
    years, months = rows(subject, "year"), rows(subject, "month")
    _years(above, years)
    _months(below, months)
    for axes, frequency, name in ((above, "year", "years"), (below, "month", "months")):
        axes.set_ylim(shared[frequency])
        axes.axhspan(shared[frequency][0], BASE, color=style.FAVOURABLE, alpha=0.14, lw=0, zorder=0)
        axes.axhspan(BASE, shared[frequency][1], color=style.UNFAVOURABLE, alpha=0.14, lw=0, zorder=0)
        axes.axhline(BASE, color="black", lw=0.9, zorder=1.5)
        axes.set_title(phrase(name, language), loc="left", fontsize=9, color=style.QUIET, pad=4)
    figure.supylabel(phrase("index_axis", language), fontsize=9.5, x=0.12 / style.WIDTH, y=0.46, ha="center")
    style.legend(figure, _entries(language), columns=3)
    return figure


def _years(axes: Axes, years: pd.DataFrame) -> None:
    positions, values = np.arange(len(years)), years["mci"].to_numpy()
    whiskers = np.abs(np.stack([values - years["mci_low"], years["mci_high"] - values]))
    axes.errorbar(positions, values, whiskers, fmt="o", color=style.WEATHER, ms=6, elinewidth=1.6, capsize=4, zorder=3)
    axes.set_xticks(positions, [str(name) for name in years["period"]])
    axes.set_xlim(-0.6, max(len(years) - 0.4, 0.6))
    if len(years) <= LABELLED:
        for position, value in zip(positions, values, strict=True):
            beside = (6, -11 if value < BASE else 4)  # away from the line at 100
            axes.annotate(number(value), (position, value), xytext=beside, textcoords="offset points", size=8.5)


def _months(axes: Axes, months: pd.DataFrame) -> None:
    starts = pd.to_datetime(months["start"])
    middles = starts + pd.Timedelta(days=14)
    axes.fill_between(middles, months["mci_low"], months["mci_high"], color=style.WEATHER, alpha=0.28, lw=0, zorder=2)
    axes.plot(middles, months["mci"], color=style.WEATHER, lw=1.3, marker="o", ms=2.2, zorder=3)
    if len(months):
        style.year_axis(axes, starts.iloc[0], pd.to_datetime(months["end"]).iloc[-1])


def _entries(language: Language) -> list[tuple[Artist, str]]:
    patches = (
        (style.WEATHER, 0.28, "interval_90"),
        (style.FAVOURABLE, 0.3, "favourable_below"),
        (style.UNFAVOURABLE, 0.3, "unfavourable_above"),
    )
    return [(Patch(color=colour, alpha=alpha, lw=0), phrase(key, language)) for colour, alpha, key in patches]


def summary(subject: Subject, language: Language) -> str:
    """The yearly values in words, for those who do not see the figure."""
    years = rows(subject, "year")
    values = [f"{row.period}: {number(float(str(row.mci)))}" for row in years.itertuples()]
    return phrase("comma", language).join(values)
