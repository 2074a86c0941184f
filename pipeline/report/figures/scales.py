"""Colours of a change: diverging, safe for the colour-blind, centred at zero, in classes with round limits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.figure import Figure as Canvas

from pipeline.wording import signed

COLOURS, ENDS, MIDDLE = "RdBu_r", 0.1, 0.045
"""ColorBrewer's, without its darkest ends, on which no hatching would be seen (black has a contrast of 3:1 on each
class), and without its middle, where one could not tell the smallest decrease from the smallest increase."""
SIDES = (6, 5, 4)
"""Classes on either side of zero, the most first."""
STEPS = (1.0, 2.0, 2.5, 5.0)
ROBUST = 0.98
"""Share of the values that lies within the limits; the rest has the colour of the open ends."""
CHARACTER = 4.8
"""Width of a digit of a label [point]."""
SIGNIFICANT = 1e-9
"""Below this all values are zero and the limits are those of one unit."""


@dataclass(frozen=True)
class Scale:
    """``edges`` of the classes, symmetric about zero; whether values lie ``below`` and ``above`` all of them."""

    edges: tuple[float, ...]
    below: bool = False
    above: bool = False

    def colours_of(self, values: np.ndarray) -> Any:
        """A colour for each value, dims (value, 4); a limit belongs to the class above it, the last to the last."""
        within = np.where(values == self.edges[-1], self.edges[-2], values)
        return np.asarray(self.colours(self.norm(within))).reshape(-1, 4)

    @property
    def norm(self) -> BoundaryNorm:
        """Value -> class."""
        return BoundaryNorm(np.asarray(self.edges), len(self.edges) - 1)

    @property
    def colours(self) -> Colormap:
        """Colours of the classes, and darker ones of the open ends."""
        count = len(self.edges) - 1
        falling = np.linspace(ENDS, 0.5 - MIDDLE, count // 2 + 1)
        tones = colormaps[COLOURS](np.concatenate([falling, 1 - falling[::-1]]))
        return ListedColormap(tones[1:-1]).with_extremes(under=tones[0], over=tones[-1])

    @property
    def open(self) -> str:
        """Which ends are open, as matplotlib says it."""
        return {(True, True): "both", (True, False): "min", (False, True): "max"}.get(
            (self.below, self.above), "neither"
        )


def scale_of(values: Iterable[float]) -> Scale:
    """The scale of all values that are to be compared; those that are not finite count for nothing.

    The limit is the smallest whole number of round steps (1, 2, 2.5 or 5 times a power of ten; 4 to 6 of them) that
    holds ``ROBUST`` of the sizes.
    """
    given = np.asarray(list(values), dtype=float)
    given = given[np.isfinite(given)]
    sizes = np.abs(given)
    reach = float(np.quantile(sizes, ROBUST)) if sizes.size else 0.0
    step, count = _step(reach if reach > SIGNIFICANT else 1.0)
    edges = tuple(round(step * number, 10) for number in range(-count, count + 1))
    return Scale(edges, below=bool((given < edges[0]).any()), above=bool((given > edges[-1]).any()))


def _step(reach: float) -> tuple[float, int]:
    power = 10.0 ** np.floor(np.log10(reach / max(SIDES)))
    found = [(step * scale * power, count) for scale in (1, 10) for step in STEPS for count in SIDES]
    wide = [(step, count) for step, count in found if step * count >= reach * (1 - 1e-9)]
    return min(wide, key=lambda pair: (round(pair[0] * pair[1], 10), -pair[1]))


def colour_bar(figure: Canvas, rectangle: tuple[float, float, float, float], scale: Scale, label: str) -> Axes:
    """A horizontal bar with its label below; as many edges are labelled as have room."""
    axes = figure.add_axes(rectangle)
    shown = ScalarMappable(scale.norm, scale.colours)
    bar: Any = figure.colorbar(shown, cax=axes, orientation="horizontal", extend=scale.open, extendfrac=0.05)
    edges = _labelled(scale.edges, rectangle[2] * figure.get_size_inches()[0] * 72)
    bar.set_ticks(edges, labels=[signed(edge, decimals(edges) if edge else 0) for edge in edges])
    bar.ax.tick_params(labelsize=7.5, length=2, pad=1.5)
    bar.set_label(label, size=8, labelpad=2)
    bar.outline.set_linewidth(0.5)
    return axes


def decimals(edges: Sequence[float]) -> int:
    """How many decimals the limits need."""
    return next((count for count in range(8) if np.allclose(edges, np.round(edges, count), rtol=0, atol=1e-9)), 8)


def _labelled(edges: Sequence[float], width: float) -> list[float]:
    """Every edge, or every second or third counted from zero, as many as have room in ``width`` points."""
    middle = len(edges) // 2
    thinned = (
        [edge for number, edge in enumerate(edges) if (number - middle) % every == 0] for every in range(1, middle + 1)
    )
    return next((shown for shown in thinned if _length(shown) < width), [0.0])


def _length(edges: Sequence[float]) -> float:
    """Points that labels of these edges take up, side by side, the longest for each."""
    longest = max(len(signed(edge, decimals(edges))) for edge in edges)
    return len(edges) * (longest + 0.8) * CHARACTER
