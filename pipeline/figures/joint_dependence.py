"""Figure: how the concentration depends on the two drivers of the day that matter most together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator

from pipeline.dependence import quantity_of, units_of
from pipeline.figures import style
from pipeline.figures.dependence import label, printed
from pipeline.figures.subjects import Subject
from pipeline.figures.trend import axis_label
from pipeline.wording import Language, decimals_of, driver_in, number, phrase, readable, units_in

LEVELS, COLOURS = 10, "cividis"
BAR, BAR_GAP = 0.14, 0.16
"""Width of the colour bar and its distance from the axes [inch]."""
Limits = tuple[float, float]


def known(data: xr.Dataset) -> np.ndarray:
    """The joint means (first_grid, second_grid); NaN where no day of the record was near."""
    return data["joint"].where(data["joint_days"] > 0).transpose("first_grid", "second_grid").to_numpy()


def limits(subjects: Sequence[Subject]) -> Limits:
    """One scale of colours for all places of a pollutant."""
    values = [known(data) for subject in subjects if (data := subject.dependence) is not None and "joint" in data]
    return float(min(np.nanmin(each) for each in values)), float(max(np.nanmax(each) for each in values))


def paint(subject: Subject, shared: Limits, language: Language, *, title: str, source: str) -> Canvas:
    """Filled contours of the mean concentration, blank where there were no days."""
    data = _data(subject)
    figure = style.canvas(4.1, title=title, source=source)
    (axes,) = style.panels(figure, [1], legend_rows=0)
    left, bottom, width, height = axes.get_position().bounds
    inch = 1 / style.WIDTH
    axes.set_position((left, bottom + 0.05, width - 0.85 * inch, height - 0.05))
    levels = MaxNLocator(LEVELS).tick_values(*shared)
    first, second = drivers(data)
    filled = axes.contourf(
        printed(first, data["joint_first"].to_numpy()),
        printed(second, data["joint_second"].to_numpy()),
        np.ma.masked_invalid(known(data)).T,
        levels=levels,
        cmap=COLOURS,
        norm=BoundaryNorm(levels, 256),
    )
    filled.set_edgecolor("face")
    axes.set_xlabel(label(first, language, columns=60))
    axes.set_ylabel(label(second, language, columns=44))
    axes.grid(visible=False)
    frame = axes.get_position()
    place = (frame.x1 + BAR_GAP * inch, frame.y0, BAR * inch, frame.height)
    figure.colorbar(filled, cax=figure.add_axes(place)).set_label(axis_label(subject, language))
    return figure


def _data(subject: Subject) -> xr.Dataset:
    if subject.dependence is None:
        raise ValueError(f"{subject.place}: there is no dependence to draw; plan the figure only where there is")
    return subject.dependence


def drivers(data: xr.Dataset) -> tuple[str, str]:
    """The two drivers, of the x and the y axis."""
    return str(data["joint_first"].attrs["driver"]), str(data["joint_second"].attrs["driver"])


def summary(subject: Subject, language: Language) -> str:
    """Where the mean is highest, in words, for those who do not see the figure."""
    data = _data(subject)
    means = known(data)
    highest = np.unravel_index(np.nanargmax(means), means.shape)
    said = {}
    for key, name, at in zip(("first", "second"), drivers(data), highest, strict=True):
        units, _, _ = readable(quantity_of(name), units_of(name))
        value = float(printed(name, data[f"joint_{key}"].to_numpy())[at])
        said[key] = f"{driver_in(language, quantity_of(name))} {number(value, decimals_of(abs(value)))} {units}".strip()
    value = float(means[highest])
    return phrase(
        "joint_highest",
        language,
        value=number(value, decimals_of(value)),
        units=units_in(language, subject.units),
        **said,
    )
