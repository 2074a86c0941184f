"""Figure 1: concentrations by year as columns with their three-year moving means, and the index beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure as Canvas
from matplotlib.legend_handler import HandlerTuple
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, MultipleLocator

from pipeline.figures import style
from pipeline.report.facts import HEADLINE, THREE_YEARS
from pipeline.report.gaps import missing
from pipeline.report.indices import TO_DATE, YEARLY
from pipeline.report.scope import NEEDED, Scope
from pipeline.report.wording import (
    MONTHS,
    concentration_decimals,
    number,
    place_in,
    pollutant_in,
    say,
)
from pipeline.wording import Language, units_in

WIDTH = 7.2
"""[inch]; a page between its margins."""
STEPS = (1, 2, 5, 10, 20, 50, 100)
"""Steps between the marks of an index axis: 100 is always one."""
LEFT, RIGHT, GAP = 0.42, 0.08, 0.42
TOP, BOTTOM, TITLE = 0.94, 0.52, 0.3
"""Above the panels the title, the legend and the names of the columns; above each row the region's name."""
PAGE = 10.0
"""Height of a page between its margins [inch]: rows shrink to fit, but not below ``LOWEST``."""
HIGHEST, LOWEST = {1: 2.0, 2: 1.5, 3: 1.25}, 0.62
"""Height [inch] of a region's row by their number, of more than three 1.1 at most."""
COLOURS = {"pm25": "#5F7180", "o3": "#7B6FA6"}
DIAMOND: dict[str, Any] = {"marker": "D", "ms": 3.4, "mfc": "white", "mec": "black", "mew": 0.8}
BASE = 100.0


@dataclass(frozen=True)
class Series:
    """A region's numbers of a pollutant by year: what is known, NaN where it is not."""

    whole: np.ndarray
    same_months: np.ndarray
    three_years: np.ndarray
    index: np.ndarray
    """Index with its low and high, (years, 3); of a partial year that of its months."""
    same_months_index: np.ndarray


def series(found: pd.DataFrame, scope: Scope, name: str, pollutant: str) -> Series:
    """What Figure 1 shows of a region and a pollutant, by ``Scope.shown_years``."""
    own = found[(found["level"] == "region") & (found["name"] == name) & (found["pollutant"] == pollutant)]
    own = own[~own["marks"].str.contains("dust=excluded")]
    levels = own[(own["quantity"] == "concentration") & (own["statistic"] == HEADLINE[pollutant])]
    years = scope.shown_years
    whole = [str(year) for year in years]
    to_date = [scope.to_date(year) for year in years]
    index = own[own["quantity"] == "mci"]
    bounds = ["value", "low", "high"]
    of_year = _at(index, YEARLY, whole, bounds)
    if scope.partial:
        of_year[-1] = _at(index, TO_DATE, to_date, bounds)[-1]
    return Series(
        whole=_at(levels, YEARLY, whole)[:, 0],
        same_months=_at(levels, TO_DATE, to_date)[:, 0] if scope.partial else np.full(len(years), np.nan),
        three_years=_at(levels, THREE_YEARS, [f"{year - 2}-{year}" for year in years])[:, 0],
        index=of_year,
        same_months_index=_at(index, TO_DATE, to_date)[:, 0] if scope.partial else np.full(len(years), np.nan),
    )


def _at(rows: pd.DataFrame, window: str, periods: Sequence[str], columns: Sequence[str] = ("value",)) -> np.ndarray:
    own = rows[rows["window"] == window].drop_duplicates("period_to").set_index("period_to")
    return own.reindex(list(periods))[list(columns)].to_numpy(dtype=float, copy=True)


