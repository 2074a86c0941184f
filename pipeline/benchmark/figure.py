"""The figure of the benchmark: each method's error of the weather's part, and how much of its size it finds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from pipeline.benchmark.contestants import Contestant
from pipeline.benchmark.summary import means
from pipeline.figures import style
from pipeline.store import written_whole

LOOK = {"pm25": ("PM2.5", style.WEATHER, "o", -0.14), "o3": ("O3", style.UNFAVOURABLE, "D", 0.14)}
"""Name, colour, mark and place beside the line of each pollutant: marks differ too."""
RIGHT_SLOPE = (0.95, 1.05)
LABELS, ROW = 3.3, 0.27
"""Room for the methods' names and for each [inch]."""


def draw(table: pd.DataFrame, kind: str, contestants: Mapping[str, Contestant], folder: Path) -> list[Path]:
    """``benchmark.png`` and ``benchmark.svg`` in ``folder``."""
    present = [name for name in contestants if (table["method"] == name).any()]
    worlds = table.loc[table["kind"] == kind, "world"].nunique()
    with matplotlib.rc_context(style.settings("en")):
        height = style.TOP + style.LEGEND_ROW + style.BOTTOM + 0.25 + ROW * len(present)
        title = f"The weather's part of changes between years, against {worlds} known truths"
        source = "tianbang benchmark. Dots: mean over worlds. Lines: standard deviation between worlds."
        canvas = style.canvas(height, title=title, source=source)
        bottom, top = (style.BOTTOM + 0.25) / height, 1 - (style.TOP + style.LEGEND_ROW) / height
        width = (1 - (LABELS + 0.12) / style.WIDTH) / 2
        boxes = [((LABELS / style.WIDTH) + i * width, bottom, width - 0.03, top - bottom) for i in (0, 1)]
        error, slope = (canvas.add_axes(box) for box in boxes)
        _dots(error, table, kind, "weather error", present)
        _dots(slope, table, kind, "weather slope", present)
        error.set_yticks(range(len(present)), [contestants[name].label for name in present], fontsize=8)
        error.set_xlim(left=0)
        error.set_xlabel("relative error")
        slope.set_yticks(range(len(present)), [""] * len(present))
        slope.axvspan(*RIGHT_SLOPE, color=style.FAVOURABLE, alpha=0.25, linewidth=0)
        slope.set_xlabel("slope on the truth")
        entries = [(Line2D([], [], color=colour, marker=mark), name) for name, colour, mark, _ in LOOK.values()]
        style.legend(canvas, [*entries, (Patch(color=style.FAVOURABLE, alpha=0.25), "goal for the slope")], columns=3)
        paths = [folder / "benchmark.png", folder / "benchmark.svg"]
        for path, write in zip(paths, (style.write_png, style.write_svg), strict=True):
            with written_whole(path) as partial:
                write(canvas, partial)
    return paths


def _dots(axes: Axes, table: pd.DataFrame, kind: str, score: str, present: list[str]) -> None:
    found = means(table)
    for pollutant, (_, colour, mark, beside) in LOOK.items():
        for place, name in enumerate(present):
            key = (kind, name, pollutant, score)
            if key in found.index:
                mean, spread = (float(found[name_of].loc[key]) for name_of in ("mean", "std"))
                axes.errorbar(
                    mean, place + beside, xerr=spread, color=colour, marker=mark, markersize=4.5, linewidth=1.2
                )
    axes.set_ylim(len(present) - 0.5, -0.5)
    axes.grid(visible=True, axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
