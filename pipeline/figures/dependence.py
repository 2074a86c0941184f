"""Figure: how the concentration depends on the value of one driver of the day, a panel for each that matters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from pipeline.dependence import bounds, quantity_of, units_of
from pipeline.figures import style
from pipeline.figures.subjects import Subject
from pipeline.figures.trend import axis_label
from pipeline.wording import Language, decimals_of, driver_in, number, phrase, readable, units_in

Limits = tuple[float, float]
SHOWN, COLUMNS = 6, 3
"""Drivers drawn, those whose curve spreads most, and panels beside one another."""
PANEL, GAP_RIGHT, GAP_BELOW = 1.25, 0.16, 0.56
"""Height of a panel and gaps between panels [inch]."""
EDGE = 0.1
"""Share of a panel's width at either end that has no tick."""
DAYS_SHARE = 0.16
"""Height of the days' outline, as a share of a panel."""


def shown(data: xr.Dataset) -> list[str]:
    """The drivers whose estimate spreads most, the strongest first."""
    spread = np.log(data["dependence"].isel(member=0).transpose("driver", "grid").to_numpy()).std(axis=1)
    return [str(data["driver"].to_numpy()[k]) for k in np.argsort(-spread, kind="stable")[:SHOWN]]


def limits(subjects: Sequence[Subject]) -> Limits:
    """One y axis for all panels and places of a pollutant, from zero."""
    highest = [
        bounds(data["dependence"].transpose(..., "member").to_numpy())[1].max()
        for subject in subjects
        if (data := subject.dependence) is not None
    ]
    return 0.0, 1.06 * float(max(highest))


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """A panel for each driver: the mean concentration with its band, and where the days were."""
    data = _data(subject)
    names = shown(data)
    count = -(-len(names) // COLUMNS)
    height = style.TOP + style.LEGEND_ROW + count * PANEL + (count - 1) * GAP_BELOW + style.BOTTOM + 0.2
    figure = style.canvas(height, title=title, source=source)
    panels = _panels(figure, len(names))
    for k, (axes, name) in enumerate(zip(panels, names, strict=True)):
        _panel(axes, data.sel(driver=name), name, shared, language)
        axes.tick_params(axis="y", labelleft=k % COLUMNS == 0)
    figure.supylabel(axis_label(subject, language), fontsize=9.5, x=0.12 / style.WIDTH, y=0.5, ha="center")
    style.legend(figure, _entries(language), columns=3)
    return figure


def _data(subject: Subject) -> xr.Dataset:
    if subject.dependence is None:
        raise ValueError(f"{subject.place}: there is no dependence to draw; plan the figure only where there is")
    return subject.dependence


def _panels(figure: Canvas, count: int) -> list[Axes]:
    width, height = figure.get_size_inches()
    each = (width - style.LEFT - style.RIGHT - (COLUMNS - 1) * GAP_RIGHT) / COLUMNS
    top = height - style.TOP - style.LEGEND_ROW
    found = []
    for k in range(count):
        row, column = divmod(k, COLUMNS)
        left, bottom = style.LEFT + column * (each + GAP_RIGHT), top - (row + 1) * PANEL - row * GAP_BELOW
        found.append(figure.add_axes((left / width, bottom / height, each / width, PANEL / height)))
    return found


def _panel(axes: Axes, data: xr.Dataset, name: str, shared: Limits, language: Language) -> None:
    values = printed(name, data["dependence_value"].to_numpy())
    members = data["dependence"].transpose("grid", "member").to_numpy()
    days = data["dependence_days"].to_numpy()
    axes.fill_between(values, DAYS_SHARE * shared[1] * days / days.max(), color="#BBBBBB", lw=0, zorder=1)
    axes.fill_between(values, *bounds(members), color=style.WEATHER, alpha=0.28, lw=0, zorder=2)
    axes.plot(values, members[:, 0], color=style.WEATHER, lw=1.6, zorder=3)
    axes.set_ylim(shared)
    axes.set_xlim(values[0], values[-1])
    axes.set_xticks(_inner_ticks(values[0], values[-1]))
    axes.tick_params(labelsize=8)
    axes.set_xlabel(label(name, language), fontsize=8, labelpad=2)


def _inner_ticks(low: float, high: float) -> list[float]:
    """Round values that are not so near an end that their labels would reach into the next panel."""
    inset = EDGE * (high - low)
    return [tick for tick in MaxNLocator(4).tick_values(low, high) if low + inset <= tick <= high - inset]


def printed(driver: str, values: np.ndarray) -> np.ndarray:
    """Values in the units in which figures print the driver's quantity."""
    _, factor, offset = readable(quantity_of(driver), units_of(driver))
    return np.asarray(values * factor + offset)


def label(driver: str, language: Language, *, columns: int = 22) -> str:
    """The driver and its printed units."""
    units, _, _ = readable(quantity_of(driver), units_of(driver))
    name = style.shortened(driver_in(language, quantity_of(driver)), columns)
    return phrase("with_units", language, name=name, units=units) if units else name


def _entries(language: Language) -> list[tuple[Artist, str]]:
    return [
        (Line2D([], [], color=style.WEATHER, lw=1.6), phrase("dependence_line", language)),
        (Patch(color=style.WEATHER, alpha=0.28, lw=0), phrase("interval_90", language)),
        (Patch(color="#BBBBBB", lw=0), phrase("dependence_days", language)),
    ]


def summary(subject: Subject, language: Language) -> str:
    """Lowest and highest mean of each curve in words, for those who do not see the figure."""
    data = _data(subject)
    units = units_in(language, subject.units)
    said = []
    for name in shown(data):
        curve = data["dependence"].sel(driver=name).isel(member=0).to_numpy()
        ends = {
            "low": number(curve.min(), decimals_of(curve.max())),
            "high": number(curve.max(), decimals_of(curve.max())),
        }
        said.append(
            phrase("dependence_range", language, driver=driver_in(language, quantity_of(name)), units=units, **ends)
        )
    return phrase("semicolon", language).join(said)
