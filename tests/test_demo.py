"""The demo, as a newcomer runs it: files, run, page, and the planted truth."""

from __future__ import annotations

import pandas as pd
import pytest
from typer.testing import CliRunner

from pipeline.command_line import app

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo")
    result = CliRunner().invoke(app, ["demo", "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    return out


def test_the_page_and_every_table_are_there(folder):
    assert (folder / "index.html").stat().st_size > 100_000
    for name in ("attribution", "index", "concentrations", "skill", "truth"):
        assert len(pd.read_csv(folder / "tables" / f"{name}.csv")) > 0


def test_the_true_weather_part_lies_in_the_interval_about_nine_times_in_ten(folder):
    truth = pd.read_csv(folder / "tables" / "truth.csv")
    cities = truth[truth["level"] == "city"]
    # 15 pairs of 6 years make about 5 independent changes for each of 7 cities x 3 statistics, and the cities of a
    # region share their weather: the share is known to about sqrt(0.09 / 45) = 4.5 %; two of those
    assert cities["inside"].mean() > 0.90 - 2 * 0.045


def test_the_planted_parts_are_followed(folder):
    truth = pd.read_csv(folder / "tables" / "truth.csv").query("level == 'city' and statistic == 'mean'")
    slope = (truth["meteorology"] * truth["meteorology_true"]).sum() / (truth["meteorology_true"] ** 2).sum()
    assert 0.85 < slope < 1.15
    emissions = truth["emissions"].corr(truth["emissions_true"])
    assert emissions > 0.9


def test_a_second_demo_does_nothing(folder):
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert CliRunner().invoke(app, ["demo", "--out", str(folder)]).exit_code == 0
    assert before == {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
