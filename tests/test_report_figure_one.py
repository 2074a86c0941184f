"""Figure 1: columns and lines are facts, a part of a year is marked, and what is missing stays empty and is said."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure as Canvas
from report_example import REGIONS, example, scope

from pipeline.figures import style, texts_of
from pipeline.figures.fonts import find_cjk_font, unwritable
from pipeline.report.facts import facts
from pipeline.report.figures import figure_one
from pipeline.report.scope import Scope
from pipeline.report.wording import PHRASES, place_in
from pipeline.wording import Language

LANGUAGES: tuple[Language, Language] = ("en", "zh")


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    return example()


def painted(found: pd.DataFrame, asked: Scope, language: Language = "en") -> Canvas:
    with mpl.rc_context(style.settings(language)):
        return figure_one.paint(found, asked, language, source="")


def test_columns_dots_and_index_are_the_facts(found: pd.DataFrame) -> None:
    own = figure_one.series(found, scope(), "nation", "pm25")
    known = found.set_index("fact")["value"]
    prefix = "region/nation/pm25/mean/"
    assert own.whole[0] == known[f"{prefix}concentration/year/2020"]
    assert np.isnan(own.whole[-1])
    assert own.same_months[-1] == known[f"{prefix}concentration/months_to_date/2025-01--2025-09"]
    assert own.three_years[4] == known[f"{prefix}concentration/three_years/2022-2024"]
    assert np.isnan(own.three_years[[0, 1, 5]]).all()
    assert own.index[0].tolist() == pytest.approx([100, 100, 100])
    assert own.index[-1, 0] == known[f"{prefix}mci/months_to_date/2025-01--2025-09"]


def test_a_part_of_a_year_is_hatched_and_has_the_same_months_of_others_beside_it(found: pd.DataFrame) -> None:
    first = painted(found, scope()).axes[0]
    bars = [bar for container in first.containers for bar in container]
    hatched = [bar for bar in bars if bar.get_hatch()]
    own = figure_one.series(found, scope(), "nation", "pm25")
    assert [bar.get_height() for bar in hatched] == [own.same_months[-1]]
    diamonds = next(line for line in first.lines if line.get_marker() == "D")
    assert np.asarray(diamonds.get_ydata()).tolist() == own.same_months[:-1].tolist()
    assert (
        first.get_xticklabels() == []
        or painted(found, scope(REGIONS[:1])).axes[0].get_xticklabels()[-1].get_text() == "25†"
    )


def test_a_whole_year_has_neither_hatch_nor_dagger() -> None:
    asked = scope(year=2024, months=12)
    figure = painted(example(year=2024, months=12), asked)
    for axes in figure.axes:
        assert not any(
            bar.get_hatch() for container in axes.containers for bar in container if hasattr(bar, "get_hatch")
        )
        assert not any(len(line.get_ydata()) and np.isfinite(np.asarray(line.get_ydata(), dtype=float)).any()
                       for line in axes.lines if line.get_marker() == "D")  # fmt: skip
    assert not any("†" in text for text in texts_of(figure))


def test_like_panels_share_their_axis_and_the_index_has_its_line_at_100(found: pd.DataFrame) -> None:
    axes = painted(found, scope()).axes
    assert len(axes) == 4 * len(REGIONS[:4])
    for column in range(4):
        assert len({one.get_ylim() for one in axes[column::4]}) == 1
    for one in axes[1::2]:
        assert any(np.allclose(np.asarray(line.get_ydata(), dtype=float), 100) for line in one.lines)
        assert 100 in one.get_yticks()
    assert all(one.get_ylim()[0] == 0 for one in axes[::2])


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 9])
def test_every_region_has_its_row_its_name_and_every_letter_a_font(language: Language, count: int) -> None:
    if language == "zh" and find_cjk_font() is None:
        pytest.skip("no font with Chinese characters here")
    asked = scope(REGIONS[:count])
    with mpl.rc_context(style.settings(language)):
        figure = painted(example(REGIONS[:count]), asked, language)
        assert unwritable(texts_of(figure), mpl.rcParams["font.family"]) == []
    texts = texts_of(figure)
    assert all(place_in(name, language) in texts for name in asked.regions)
    assert figure.get_size_inches()[1] <= figure_one.PAGE + 0.01


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_an_empty_panel_with_a_word_and_a_line_under_the_figure(
    found: pd.DataFrame, language: Language
) -> None:
    left = found[(found["name"] != "fwp_13") & ~((found["name"] == "yrd_31") & (found["pollutant"] == "o3"))]
    figure = painted(left, scope(), language)
    word = PHRASES["panel_none"][LANGUAGES.index(language)]
    empty = [k for k, axes in enumerate(figure.axes) if word in [text.get_text() for text in axes.texts]]
    assert empty == [8, 9, 10, 11, 14, 15]
    said = figure_one.notes(left, scope(), language)
    assert any(place_in("fwp_13", language) in line for line in said)
    assert figure_one.notes(found, scope(), language) == []


def test_no_facts_and_no_regions_are_a_figure_all_the_same() -> None:
    nothing = facts({}, [], scope())
    assert len(painted(nothing, scope()).axes) == 16
    assert painted(nothing, scope(())).axes == []


def test_the_figure_is_the_same_bytes_each_time(found: pd.DataFrame, tmp_path: Path) -> None:
    for name in ("first.png", "second.png"):
        with mpl.rc_context(style.settings("en")):
            style.write_png(painted(found, scope(REGIONS[:2])), tmp_path / name)
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_caption_names_the_months_and_the_summary_tells_the_numbers(
    found: pd.DataFrame, language: Language
) -> None:
    caption = figure_one.caption(scope(), language)
    assert ("January to September" if language == "en" else "1—9月") in caption
    assert ("January" if language == "en" else "1—9月") not in figure_one.caption(scope(months=12), language)
    summary = figure_one.summary(found, scope(), language)
    assert "24.1" in summary
    assert place_in("yrd_31", language) in summary
