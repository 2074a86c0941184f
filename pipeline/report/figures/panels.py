"""Several maps on one page: the same ground, few scales, hatching where an interval includes zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from matplotlib.artist import Artist
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure as Canvas
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.path import Path as Outline

from pipeline.figures import place_map, style
from pipeline.report.figures.ground import Bounds, Ground
from pipeline.report.figures.scales import Scale, colour_bar
from pipeline.report.figures.words import phrase
from pipeline.wording import Language

WIDTH, DOTS_PER_INCH = 6.7, 300
"""The text of an A4 page [inch], and what a printer asks for."""
SIDE, GAP, HEAD, PANEL_HEAD = 0.12, 0.12, 0.32, 0.28
BAR, BAR_HEIGHT, LABEL, LEGEND, NOTE = 0.42, 0.09, 0.135, 0.29, 0.137
"""Inches: margin, between panels, title, a panel's title; a row of colour bars, a bar, a line of its label, the legend,
a line of notes."""
LABEL_COLUMNS = 15.5
"""Characters of a colour bar's label in an inch."""
AXIS_LEFT, AXIS_BOTTOM = 0.42, 0.18
"""Inches for degrees beside and below a ground that has a graticule."""

NO_DATA, OUTSIDE, BORDER = "#DADADA", "#F4F4F4", "#3C3C3C"
HATCHING, HATCH_SPACING, HATCH_WIDTH = "#000000", 1.9, 0.42
"""Colour; points between lines and across one: two or three in a city of 100 km on a panel of half a page."""
DISCS = ((30, 4.6), (100, 3.4), (10_000, 2.1))
"""Up to how many points a disc has which radius [points]."""
INSET = 0.44
"""The inset's scale, relative to the panel's."""
CAPTIONED = 0.36
"""Inches: an inset narrower than this has no room for its name."""


Box = tuple[float, float, float, float]
"""Left, bottom, width, height."""


@dataclass(frozen=True)
class Panel:
    """A map: its title, its ``scale``, and ``values`` by place with columns value, low and high."""

    title: str
    values: pd.DataFrame
    scale: Scale

    @property
    def uncertain(self) -> list[str]:
        """The places whose interval includes zero; without an interval none does."""
        rows = self.values.dropna(subset=["value", "low", "high"])
        return [str(name) for name in rows.index[(rows["low"] <= 0) & (rows["high"] >= 0)]]

    @property
    def numbers(self) -> pd.Series:
        """The values that are known."""
        return self.values["value"].dropna()


@dataclass(frozen=True)
class Page:
    """What stands about the panels: ``bars`` are scales with their labels, ``notes`` lines below."""

    title: str
    bars: Sequence[tuple[Scale, str]]
    notes: Sequence[str]
    columns: int
    outlined: Mapping[str, Sequence[str]]
    """Regions whose common outline is drawn: key -> names of places."""


@dataclass(frozen=True)
class _Grid:
    """Places on the page [inch], from its lower left corner."""

    height: float
    panels: list[Box]
    key: tuple[float, float, float]
    """Left, top and width of colour bars and legend."""
    in_cell: bool
    labels: list[str]
    """Those of the colour bars, in lines."""

    @property
    def bars(self) -> float:
        """Height of colour bars with their labels."""
        return _bars(self.labels)


def paint(ground: Ground, places: pd.DataFrame, panels: Sequence[Panel], page: Page, *, language: Language) -> Canvas:
    """The page. ``places`` has columns name, label_en, label_zh, latitude, longitude."""
    grid = _grid(ground, len(panels), page)
    figure = style.canvas(
        grid.height, title=page.title, source="\n".join(page.notes), width=WIDTH, dots_per_inch=DOTS_PER_INCH
    )
    art = _Art(ground, grid.panels[0][2])
    for number, (panel, box) in enumerate(zip(panels, grid.panels, strict=True)):
        axes = _panel(figure, _share(box, grid.height), art, panel, language=language)
        if ground.kind == "elsewhere":
            edges = (number % page.columns == 0, number + page.columns >= len(panels))
            place_map.graticule(axes, left=edges[0], bottom=edges[1], size=6.5)
            _names(figure, axes, places[places["name"].isin(list(ground.shapes))], language)
        for names in page.outlined.values():
            art.outline(axes, names)
    _key(figure, ground, grid, panels, page, language)
    return figure


