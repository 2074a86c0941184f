"""Pictures of figures compared with small ones that are kept: what was looked at once must look the same.

``assert_looks_like(canvas, name, folder)`` draws a figure without its texts and legends, 100 dots an inch, and compares
it with ``tests/baselines/NAME.png``. Texts are compared by the tests as words: where fonts are hinted otherwise, every
letter differs and nothing is wrong. Blocks of 4 by 4 dots are compared by their mean colour, since anti-aliasing only
moves colour between neighbours. TOLERANCE is what a black edge does to such a block if it moves by a tenth of a dot
(255 x 4 x 0.1 / 16, and a level for each of two roundings): more than another processor's arithmetic or another version
of the drawing library, less than a class of colour, a line of hatching or a tick that is missing.

``TIANBANG_BASELINES=write pytest tests/...`` writes what is drawn in place of what is kept; look at it.
"""

import os
from pathlib import Path
from unittest.mock import patch

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.legend import Legend
from matplotlib.text import Text
from PIL import Image

BASELINES = Path(__file__).parent / "baselines"
DOTS_PER_INCH = 100
BLOCK = 4
TOLERANCE = 255 * BLOCK * 0.1 / BLOCK**2 + 2
LARGEST = 40_000
"""Bytes of a picture that is kept."""


def picture_of(canvas):
    """The figure without texts and legends: dims (row, column, colour), 0 to 255. The figure is left as it was."""
    before = canvas.dpi
    canvas.set_dpi(DOTS_PER_INCH)
    try:
        with patch.object(Text, "draw", _nothing), patch.object(Legend, "draw", _nothing):
            drawn = FigureCanvasAgg(canvas)
            drawn.draw()
        return np.asarray(drawn.buffer_rgba())[..., :3].copy()
    finally:
        canvas.set_dpi(before)


def _nothing(*_, **__):
    """What is drawn of a text, and of a legend, which its words put in place."""


def block_means(picture):
    """The mean colour of each block; rows and columns that fill no block are repeated at the edge."""
    rows, columns = (-(-size // BLOCK) * BLOCK for size in picture.shape[:2])
    padding = ((0, rows - picture.shape[0]), (0, columns - picture.shape[1]), (0, 0))
    padded = np.pad(picture.astype(float), padding, mode="edge")
    return padded.reshape(rows // BLOCK, BLOCK, columns // BLOCK, BLOCK, 3).mean(axis=(1, 3))


def difference(one, other):
    """The largest difference of a block's mean colour, and the block's middle in dots from the left and the top."""
    if one.shape != other.shape:
        return float("inf"), (0, 0)
    apart = np.abs(block_means(one) - block_means(other)).max(axis=2)
    row, column = np.unravel_index(np.argmax(apart), apart.shape)
    return float(apart.max()), (int((column + 0.5) * BLOCK), int((row + 0.5) * BLOCK))


def assert_looks_like(canvas, name, folder):
    """Fails where a figure looks other than the picture that is kept; what is drawn is then in ``folder``."""
    kept, drawn = BASELINES / f"{name}.png", picture_of(canvas)
    if os.environ.get("TIANBANG_BASELINES") == "write":
        Image.fromarray(drawn).save(kept, optimize=True)
        assert kept.stat().st_size <= LARGEST, f"{kept} has {kept.stat().st_size} bytes; draw less"
    assert kept.exists(), f"{kept} is not there; write it with TIANBANG_BASELINES=write and look at it"
    apart, at = difference(drawn, np.asarray(Image.open(kept).convert("RGB")))
    if apart > TOLERANCE:
        Image.fromarray(drawn).save(folder / f"{name}.png")
        raise AssertionError(
            f"{name}: a block at {at} differs by {apart:.0f} of 255, agreed {TOLERANCE:.0f}; compare {kept} with "
            f"{folder / name}.png, and if what is drawn is right, write it with TIANBANG_BASELINES=write"
        )


def overlaps(canvas):
    """Pairs of visible texts whose boxes meet by more than a dot, and texts that leave the figure."""
    canvas.draw_without_rendering()
    boxes = [(text.get_text(), text.get_window_extent()) for text in written(canvas)]
    meeting = [
        (one, other)
        for number, (one, box) in enumerate(boxes)
        for other, near in boxes[:number]
        if box.padded(-1).overlaps(near.padded(-1))
    ]
    inside = canvas.bbox
    outside = [
        text
        for text, box in boxes
        if not (inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1)
    ]
    return meeting, outside


def written(canvas):
    """The texts that are seen: neither hidden nor empty, nor tick labels beyond the limits of their axis."""
    return [
        text
        for text in set(canvas.findobj(Text)) - beyond_the_axes(canvas)
        if text.get_visible() and text.get_text().strip()
    ]


def beyond_the_axes(canvas):
    """Tick labels that matplotlib keeps but does not draw, since their place is outside the limits."""
    axes = [axis for axes in canvas.axes for axis in (axes.xaxis, axes.yaxis)]
    ticks = [(tick, *sorted(axis.get_view_interval())) for axis in axes for tick in axis.get_major_ticks()]
    return {
        label for tick, low, high in ticks if not low <= tick.get_loc() <= high for label in (tick.label1, tick.label2)
    }
