"""Figure: observed against weather-normalized concentration by month, with the trend of the normalized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure as Canvas

from pipeline.figures import style
from pipeline.figures.subjects import Subject, series_of
from pipeline.wording import Language, decimals_of, phrase, pollutant_in, signed, units_in

Limits = tuple[float, float]


@dataclass(frozen=True)
class Trend:
    """Slope [units per year] and the line's value at ``middle``."""

    slope: float
    level: float
    middle: pd.Timestamp

    def at(self, times: pd.DatetimeIndex) -> np.ndarray:
        """The line at some times."""
        return self.level + self.slope * _years(times, self.middle)


def theil_sen(months: pd.Series) -> Trend | None:
    """The median slope between the same calendar months of different years; None when there are no two years.

    ``months`` is indexed by month; NaN is left out. Season does not enter, since it is the same month that is
    compared. Theil (1950), Sen (1968); by seasons: Hirsch et al. (1982), doi 10.1029/WR018i001p00107.
    """
    known = months.dropna()
    index = pd.DatetimeIndex(known.index)
    month, year = np.asarray(index.month), np.asarray(index.year)
    values = known.to_numpy()
    pairs = (month[:, None] == month) & (year[:, None] < year)
    if not pairs.any():
        return None
    slopes = (values[None, :] - values[:, None])[pairs] / (year[None, :] - year[:, None])[pairs]
    slope, middle = float(np.median(slopes)), index[len(index) // 2]
    return Trend(slope, float(np.median(values - slope * _years(index, middle))), middle)


def _years(times: pd.DatetimeIndex, middle: pd.Timestamp) -> np.ndarray:
    return np.asarray((times - middle).days, dtype=float) / 365.25


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all places of a pollutant: from zero to the largest month."""
    largest = [float(np.nanmax(series_of(subject).to_numpy(), initial=0)) for subject in subjects]
    return 0.0, 1.06 * max(largest) or 1.0


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """Points and a thin line of what was observed, the normalized line, its trend."""
    series, figure = series_of(subject), style.canvas(3.9, title=title, source=source)
    (axes,) = style.panels(figure, [1], legend_rows=2)
    months = pd.DatetimeIndex(series.index)
    middles = months + pd.Timedelta(days=14)
    (observed,) = axes.plot(middles, series["observed"], color=style.OBSERVED, marker="o", ms=3, lw=0.7, alpha=0.75)
    (normalized,) = axes.plot(middles, series["normalized"], color=style.EMISSIONS, lw=2)
    entries: list[tuple[Artist, str]] = [
        (observed, phrase("observed_monthly", language)),
        (normalized, phrase("normalized_monthly", language)),
    ]
    if trend := theil_sen(series["normalized"]):
        (line,) = axes.plot(middles, trend.at(middles), color="black", ls=(0, (5, 2)), lw=1.2)
        entries.append((line, trend_text(trend, subject, language)))
    axes.set_ylim(shared)
    axes.set_ylabel(axis_label(subject, language))
    style.year_axis(axes, months[0], months[-1] + pd.offsets.MonthEnd(1))
    style.legend(figure, entries, columns=2)
    return figure


def axis_label(subject: Subject, language: Language) -> str:
    """Pollutant and units."""
    return phrase(
        "trend_axis",
        language,
        pollutant=style.shortened(pollutant_in(language, subject.pollutant), 24),
        units=units_in(language, subject.units),
    )


def trend_text(trend: Trend, subject: Subject, language: Language) -> str:
    """The slope in words."""
    slope = signed(trend.slope, decimals_of(abs(trend.level)) + 1)
    return phrase("trend_line", language, slope=slope, units=units_in(language, subject.units))


def summary(subject: Subject, language: Language) -> str:
    """The trend in words, for those who do not see the figure; empty when there is none."""
    trend = theil_sen(series_of(subject)["normalized"])
    return trend_text(trend, subject, language) if trend else ""