def _share(box: Box, height: float) -> Box:
    left, bottom, across, up = box
    return left / WIDTH, bottom / height, across / WIDTH, up / height


def _bars(labels: Sequence[str]) -> float:
    return BAR + LABEL * max(label.count("\n") + 1 for label in labels)


def _grid(ground: Ground, count: int, page: Page) -> _Grid:
    """Panels in rows; the key stands in the last row where that has a free place, else below."""
    degrees = ground.kind == "elsewhere"
    left, free = SIDE + AXIS_LEFT * degrees, -count % page.columns
    across = (WIDTH - left - SIDE - GAP * (page.columns - 1)) / page.columns
    up, rows = across * ground.aspect, -(-count // page.columns)
    key_width = free * (across + GAP) - 2 * GAP if free else WIDTH - left - SIDE
    each = (key_width - GAP * (len(page.bars) - 1)) / len(page.bars)
    labels = [style.wrapped(label, int(each * LABEL_COLUMNS)) for _, label in page.bars]
    notes = 0.14 + NOTE * sum(note.count("\n") + 1 for note in page.notes) + AXIS_BOTTOM * degrees
    height = HEAD + rows * (PANEL_HEAD + up) + notes + (0 if free else _bars(labels) + LEGEND)
    tops = [height - HEAD - row * (PANEL_HEAD + up) - PANEL_HEAD for row in range(rows)]
    lefts = [left + column * (across + GAP) for column in range(page.columns)]
    boxes = [(lefts[n % page.columns], tops[n // page.columns] - up, across, up) for n in range(count)]
    if free:
        middle = tops[-1] - up / 2 + (_bars(labels) + 3 * LEGEND) / 2
        return _Grid(height, boxes, (lefts[-free] + GAP, middle, key_width), True, labels)
    return _Grid(height, boxes, (left, tops[-1] - up - AXIS_BOTTOM * degrees, key_width), False, labels)


class _Art:
    """The shapes of a ground as matplotlib draws them, made once for all panels of a page."""

    def __init__(self, ground: Ground, across: float) -> None:
        self.ground = ground
        self.per_point = (ground.frame[2] - ground.frame[0]) / (across * 72)
        self.across = across
        radius = next(radius for most, radius in DISCS if len(ground.shapes) <= most)
        self.shapes = {
            name: shape.buffer(radius * self.per_point) if shape.geom_type == "Point" else shape
            for name, shape in ground.shapes.items()
        }
        self.paths = {name: _path(shape) for name, shape in self.shapes.items()}
        drawn = set(map(id, ground.shapes.values()))
        self.outside = NO_DATA if ground.national else OUTSIDE
        self.beneath = [_path(shape) for shape in ground.cities if id(shape) not in drawn]
        self.borders = [line for shape in ground.provinces for line in _lines(shape.boundary)]
        self.dashes = _lines(ground.dashes) if ground.dashes is not None else []

    def draw(self, axes: Any, panel: Panel, bounds: Bounds, spacing: float) -> None:
        """All of a panel on axes that show ``bounds``, hatched with lines ``spacing`` metres apart."""
        axes.set_xlim(bounds[0], bounds[2])
        axes.set_ylim(bounds[1], bounds[3])
        axes.spines["geo"].set(edgecolor=style.QUIET, linewidth=0.6)
        axes.grid(visible=False)
        seen = self.within(bounds)
        known = panel.numbers[panel.numbers.index.isin(seen)]
        disc_edge: dict[str, Any] = (
            {} if self.ground.kind == "outlined" else {"edgecolors": style.QUIET, "linewidths": 0.4}
        )
        polygon_edge: dict[str, Any] = {"edgecolors": "white", "linewidths": 0.12}
        _add(axes, PathCollection(self.beneath, facecolors=self.outside, edgecolors=NO_DATA, linewidths=0.2), 3)
        rest = [self.paths[name] for name in seen if name not in known.index]
        _add(axes, PathCollection(rest, facecolors=NO_DATA, **(disc_edge or polygon_edge)), 3.1)
        filled = PathCollection([self.paths[str(name)] for name in known.index], **(disc_edge or polygon_edge))
        filled.set_facecolor(panel.scale.colours_of(known.to_numpy()))
        filled.set_gid("values")
        _add(axes, filled, 3.2)
        uncertain = [self.shapes[name] for name in panel.uncertain if name in seen]
        _add(axes, _strokes(hatching_of(uncertain, spacing), HATCHING, HATCH_WIDTH, gid="hatching"), 3.3)
        _add(axes, _strokes(self.borders, BORDER, 0.35), 3.4)
        _add(axes, _strokes(self.dashes, BORDER, 0.8, gid="dashes"), 3.4)

    def within(self, bounds: Bounds) -> list[str]:
        """The places of which something lies within the bounds."""
        boxes = shapely.bounds(np.array(list(self.shapes.values()), dtype=object))
        west, south, east, north = bounds
        meets = (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < north) & (boxes[:, 3] > south)
        return [name for name, is_seen in zip(self.shapes, meets, strict=True) if is_seen]

    def outline(self, axes: Any, names: Sequence[str]) -> None:
        """The common outline of some places."""
        if (shape := self.ground.outline(names)) is not None:
            _add(axes, _strokes(_lines(shape.boundary), "black", 1.0, gid="region"), 3.5)


def _add(axes: Any, collection: Any, order: float) -> None:
    collection.set_zorder(order)
    axes.add_collection(collection, autolim=False)
    collection.set_clip_path(None)  # the axes show a rectangle; cartopy would clip each path by its own long outline
    collection.set_clip_box(axes.bbox)


def _strokes(lines: Sequence[np.ndarray], colour: str, width: float, *, gid: str | None = None) -> PathCollection:
    """Lines as one path, which is written once."""
    paths = [Outline.make_compound_path(*(Outline(line) for line in lines))] if len(lines) else []
    return PathCollection(paths, facecolors="none", edgecolors=colour, linewidths=width, gid=gid)


def _path(shape: Any) -> Outline:
    from cartopy.mpl.path import shapely_to_path

    path: Outline = shapely_to_path(shape)
    return path


def _lines(shape: Any) -> list[np.ndarray]:
    return [shapely.get_coordinates(part) for part in shapely.get_parts(shape)]


def hatching_of(shapes: Sequence[Any], spacing: float) -> list[np.ndarray]:
    """Parallel lines at 45 degrees, ``spacing`` apart, cut to the shapes; one that none meets has its own."""
    if not len(shapes):
        return []
    own = np.array(shapes, dtype=object)
    lines = _slanted(shapely.total_bounds(own), spacing)
    found = shapely.intersection(lines, shapely.union_all(own))
    hit = np.unique(shapely.STRtree(lines).query(own, predicate="intersects")[0])
    missed = np.delete(own, hit)
    middles = shapely.get_coordinates(shapely.point_on_surface(missed))
    through = np.stack([middles - spacing, middles + spacing], axis=1)
    cut = [shapely.intersection(line, shape) for line, shape in zip(shapely.linestrings(through), missed, strict=True)]
    parts = shapely.get_parts(shapely.get_parts([*found, *cut]))
    return [shapely.get_coordinates(part) for part in parts if part.geom_type == "LineString" and not part.is_empty]


def _slanted(bounds: np.ndarray, spacing: float) -> np.ndarray:
    west, south, east, north = bounds
    step = spacing * np.sqrt(2)
    starts = np.arange(np.floor((south - east) / step), np.ceil((north - west) / step) + 1) * step
    ends = np.stack(
        [
            np.column_stack([np.full_like(starts, west), starts + west]),
            np.column_stack([np.full_like(starts, east), starts + east]),
        ],
        axis=1,
    )
    return np.asarray(shapely.linestrings(ends))


def _panel(figure: Canvas, box: Box, art: _Art, panel: Panel, *, language: Language) -> Any:
    axes: Any = figure.add_axes(box, projection=art.ground.projection, label=panel.title)
    height = figure.get_size_inches()[1]
    figure.text(box[0], box[1] + box[3] + 0.045 / height, panel.title, fontsize=9, va="bottom")
    art.draw(axes, panel, art.ground.frame, HATCH_SPACING * art.per_point)
    if panel.numbers.empty:
        ground = {"facecolor": "white", "edgecolor": "none", "pad": 2}
        axes.text(0.5, 0.5, phrase("nothing", language), transform=axes.transAxes, ha="center", fontsize=8, bbox=ground)
    _inset(figure, box, art, panel, language=language)
    return axes


def _inset(figure: Canvas, box: Box, art: _Art, panel: Panel, *, language: Language) -> None:
    bounds = art.ground.inset
    if bounds is None:
        return
    west, south, east, north = art.ground.frame
    across = (bounds[2] - bounds[0]) / (east - west) * INSET * box[2]
    up = (bounds[3] - bounds[1]) / (north - south) * INSET * box[3]
    place = (box[0] + box[2] - across, box[1], across, up)
    axes: Any = figure.add_axes(place, projection=art.ground.projection, label=f"{panel.title} inset")
    art.draw(axes, panel, bounds, HATCH_SPACING * art.per_point / INSET)
    if across * WIDTH >= CAPTIONED:
        axes.text(0.5, 0.03, phrase("inset", language), transform=axes.transAxes, ha="center", va="bottom",
                  fontsize=4.8, linespacing=1.05)  # fmt: skip


def _names(figure: Canvas, axes: Any, rows: pd.DataFrame, language: Language) -> None:
    if len(rows) <= place_map.LABELLED:
        place_map.label_points(figure, axes, rows, f"label_{language}")


def _key(figure: Canvas, ground: Ground, grid: _Grid, panels: Sequence[Panel], page: Page, language: Language) -> None:
    left, top, width = grid.key
    entries = _entries(ground, panels, page, language)
    each = (width - GAP * (len(page.bars) - 1)) / len(page.bars)
    for number, ((scale, _), label) in enumerate(zip(page.bars, grid.labels, strict=True)):
        bar = (left + number * (each + GAP) + 0.14, top - 0.13 - BAR_HEIGHT, each - 0.28, BAR_HEIGHT)
        colour_bar(figure, _share(bar, grid.height), scale, label)
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles,
        labels,
        loc="upper left",
        bbox_to_anchor=(left / WIDTH, (top - grid.bars - 0.06) / grid.height),
        ncols=1 if grid.in_cell else len(entries),
        fontsize=8,
        handlelength=2.2,
        handleheight=1.0,
        columnspacing=1.6,
        borderaxespad=0,
        borderpad=0,
    )


def _entries(ground: Ground, panels: Sequence[Panel], page: Page, language: Language) -> list[tuple[Artist, str]]:
    hatched = Patch(facecolor="white", edgecolor=HATCHING, hatch="/" * 7, linewidth=0.4, hatch_linewidth=HATCH_WIDTH)
    entries: list[tuple[Artist, str]] = [(hatched, phrase("holds_zero", language))]
    grey = Patch(facecolor=NO_DATA, edgecolor=style.QUIET, linewidth=0.4)
    if ground.kind == "outlined" and ground.national:
        entries.append((grey, phrase("no_data", language)))
    elif any(set(ground.shapes) - set(panel.numbers.index) for panel in panels):
        entries.append((grey, phrase("no_data_point", language)))
    if page.outlined and ground.kind == "outlined":
        entries.append((Line2D([], [], color="black", lw=1.0), phrase("region_outline", language)))
    return entries