def paint(found: pd.DataFrame, scope: Scope, language: Language, *, source: str) -> Canvas:
    """A row of four panels for each region: PM2.5, its index, O3, its index; like panels share their axis.

    The partial year's column is hatched, and the same months of the other years are marked, so that like meets like.
    What is missing is named in its panel. FACTS in, a figure out; fonts are those of ``style.settings(language)``.
    """
    shown = {(name, own): series(found, scope, name, own) for name in scope.regions for own in NEEDED}
    row = _row_height(len(scope.regions))
    height = TOP + BOTTOM + len(scope.regions) * (row + TITLE)
    figure = Canvas(figsize=(WIDTH, height), dpi=style.DOTS_PER_INCH)
    FigureCanvasAgg(figure)
    _surroundings(figure, scope, language, source)
    limits = {own: _limits([one for (_, of), one in shown.items() if of == own]) for own in NEEDED}
    for k, name in enumerate(scope.regions):
        bottom = height - TOP - (k + 1) * (row + TITLE)
        _title(figure, style.shortened(place_in(name, language), 90), bottom + row + 0.09)
        for j, pollutant in enumerate(NEEDED):
            axes = [_axes(figure, 2 * j + i, (bottom, row)) for i in range(2)]
            last = k == len(scope.regions) - 1
            _columns(axes[0], shown[name, pollutant], scope, pollutant, language)
            _indices(axes[1], shown[name, pollutant], scope, language)
            for one, bounds in zip(axes, limits[pollutant], strict=True):
                _frame(one, scope, bounds, labelled=last)
            if k == 0:
                _headings(axes, found, pollutant, language)
    return figure


def _row_height(count: int) -> float:
    fitting = (PAGE - TOP - BOTTOM) / max(count, 1) - TITLE
    return max(LOWEST, min(HIGHEST.get(count, 1.1), fitting))


def _axes(figure: Canvas, column: int, rows: tuple[float, float]) -> Axes:
    width, height = figure.get_size_inches()
    own = (width - LEFT - RIGHT - 3 * GAP) / 4
    left = LEFT + column * (own + GAP)
    return figure.add_axes((left / width, rows[0] / height, own / width, rows[1] / height))


def _title(figure: Canvas, text: str, y: float) -> None:
    width, height = figure.get_size_inches()
    figure.text(0.1 / width, y / height, text, fontsize=8.5, fontweight="bold", va="center")


def _headings(axes: Sequence[Axes], found: pd.DataFrame, pollutant: str, language: Language) -> None:
    """What each column of panels shows, above the first row."""
    units = found.loc[(found["quantity"] == "concentration") & (found["pollutant"] == pollutant), "units"]
    named = say("panel_p90", language) if pollutant == "o3" else pollutant_in(pollutant, language)
    printed = units_in(language, str(units.iloc[0]) if len(units) else "ug m-3")
    texts = (
        say("panel_concentration", language, name=named, units=printed),
        say("panel_index", language, pollutant=pollutant_in(pollutant, language)),
    )
    for one, text in zip(axes, texts, strict=True):
        one.annotate(
            text, (0, 1), (0, 21), xycoords="axes fraction", textcoords="offset points", fontsize=8, color=style.QUIET
        )


