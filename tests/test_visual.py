"""The comparison of pictures sees what a reader would see, and nothing finer."""

import numpy as np
import pytest
import visual
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle


def canvas_with(*, left=0.5, colour="#92C5DE", hatch_lines=5, ticks=3, text="a", size=9.0):
    """A figure with a coloured square, lines across it, ticks and a text."""
    figure = Figure(figsize=(2, 2))
    axes = figure.add_axes((0.2, 0.2, 0.7, 0.7))
    axes.set(xlim=(0, 2), ylim=(0, 2), xticks=np.linspace(0, 2, ticks), yticks=[])
    axes.add_patch(Rectangle((left, 0.5), 1, 1, facecolor=colour))
    for start in np.linspace(0.5, 1.3, hatch_lines):
        axes.plot([left, left + 1], [start, start + 0.2], color="black", linewidth=0.5)
    axes.set_title(text, fontsize=size)
    return figure


def apart(**changed):
    return visual.difference(visual.picture_of(canvas_with()), visual.picture_of(canvas_with(**changed)))[0]


@pytest.mark.parametrize(
    "changed",
    [{"left": 0.53}, {"colour": "#A9D1E5"}, {"hatch_lines": 4}, {"ticks": 2}],
    ids=["moved by two dots", "another class of colour", "a line of hatching less", "a tick less"],
)
def test_what_a_reader_would_see_is_a_difference(changed):
    assert apart(**changed) > visual.TOLERANCE


@pytest.mark.parametrize(
    "changed",
    [{}, {"left": 0.5 + 0.05 * 2 / 140}, {"text": "quite another text"}, {"size": 12.0}],
    ids=["the same", "moved by a twentieth of a dot", "another text", "a larger text"],
)
def test_what_a_reader_would_not_see_and_words_are_none(changed):
    assert apart(**changed) <= visual.TOLERANCE


def test_a_picture_of_another_size_is_another_picture():
    picture = visual.picture_of(canvas_with())
    assert visual.difference(picture, picture[:-1])[0] == float("inf")


def test_comparing_leaves_the_figure_as_it_was():
    figure = canvas_with()
    dots = figure.dpi
    visual.picture_of(figure)
    assert figure.dpi == dots
    assert (visual.picture_of(figure) < 255).any()
    assert "a" in {text.get_text() for text in visual.written(figure)}


def test_a_difference_says_where_it_is_and_keeps_what_was_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(visual, "BASELINES", tmp_path)
    monkeypatch.setenv("TIANBANG_BASELINES", "write")
    visual.assert_looks_like(canvas_with(), "square", tmp_path)
    monkeypatch.delenv("TIANBANG_BASELINES")
    visual.assert_looks_like(canvas_with(), "square", tmp_path)
    (tmp_path / "drawn").mkdir()
    with pytest.raises(AssertionError, match=r"square: a block at \(\d+, \d+\) differs by \d+ of 255"):
        visual.assert_looks_like(canvas_with(colour="red"), "square", tmp_path / "drawn")
    assert (tmp_path / "drawn" / "square.png").exists()
    with pytest.raises(AssertionError, match="not there"):
        visual.assert_looks_like(canvas_with(), "circle", tmp_path)
