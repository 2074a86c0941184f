"""Figure: a small map of weather's part of the change at each station or city. Nothing is downloaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator
from matplotlib.transforms import Bbox

from pipeline.figures import style
from pipeline.regions import label
from pipeline.wording import Language, phrase, units_in

LABELLED = 30
"""Names are written beside at most so many points, and only where there is room."""
MARGIN, LEAST_WIDTH = 1.25, 5000.0
"""The frame about the points: so many times their spread; half its width at least [m]."""
COLOURS, CLASSES = "RdBu_r", 11
OFFSETS = ((7, 0, "left"), (-7, 0, "right"), (0, 6, "center"), (0, -6, "center"))
"""Where a name may stand: points right, up of its dot, and how it is aligned."""


@dataclass(frozen=True)
class Places:
    """The points of a map: rows with columns name, label_en, label_zh, latitude, longitude and the change's parts."""

    pollutant: str
    statistic: str
    units: str
    rows: pd.DataFrame

    @property
    def first(self) -> int:
        """The year the change starts from."""
        return int(self.rows["period_from"].iloc[0])

    @property
    def last(self) -> int:
        """The year the change leads to."""
        return int(self.rows["period_to"].iloc[0])


def points(attribution: pd.DataFrame, stations: Mapping[str, Mapping[str, Any]]) -> list[Places]:
    """The points of each pollutant (its first statistic): stations, or cities where there are no stations.

    Of the change from the first to the last full year that most points share. Places without coordinates are left
    out; a pollutant with fewer than two places has no map.
    """
    level = next((level for level in ("station", "city") if level in set(attribution["level"])), None)
    rows = attribution[attribution["level"] == level].merge(_coordinates(stations, level), on="name")
    rows = rows.dropna(subset=["latitude", "longitude"])
    return [
        Places(str(pollutant), str(own["statistic"].iloc[0]), str(own["units"].iloc[0]), spread)
        for pollutant, own in rows.groupby("pollutant", sort=False)
        if len(spread := _longest(own[own["statistic"] == own["statistic"].iloc[0]])) > 1
    ]


LANGUAGES: tuple[Language, ...] = ("en", "zh")


def _coordinates(stations: Mapping[str, Mapping[str, Any]], level: str | None) -> pd.DataFrame:
    facts = pd.DataFrame(
        [{"station": name, **fact} for name, fact in stations.items()],
        columns=["station", "name", "city", "latitude", "longitude"],
    )
    labels = {"name": facts["station"], "label_en": facts["station"], "label_zh": facts["name"]}
    if level == "city":
        cities = facts["city"]
        labels = {"name": cities, **{f"label_{one}": cities.map(partial(label, language=one)) for one in LANGUAGES}}
    named = facts[["latitude", "longitude"]].astype(float).assign(**labels)
    by_name: Any = named.groupby("name", as_index=False)
    means = {"latitude": "mean", "longitude": "mean", "label_en": "first", "label_zh": "first"}
    return pd.DataFrame(by_name.agg(means))