def _limits(shown: Sequence[Series]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Axes that all regions share: of concentrations from zero, of the index about 100."""
    levels = np.concatenate([np.r_[one.whole, one.same_months, one.three_years] for one in shown] or [np.empty(0)])
    index = np.concatenate([np.r_[one.index.ravel(), one.same_months_index] for one in shown] or [np.empty(0)])
    top = np.nanmax(levels) if np.isfinite(levels).any() else 1.0
    bounds = [BASE - 2, BASE + 2, *index[np.isfinite(index)]]
    return (0.0, 1.18 * float(top)), style.padded(min(bounds), max(bounds), 0.1)


def _columns(axes: Axes, own: Series, scope: Scope, pollutant: str, language: Language) -> None:
    places, colour = np.arange(len(scope.shown_years)), COLOURS[pollutant]
    axes.bar(places, own.whole, 0.72, color=colour, zorder=2)
    if scope.partial:
        axes.bar(
            places[-1:],
            own.same_months[-1:],
            0.72,
            facecolor="white",
            edgecolor=colour,
            hatch="/////",
            lw=1.0,
            zorder=2,
        )
        axes.plot(places[:-1], own.same_months[:-1], ls="none", zorder=4, **DIAMOND)
    axes.plot(places, own.three_years, color="black", ls=(0, (1, 1.2)), lw=1.6, marker=".", ms=2.5, zorder=3)
    told = np.where(np.isfinite(own.whole), own.whole, 0.0)
    if scope.partial:
        told[-1] = np.nan_to_num(own.same_months[-1])
    for k in np.flatnonzero(told):
        hatched = scope.partial and k == len(places) - 1
        text = number(told[k], concentration_decimals(pollutant, scope))
        box = {"facecolor": "white", "edgecolor": "none", "pad": 0.6} if hatched else None
        axes.annotate(
            text, (places[k], 0), (0, 3), textcoords="offset points", fontsize=6.4, ha="center", va="bottom",
            rotation=90, color="black" if hatched else "white", bbox=box, zorder=5,
        )  # fmt: skip
    if not told.any():
        _nothing(axes, language)


def _indices(axes: Axes, own: Series, scope: Scope, language: Language) -> None:
    places, (value, low, high) = np.arange(len(scope.shown_years)), own.index.T
    known = np.isfinite(value)
    axes.axhline(BASE, color="black", lw=0.9, zorder=1.5)
    if not known.any():
        _nothing(axes, language)
        return
    hollow = np.zeros(len(places), dtype=bool)
    hollow[-1] = scope.partial
    axes.plot(places[known & ~hollow], value[known & ~hollow], color=style.WEATHER, lw=1.0, zorder=2)
    axes.plot(places[:-1] + 0.26, own.same_months_index[:-1], ls="none", zorder=3.5, **DIAMOND)
    axes.errorbar(
        places[known], value[known], np.stack([value - low, high - value])[:, known].clip(0), fmt="none",
        ecolor=style.WEATHER, elinewidth=1.2, capsize=2.2, zorder=3,
    )  # fmt: skip
    for chosen, face in ((known & ~hollow, style.WEATHER), (known & hollow, "white")):
        axes.plot(places[chosen], value[chosen], ls="none", marker="o", ms=4, mfc=face, mec=style.WEATHER, zorder=4)


def _nothing(axes: Axes, language: Language) -> None:
    axes.text(0.5, 0.5, say("panel_none", language), transform=axes.transAxes, ha="center", va="center", fontsize=8,
              color=style.QUIET)  # fmt: skip


def _frame(axes: Axes, scope: Scope, bounds: tuple[float, float], *, labelled: bool) -> None:
    years = scope.shown_years
    axes.set_xlim(-0.6, len(years) - 0.4)
    axes.set_ylim(bounds)
    if bounds[0] > 0:
        axes.axhspan(bounds[0], BASE, color=style.FAVOURABLE, alpha=0.12, lw=0, zorder=0)
        axes.axhspan(BASE, bounds[1], color=style.UNFAVOURABLE, alpha=0.12, lw=0, zorder=0)
    marks = ["†" if scope.partial and year == scope.year else "" for year in years]
    names = [str(years[0]), *(f"{year % 100:02d}" for year in years[1:])]
    labels = [f"{name}{mark}" for name, mark in zip(names, marks, strict=True)]
    axes.set_xticks(range(len(years)), labels if labelled else [])
    axes.tick_params(axis="both", labelsize=7, length=0, pad=2)
    span = bounds[1] - bounds[0]
    step = next((step for step in STEPS if span / step < 4), span)
    axes.yaxis.set_major_locator(MultipleLocator(step) if bounds[0] > 0 else MaxNLocator(nbins=4, integer=True))


def _months(scope: Scope, language: Language) -> str:
    first, last = scope.start(scope.year).month, scope.end.month
    names = (MONTHS[first - 1], MONTHS[last - 1]) if language == "en" else (first, last)
    return say("span_of_months", language, first=names[0], last=names[1])


def _surroundings(figure: Canvas, scope: Scope, language: Language, source: str) -> None:
    """Title, legend and source line."""
    width, height = figure.get_size_inches()
    years = scope.shown_years
    named = say("list", language).join(pollutant_in(name, language) for name in NEEDED)
    title = say("figure_one", language, pollutants=named, first=years[0], last=years[-1])
    figure.text(0.1 / width, 1 - 0.1 / height, title, fontsize=11, va="top")
    text = source
    if scope.partial:
        text = say("figure_one_source", language, months=_months(scope, language), source=source)
    figure.text(0.1 / width, 0.09 / height, text, fontsize=7, color=style.QUIET, va="bottom", linespacing=1.4)
    handles, labels = zip(*_entries(scope, language), strict=True)
    figure.legend(
        handles, labels, loc="upper left", bbox_to_anchor=(0.04 / width, 1 - 0.34 / height), ncols=3, fontsize=7.2,
        columnspacing=1.6, handlelength=1.9, handletextpad=0.5, borderaxespad=0, labelspacing=0.35,
        handler_map={tuple: HandlerTuple(ndivide=None, pad=0)},
    )  # fmt: skip


def _entries(scope: Scope, language: Language) -> list[tuple[Artist | tuple[Artist, ...], str]]:
    months = _months(scope, language)
    both = tuple(Patch(color=COLOURS[name], lw=0) for name in NEEDED)
    found: list[tuple[Artist | tuple[Artist, ...], str]] = [
        (both, say("legend_column", language)),
        (Line2D([], [], color="black", ls=(0, (1, 1.2)), lw=1.6), say("legend_three_years", language)),
        (Line2D([], [], color=style.WEATHER, marker="o", ms=4, lw=1.0), say("legend_index", language)),
    ]
    if scope.partial:
        hatched = tuple(Patch(facecolor="white", edgecolor=COLOURS[name], hatch="/////") for name in NEEDED)
        diamond = Line2D([], [], ls="none", **DIAMOND)
        hollow = Line2D([], [], ls="none", marker="o", ms=4, mfc="white", mec=style.WEATHER)
        found[1:1] = [
            (hatched, say("legend_partial", language, months=months, year=scope.year)),
            (diamond, say("legend_same_months", language)),
        ]
        found.append((hollow, say("legend_index_partial", language, months=months)))
    return found


def caption(scope: Scope, language: Language) -> str:
    """What Figure 1 is, under it."""
    part = ""
    if scope.partial:
        part = say("figure_one_partial", language, year=scope.year, months=_months(scope, language))
    return say("figure_one_caption", language, base=scope.base_year, partial=part)


def notes(found: pd.DataFrame, scope: Scope, language: Language) -> list[str]:
    """What is missing in Figure 1, a line each."""
    gaps = [gap for gap in missing(found, scope) if gap.section in ("concentrations", "index")]
    return list(dict.fromkeys(gap.said(language) for gap in gaps if gap.pollutant in ("", *NEEDED)))


def summary(found: pd.DataFrame, scope: Scope, language: Language) -> str:
    """The report's year in words, for those who do not see the figure."""
    values = [
        text
        for name in scope.regions
        for pollutant in NEEDED
        if (text := _said(series(found, scope, name, pollutant), scope, (name, pollutant), language))
    ]
    return say("figure_one_alt", language, values=say("and_then", language).join(values))


def _said(own: Series, scope: Scope, at: tuple[str, str], language: Language) -> str:
    last = own.same_months[-1] if scope.partial else own.whole[-1]
    told: Mapping[str, float] = {pollutant_in(at[1], language): last, "MCI": own.index[-1, 0]}
    places = {"MCI": 1}
    known = [
        f"{name} {number(value, places.get(name, concentration_decimals(at[1], scope)))}"
        for name, value in told.items()
        if np.isfinite(value)
    ]
    return say("colon", language, name=place_in(at[0], language), value=", ".join(known)) if known else ""
