"""Figure: observed against weather-normalized concentration by month, with trends and change points of the tables."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas

from pipeline.figures import style
from pipeline.figures.subjects import Subject, series_of
from pipeline.wording import Language, decimals_of, phrase, pollutant_in, signed, units_in

Limits = tuple[float, float]
TOP, ROW = 0.985, 0.07
"""Where the size of a change point is written, and how far below it the next, as shares of the axes."""
DAYS_OF_A_YEAR, DAYS_OF_A_MONTH = 365.25, 30.4
LINES = {"normalized": ("black", (0, (5, 2))), "observed": (style.OBSERVED, (0, (1, 1.5)))}
"""Colour and dashes of the trend of each series, in the order of the legend."""


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all places of a pollutant: from zero to the largest month, with room for what is written."""
    largest = [float(np.nanmax(series_of(subject).to_numpy(), initial=0)) for subject in subjects]
    return 0.0, 1.2 * max(largest) or 1.0


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """Points and a thin line of what was observed, the normalized line, trends with intervals, change points."""
    series, found = series_of(subject), slopes(subject)
    rows = 2 + len(found) + (not subject.changepoints.empty)
    figure = style.canvas(3.5 + rows * style.LEGEND_ROW, title=title, source=source)
    (axes,) = style.panels(figure, [1], legend_rows=rows)
    months = pd.DatetimeIndex(series.index)
    middles = months + pd.Timedelta(days=14)
    (observed,) = axes.plot(middles, series["observed"], color=style.OBSERVED, marker="o", ms=3, lw=0.7, alpha=0.75)
    (normalized,) = axes.plot(middles, series["normalized"], color=style.EMISSIONS, lw=2)
    entries: list[tuple[Artist, str]] = [
        (observed, phrase("observed_monthly", language)),
        (normalized, phrase("normalized_monthly", language)),
    ]
    for name, row in found.items():
        colour, dashes = LINES[name]
        (line,) = axes.plot(middles, line_of(row, series[name]), color=colour, ls=dashes, lw=1.2)
        entries.append((line, slope_text(row, series[name], language)))
    axes.set_ylim(shared)
    axes.set_ylabel(axis_label(subject, language))
    style.year_axis(axes, months[0], months[-1] + pd.offsets.MonthEnd(1))
    if marker := _mark(axes, subject.changepoints):
        entries.append((marker, phrase("change_point", language)))
    style.legend(figure, entries, columns=1)
    return figure


def slopes(subject: Subject) -> dict[str, pd.Series]:
    """The subject's rows of the trends table by series, the normalized one first; none for short records."""
    rows = {str(row["series"]): row for _, row in subject.trends.iterrows()}
    return {name: rows[name] for name in LINES if name in rows}


def line_of(row: pd.Series, months: pd.Series) -> np.ndarray:
    """The trend at the ``months``: the table's slope through the median of what it leaves."""
    years = np.asarray((months.index - months.index[0]).days, dtype=float) / DAYS_OF_A_YEAR
    steady = float(row["slope"]) * years
    return np.asarray(steady + np.nanmedian(months.to_numpy() - steady))


def _mark(axes: Axes, points: pd.DataFrame) -> Artist | None:
    """A line at the first month of each new level, a shade over the interval of its date, its size in per cent."""
    marker: Artist | None = None
    for k, (_, point) in enumerate(points.iterrows()):
        date, low, high = (style.day_number(point[name]) for name in ("date", "date_low", "date_high"))
        axes.axvspan(low, high + DAYS_OF_A_MONTH, color=style.WEATHER, alpha=0.15, lw=0, zorder=0)
        marker = axes.axvline(date, color=style.WEATHER, ls=":", lw=1.6, zorder=1)
        axes.annotate(
            f"{signed(float(point['percent']), 0)} %",
            (date, TOP - ROW * (k % 3)),
            xycoords=("data", "axes fraction"),
            xytext=(3, 0),
            textcoords="offset points",
            va="top",
            size=8,
            color=style.WEATHER,
        )
    return marker


def axis_label(subject: Subject, language: Language) -> str:
    """Pollutant and units."""
    return phrase(
        "trend_axis",
        language,
        pollutant=style.shortened(pollutant_in(language, subject.pollutant), 24),
        units=units_in(language, subject.units),
    )


def slope_text(row: pd.Series, months: pd.Series, language: Language) -> str:
    """A slope with its interval in words."""
    decimals = decimals_of(float(months.median())) + 1
    numbers = {name: signed(float(row[column]), decimals) for name, column in SLOPE.items()}
    units = units_in(language, str(row["units"]).removesuffix(" year-1"))
    return phrase("trend_line", language, series=phrase(str(row["series"]), language), units=units, **numbers)


SLOPE = {"slope": "slope", "low": "slope_low", "high": "slope_high"}
"""Placeholder -> column of the trends table."""


def summary(subject: Subject, language: Language) -> str:
    """Trends and change points in words, for those who do not see the figure; empty when there are none."""
    series = series_of(subject)
    said = [slope_text(row, series[name], language) for name, row in slopes(subject).items()]
    said += [
        phrase("change_point_text", language, date=str(row["date"])[:7], percent=signed(float(row["percent"]), 0))
        for _, row in subject.changepoints.iterrows()
    ]
    return phrase("semicolon", language).join(said)