def _longest(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the longest of the changes that most places have."""
    lengths = rows["period_to"] - rows["period_from"]
    counts = rows.groupby(["period_from", "period_to"])["name"].transform("size")
    best = counts == counts.max()
    longest: pd.DataFrame = rows[best & (lengths == lengths[best].max())]
    latest: pd.DataFrame = longest[longest["period_to"] == longest["period_to"].max()]
    return latest


def limits(places: Places) -> tuple[float, float]:
    """Colours symmetric about zero."""
    largest = float(np.nanmax(np.abs(places.rows["meteorology"].to_numpy()), initial=0)) or 1.0
    return -largest, largest


def paint(places: Places, language: Language, *, title: str, source: str) -> Canvas:
    """Points on a Lambert conformal map with gridlines, a colour bar, and names where there is room."""
    figure = style.canvas(4.9, title=title, source=source)
    axes = _map_axes(figure, places.rows)
    low, high = limits(places)
    certain = (places.rows["meteorology_low"] > 0) | (places.rows["meteorology_high"] < 0)
    dots = axes.scatter(
        places.rows["longitude"],
        places.rows["latitude"],
        c=places.rows["meteorology"],
        s=64 if len(places.rows) < 100 else 20,
        cmap=colormaps[COLOURS].resampled(CLASSES),
        vmin=low,
        vmax=high,
        edgecolors=["black" if is_certain else "#AAAAAA" for is_certain in certain],
        linewidths=1.1,
        transform=_degrees(),
        zorder=3,
    )
    frame = axes.get_position()
    scale = (frame.x1 + 0.025, frame.y0 + 0.1 * frame.height, 0.025, 0.8 * frame.height)
    bar = figure.colorbar(dots, cax=figure.add_axes(scale))
    bar.set_label(phrase("map_axis", language, units=units_in(language, places.units)))
    style.legend(
        figure,
        [(_dot(edge), phrase(key, language)) for edge, key in (("black", "map_certain"), ("#AAAAAA", "map_uncertain"))],
        columns=2,
    )
    if len(places.rows) <= LABELLED:
        label_points(figure, axes, places.rows, f"label_{language}")
    return figure


def _dot(edge: str) -> Line2D:
    return Line2D([], [], marker="o", ls="", mfc="#DDDDDD", mec=edge, mew=1.1, ms=7)


def _degrees() -> Any:
    import cartopy.crs

    return cartopy.crs.PlateCarree()


def _map_axes(figure: Canvas, rows: pd.DataFrame) -> Any:
    width, height = figure.get_size_inches()
    rectangle = (style.LEFT / width, style.BOTTOM / height, 0.68, 1 - (0.75 + style.BOTTOM) / height)
    axes: Any = figure.add_axes(rectangle, projection=projection(rows["latitude"], rows["longitude"]))
    places = axes.projection.transform_points(_degrees(), rows["longitude"].to_numpy(), rows["latitude"].to_numpy())[
        :, :2
    ]
    shape = np.array([rectangle[2] * width, rectangle[3] * height])
    middle, half = (places.max(axis=0) + places.min(axis=0)) / 2, np.ptp(places, axis=0) / 2
    reach = MARGIN * max(*(half / shape), LEAST_WIDTH / shape[0]) * shape
    axes.set_xlim(middle[0] - reach[0], middle[0] + reach[0])
    axes.set_ylim(middle[1] - reach[1], middle[1] + reach[1])
    graticule(axes)
    return axes


def graticule(axes: Any, *, left: bool = True, bottom: bool = True, size: float = 8) -> None:
    """Lines of round degrees on axes whose limits are set, labelled at the left and at the bottom."""
    sides = [side for side, asked in (("left", left), ("bottom", bottom)) if asked]
    lines = axes.gridlines(draw_labels=sides, x_inline=False, y_inline=False, lw=0.5, color="#CCCCCC")
    west, east, south, north = axes.get_extent(_degrees())
    lines.xlocator, lines.ylocator = _round_degrees(west, east), _round_degrees(south, north)
    lines.xlabel_style = lines.ylabel_style = {"size": size, "color": "black", "rotation": 0}
    lines.rotate_labels = False
    axes.spines["geo"].set(edgecolor=style.QUIET, linewidth=0.8)


def _round_degrees(low: float, high: float) -> FixedLocator:
    return FixedLocator(MaxNLocator(7, steps=[1, 2, 5, 10]).tick_values(low, high))


def projection(latitude: pd.Series, longitude: pd.Series) -> Any:
    """Lambert conformal about the points, with parallels a sixth inside their span (never on both sides of 0)."""
    import cartopy.crs

    south, north = float(latitude.min()), float(latitude.max())
    middle, sign = (south + north) / 2, -1 if south + north < 0 else 1
    inset = max((north - south) / 6, 0.1)
    parallels = tuple(sign * max(sign * value, 1.0) for value in (south + inset, north - inset))
    return cartopy.crs.LambertConformal(
        central_longitude=round((longitude.min() + longitude.max()) / 2, 2),
        central_latitude=round(middle, 2),
        standard_parallels=parallels,
        cutoff=-30 if sign > 0 else 30,
    )


def label_points(figure: Canvas, axes: Axes, rows: pd.DataFrame, column: str) -> None:
    """Writes the names in ``column`` beside the points, in columns latitude and longitude.

    Each stands at the first side where it meets no dot, no name and no edge; else it is not written.
    """
    to_pixels = _degrees()._as_mpl_transform(axes)
    reach = 5 * figure.dpi / 72
    places = rows[["longitude", "latitude"]].to_numpy()
    taken = [Bbox([at - reach, at + reach]) for at in to_pixels.transform(places)]
    for name, place in zip(rows[column], places, strict=True):
        _write(axes, style.shortened(str(name), 20), place, to_pixels, taken)


def _write(axes: Axes, name: str, place: np.ndarray, to_pixels: Any, taken: list[Bbox]) -> None:
    frame = axes.get_window_extent().padded(-3)
    for right, up, aligned in OFFSETS:
        text = axes.annotate(
            name,
            (place[0], place[1]),
            xycoords=to_pixels,
            xytext=(right, up),
            textcoords="offset points",
            ha=aligned,
            va="center" if not up else "bottom" if up > 0 else "top",
            fontsize=8,
            zorder=4,
        )
        box = text.get_window_extent()
        inside = frame.x0 < box.x0 and box.x1 < frame.x1 and frame.y0 < box.y0 and box.y1 < frame.y1
        if inside and not box.count_overlaps(taken):
            taken.append(box)
            return
        text.remove()
